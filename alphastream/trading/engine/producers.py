"""The life of producers: initialize all, run their mains beside the loop, finalize always."""

import asyncio
from collections.abc import Callable

from alphastream.trading.engine.sources import Producer


class Producing:
    """Producers of a dispatcher, each once, in the order they came.

    Parameters
    ----------
    on_failure : called in the loop when a producer raised while the loop runs.
    on_end : called in the loop when a producer's main has ended.
    """

    def __init__(self, on_failure: Callable[[Exception, Producer], None], on_end: Callable[[], None]) -> None:
        self._producers: dict[Producer, None] = {}
        self._unfinished: set[Producer] = set()
        self._tasks: dict[Producer, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_failure = on_failure
        self._on_end = on_end

    @property
    def busy(self) -> bool:
        """Whether some producer may still produce."""
        return bool(self._unfinished)

    def add(self, producer: Producer) -> None:
        """Take a producer in; once the run has begun it is initialized and started at once."""
        if producer in self._producers:
            return
        self._producers[producer] = None
        self._unfinished.add(producer)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._start, producer, False)

    async def start(self) -> None:
        """Initialize all, then start their mains. The first exception cancels the others and is raised."""
        self._loop = asyncio.get_running_loop()
        first = list(self._producers)
        tasks = [self._loop.create_task(producer.initialize()) for producer in first]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for producer in first:
            self._start(producer, True)
        await asyncio.sleep(0)  # what mains push before they wait is there for the first event

    async def finalize(self) -> list[tuple[Producer, Exception]]:
        """Cancel the mains that still run, then finalize all; exceptions stop nobody else and are the result."""
        self._loop = None
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        producers = list(self._producers)
        results = await asyncio.gather(*(producer.finalize() for producer in producers), return_exceptions=True)
        pairs = zip(producers, results, strict=True)
        return [(producer, result) for producer, result in pairs if isinstance(result, Exception)]

    def _start(self, producer: Producer, initialized: bool) -> None:
        if self._loop is not None and producer not in self._tasks:
            self._tasks[producer] = self._loop.create_task(self._main(producer, initialized))

    async def _main(self, producer: Producer, initialized: bool) -> None:
        try:
            if not initialized:
                await producer.initialize()
            await producer.main()
        except Exception as error:  # noqa: BLE001 - the edge of a task: the run ends with it
            self._on_failure(error, producer)
        finally:
            self._unfinished.discard(producer)
            self._on_end()
