"""The library's folds inside a stream engine: a key, its state in bytes, rows in, rows out.

An engine such as Spark or Flink keeps one value of bytes for each key, in its checkpoint, and hands over the new rows
of a key. ``Stateful.step`` is all that it has to call. A state is numbers under names in MessagePack, never a pickle:
a checkpoint often lies in a store that many can write, and whoever unpickles it runs what was written there.
"""

import hashlib
import inspect
import logging
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from alphastream.core.compilation import source_files
from alphastream.errors import ParameterError, StateError

Columns: TypeAlias = Mapping[str, NDArray[Any]]
"""Rows by column, (T,) each."""

MOST_BYTES: Final = 1 << 20
"""Of one state: engines copy states often, and one that grows is a defect or a leg that fell silent."""

_FORMAT: Final = 1
_KINDS: Final = "biuf"  # of numbers that a state may hold

logger = logging.getLogger(__name__)


class StreamFold(Protocol):
    """What runs for one key."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Whose rows it reads; none where the rows of its key are its own."""

    @property
    def parts(self) -> tuple[object, ...]:
        """Objects whose parameters and code decide what its state means."""

    def run(self, rows: Columns, memory: Columns | None) -> tuple[Columns, Columns, int]:
        """Fold new rows.

        Parameters
        ----------
        rows : in any order; of no row there may be no columns.
        memory : what the call before returned, None at the beginning.

        Returns
        -------
        rows : output, oldest first.
        memory : of a size that does not grow with the rows.
        skipped : input rows that were there before, or came too late.
        """


class Stateful:
    """Folds by key, for a stream engine.

    Parameters
    ----------
    folds : by key, such as a pair's name. All of them give the same columns.

    Examples
    --------
    >>> from alphastream.estimators import ZScore
    >>> from alphastream.sinks.stream_folds import EstimatorFold
    >>> scores = Stateful({"ETH~BTC": EstimatorFold(ZScore(window=3))})
    >>> time_ns = np.arange(4)
    >>> whole, _ = scores.step("ETH~BTC", None, {"time_ns": time_ns, "spread": np.array([1.0, 2.0, 3.0, 3.0])})
    >>> _, state = scores.step("ETH~BTC", None, {"time_ns": time_ns[:3], "spread": np.array([1.0, 2.0, 3.0])})
    >>> rest, state = scores.step("ETH~BTC", state, {"time_ns": time_ns[3:], "spread": np.array([3.0])})
    >>> bool(rest["zscore"][0] == whole["zscore"][3]), len(state) < 500
    (True, True)
    """

    def __init__(self, folds: Mapping[str, StreamFold]) -> None:
        self.folds = dict(folds)

    def step(self, key: str, state: bytes | None, rows: Columns) -> tuple[Columns, bytes]:
        """Fold new rows of a key.

        Parameters
        ----------
        state : what the call before returned for this key, None at the beginning; it is not changed.
        rows : new ones, in any order. Those that were there before are left out and counted in the log, so that an
            engine may hand over rows twice.

        Returns
        -------
        Output rows, oldest first, and the next state: the same bits however the rows are split.

        Raises
        ------
        StateError : the state was written by other code, for other parameters, or is damaged; or the next one is
            larger than ``MOST_BYTES``.
        ParameterError : there is no such key, or the rows lack a column.
        """
        if key not in self.folds:
            near = get_close_matches(key, self.folds, 1)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            raise ParameterError(f"no fold has the key {key!r}{meant}: there are {', '.join(self.folds)}")
        fold = self.folds[key]
        out, memory, skipped = fold.run(rows, None if state is None else unpack(fold, state))
        if skipped:
            logger.warning("rows_skipped key=%s rows=%d why=known_or_late", key, skipped)
        return out, pack(fold, memory)

    def columns(self) -> dict[str, np.dtype[Any]]:
        """Names and types of the output's columns, which engines want to know first."""
        found = {key: fold.run({}, None)[0] for key, fold in self.folds.items()}
        kinds = {key: {name: values.dtype for name, values in rows.items()} for key, rows in found.items()}
        first, *others = kinds.items()
        for key, kind in others:
            if kind != first[1]:
                raise ParameterError(f"{key} and {first[0]} give other columns: put them into a Stateful each")
        return first[1]

    def routes(self) -> list[tuple[str, str]]:
        """Symbol and key of each leg: rows of a symbol go to all its keys."""
        return [(symbol, key) for key, fold in self.folds.items() for symbol in fold.symbols]


class _Array(msgspec.Struct, frozen=True, array_like=True):
    kind: str
    shape: tuple[int, ...]
    data: bytes


class _Saved(msgspec.Struct, frozen=True, array_like=True):
    format: int
    parts: str
    code: str
    values: dict[str, _Array]


def pack(fold: StreamFold, memory: Columns) -> bytes:
    """Return a memory as bytes that say what they are of."""
    values = {name: _Array(array.dtype.str, array.shape, array.tobytes()) for name, array in memory.items()}
    state = msgspec.msgpack.encode(_Saved(_FORMAT, repr(fold.parts), _code(fold), values))
    if len(state) > MOST_BYTES:
        name = max(memory, key=lambda each: memory[each].nbytes)
        raise StateError(
            f"the state of {fold.parts!r} has {len(state):,} bytes, at most {MOST_BYTES:,} are kept, and most of it is "
            f"{name}: does a leg's partner send nothing any more?"
        )
    return state


def unpack(fold: StreamFold, state: bytes) -> Columns:
    """Return the memory of ``pack``. Raises StateError: see ``Stateful.step``."""
    try:
        saved = msgspec.msgpack.decode(state, type=_Saved)
        memory = {name: _numbers(array) for name, array in saved.values.items()}
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise StateError(f"{len(state):,} bytes are no state of a fold, or a damaged one: {error}") from error
    begin = "begin with a new checkpoint folder and play the tape again"
    if saved.format != _FORMAT:
        raise StateError(f"the state has format {saved.format}, this program knows {_FORMAT}: {begin}")
    if saved.parts != repr(fold.parts):
        raise StateError(f"the state belongs to {saved.parts}, not to {fold.parts!r}: {begin}")
    if saved.code != _code(fold):
        raise StateError(f"the state of {saved.parts} was written by other code (another version): {begin}")
    return memory


def _numbers(array: _Array) -> NDArray[Any]:
    kind = np.dtype(array.kind)
    if kind.kind not in _KINDS:
        raise ValueError(f"it holds {kind}, which are no numbers")
    return np.frombuffer(array.data, kind).reshape(array.shape)


def _code(fold: StreamFold) -> str:
    return _digest_of(tuple(dict.fromkeys(map(type, (fold, *fold.parts)))))


@cache
def _digest_of(kinds: Iterable[type]) -> str:
    """Digest of all project sources that these classes can be made of."""
    files = {
        path
        for kind in kinds
        if kind.__module__ != "builtins"
        for path in source_files(Path(inspect.getfile(kind)).resolve(), kind.__module__)
    }
    contents = sorted(hashlib.blake2b(path.read_bytes(), digest_size=16).digest() for path in files)
    return hashlib.blake2b(b"".join(contents), digest_size=16).hexdigest()
