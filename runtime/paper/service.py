"""Paper trading: strategies on the trades that arrive, with simulated fills, kept in files that a restart goes on with.

One thread runs all of them in one asyncio loop; ``run`` is one of them. Pages read immutable views.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import numpy as np

from alphastream.backtest import Definition
from alphastream.backtest.own_code import own_code
from alphastream.errors import AlphaStreamError, ParameterError, StorageError
from runtime.paper.journal import RunFile
from runtime.paper.record import AccountState, Begin, RunRecord, Stopped
from runtime.paper.run import GRACE_NS, PaperRun, first_bar_ns
from runtime.paper.view import PaperView, TradeSource, elsewhere, legs_of, view_of
from runtime.writer_lock import WriterLock

__all__ = ["MAX_RUNS", "PaperService", "PaperView", "Trades"]

log = logging.getLogger(__name__)

Trades = Literal["live", "replay"]

MAX_RUNS: Final = 8
CLAIM_S: Final = 1.0  # between two looks whether another process has left the folder
ELSEWHERE: Final = "another process has it"


class PaperService:
    """All paper runs of a process.

    Parameters
    ----------
    folder : where their files are.
    pipeline : gives the pipeline that carries "live" or "replay" trades now, None where there is none.
    venue : of symbols in files that name none; "" leaves them as they are.

    Attributes
    ----------
    notices : what is wrong with files.
    held : which other process has the folder, None while none has: until then runs are only shown.
    failure : why it could not be started, None where it was.
    """

    def __init__(self, folder: Path, pipeline: Callable[[str], TradeSource | None], venue: str = "") -> None:
        self._folder = folder
        self._venue = venue
        self._pipeline = pipeline
        self._lock = threading.Lock()
        self._runs: dict[str, PaperRun] = {}
        self._stopped: dict[str, PaperView] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._opening = threading.Lock()  # two runs of one moment have two names
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock_of_folder: WriterLock | None = None
        self._closing = threading.Event()
        self.notices: list[str] = []
        self.held: str | None = None
        self.failure: str | None = None

    # ---- thread ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread, and go on with the runs that were not ended."""
        ready: Future[asyncio.AbstractEventLoop] = Future()
        self._pool = ThreadPoolExecutor(1, "alphastream-paper-warm")
        self._thread = threading.Thread(target=self._live, args=(ready,), name="alphastream-paper", daemon=True)
        self._thread.start()
        self._loop = ready.result()
        ours = self._claim()
        for path in self._files():
            self._restore(path)
        if not ours:
            log.warning("paper runs are only shown: %s", self.held)
            threading.Thread(target=self._wait_for_folder, name="alphastream-paper-folder", daemon=True).start()

    def _claim(self) -> bool:
        """Have the folder for this process alone; else say in ``held`` who has it."""
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._lock_of_folder = WriterLock(self._folder, "or trade on paper there")
        except StorageError as error:
            self.held = str(error)
            return False
        except OSError as error:  # the first run that cannot be written says it
            log.debug("the folder of paper runs is not locked: %s", error)
        self.held = None
        return True

    def _wait_for_folder(self) -> None:
        while self.held is not None and not self._closing.wait(CLAIM_S):
            try:
                with self._opening:
                    self._take_over()
            except Exception:  # the edge of the thread
                log.exception("paper runs were not taken over")

    def _take_over(self) -> None:
        """Go on with the runs of a process that has ended."""
        if self.held is None or self._closing.is_set():
            return
        if self._claim():
            log.info("paper runs are taken over: folder=%s", self._folder)
            self.notices.clear()
            for path in self._files():
                self._restore(path)

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self._folder.iterdir() if path.suffix == ".jsonl")
        except FileNotFoundError:
            return []
        except OSError as error:
            self._notice(f"paper runs cannot be read ({error}): make the folder readable and start the app again")
            return []

    def _notice(self, words: str) -> None:
        self.notices.append(words.encode("utf-8", "backslashreplace").decode())  # names of files may be any bytes

    def _live(self, ready: "Future[asyncio.AbstractEventLoop]") -> None:
        loop = asyncio.new_event_loop()
        loop.call_soon(ready.set_result, loop)
        loop.run_forever()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop the thread. Runs are not ended by it: the next start goes on with them."""
        self._closing.set()
        with self._opening:  # nothing is taken over from here on
            loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        try:
            asyncio.run_coroutine_threadsafe(self._cancel(), loop).result(timeout_s)
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(timeout_s)
            lock, self._lock_of_folder = self._lock_of_folder, None
            if lock is not None:
                lock.release()

    async def _cancel(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def notify(self) -> None:
        """Ticks have come. Cheap; called by the ingest threads for every batch."""
        loop = self._loop
        if loop is not None and self._runs:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for run in self._runs.values():
            run.wake.set()

    # ---- for pages -------------------------------------------------------------------------------------------

    def runs(self) -> list[PaperView]:
        """Every run, the newest first."""
        with self._lock:
            running = {name: run.view for name, run in self._runs.items()}
            return [view for _, view in sorted({**self._stopped, **running}.items(), reverse=True)]

    def view(self, name: str) -> PaperView | None:
        """One run."""
        return next((view for view in self.runs() if view.id == name), None)

    def open(self, definition: Definition, trades: Trades) -> str:
        """Begin a run.

        Returns
        -------
        Its id.

        Raises
        ------
        ParameterError : there are no such trades now, they lack a symbol, or as many runs as may be are running.
        StorageError : its file cannot be written, or another process has the folder.
        """
        pipeline = self._pipeline(trades)
        if pipeline is None:
            raise ParameterError(f"there are no {trades} trades now: wait until the feed carries some")
        lacking = sorted({*legs_of(definition)} - {*pipeline.symbols})
        if lacking:
            raise ParameterError(f"{', '.join(lacking)} is not followed: the feed has {', '.join(pipeline.symbols)}")
        now_ns = pipeline.now_ns() - GRACE_NS
        interval_ns = definition.strategy.pairs[0].interval_ns
        begin_ns = now_ns // interval_ns * interval_ns
        known = [pipeline.store.coverage(symbol) for symbol in legs_of(definition)]
        first_ns = min((each.first_ns for each in known if each is not None), default=begin_ns)
        warm_ns = max(first_bar_ns(now_ns, definition.strategy), first_ns // interval_ns * interval_ns)
        venue, address = pipeline.venue, pipeline.address_of(legs_of(definition))
        begin = Begin(
            definition.plain(),
            trades,
            pipeline.title,
            begin_ns,
            min(warm_ns, begin_ns),
            venue=venue,
            address=address,
            strategy=definition.strategy.name,
            symbols=definition.strategy.symbols,
            code=own_code(definition),
        )
        with self._opening:
            self._require_folder()
            self._require_room()
            name = self._new_name(now_ns)
            file = RunFile(self._folder / f"{name}.jsonl")
            file.append([begin])
            self._add(
                name, file, RunRecord(begin, definition, venue=venue, address=address, code=begin.code), fresh=True
            )
        return name

    def resume(self, name: str) -> None:
        """Go on with a run that was stopped: its books are kept, what it missed is not made up for.

        Raises
        ------
        ParameterError : there is no such run, it runs, its trades are over or come from elsewhere, or its file is
            damaged.
        StorageError : its file cannot be read, or another process has the folder.
        """
        with self._opening:
            self._require_folder()
        with self._lock:
            known = self._stopped.get(name)
            running = self._runs.get(name)
        if running is not None and running.view.unsaved:
            raise ParameterError(f"its last lines are not on disk yet ({running.view.unsaved}): make room first")
        if known is None:
            raise ParameterError(f"{name!r} is no stopped run")
        if known.ended:
            raise ParameterError(f"its account came to its end ({known.why}): begin a new run")
        if known.trades == "replay":
            raise ParameterError("the recording that it ran on is over: begin a new run")
        pipeline = self._pipeline(known.trades)
        there = "" if pipeline is None else elsewhere(known, pipeline)
        if known.damaged or there:
            raise ParameterError(known.why if known.damaged else there)
        with self._opening:
            self._require_room()
            file = RunFile(self._folder / f"{name}.jsonl")
            record = file.read(self._venue)
            state = record.state or AccountState(record.until_ns, 0, 0, 0)
            file.append([state])  # it is meant to run, also if the app stops before it does
            record.take(state)
            self._add(name, file, record)

    def adopt_code(self, name: str) -> None:
        """Let a run that waits go on with the classes of others as their files have them now.

        Raises
        ------
        ParameterError : there is no such run, it runs, or what is there now does not fit it.
        """
        with self._lock:
            run = self._runs.get(name)
        if run is None or self._loop is None:
            raise ParameterError(f"{name!r} is no run that waits")

        async def adopt() -> None:
            run.adopt_code()

        asyncio.run_coroutine_threadsafe(adopt(), self._loop).result(10.0)

    def end(self, name: str, *, flatten: bool) -> None:
        """End a run; with ``flatten`` its positions are closed at the next trades first."""
        with self._lock:
            run = self._runs.get(name)
        if run is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(lambda: self._stop_run(run, flatten))

    def _require_folder(self) -> None:
        if self.failure is not None:
            raise StorageError(self.failure)
        self._take_over()
        if self.held is not None:
            raise StorageError(self.held)

    def _require_room(self) -> None:
        if len(self._runs) >= MAX_RUNS:
            raise ParameterError(f"{len(self._runs)} runs are running and no more may: stop one")

    def _new_name(self, now_ns: int) -> str:
        stem = np.datetime64(now_ns, "ns").astype("datetime64[s]").item().strftime("%Y%m%d-%H%M%S")
        names = (stem if not number else f"{stem}-{number}" for number in range(1_000))
        return next(name for name in names if not (self._folder / f"{name}.jsonl").exists())

    def _restore(self, path: Path) -> None:
        try:
            self._take_up(path)
        except AlphaStreamError as error:
            log.error("paper run not restored: %s", error)
            self._notice(str(error))
        except Exception as error:  # the edge of a file: whatever is in it, the app starts and the file stays
            log.exception("paper run not restored: file=%r", str(path))
            self._notice(f"{path} is no paper run that can be read ({type(error).__name__}: {error}): move it away")

    def _take_up(self, path: Path) -> None:
        """Go on with the run of a file, or show how it ended."""
        if not path.name.isprintable():
            raise StorageError(f"{str(path)!r} has a name that cannot be shown: rename it and start the app again")
        file = RunFile(path)
        record = file.read(self._venue)
        if self.held is None:
            self._mend(file)
        if record.stopped is None and self.held is not None:
            record.stopped = ELSEWHERE
        if record.stopped is None and record.begin.trades == "replay":
            self._stop_recording(file, record)
        if record.damage is not None:
            self._notice(f"{path}: {record.damage}")
        if record.left_out:
            which = f"the first is {record.left_out[0]}"
            self._notice(
                f"{path}: {len(record.left_out)} lines cannot be read, {which}: orders and fills may be missing"
            )
        if record.stopped is None:
            self._add(path.stem, file, record)
        else:
            late = 0 if record.state is None else record.state.late
            self._stopped[path.stem] = view_of(path.stem, record, "stopped", record.stopped, None, late)

    def _stop_recording(self, file: RunFile, record: RunRecord) -> None:
        """End a run on a recording that the app has left; what cannot be written now is written at the next start."""
        stopped = Stopped("the app was stopped, and with it the recording")
        record.take(stopped)
        try:
            file.append([stopped])
        except StorageError as error:
            log.warning("end of a paper run not written: %s", error)

    def _mend(self, file: RunFile) -> None:
        try:
            file.mend()
        except OSError as error:  # what is written to it next says it again
            self._notice(
                f"{file.path}: what is damaged could not be kept beside it ({error}): make room and start again"
            )

    def _add(self, name: str, file: RunFile, record: RunRecord, *, fresh: bool = False) -> None:
        if self._loop is None:
            raise ParameterError("paper trading has been stopped: start the app again")
        run = PaperRun(name, file, record, self._pipeline, self._pool, fresh=fresh)
        asyncio.run_coroutine_threadsafe(self._launch(name, run), self._loop).result(10.0)

    async def _launch(self, name: str, run: PaperRun) -> None:
        with self._lock:
            self._runs[name] = run
            self._stopped.pop(name, None)
        self._tasks[name] = task = asyncio.ensure_future(run.run())
        task.add_done_callback(lambda _: self._retire(name, run))

    def _stop_run(self, run: PaperRun, flatten: bool) -> None:
        try:
            run.stop(flatten=flatten)
        except Exception as error:  # the edge of a call into the loop
            log.exception("paper run not stopped in order: id=%s", run.id)
            run.give_up(f"stopped by hand, its positions could not be closed ({type(error).__name__}: {error})")

    def _retire(self, name: str, run: PaperRun) -> None:
        with self._lock:
            self._runs.pop(name, None)
            self._stopped[name] = run.view
        self._tasks.pop(name, None)
