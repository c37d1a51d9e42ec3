"""What every estimator has in common: it is a fold over rows.

    rows, state = estimator.run(*inputs, state=None)

An estimator is a frozen dataclass of its parameters. ``run`` takes T new rows and the state after the rows before
them, and gives T output rows and the next state. The state it was given is never written. Any split of the rows
gives the same bits, because one compiled kernel walks the rows one by one whether they come alone or in bulk.
"""

import math
import operator
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from alphastream.errors import ParameterError

Floats = NDArray[np.float64]
Function = TypeVar("Function", bound=Callable[..., Any])
RowsT = TypeVar("RowsT")
RowsT_co = TypeVar("RowsT_co", covariant=True)

FLOAT64 = np.dtype(np.float64)

# Every kernel keeps the number of valid rows it has seen in the first place of its state.
COUNT = 0


def kernel(function: Function) -> Function:
    """Compile at the first call, without the interpreter lock, and keep the machine code on disk.

    numba's cache looks only at the file of the function itself. So a kernel and the compiled functions it calls live
    in one file; otherwise a change of the callee would leave old machine code in use.
    """
    return _compiled(function, {})


def summation(function: Function) -> Function:
    """Compile a function that sums over a whole window, in the order that suits the machine's vectors.

    The order is fixed when it is compiled and depends on the window alone, so the bits stay those of any split.
    """
    return _compiled(function, {"fastmath": {"reassoc"}})


def _compiled(function: Function, extra: dict[str, Any]) -> Function:
    options = {"error_model": "numpy", "nogil": True, **extra}
    try:
        return cast(Function, njit(cache=True, **options)(function))
    except RuntimeError:  # neither the package's folder nor the home folder can be written: compile in each process
        return cast(Function, njit(**options)(function))


def is_on_disk(file: str, name: str = "*") -> bool:
    """Whether an earlier process left machine code of the folder of a file; it may be older than the source, and then
    it is not used.

    Parameters
    ----------
    name : ``module.function-*`` of a kernel that is compiled last; any kernel unless given.
    """
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(file).parent / "__pycache__")
    return any(folder.rglob(f"{name}.nbi"))


class Estimator(Protocol[RowsT_co]):
    """What the graph and the pages need to know of an estimator."""

    @property
    def run(self) -> Callable[..., tuple[RowsT_co, Any]]:
        """``run(*inputs, state=None) -> (rows, state)``; inputs and the fields of rows are (T,) float64."""

    def progress(self, state: Any) -> tuple[int, int]:
        """Observations the state has and the estimator needs before its rows are defined."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What an estimator remembers of the rows before; its size does not depend on their number.

    Parameters
    ----------
    estimator : whose state it is; no other estimator accepts it.
    values : (P, S) read-only, one line for each of P pairs.
    """

    estimator: "Fold[Any]"
    values: Floats


class Fold(Generic[RowsT]):
    """Base of the estimators with a compiled kernel.

    A subclass names its ``inputs`` and its ``row_type``, says how many rows it needs and how a state begins, and
    calls its kernel in ``_advance``. Its ``run`` has the inputs as named arguments and calls ``_fold``.
    """

    __slots__ = ()

    inputs: ClassVar[tuple[str, ...]]
    row_type: ClassVar[type[Any]]

    @property
    def needed(self) -> int:
        """Valid rows before the outputs are defined."""
        raise NotImplementedError

    def _begin(self, pairs: int) -> Floats:
        """Return the values of a state before the first row, (pairs, S)."""
        raise NotImplementedError

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        """Walk the columns (P, T), move ``values`` (P, S) on, and write every row of ``out`` (fields, P, T)."""
        raise NotImplementedError

    def progress(self, state: State | None) -> tuple[int, int]:
        """Valid rows seen, at most those needed, and rows needed before the outputs are defined.

        For the states of many pairs: the pair that is furthest behind.
        """
        have = 0 if state is None else int(state.values[:, COUNT].min(initial=self.needed))
        return min(have, self.needed), self.needed

    def _fold(self, state: State | None, *columns: ArrayLike) -> tuple[RowsT, State]:
        out, state = self._walk(aligned(self.inputs, columns, ndim=1), state)
        return self.row_type(*out[:, 0]), state

    def _walk(self, columns: list[Floats], state: State | None) -> tuple[Floats, State]:
        pairs, length = columns[0].shape
        values = self._begin(pairs) if state is None else self._own(state, pairs).copy()
        out = np.empty((len(self.row_type.__match_args__), pairs, length))
        self._advance(columns, values, out)
        values.setflags(write=False)
        return out, State(self, values)

    def _own(self, state: State, pairs: int) -> Floats:
        if not isinstance(state, State):
            raise ParameterError(f"state needs to be what run returned, is {type(state).__name__}")
        if state.estimator is not self and state.estimator != self:
            raise ParameterError(f"state belongs to {state.estimator!r}, not to {self!r}: begin with state=None")
        if len(state.values) != pairs:
            raise ParameterError(f"state holds {len(state.values)} pairs, the inputs {pairs}: begin with state=None")
        return state.values


