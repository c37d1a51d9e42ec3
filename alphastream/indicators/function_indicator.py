"""A plain function of arrays as an estimator: with an identity, in streams, and tested for looking ahead."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.core.validation import aligned, require_integer
from alphastream.errors import LookBackError, ParameterError
from alphastream.indicators.code_identity import digest_of
from alphastream.indicators.function_outputs import FIRST, Outputs, outputs_of, row_type
from alphastream.indicators.function_signature import signature_of
from alphastream.indicators.look_ahead import change_of, cuts_of, differs_much

_BLOCK: Final = 256  # rows, at least, that one call of the function gives
_BLOCK_LOOK_BACKS: Final = 4
_NEAR: Final = 1e-8  # of a column's largest value: what rows further back than the look-back may change by rounding
_TRIAL: Final = 1_024  # rows on which a function with a state is tried


@dataclass(frozen=True, slots=True, eq=False)
class FunctionState:
    """What a function's indicator remembers of the rows before.

    Parameters
    ----------
    digest : of the indicator whose state it is.
    rows : seen so far.
    names : of the columns that the function gives.
    kept : (inputs, n) the newest input rows, a fixed number at most.
    given : (columns, m) what was given for the newest rows, those of the block that is not full.
    own : the state of a function that carries one.
    """

    digest: str
    rows: int
    names: tuple[str, ...]
    kept: Floats
    given: Floats
    own: Any = None


@dataclass(frozen=True, slots=True, repr=False)
class FunctionIndicator:
    """A function of arrays as a node of the graph. Make it with ``FunctionIndicator.of``.

    Two are equal when their functions have the same code (``code_identity``), parameters and look-back.

    A function without a state is called over blocks of rows, each with the ``look_back - 1`` rows before it. Rows of
    a block that have not come yet are filled with the newest row, so that the function sees equally many rows whether
    they come alone or in bulk, and gives the same bits. What it said of a row is compared with what it says when more
    rows of the block are known: a function that looks ahead is refused with the row. What it says from the newest
    ``look_back`` rows is compared with what it says from more.

    A function that takes ``state`` is called with new rows alone and returns its output and the next state. On the
    first run it is tried at several cuts: a state that does not carry all that is needed is refused with the row.

    NaN goes into the function as it is.

    Parameters
    ----------
    function : arrays (T,) in, arrays (T,) out.
    parameters : given to it by name, sorted.
    look_back : rows, the newest among them, that a value depends on; None for a function that carries a state.
    implied : whether the look-back was taken from a parameter ``window``.
    inputs : names of the arrays; empty where the function takes any number.
    digest : what it is, equal in every process.
    """

    function: Callable[..., Any] = field(compare=False)
    parameters: tuple[tuple[str, Any], ...] = field(compare=False)
    look_back: int | None = field(compare=False)
    implied: bool = field(compare=False)
    inputs: tuple[str, ...] = field(compare=False)
    begin: Any = field(compare=False)
    digest: str

    @classmethod
    def of(
        cls, function: Callable[..., Any], *, look_back: int | None = None, **parameters: Any
    ) -> "FunctionIndicator":
        """Make an indicator of a function.

        Parameters
        ----------
        function : takes arrays (T,) by place and parameters by name; returns one array (T,), a tuple, a dict, or a
        dataclass of them. With an
            argument ``state`` it returns (output, state) and streams at its own speed; the argument's default is
            the state before the first row.
        look_back : rows, the newest among them, that a value depends on. A parameter ``window`` stands for it where
        it is not
            given, and is tested.
        parameters : of the function. An argument that has no default and is not given is an input.

        Raises
        ------
        ParameterError
            Wrong parameters, a look-back that is not given, or a function that reads what has no content to compare.

        Examples
        --------
        >>> def momentum(close, rows=2):
        ...     return np.concatenate((np.full(min(rows, close.size), np.nan), close[rows:] - close[:-rows]))
        >>> rows, state = FunctionIndicator.of(momentum, look_back=3).run([1.0, 2.0, 4.0, 8.0])
        >>> rows.value.tolist()
        [nan, nan, 3.0, 6.0]
        """
        if not callable(function):
            raise ParameterError(
                f"function is a {type(function).__name__}, needs to be callable: arrays in, arrays out"
            )
        what = _name_of(function)
        signature = signature_of(function, parameters, what)
        known = dict(signature.defaults) | parameters
        implied = look_back is None and not signature.takes_state
        if implied:
            look_back = _implied(known, what)
        if look_back is not None:
            require_integer("look_back", look_back, minimum=1)
        ordered = tuple(sorted(parameters.items()))
        identity = (function, ordered, look_back)
        kept = None if signature.takes_state else look_back
        return cls(function, ordered, kept, implied, signature.inputs, signature.begin, digest_of(identity, what))

    def with_parameters(self, **parameters: Any) -> "FunctionIndicator":
        """The same function with other parameters; a look-back that ``window`` stood for goes with it."""
        look_back = None if self.implied else self.look_back
        return FunctionIndicator.of(self.function, look_back=look_back, **dict(self.parameters) | parameters)

    @property
    def output(self) -> str:
        """The column that is meant where one is asked for and none named: the function's first, under this name."""
        return FIRST

    @property
    def name(self) -> str:
        """What messages call it: the function with its parameters."""
        given = ", ".join(f"{name}={value!r}" for name, value in self.parameters)
        return f"{_name_of(self.function)}({given})"

    def __repr__(self) -> str:
        back = "" if self.look_back is None or self.implied else f", look_back={self.look_back}"
        return f"FunctionIndicator({self.name}{back}, code {self.digest[:8]})"

    def __reduce__(self) -> tuple[Any, ...]:
        look_back = None if self.implied else self.look_back
        return _restored, (self.function, look_back, dict(self.parameters), self.digest)

    def __deepcopy__(self, memo: dict[int, Any]) -> "FunctionIndicator":
        return self

    def progress(self, state: FunctionState | None) -> tuple[int, int]:
        """Rows seen, at most those a value depends on, and rows a value depends on."""
        needed = 1 if self.look_back is None else self.look_back
        return min(0 if state is None else state.rows, needed), needed

    def run(self, *inputs: ArrayLike, state: FunctionState | None = None) -> tuple[Any, FunctionState]:
        """Fold T rows of the inputs, (T,) each, into the function's columns and the next state.

        Raises
        ------
        LookAheadError
            A row changed when later rows became known.
        LookBackError
            A row depends on more rows before it than was declared.
        ParameterError
            Inputs of another number or of different lengths, a state of something else, or an output that does not fit.
        """
        names = self.inputs or tuple(f"x{place}" for place in range(1, max(len(inputs), 1) + 1))
        columns = np.concatenate(aligned(names, inputs, ndim=1))
        if state is None:
            state = FunctionState(self.digest, 0, (), columns[:, :0], np.empty((0, 0)), self.begin)
        elif not isinstance(state, FunctionState) or state.digest != self.digest:
            raise ParameterError(f"state does not belong to {self!r}: begin with state=None")
        elif len(state.kept) != len(columns):
            raise ParameterError(f"state has {len(state.kept)} inputs, got {len(columns)}: begin with state=None")
        if columns.shape[1] == 0:
            names = state.names or self._names(len(columns))
            return row_type(names)(*np.empty((len(names), 0))), state
        found, state = self._carried(columns, state) if self.look_back is None else self._called(columns, state)
        return row_type(found.names)(*found.columns), state

    def _names(self, inputs: int) -> tuple[str, ...]:
        """The columns that the function gives, asked with rows that mean nothing."""
        trial = 100.0 + np.sin(np.arange(_BLOCK + (self.look_back or 0), dtype=np.float64))
        columns = np.tile(trial, (inputs, 1))
        found = self._call(columns) if self.look_back is not None else self._carried_call(columns, self.begin)[0]
        return found.names

    # Functions without a state

    def _call(self, columns: Floats) -> Outputs:
        """The function over these rows; it is given copies, so that it may write into them."""
        with np.errstate(divide="ignore", invalid="ignore"):
            result = self.function(*(column.copy() for column in columns), **dict(self.parameters))
        return outputs_of(result, columns.shape[1], self.name)

    def _called(self, columns: Floats, state: FunctionState) -> tuple[Outputs, FunctionState]:
        assert self.look_back is not None
        block = max(_BLOCK, _BLOCK_LOOK_BACKS * self.look_back)
        known = np.concatenate((state.kept, columns), axis=1)
        first, end = state.rows - state.kept.shape[1], state.rows + columns.shape[1]
        rows = _Rows(known, first)
        names, given, pieces = state.names, state.given, []
        for number in range(state.rows // block, (end - 1) // block + 1):
            span = _Span(number * block, min((number + 1) * block, end), max(number * block, state.rows))
            found = self._block(rows, span, block)
            names = names or found.names
            if span.new > span.begin:  # rows that were given when less was known
                _refuse(
                    change_of(self.name, Outputs(names, given), found, (span.new, span.end), exact=True), span.begin
                )
            if number & (number - 1) == 0:
                self._check(rows, span, block, found)
            given = found.columns
            pieces.append(found.columns[:, span.new - span.begin :])
        if end % block == 0:
            given = given[:, :0]
        # A block, the rows before it that it reads, and the block before that for comparison.
        keep = max(0, (end // block - 1) * block - (self.look_back - 1))
        after = FunctionState(self.digest, end, names, known[:, keep - first :].copy(), given.copy())
        return Outputs(names, np.concatenate(pieces, axis=1)), after

    def _block(self, rows: "_Rows", span: "_Span", block: int) -> Outputs:
        """Rows of a block, from those before it that count and from the newest row in the place of those to come."""
        assert self.look_back is not None
        start = max(0, span.begin - (self.look_back - 1))
        columns = rows[start : span.end]
        missing = span.begin + block - span.end
        if missing:
            columns = np.concatenate((columns, np.repeat(columns[:, -1:], missing, axis=1)), axis=1)
        found = self._call(columns)
        return Outputs(found.names, found.columns[:, span.begin - start : span.end - start])

    def _check(self, rows: "_Rows", span: "_Span", block: int, found: Outputs) -> None:
        """Look for looking ahead and for a look-back that is too short, in a few of the blocks."""
        assert self.look_back is not None
        here = list(rows[span.begin : span.end])
        errors = []
        for cut in cuts_of(here, span.new - span.begin):
            part = self._block(rows, _Span(span.begin, span.begin + cut, span.new), block)
            errors.append(change_of(self.name, part, found, (span.begin + cut, span.end), exact=True))
        _refuse(min((error for error in errors if error), key=lambda error: error.row, default=None), span.begin)
        if span.begin == 0:
            self._check_newest(rows, span, found)
        elif span.new == span.begin:
            more = self._call(rows[max(0, span.begin - block - self.look_back + 1) : span.end])
            self._refuse_short(span.begin, found, Outputs(more.names, more.columns[:, span.begin - span.end :]))

    def _check_newest(self, rows: "_Rows", span: "_Span", found: Outputs) -> None:
        """In the first block: some rows from the newest ``look_back`` alone."""
        assert self.look_back is not None
        places = {self.look_back << power for power in range(_BLOCK_LOOK_BACKS)}
        if span.end - span.new > 1:
            places.add(span.end - 1)
        for row in sorted(places):
            if max(span.new, self.look_back) <= row < span.end:
                alone = self._call(rows[row - self.look_back + 1 : row + 1])
                more = Outputs(found.names, found.columns[:, row : row + 1])
                self._refuse_short(row, Outputs(alone.names, alone.columns[:, -1:]), more, found)

    def _refuse_short(self, row: int, alone: Outputs, more: Outputs, column: Outputs | None = None) -> None:
        assert self.look_back is not None
        changed = differs_much(alone.columns, more.columns, _NEAR, (column or more).columns)
        if not changed.any():
            return
        at = int(np.flatnonzero(changed.any(axis=0))[0])
        place = int(np.flatnonzero(changed[:, at])[0])
        values = (float(alone.columns[place, at]), float(more.columns[place, at]))
        advice = "give look_back= so many rows as a value depends on, or let the function carry a state"
        if self.implied:
            advice = f"window={self.look_back} was taken for it; {advice}"
        raise LookBackError(f"{self.name}, column {alone.names[place]!r}", row + at, self.look_back, values, advice)

    # Functions with a state

    def _carried_call(self, columns: Floats, own: Any) -> tuple[Outputs, Any]:
        """The function over new rows and its state of before, of which it is given a copy."""
        with np.errstate(divide="ignore", invalid="ignore"):
            result = self.function(
                *(column.copy() for column in columns), state=copy.deepcopy(own), **dict(self.parameters)
            )
        if not isinstance(result, tuple) or len(result) != 2:
            raise ParameterError(
                f"{self.name} returned {type(result).__name__}, needs (output, state) as it takes a state"
            )
        return outputs_of(result[0], columns.shape[1], self.name), result[1]

    def _carried(self, columns: Floats, state: FunctionState) -> tuple[Outputs, FunctionState]:
        if state.rows == 0 and columns.shape[1] > 1:
            self._try(columns[:, :_TRIAL])
        found, own = self._carried_call(columns, state.own)
        names = state.names or found.names
        return found, FunctionState(
            self.digest, state.rows + columns.shape[1], names, columns[:, :0].copy(), np.empty((0, 0)), own
        )

    def _try(self, columns: Floats) -> None:
        """Over the first rows: no row may depend on later ones, nor on where the rows were split."""
        length = columns.shape[1]
        whole, _ = self._carried_call(columns, self.begin)
        for cut in cuts_of(list(columns)):
            part, own = self._carried_call(columns[:, :cut], self.begin)
            _refuse(change_of(self.name, part, whole, (cut, length), exact=True), 0)
            rest, _ = self._carried_call(columns[:, cut:], own)
            after = Outputs(whole.names, whole.columns[:, cut:])
            error = change_of(self.name, rest, after, (cut, length), exact=True)
            if error is not None:
                was, now = error.values
                raise ParameterError(
                    f"{self.name}: row {cut + error.row} is {now!r} in one run and {was!r} in two, split after "
                    f"{cut}: its state needs to carry all that later rows depend on"
                )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of the inputs by their number in the stream; the first that is there is number ``first``."""

    columns: Floats
    first: int

    def __getitem__(self, numbers: slice) -> Floats:
        found: Floats = self.columns[:, numbers.start - self.first : numbers.stop - self.first]
        return found


@dataclass(frozen=True, slots=True)
class _Span:
    """The rows of a block that are known, ``begin`` to ``end``; those from ``new`` on were not known before."""

    begin: int
    end: int
    new: int


def _refuse(error: Any, begin: int) -> None:
    """Raise an error about a row that was counted from the beginning of a block."""
    if error is not None:
        what = str(error).partition(" looks ahead")[0]
        raise type(error)(what, begin + error.row, error.known, error.values)


def _name_of(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", None) or type(function).__name__)


def _implied(known: Mapping[str, Any], what: str) -> int:
    window = known.get("window")
    if isinstance(window, int | np.integer) and not isinstance(window, bool) and window >= 1:
        return int(window)
    seen = "has no parameter window" if window is None else f"has window={window!r}"
    raise ParameterError(
        f"{what} {seen}, so that nobody knows how many rows a value depends on: give look_back=, "
        "the number of rows, the newest among them; or write it with an argument state, and return (output, state)"
    )


def _restored(
    function: Callable[..., Any], look_back: int | None, parameters: dict[str, Any], digest: str
) -> FunctionIndicator:
    found = FunctionIndicator.of(function, look_back=look_back, **parameters)
    if found.digest != digest:
        raise ParameterError(
            f"{found.name} has other code here (it is {found.digest[:8]}, was {digest[:8]}): "
            "use one version of its file and of Python in all processes"
        )
    return found
