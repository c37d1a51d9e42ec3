"""What every estimator has in common: it is a fold over rows.

    rows, state = estimator.run(*inputs, state=None)

An estimator is a frozen dataclass of its parameters. ``run`` takes T new rows and the state after the rows before
them, and gives T output rows and the next state. The state it was given is never written. Any split of the rows
gives the same bits, because one compiled kernel walks the rows one by one whether they come alone or in bulk.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.core.validation import aligned
from alphastream.errors import ParameterError

RowsT = TypeVar("RowsT")
RowsT_co = TypeVar("RowsT_co", covariant=True)


# Every kernel keeps the number of valid rows it has seen in the first place of its state.
COUNT = 0


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
    def output(self) -> str:
        """The column that is meant where one is asked for and none named: the first of its rows."""
        return str(self.row_type.__match_args__[0])

    @property
    def min_observations(self) -> int:
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
        have = 0 if state is None else int(state.values[:, COUNT].min(initial=self.min_observations))
        return min(have, self.min_observations), self.min_observations

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


def run_each(
    estimator: Fold[RowsT], inputs: Sequence[Sequence[Floats]], states: Sequence[State | None]
) -> list[tuple[RowsT, State]]:
    """Run one estimator over pairs that each have a state of their own, in one compiled call.

    Parameters
    ----------
    estimator : applied to each pair by itself.
    inputs : for each pair what ``run`` takes, (T,) each; T is the same for all pairs.
    states : for each pair its state, None at the beginning.

    Returns
    -------
    For each pair the rows and the state, with the bits of ``estimator.run``.

    Raises
    ------
    ParameterError
        Inputs of wrong or different shapes, or a state of something else.
    """
    rows, values = _walk_each(estimator, inputs, states)
    after = []
    for pair in range(len(inputs)):
        own = values[pair : pair + 1].copy()  # a view would keep the states of all pairs alive
        own.setflags(write=False)
        after.append(State(estimator, own))
    return list(zip(rows, after, strict=True))


def preview_each(
    estimator: Fold[RowsT], inputs: Sequence[Sequence[Floats]], states: Sequence[State | None]
) -> list[RowsT]:
    """The rows of ``run_each`` alone: for those who throw the next states away."""
    return _walk_each(estimator, inputs, states)[0]


def _walk_each(
    estimator: Fold[RowsT], inputs: Sequence[Sequence[Floats]], states: Sequence[State | None]
) -> tuple[list[RowsT], Floats]:
    """Rows of each pair, and the values of all states (P, S)."""
    if not inputs:
        return [], np.empty((0, 0))
    shapes = {np.shape(column) for columns in inputs for column in columns}
    numbers = {len(columns) for columns in inputs}
    if len(shapes) != 1 or len(numbers) != 1:
        raise ParameterError(
            f"pairs need inputs of equal number and length, have {sorted(numbers)} of {sorted(shapes)}"
        )
    # Rows of pairs behind each other, (P, T), seen as the (T, P) that many pairs come in.
    tables = [np.concatenate(columns).reshape(len(inputs), -1).T for columns in zip(*inputs, strict=True)]
    begin = estimator._begin(1)
    values = np.concatenate([begin if state is None else estimator._own(state, 1) for state in states])
    out, after = estimator._walk(aligned(estimator.inputs, tuple(tables), ndim=2), State(estimator, values))
    return [estimator.row_type(*fields) for fields in np.swapaxes(out, 0, 1)], after.values
