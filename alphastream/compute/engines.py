"""Where chunks are worked on: this thread, threads, processes, a Dask, Ray or Spark cluster."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from typing import Any, Final

from alphastream.compute.files import decoded, encoded
from alphastream.core.validation import require_integer
from alphastream.errors import ComputeError, ParameterError

Work = Callable[[Any], Any]
Engine = Callable[[Work, Sequence[Any]], Iterator[Any]]

KEPT_S: Final = 300.0  # for which idle processes wait for the next job
TASKS_OF_A_JOB: Final = 8  # of Spark for each core: progress comes after each job
ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # of a process


def sequential(work: Work, chunks: Sequence[Any]) -> Iterator[Any]:
    """One by one, in this thread."""
    return map(work, chunks)


def threads(work: Work, chunks: Sequence[Any], workers: int) -> Iterator[Any]:
    """In threads, for kernels that run without the interpreter lock.

    Of Python's own pool: joblib looks for results of threads every 10 ms, which is as long as a small scan takes.
    """
    with ThreadPoolExecutor(workers, thread_name_prefix="compute") as pool:
        yield from _few_at_once(pool, work, chunks, workers)


def processes(work: Work, chunks: Sequence[Any], workers: int) -> Iterator[Any]:
    """In processes of this machine, which stay for the next job; when one dies the pool ends, and the next is new."""
    from joblib.externals import loky

    pool = loky.get_reusable_executor(workers, timeout=KEPT_S, env=ONE_THREAD)
    return _few_at_once(pool, work, chunks, workers)


def _few_at_once(pool: Executor, work: Work, chunks: Sequence[Any], workers: int) -> Iterator[Any]:
    """Answers in order; few chunks are ever in flight, so that a cancellation is heard soon."""
    waiting: deque[Future[Any]] = deque()
    try:
        for chunk in chunks:
            waiting.append(pool.submit(work, chunk))
            if len(waiting) >= 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for each in waiting:
            each.cancel()


def dask(work: Work, chunks: Sequence[Any], address: str) -> Iterator[Any]:
    """On a Dask cluster, which gives the chunks of dead workers to others; without address the client that is open."""
    distributed = _installed("distributed", "dask")
    try:
        client = distributed.Client(address, set_as_default=False) if address else distributed.get_client()
    except (OSError, ValueError) as error:
        raise ComputeError(f"no Dask scheduler answers at {address or 'an open client'} ({error})") from error
    futures = client.map(work, chunks, pure=False)
    try:
        for _, found in distributed.as_completed(futures, loop=client.loop, with_results=True):
            if isinstance(found, distributed.client.FutureCancelledError):
                raise ComputeError(
                    f"the Dask scheduler at {address or 'an open client'} has ended: start the job again"
                )
            yield found
    except distributed.KilledWorker as error:  # one worker after the other of the same chunk
        raise BrokenExecutor(str(error)) from error
    finally:
        client.cancel(futures)
        if address:
            client.close()


def ray(work: Work, chunks: Sequence[Any], address: str) -> Iterator[Any]:
    """On a Ray cluster, which does chunks of dead workers again; without address the one that is open, or a new one."""
    engine = _installed("ray", "ray")
    if not engine.is_initialized():
        try:
            engine.init(address or None, include_dashboard=False, log_to_driver=False)
        except (OSError, RuntimeError) as error:
            raise ComputeError(f"Ray does not start at {address or 'this machine'} ({error})") from error
    kept, task = engine.put(work), engine.remote(_call)
    waiting = deque(task.remote(kept, chunk) for chunk in chunks)
    try:
        while waiting:
            yield engine.get(waiting.popleft())
    finally:
        for each in waiting:
            engine.cancel(each)


def _installed(package: str, backend: str) -> Any:
    try:
        return import_module(package)
    except ImportError as error:
        raise ComputeError(f"the backend {backend} needs the package {package}: pip install {package}") from error


def _call(work: Work, chunk: Any) -> Any:
    return work(chunk)


def spark(work: Work, chunks: Sequence[Any]) -> Iterator[Any]:
    """On the Spark session that is open, which does tasks of dead workers again: a chunk a task of ``mapInArrow``.

    Some tasks a core are a job: its answers come together.
    """
    session: Any = _installed("pyspark.sql", "spark").SparkSession.getActiveSession()
    if session is None:
        raise ComputeError("the backend spark needs a session that is open: SparkSession.builder.getOrCreate()")

    import pyarrow as pa

    def answers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place in batch["place"].to_pylist():
                name, result = work(chunks[place])
                kind, content = encoded(result)
                yield pa.record_batch({"name": [name], "kind": [kind], "content": [content]})

    size = TASKS_OF_A_JOB * session.sparkContext.defaultParallelism
    for first in range(0, len(chunks), size):
        places = range(first, min(first + size, len(chunks)))
        rows = session.sparkContext.parallelize([(place,) for place in places], len(places))
        done = session.createDataFrame(rows, "place long").mapInArrow(
            answers, "name string, kind string, content binary"
        )
        for row in done.toArrow().to_pylist():
            yield row["name"], decoded(row["kind"], row["content"])


LOCAL: Final = {"sequential", "threads"}
"""Engines whose workers share the memory of this process."""


def engine_of(name: str, workers: int | None) -> Engine:
    """The engine of a name, with the address of its cluster behind a colon.

    Raises
    ------
    ParameterError : there is none of this name, or fewer than one worker.
    """
    kind, _, address = name.partition(":")
    number = (os.cpu_count() or 1) if workers is None else workers
    require_integer("workers", number, minimum=1)
    engines: dict[str, Engine] = {
        "sequential": sequential,
        "threads": partial(threads, workers=number) if number > 1 else sequential,
        "processes": partial(processes, workers=number),
        "dask": partial(dask, address=address),
        "ray": partial(ray, address=address),
        "spark": spark,
    }
    if kind not in engines or (address and kind not in {"dask", "ray"}):
        near = get_close_matches(kind, engines, 1)
        meant = f" (did you mean {near[0]!r}?)" if near else ""
        raise ParameterError(
            f"backend is {name!r}{meant}: use one of {', '.join(engines)}; dask and ray may have an address"
        )
    return engines[kind]
