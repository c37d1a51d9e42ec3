"""Text cells to numbers, whole columns at a time, with the first bad cell named.

Cells come as Arrow string arrays. The quick way is Arrow's own cast; only where that refuses a column is the text
tidied (spaces, currency signs, thousands separators, decimal commas, 12.3K) and, if it still is no number, searched
for the cell to blame.
"""

import re
from collections.abc import Iterable
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from alphastream.core.types import Floats, Ints
from alphastream.errors import AlphaStreamError

Bools = NDArray[np.bool_]
Decimal = Literal[".", ","]

MISSING: Final = ("", "nan", "null", "none", "na", "n/a", "#n/a", "-")
TRUTH: Final = {"true": True, "t": True, "1": True, "sell": True, "false": False, "f": False, "0": False, "buy": False}
NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
WHOLE: Final = re.compile(r"-?\d{1,18}", re.ASCII)
# A comma that can only be a decimal mark; a point that is one; commas that part thousands.
_DECIMAL_COMMA: Final = re.compile(
    r"[+-]?(\d{4,},\d+|0\d*,\d+|\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+|\d+,\d+[eE][+-]?\d+)"
)
DECIMAL_POINT: Final = re.compile(r"[+-]?\d[\d,]*\.\d+([eE][+-]?\d+)?")
GROUPED: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_SUFFIXES: Final = (("[Kk]", "e3"), ("[Mm]", "e6"), ("[Bb]", "e9"))

_MOST_SHOWN: Final = 60  # characters of a cell


class CellError(AlphaStreamError):
    """A cell that cannot be read.

    Parameters
    ----------
    row : 0-based among the rows that were looked at.
    seen : the cell, or what it came to; only its beginning is kept where it is long.
    needed : what would do instead.
    """

    def __init__(self, row: int, seen: str, needed: str) -> None:
        seen = seen if len(seen) <= _MOST_SHOWN else f"{seen[: _MOST_SHOWN - 3]}..."
        super().__init__(f"row {row}: {seen!r}: {needed}")
        self.row = row
        self.seen = seen
        self.needed = needed


def floats(cells: Any, decimal: Decimal = ".") -> Floats:
    """Numbers of a column; NaN where a cell is empty or says so (nan, null, NA, -).

    Parameters
    ----------
    cells : Arrow string array, shape (T,).
    decimal : the decimal mark. The other mark is taken for a thousands separator where it can be nothing else.

    Examples
    --------
    >>> floats(pa.array(["1,234.5", " $7 ", "", "1.2K"])).tolist()
    [1234.5, 7.0, nan, 1200.0]
    >>> floats(pa.array(["1.234,5"]), decimal=",").tolist()
    [1234.5]
    """
    if decimal == ".":
        try:
            return _numpy(pc.cast(cells, pa.float64()))
        except pa.ArrowInvalid:
            cells = _unblanked(cells)
        try:
            return _numpy(pc.cast(cells, pa.float64()))
        except pa.ArrowInvalid:
            pass
    tidy = _tidy(cells, decimal)
    try:
        return _numpy(pc.cast(tidy, pa.float64()))
    except pa.ArrowInvalid:
        row = _first(tidy, NUMBER)
        raise CellError(row, cells[row].as_py(), "a number is needed") from None


def _unblanked(cells: Any) -> Any:
    """Empty cells as nulls: wide files have many, and need no tidying otherwise."""
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)


def whole_numbers(cells: Any) -> Ints:
    """Whole numbers of a column, shape (T,); an empty cell is a bad one."""
    try:
        return np.asarray(pc.cast(cells, pa.int64()))
    except pa.ArrowInvalid:
        tidy = pc.utf8_trim_whitespace(cells)
    try:
        return np.asarray(pc.cast(tidy, pa.int64()))
    except pa.ArrowInvalid:
        row = _first(tidy, WHOLE)
        raise CellError(row, cells[row].as_py(), "a whole number is needed") from None


def truths(cells: Any) -> Bools:
    """Whether the buyer was the maker: true/false, 1/0, or the taker's side (sell/buy) in any case."""
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
    index = pc.index_in(lower, value_set=pa.array(list(TRUTH)))
    if index.null_count:
        row = int(np.flatnonzero(np.asarray(pc.is_null(index)))[0])
        raise CellError(row, cells[row].as_py(), "true or false is needed (or buy or sell, the taker's side)")
    values = np.array(list(TRUTH.values()), dtype=np.bool_)
    chosen: Bools = values[np.asarray(index)]
    return chosen


def looks_like_number(cell: str, decimal: Decimal = ".") -> bool:
    """Whether one cell is a number, generously."""
    if NUMBER.fullmatch(cell):
        return True
    try:
        return bool(np.isfinite(floats(pa.array([cell]), decimal)[0]))
    except CellError:
        return False


def decimal_of(cells: Iterable[str]) -> Decimal | None:
    """The decimal mark of a column; None where no cell tells.

    >>> decimal_of(["7.530,86", "12"]), decimal_of(["1,234.5"]), decimal_of(["1,234"])
    (',', '.', None)
    """
    pointed = False
    for cell in cells:
        if "," in cell and _DECIMAL_COMMA.fullmatch(cell):
            return ","
        pointed |= bool(DECIMAL_POINT.fullmatch(cell))
    return "." if pointed else None


def _numpy(column: Any) -> Floats:
    return np.asarray(column.fill_null(float("nan")) if column.null_count else column, dtype=np.float64)


def _tidy(cells: Any, decimal: Decimal) -> Any:
    tidy = pc.utf8_trim(pc.utf8_trim_whitespace(cells), "$€£ ")
    if decimal == ",":
        both = pc.match_substring_regex(tidy, r"\..*,|\..*\.")
        tidy = pc.if_else(both, pc.replace_substring(tidy, ".", ""), tidy)
        pointed = pc.match_substring(tidy, ".")  # one point in a file of decimal commas: thousands or decimals?
        tidy = pc.if_else(pointed, pc.binary_join_element_wise("ambiguous ", tidy, ""), tidy)
        tidy = pc.replace_substring(tidy, ",", ".")
    else:
        grouped = pc.match_substring_regex(tidy, r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
        tidy = pc.if_else(grouped, pc.replace_substring(tidy, ",", ""), tidy)
    for letter, exponent in _SUFFIXES:
        tidy = pc.replace_substring_regex(tidy, rf"^([+-]?[\d.]+) ?{letter}$", rf"\1{exponent}")
    missing = pc.is_in(pc.utf8_lower(tidy), value_set=pa.array(MISSING))
    return pc.if_else(missing, pa.scalar(None, pa.string()), tidy)


def _first(cells: Any, pattern: re.Pattern[str]) -> int:
    """The first row whose cell is not of this pattern (the last row if all are: a number out of range)."""
    row = -1
    for row, cell in enumerate(cells.to_pylist()):  # noqa: B007 (the row is the answer)
        if cell is not None and not pattern.fullmatch(cell):
            break
    return row
