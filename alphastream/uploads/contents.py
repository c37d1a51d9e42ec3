"""What the cells of a column are, judged by the cells alone: names may lie or be missing.

Pure functions on the sample rows of a file, or on whole columns where they say so. Thresholds are wide on purpose: they
tell kinds apart that lie far from one another (a price moves by parts of a percent, an amount by multiples).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alphastream.core.types import Floats
from alphastream.uploads.cells import MISSING, WHOLE, Decimal, floats, looks_like_number
from alphastream.uploads.clocks import looks_like_clock
from alphastream.uploads.times import looks_like_time
from alphastream.uploads.words import Field, field_of, fold, word_set

ContentKind = Literal[
    "empty",
    "time",  # a date with a time of day, or a count of seconds to nanoseconds since 1970
    "date",
    "clock",  # a time of day
    "duration",  # PT1M
    "index",  # 0, 1, 2, … or 1, 2, 3, …
    "counter",  # whole numbers that rise from row to row: ids
    "flag",  # whole numbers of which there are at most three, from 0, 1, 2
    "constant",  # one number in all rows
    "price",  # positive, and the steps are small against the level
    "amount",  # zero or more, varying widely
    "signed",  # numbers below zero among them: changes
    "percent",
    "truth",  # true, false
    "side",  # buy, sell, b, s, bid, ask
    "symbol",  # short, capitals and digits, no known word of something else
    "list",
    "text",
]

CALM: Final = 0.2  # a price moves less than so much (log) from row to row, a volume mostly more
_SAME: Final = 1.5  # prices of one instrument in one row lie within such a factor
_LEAPING: Final = 10  # times: a volume moves so much more than prices of its magnitude
_DATE_ONLY: Final = re.compile(r"\d{8}|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\.?|[^:]*[A-Za-z]{3}[^:]*")
_DURATION: Final = re.compile(r"-?P(?=.)(\d+[YMWD])*(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")

_LIST: Final = re.compile(r"\[.*\]|[\w.]+([,;|] ?[\w.]+)*")


_TRUTHS: Final = word_set("true false t f yes no")
_SIDES: Final = word_set("b s buy sell bid ask a n buyer seller long short bought sold")
_INSTRUMENT: Final = re.compile(r"[A-Z0-9^$#&.:/_=\-+ ]{1,32}|[a-z]{2}\.\d{6}|[a-z0-9]{2,10}[-_/][a-z]{2,5}")
# Words in capitals that stand in tables of trades and are no instrument.
_OTHER_WORDS: Final = word_set(
    """
    TRADE TRADES QUOTE QUOTES BID ASK BUY SELL OPEN HIGH LOW CLOSE FILL FILLED MATCH LIMIT MARKET CANCEL ADD MODIFY
    DELETE NEW TICK BAR REGULAR AUCTION CROSS ODD NBBO EXECUTE UP DOWN PLUSTICK MINUSTICK ZEROPLUSTICK ZEROMINUSTICK
    ARCA NYSE NASDAQ NSDQ AMEX BATS BATSY EDGX EDGA IEX MEMX FINRA PHLX CBOE CHX NSX ISE XNAS XNYS ARCX XLON XETR
    EQ BE D W M H Y N T F E P Q B S A TRUE FALSE NULL NONE NA NAN UTC GMT EST EDT CET JST USD EUR GBP JPY
    """
)

_PRICES: Final[frozenset[Field]] = frozenset(
    {
        *("open", "high", "low", "close", "adj_close", "price", "bid", "ask", "previous", "average"),
        *("bid_open", "bid_high", "bid_low", "bid_close", "ask_open", "ask_high", "ask_low", "ask_close"),
    }
)
_MORE_PRICES: Final = word_set("mark markprice index indexprice mid midpoint midprice settle settlement fair fairprice")
_FIELDS: Final = _PRICES | {"volume", "quantity", "money", "trades", "quote_size", "open_interest", "spread", "change"}


@dataclass(frozen=True, slots=True)
class Content:
    """What a column of sample cells holds.

    Parameters
    ----------
    kind : what most of its cells are.
    values : its numbers, shape (T,), counts of seconds and dates of digits among them; NaN where a cell is none.
    whole : whether all numbers are written as whole ones.
    distinct : how many different filled cells there are.
    """

    kind: ContentKind
    values: Floats
    whole: bool
    distinct: int

    @property
    def is_number(self) -> bool:
        """Whether the cells are numbers that count something (no times)."""
        return self.kind in ("index", "counter", "flag", "constant", "price", "amount", "signed")


def content_of(cells: Sequence[str], decimal: Decimal = ".") -> Content:
    """What a column is, by most of its cells.

    Parameters
    ----------
    cells : sample cells in the order of the file, shape (T,).
    decimal : the decimal mark of the column.

    Examples
    --------
    >>> [content_of(cells).kind for cells in (["2024-08-08"], ["09:30", "09:31"], ["7", "9", "10"], ["AAPL", "MSFT"])]
    ['date', 'clock', 'counter', 'symbol']
    >>> [content_of(cells).kind for cells in (["1.5", "1.51"], ["0.3", "12"], ["0", "1", "0"], ["-0.2%", "1%"])]
    ['price', 'amount', 'flag', 'percent']
    """
    cells = [cell.strip() for cell in cells]
    filled = [cell for cell in cells if cell.lower() not in MISSING]
    distinct = len(set(filled))

    def told(kind: ContentKind) -> Content:
        return Content(kind, np.full(len(cells), np.nan), False, distinct)

    if not filled:
        return told("empty")
    if _mostly(filled, looks_like_clock):
        return told("clock")
    values = numbers_of(cells, decimal)
    numeric = int(np.isfinite(values).sum()) * 2 > len(filled)
    whole = numeric and all(WHOLE.fullmatch(cell) for cell in filled if looks_like_number(cell, decimal))
    if _mostly(filled, looks_like_time) and not (numeric and _wanders(values)):
        return Content("date" if _mostly(filled, _DATE_ONLY.fullmatch) else "time", values, whole, distinct)
    if numeric:
        return Content(_number_kind(values[np.isfinite(values)], whole), values, whole, distinct)
    return told(_text_kind(filled))


def are_fields(names: Sequence[str]) -> bool:
    """Whether labels are words for fields of a bar or quote, several and at least one price among them.

    >>> are_fields(["close", "volume"]), are_fields(["Eröffnung", "Schluss"]), are_fields(["O", "C"])
    (True, True, False)
    >>> are_fields(["mark", "index"]), are_fields(["open", "regular"]), are_fields(["LOW", "AAPL"])
    (True, False, False)
    """
    words = {fold(name) for name in names if len(name) > 1 or not name.isascii()}
    if len(words) < 2 or len(words) < len({fold(name) for name in names}):
        return False
    fields = {"price" if fold(name) in _MORE_PRICES else field_of(name) for name in names}
    return fields <= _FIELDS and bool(fields & _PRICES)


def question_of_fields(column: str, names: Sequence[str]) -> str:
    """What to do where the cells of a column are fields."""
    some = ", ".join(repr(name[:40]) for name in names[:4])
    return (
        f"column {column!r} names fields ({some}{', ...' if len(names) > 4 else ''}), so that a row has one of several "
        "kinds of numbers: write the fields side by side, a column each, or keep the rows of one"
    )


def surely_times(content: Content) -> bool:
    """Whether times are written with signs, as days, or as counts of twelve digits and more."""
    numbers = content.values[np.isfinite(content.values)]
    return content.kind == "date" or len(numbers) == 0 or bool((numbers > 1e11).all())


def as_numbers(content: Content) -> Content:
    """What a column of numbers is if it is no time: ids and volumes of ten digits look like seconds since 1970."""
    some = content.values[np.isfinite(content.values)]
    return replace(content, kind=_number_kind(some, content.whole))


def numbers_of(cells: Sequence[str], decimal: Decimal = ".") -> Floats:
    """The numbers of sample cells, shape (T,); NaN where a cell is none.

    >>> numbers_of(["1.5", "?", "", "1,000"]).tolist()
    [1.5, nan, nan, 1000.0]
    """
    readable = [cell if looks_like_number(cell, decimal) else "" for cell in cells]
    return floats(pa.array(readable, pa.string()), decimal)


def clock_digits(cells: Sequence[str], dates: Sequence[str]) -> bool:
    """Whether whole numbers beside dates are times of day without colons, 930 or 153000.

    Parameters
    ----------
    cells, dates : cells of two neighbouring columns, shape (T,). Within one date a clock runs one way; where every date
        is another, only numbers of four or six digits that never change are one.

    Examples
    --------
    >>> clock_digits(["153000", "153500"], ["20240802"] * 2), clock_digits(["1000", "1250"], ["20240802", "20240803"])
    (True, False)
    """
    if not all(re.fullmatch(r"([01]?\d|2[0-3])[0-5]\d([0-5]\d)?", cell) for cell in cells):
        return False
    if len(set(dates)) == len(dates) or len(set(cells)) == 1:
        return len(set(cells)) == 1 and len(cells[0]) in (4, 6)
    same_day = [int(later) - int(cell) for cell, later, day, next_day in _pairs(cells, dates) if day == next_day]
    return all(step >= 0 for step in same_day) or all(step <= 0 for step in same_day)


def roughness(values: NDArray[Any]) -> float:
    """The median size of the log steps between rows that differ; NaN where nothing changes.

    Parameters
    ----------
    values : numbers in the order of the file, shape (T,); those that are not above zero are left out.
    """
    some = np.asarray(values, dtype=np.float64)
    steps = np.abs(np.diff(np.log(some[np.isfinite(some) & (some > 0)])))
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else float("nan")


def price_like(values: NDArray[Any]) -> bool:
    """Whether numbers move like prices: above zero, changing, and by little from row to row.

    Parameters
    ----------
    values : numbers in the order of the file, shape (T,); NaN is no evidence. Ids and times move like this too: ask
        ``content_of`` first.
    """
    some = np.asarray(values, dtype=np.float64)
    some = some[np.isfinite(some)]
    return len(some) > 0 and bool(np.mean(some > 0) > 0.9) and roughness(some) < CALM


def same_prices(columns: Sequence[NDArray[Any]]) -> bool:
    """Whether columns are prices of one thing: close to one another in nearly every row.

    Parameters
    ----------
    columns : numbers, shape (T,) each; rows with NaN in one of them are no evidence.
    """
    table = np.stack([np.asarray(column, dtype=np.float64) for column in columns])
    table = table[:, np.all(np.isfinite(table) & (table > 0), axis=0)]
    return table.shape[1] > 0 and bool(np.mean(table.max(axis=0) <= _SAME * table.min(axis=0)) > 0.9)


def unleaping(columns: Sequence[NDArray[Any]]) -> list[int]:
    """Positions of columns that move about as much as most: a volume among prices, near them by chance, leaps.

    Parameters
    ----------
    columns : numbers in the order of time, shape (T,) each, of one magnitude.
    """
    rough = np.nan_to_num([roughness(column) for column in columns])
    usual = np.median(rough)
    return [at for at, one in enumerate(rough) if usual == 0 or one <= _LEAPING * usual]


def _pairs(cells: Sequence[str], dates: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
    """Each cell with the next one, and their dates."""
    return zip(cells[:-1], cells[1:], dates[:-1], dates[1:], strict=True)


def _mostly(cells: Sequence[str], test: Callable[[str], object]) -> bool:
    return sum(bool(test(cell)) for cell in cells) * 2 > len(cells)


def _wanders(values: Floats) -> bool:
    """Whether numbers that could be times jump about as times of a file never do: volumes of ten digits."""
    some = values[np.isfinite(values)]
    steps = np.diff(some)
    return len(steps) > 1 and bool((steps > 0).mean() < 0.8 and (steps < 0).mean() < 0.8 and roughness(some) > 0.01)


def _number_kind(some: Floats, whole: bool) -> ContentKind:
    steps = np.diff(some)
    if whole and len(some) > 1 and some[0] in (0, 1) and (steps == 1).all():
        return "index"
    if whole and np.isin(some, (0, 1, 2)).all():
        return "flag"
    if len(some) > 1 and not steps.any():
        return "constant"
    if (some < 0).any():
        return "signed"
    if whole and len(some) > 1 and (steps >= 0).all() and np.mean(steps > 0) > 0.5:
        return "counter"
    return "price" if price_like(some) or len(some) == 1 else "amount"


def _text_kind(filled: Sequence[str]) -> ContentKind:
    lower = [cell.lower() for cell in filled]
    if all(cell in _TRUTHS for cell in lower):
        return "truth"
    if all(cell in _SIDES for cell in lower):
        return "side"
    if _mostly(filled, lambda cell: re.fullmatch(r"[+-]?[\d.,]+ ?%", cell)):
        return "percent"
    if _mostly(filled, _DURATION.fullmatch):
        return "duration"
    if all(_LIST.fullmatch(cell) for cell in filled) and any(re.search(r"[,;|\[]", cell) for cell in filled):
        return "list"
    few = len(set(filled)) <= max(1, len(filled) // 2) or len(filled) <= 20
    named = sum(bool(_INSTRUMENT.fullmatch(cell)) and cell.upper() not in _OTHER_WORDS for cell in filled)
    return "symbol" if few and named * 2 > len(filled) else "text"


def runs_one_way(values: Floats) -> bool:
    """Whether whole numbers run one way in small steps: so do ids, and few rows of amounts or prices do not."""
    if len(values) < 2:
        return False
    steps = np.diff(values)
    one_way = bool((steps >= 0).all() or (steps <= 0).all()) and bool(steps.any())
    return one_way and (len(values) > 10 or bool((np.abs(steps) == 1).all()) or roughness(values) < 1e-3)
