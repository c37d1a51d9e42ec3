"""A job: one function over many chunks that name their data, on any backend, with the same result on each of them."""

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from alphastream.compute.chunks import code_of, names_of
from alphastream.compute.engines import engine_of
from alphastream.compute.files import finished, save
from alphastream.errors import AlphaStreamError, ComputeError

Result: TypeAlias = Any  # NDArray[Any] | pa.Table, which has no types
"""What a chunk comes to: kept as .npy or as Arrow."""
Answer: TypeAlias = tuple[str, Result]
Backend: TypeAlias = Callable[[Callable[[Any], Answer], Sequence[Any]], Iterable[Answer]]
"""Calls a function, which can be pickled, with each of some chunks and yields what it returns, in any order. The chunks
come with their names, as pairs, and are passed on as they are."""
Chunk = TypeVar("Chunk")

LOSSES: Final = 3  # attempts in a row that finish nothing, after which a job gives up


class JobCancelled(AlphaStreamError):
    """A job stopped because its caller asked for it; ``done`` and ``total`` are in the caller's units."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(f"the job was cancelled after {done:,} of {total:,}: start it again for a result")
        self.done, self.total = done, total


class WorkersLost(ComputeError):
    """Attempt after attempt finished nothing: workers die of the same chunks."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function as workers get it: a named chunk in, the name and the result out.

    Parameters
    ----------
    function : of a module, of one chunk.
    folder : where results are kept, None for nowhere.
    """

    function: Callable[[Any], Result]
    folder: str | None

    def __call__(self, named: tuple[str, Any]) -> Answer:
        name, result = named[0], self.function(named[1])
        if self.folder is not None:
            save(self.folder, name, result)
        return name, result


def run(
    function: Callable[[Chunk], Result],
    chunks: Iterable[Chunk],
    backend: str | Backend = "threads",
    *,
    workers: int | None = None,
    folder: str | None = None,
    size: Callable[[Chunk], int] | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Result]:
    """Call a function with each chunk.

    Parameters
    ----------
    function : of a module or a notebook's cell, neither lambda nor method nor closure; its result depends on the chunk
        alone.
    chunks : frozen dataclasses of text, numbers, tuples and such dataclasses, which name their data.
    backend : "sequential", "threads", "processes", "dask", "ray", those two with the address of their cluster behind a
        colon ("dask:tcp://10.0.0.5:8786"), "spark" for the session that is open, or a function of your own.
    workers : threads or processes; None for one a core. A cluster has its own.
    folder : where results are kept, a folder or an s3:// URL that workers see under the same name; what stands there of
        the same code and chunk is not done again. None: results are kept in memory, and nothing outlasts the job.
    size : of a chunk in the units of progress; None for one each.
    progress : called with what is done and what there is, in this thread.
    cancelled : asked as often; a true answer ends the job.

    Returns
    -------
    Results in the order of the chunks.

    Raises
    ------
    ParameterError : a function or chunk that carries data, or an unknown backend.
    JobCancelled : when ``cancelled`` said so.
    ComputeError : a cluster that does not answer, or data its workers cannot see.
    WorkersLost : workers died, ``LOSSES`` attempts in a row finished nothing.
    """
    call = Call(function, None if folder is None else str(folder))
    compute = engine_of(backend, workers) if isinstance(backend, str) else backend
    every = list(chunks)
    names = names_of(code_of(function), every)
    work = dict(zip(names, every, strict=True))
    sizes = {name: 1 if size is None else size(chunk) for name, chunk in work.items()}
    found = finished(call.folder, work)
    done, total, losses = sum(sizes[name] for name in found), sum(sizes.values()), 0
    if progress is not None and found:
        progress(done, total)
    while left := [named for named in work.items() if named[0] not in found]:
        if cancelled is not None and cancelled():
            raise JobCancelled(done, total)
        before, cause = len(found), None
        try:
            with closing(_generator(compute(call, left))) as answers:
                for name, result in answers:
                    done += sizes[name] * (name not in found)
                    found[name] = result
                    if progress is not None:
                        progress(done, total)
                    if cancelled is not None and len(found) < len(work) and cancelled():
                        raise JobCancelled(done, total)
        except BrokenExecutor as error:  # the pool with it; the next one takes what is left
            cause = error
        losses = 0 if len(found) > before else losses + 1
        if losses == LOSSES:
            why = cause or "the backend gave no answers"
            raise WorkersLost(
                f"{LOSSES} attempts finished nothing, {len(left)} of {len(work)} chunks left: {why}"
            ) from cause
    return [found[name] for name in names]


def _generator(answers: Iterable[Answer]) -> Generator[Answer]:
    yield from answers