def run_many(estimator: Fold[RowsT], *inputs: ArrayLike, state: State | None = None) -> tuple[RowsT, State]:
    """Run one estimator over many pairs in one compiled call.

    Parameters
    ----------
    estimator : applied to each pair by itself.
    inputs : (T, P) each, one column a pair.
    state : what the call before returned, None at the beginning.

    Returns
    -------
    rows : fields of shape (T, P); column p has the bits of ``estimator.run`` over column p.
    state : holds all P pairs.

    Raises
    ------
    ParameterError
        Inputs of wrong or different shapes, or a state of something else.

    Examples
    --------
    >>> from alphastream.estimators import ZScore
    >>> rows, state = run_many(ZScore(window=3), [[1.0, 5.0], [2.0, 5.0], [3.0, 8.0]])
    >>> rows.zscore[-1].round(3).tolist()
    [1.0, 1.155]
    """
    out, state = estimator._walk(aligned(estimator.inputs, inputs, ndim=2), state)
    return estimator.row_type(*np.swapaxes(out, 1, 2)), state


def aligned(names: tuple[str, ...], columns: tuple[ArrayLike, ...], ndim: int) -> list[Floats]:
    """Return the inputs as (P, T) arrays of one shape."""
    if len(columns) != len(names):
        raise ParameterError(f"needs {len(names)} inputs ({', '.join(names)}), got {len(columns)}")
    arrays: list[Floats] = []
    for name, column in zip(names, columns, strict=True):
        arrays.append(_matrix(name, column, ndim))
        if arrays[-1].shape != arrays[0].shape:
            shapes = " and ".join(str(np.shape(each)) for each in columns)
            raise ParameterError(f"{' and '.join(names)} need equal shapes, have {shapes}: align the rows first")
    return arrays


def _matrix(name: str, values: ArrayLike, ndim: int) -> Floats:
    array = np.asarray(values)
    if array.dtype is not FLOAT64:
        if array.dtype.kind not in "fiub":
            raise ParameterError(f"{name} holds {array.dtype}, needs real numbers: convert it to float64")
        array = array.astype(np.float64)
    if array.ndim != ndim:
        needed = "(T,); run_many takes (T, P)" if ndim == 1 else "(T, P); run takes (T,)"
        raise ParameterError(f"{name} has shape {array.shape}, needs {needed}")
    array = array[np.newaxis] if ndim == 1 else array.T
    # One layout for all: numba would take a second to compile a kernel again for a read-only or strided array.
    return array if array.flags.carray else array.copy()


def require_integer(name: str, value: int, least: int) -> None:
    """Raise ParameterError unless ``value`` is an integer ≥ ``least``."""
    try:
        fits = operator.index(value) >= least and not isinstance(value, bool)
    except TypeError:
        fits = False
    if not fits:
        raise ParameterError(f"{name} is {value!r}, needs an integer ≥ {least}")


def require_number(name: str, value: float, *, above: float | None = None, least: float | None = None) -> None:
    """Raise ParameterError unless ``value`` is finite and > ``above`` or ≥ ``least``."""
    bound = f"> {above:g}" if above is not None else f"≥ {least:g}"
    try:
        fits = math.isfinite(value) and (above is None or value > above) and (least is None or value >= least)
    except TypeError:
        fits = False
    if not fits:
        raise ParameterError(f"{name} is {value!r}, needs a finite number {bound}")
