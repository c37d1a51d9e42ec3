"""Text cells to numbers, whole columns at a time, with the first bad cell named.

Cells come as Arrow string arrays. The quick way is Arrow's own cast; only where that refuses a column is the text
tidied (spaces, currency signs, thousands separators, decimal commas, 12.3K) and, if it still is no number, searched
for the cell to blame.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from alphastream.core.types import Floats, Ints
from alphastream.errors import AlphaStreamError

Decimal = Literal[".", ","]

MISSING: Final = (
    *("", "nan", "null", "none", "nil", "na", "n/a", "n.a.", "n/d", "nd", "\\n", "-", "--", "---", "\u2014", "."),
    *("#n/a", "#n/a n/a", "#value!", "#div/0!", "#num!"),
)
# Whether the buyer was the maker, by a truth or by the taker's side (A and B: the aggressor's, Databento).
TRUTH: Final = {
    **dict.fromkeys(("true", "t", "1", "yes", "sell", "s", "a", "sold", "verkauf", "venta", "vente", "卖", "賣"), True),
    **dict.fromkeys(("false", "f", "0", "no", "buy", "b", "bought", "kauf", "compra", "achat", "买", "買"), False),
}
UNDEFINED_PRICE: Final = str(2**63 - 1)  # Databento's, where there is none
UNKNOWN_TRUTH: Final = -1
NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
WHOLE: Final = re.compile(r"-?\d{1,18}", re.ASCII)
# A comma that can only be a decimal mark; a point that is one; commas that part thousands.
_DECIMAL_COMMA: Final = re.compile(
    r"[+-]?(\d{4,},\d+|0\d*,\d+|\d+,(\d{1,2}|\d{4,})|\d{1,3}([. '\u2019\u00a0\u202f]\d{3})+,\d+|\d+,\d+[eE][+-]?\d+"
    r"|\d{1,3}(\.\d{3}){2,})"
)
_AMBIGUOUS: Final = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")  # 7.530: seven and a half, or seven thousand
DECIMAL_POINT: Final = re.compile(r"[+-]?\d[\d,' \u2019\u00a0\u202f]*\.\d+([eE][+-]?\d+)?")
GROUPED: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_CURRENCY: Final = r"(?:[$€£¥₹₩₽₺₿]|R\$|(?:CHF|USD|EUR|GBP|JPY|INR|CAD|AUD|SEK|NOK|DKK|PLN|Rs\.?|kr\.?|zł)\b\.?)"
# How people and programs dress numbers, and the number underneath.
_SPELLINGS: Final = (
    (r"[\x{00A0}\x{202F}\x{2009}\x{2007}]", " "),
    ("[\u2019\u2018\u02bc\u00b4`]", "'"),
    ("[\u2212\u2013\ufe63\uff0d]", "-"),
    (r'^="?([^"]*)"?$', r"\1"),
    (r"^'(.*)$", r"\1"),
    (rf"^([+-]?) ?{_CURRENCY} ?", r"\1"),
    (rf" ?{_CURRENCY}$", ""),
    (r"^\(([^()]*)\)$", r"-\1"),
    (r"^([\d.,' ]+)-$", r"-\1"),
)
_SUFFIXES: Final = (
    ("[Kk]|[Tt]sd[.]?", "e3"),
    ("[Mm]|[Mm]io[.]?|[Mm]ln[.]?", "e6"),
    ("[Bb]|[Bb]n|[Mm]rd[.]?|[Mm]ld[.]?", "e9"),
    ("[Tt]", "e12"),
)
_MOST_SHOWN: Final = 60  # characters of a cell
_HAS_DIGIT: Final = re.compile(r"\d")
_NO_NUMBER: Final = re.compile(r"[:/]|\d-\d|[^\W\d_]{4}")  # times, dates and words


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


def truths(cells: Any) -> NDArray[np.int8]:
    """Whether the buyer was the maker: true/false, 1/0, or the taker's side (sell/buy) in any case.

    Returns
    -------
    numpy array, shape (T,): 1, 0, or ``UNKNOWN_TRUTH`` where a cell says nothing (empty, N, none, unknown).
    """
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
    lower = pc.replace_substring_regex(lower, r"^(buy|sell)[-_ ].*$", r"\1")  # SELL_ESTIMATED
    known = [*TRUTH, *MISSING, "n", "unknown", "undefined"]
    index = pc.index_in(lower, value_set=pa.array(known))
    if index.null_count:
        row = int(np.flatnonzero(np.asarray(pc.is_null(index)))[0])
        raise CellError(row, cells[row].as_py(), "true or false is needed (or buy or sell, the taker's side)")
    values = np.full(len(known), UNKNOWN_TRUTH, dtype=np.int8)
    values[: len(TRUTH)] = list(TRUTH.values())
    chosen: NDArray[np.int8] = values[np.asarray(index)]
    return chosen


@lru_cache(2**14)
def looks_like_number(cell: str, decimal: Decimal = ".") -> bool:
    """Whether one cell is a number, generously."""
    if NUMBER.fullmatch(cell):
        return True
    if len(cell) > _MOST_SHOWN or not _HAS_DIGIT.search(cell) or _NO_NUMBER.search(cell):  # what follows takes long
        return False
    try:
        return bool(np.isfinite(floats(pa.array([cell]), decimal)[0]))
    except CellError:
        return False


def decimal_of(cells: Iterable[str]) -> Decimal | None:
    """The decimal mark of a column; None where no cell tells.

    >>> decimal_of(["7.530,86", "12"]), decimal_of(["1,234.5"]), decimal_of(["1,234"]), decimal_of(["7.530"])
    (',', '.', None, None)
    """
    pointed = False
    for cell in cells:
        bare = _dressed_off(cell)
        if ("," in bare or bare.count(".") > 1) and _DECIMAL_COMMA.fullmatch(bare):
            return ","
        pointed |= bool(DECIMAL_POINT.fullmatch(bare)) and not _AMBIGUOUS.fullmatch(bare)
    return "." if pointed else None


def _dressed_off(cell: str) -> str:
    """A cell without what stands before and behind its digits."""
    return re.sub(r"^[^\d+-]*|[^\d]*$", "", cell)


def _numpy(column: Any) -> Floats:
    return np.asarray(column.fill_null(float("nan")) if column.null_count else column, dtype=np.float64)


def _tidy(cells: Any, decimal: Decimal) -> Any:
    """The cells as Arrow writes numbers, where that alters no number; null where a cell says nothing."""
    tidy = pc.utf8_trim_whitespace(cells)
    for seen, plain in _SPELLINGS:
        tidy = pc.replace_substring_regex(tidy, seen, plain)
    missing = pc.is_in(pc.utf8_lower(tidy), value_set=pa.array(MISSING))
    missing = pc.or_(missing, pc.match_substring_regex(tidy, r"^#[\pL/0]+[!?]?$"))  # a spreadsheet's errors
    tidy = pc.if_else(missing, pa.scalar(None, pa.string()), tidy)
    if _apostrophes_group(tidy):
        tidy = _ungrouped(tidy, "'", r"[.,]")
    tidy = _ungrouped(tidy, " ", r"[.,]")
    tidy = _ungrouped(tidy, "_", r"[.,]")
    if decimal == ",":
        tidy = _ungrouped(tidy, ".", ",")
        stray = pc.match_substring(tidy, ".")  # a point in a column of decimal commas that groups nothing
        tidy = pc.if_else(stray, pc.binary_join_element_wise("ambiguous ", tidy, ""), tidy)
        tidy = pc.replace_substring(tidy, ",", ".")
    else:
        tidy = _ungrouped(tidy, ",", r"\.")
        lakhs = pc.match_substring_regex(tidy, r"^[+-]?\d{1,2}(,\d{2})+,\d{3}(\.\d+)?( ?[A-Za-z]+)?$")
        tidy = pc.if_else(lakhs, pc.replace_substring(tidy, ",", ""), tidy)
    for letter, exponent in _SUFFIXES:
        tidy = pc.replace_substring_regex(tidy, rf"^([+-]?[\d.]+) ?(?:{letter})$", rf"\1{exponent}")
    return tidy


def _ungrouped(cells: Any, separator: str, point: str) -> Any:
    """Cells whose digits a separator groups by three, without it."""
    mark = re.escape(separator)
    grouped = pc.match_substring_regex(cells, rf"^[+-]?\d{{1,3}}({mark}\d{{3}})+({point}\d+)?( ?[A-Za-z]+)?$")
    return pc.if_else(grouped, pc.replace_substring(cells, separator, ""), cells)


def _apostrophes_group(cells: Any) -> bool:
    """Whether apostrophes part thousands (11'700.10), not points from fractions (112'160: 112 and 16/32)."""
    return bool(pc.any(pc.match_substring_regex(cells, r"\d'\d{3}('\d{3}|[.,]\d)")).as_py()) or not bool(
        pc.all(pc.match_substring(cells, "'")).as_py()
    )


def _first(cells: Any, pattern: re.Pattern[str]) -> int:
    """The first row whose cell is not of this pattern (the last row if all are: a number out of range)."""
    row = -1
    for row, cell in enumerate(cells.to_pylist()):  # noqa: B007 (the row is the answer)
        if cell is not None and not pattern.fullmatch(cell):
            break
    return row
