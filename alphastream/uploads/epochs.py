"""Whole and decimal numbers that are times: counts since 1970 in any unit, and calendar times such as 20240808133000.

The unit of an epoch is inferred from the size of each number, row by row, because real files mix them:

    seconds        1e8 ... 9.2e9     (1973 to 2262)
    milliseconds   1e11 ... 9.2e12
    microseconds   1e14 ... 9.2e15
    nanoseconds    1e17 ... 9.2e18

The ranges do not touch, so that a number between them (a spreadsheet's day number, an id) is refused, not guessed.
Calendar times of 8, 14 and 17 digits stand between the ranges. Those of 10 and 12 digits would be epochs of 2030 to
2036 in seconds and of 1976 in milliseconds, those of 6 digits no epoch: they are calendar times where every row is a
lawful one.
"""

import math
import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.uploads.cells import CellError

UNITS: Final = (("seconds", 10**8, 10**9), ("milliseconds", 10**11, 10**6), ("microseconds", 10**14, 10**3))
UNITS_NS: Final = (*UNITS, ("nanoseconds", 10**17, 1))
# Counts of 100 ns since another year, 1990 to 2060; as nanoseconds since 1970 they would lie before any data of ticks.
_HUNDREDS: Final = (
    ("100 nanoseconds since the year 1 (.NET)", 627_667_488 * 10**9, 649_757_376 * 10**9, 621_355_968 * 10**9),
    ("100 nanoseconds since 1601 (Windows)", 122_756_256 * 10**9, 144_846_144 * 10**9, 116_444_736 * 10**9),
)
SPAN: Final = 92  # a unit's range reaches to 92 times its beginning: the year 2262, where int64 ns end
NEEDED: Final = "a time is needed: seconds to nanoseconds since 1970, or a date such as 2024-08-08 13:00:00"
MONTHS_NOTE: Final = "months are stamped on their first day"
_DECIMAL: Final = re.compile(r"\d+(\.\d*)?([eE]\+?\d+)?", re.ASCII)
_LONG_STAMP: Final = re.compile(r"(19|20)\d{12}(\.\d+|\d{6}|\d{9})", re.ASCII)
_DAY_NUMBERS: Final = (20_000, 80_000)  # a spreadsheet's days since 1900: 1954 to 2119
_BAR_SECONDS: Final = (60, 300, 900, 1800, 3600, 14_400, 86_400)
_BY_CHANCE: Final = 1e-3
# Calendar numbers: the least and the first beyond, what to divide by for the day, and whether all rows must be such.
_STAMPS: Final = (
    (190001, 210013, None, True),
    (19000101, 21001232, 1, False),
    (1900010100, 2100123124, 10**2, True),
    (190001010000, 210012312360, 10**4, True),
    (19000101000000, 21001231236060, 10**6, False),
    (19000101000000000, 21001231236060000, 10**9, False),
)


@dataclass(frozen=True, slots=True)
class Epochs:
    """UTC times, shape (T,), and the units found."""

    time_ns: Ints
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stamps:
    """Wall clocks, shape (T,), of calendar numbers; ``dates_only`` where no number has a time of day."""

    wall_ns: Ints
    dates_only: bool
    notes: tuple[str, ...]


def is_decimal(cell: str) -> bool:
    """Whether a cell is a number without sign that could be an epoch: 20240808133000.5 is a calendar time."""
    return _DECIMAL.fullmatch(cell) is not None and _LONG_STAMP.fullmatch(cell) is None


def from_whole(numbers: Ints, billionths: Ints | None = None) -> Epochs:
    """Epochs of whole numbers in their own units, shape (T,); ``billionths`` of that unit come on top.

    >>> from_whole(np.array([1586995200000, 1586998800])).units
    ('seconds', 'milliseconds')
    """
    for name, least, beyond, start in _HUNDREDS:
        if len(numbers) and ((numbers >= least) & (numbers < beyond)).all():
            return Epochs((numbers - start) * 100, (name,))
    time_ns = np.zeros(len(numbers), dtype=np.int64)
    known = np.zeros(len(numbers), dtype=bool)
    units = []
    for name, least, scale in UNITS_NS:
        rows = (numbers >= least) & (numbers < least * SPAN)
        if not rows.any():
            continue
        units.append(name)
        if rows.all() and billionths is None:
            return Epochs(numbers * scale, (name,))
        known |= rows
        time_ns[rows] = numbers[rows] * scale
        if billionths is not None:
            time_ns[rows] += billionths[rows] * scale // 10**9
    if not known.all():
        row = int(np.argmin(known))
        part = 0.0 if billionths is None else int(billionths[row]) / 1e9
        raise CellError(row, str(numbers[row] + part if part else numbers[row]), _why_no_epoch(int(numbers[row]), part))
    return Epochs(time_ns, tuple(units))


def as_nanoseconds(time_ns: Ints, units: tuple[str, ...]) -> Ints:
    """Times that were read as counts since another year, as nanoseconds since 1970 instead; others as they are."""
    start = next((start for name, _, _, start in _HUNDREDS if (name,) == units), None)
    return time_ns if start is None else time_ns // 100 + start


def stamps_of(numbers: Ints) -> Stamps | None:
    """Calendar numbers of one length or several, or None if these are none.

    Raises
    ------
    CellError
        They have the length of calendar numbers, and one of them is no such day or time of day.

    >>> stamps_of(np.array([20240808133000])).wall_ns.astype("M8[ns]").astype("M8[s]").tolist()
    [datetime.datetime(2024, 8, 8, 13, 30)]
    """
    if len(numbers) == 0 or numbers[0] < _STAMPS[0][0]:
        return None
    wall_ns = np.empty(len(numbers), dtype=np.int64)
    known, dates_only, notes = np.zeros(len(numbers), dtype=bool), True, []
    for least, beyond, divisor, alone in _STAMPS:
        rows = (numbers >= least) & (numbers < beyond)
        if not rows.any() or (alone and not rows.all()):
            continue
        some = numbers[rows]
        wall, lawful = _calendar(some, divisor)
        if alone and not lawful.all():
            continue
        if not lawful.all():
            row = int(np.flatnonzero(rows)[np.argmin(lawful)])
            raise CellError(row, str(numbers[row]), f"no such day or time of day; {NEEDED}")
        if divisor is None:
            notes.append(MONTHS_NOTE)
        wall_ns[rows] = wall
        known |= rows
        dates_only &= divisor in (None, 1)
    return Stamps(wall_ns, dates_only, tuple(notes)) if known.all() else None


def _calendar(numbers: Ints, divisor: int | None) -> tuple[Ints, Any]:
    """Wall clocks and whether they are lawful; without a divisor the numbers are months (202408)."""
    days, clock = (numbers * 100 + 1, np.zeros_like(numbers)) if divisor is None else divmod(numbers, divisor)
    digits = 0 if divisor is None else len(str(divisor)) - 1
    clock = clock * 10 ** (9 - digits)  # hhmmssmmm
    hour, minute, second, milli = clock // 10**7, clock // 10**5 % 100, clock // 1000 % 100, clock % 1000
    year, month, day = days // 10_000, days // 100 % 100, days % 100
    month_start = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("M8[M]")
    dates = month_start.astype("M8[D]") + (day - 1)
    lawful = (month >= 1) & (month <= 12) & (day >= 1) & (dates.astype("M8[M]") == month_start)
    lawful &= (hour < 24) & (minute < 60) & (second < 60)
    seconds = (hour * 60 + minute) * 60 + second
    return dates.astype("M8[ns]").astype(np.int64) + seconds * SECOND + milli * 10**6, lawful


def _why_no_epoch(number: int, part: float) -> str:
    if _DAY_NUMBERS[0] <= number < _DAY_NUMBERS[1]:
        day = np.datetime64("1899-12-30", "s") + np.timedelta64(round((number + part) * 86_400), "s")
        return (
            f"this looks like a spreadsheet's day number ({str(day).replace('T', ' ')}): give the column a date "
            f"format in the spreadsheet and save the file again; {NEEDED}"
        )
    return f"no unit makes this a time after 1973; {NEEDED}"


def from_decimals(cells: Any) -> Epochs | Stamps:
    """Epochs with fractions or exponents (1.723075200E+12, as spreadsheets write), exact to the nanosecond.

    Parameters
    ----------
    cells : Arrow string array, shape (T,), without blanks around the numbers.
    """
    powers = pc.match_substring_regex(cells, r"^\d+(\.\d*)?[eE]\+?\d{1,2}$")
    if pc.any(powers).as_py():
        spelled = pc.if_else(powers, cells, "0")
        try:
            exact = pc.cast(pc.cast(spelled, pa.decimal128(38, 9)), pa.string())
        except pa.ArrowInvalid:
            row = next(row for row, cell in enumerate(spelled) if not _is_exact(cell))
            raise CellError(row, cells[row].as_py(), NEEDED) from None
        _refuse_rounded(cells.filter(powers), exact.filter(powers), np.flatnonzero(np.asarray(powers)))
        cells = pc.if_else(powers, exact, cells)
    numeric = np.asarray(pc.match_substring_regex(cells, r"^\d{1,18}(\.\d*)?$|^[1-8]\d{18}(\.\d*)?$"))
    if not numeric.all():
        row = int(np.argmin(numeric))
        raise CellError(row, cells[row].as_py(), NEEDED)
    whole, billionths = np.zeros((2, len(cells)), dtype=np.int64)
    points = np.asarray(pc.find_substring(cells, "."))
    for point in np.unique(points):  # few: epochs of one unit have their point at one place
        rows = points == point
        some = cells.filter(pa.array(rows))
        whole[rows] = pc.cast(pc.utf8_slice_codeunits(some, 0, None if point < 0 else point), pa.int64())
        if point >= 0:
            fraction = pc.utf8_rpad(pc.utf8_slice_codeunits(some, point + 1, point + 10), 9, "0")
            billionths[rows] = pc.cast(fraction, pa.int64())
    stamps = stamps_of(whole) if not billionths.any() else None
    return from_whole(whole, billionths) if stamps is None else stamps


def _is_exact(cell: Any) -> bool:
    """Whether a number with an exponent has at most 29 digits before its point and 9 behind."""
    try:
        pc.cast(cell, pa.decimal128(38, 9))
    except pa.ArrowInvalid:
        return False
    return True


def _refuse_rounded(cells: Any, exact: Any, rows: Ints) -> None:
    """Numbers whose exponent form has too few digits to say the second.

    They are kept if they can only be exact: if every one falls on a whole bar (a minute to a day) although rounding
    knows nothing of bars, so that this happens by chance less than once in a thousand.
    """
    digits = pc.extract_regex(cells, r"^\d+\.?(?P<decimals>\d*)[eE]\+?(?P<power>\d+)$")
    decimals = np.asarray(pc.binary_length(pc.struct_field(digits, "decimals")))
    power = np.asarray(pc.cast(pc.struct_field(digits, "power"), pa.int64()))
    whole = np.asarray(pc.cast(pc.replace_substring_regex(exact, r"\..*", ""), pa.int64()))
    units = np.zeros(len(whole), dtype=np.int64)  # ns
    for _, least, scale in UNITS_NS:
        units[(whole >= least) & (whole < least * SPAN)] = scale
    # Zeros at the end are not written: the row with the most digits says what the others could have had.
    step_ns = int((10.0 ** np.clip(power - decimals, 0, 18) * units).min())
    if step_ns <= SECOND:
        return
    step = step_ns // SECOND
    seconds = np.unique(whole * units // SECOND)
    for bar in _BAR_SECONDS:
        chance = step / math.lcm(step, bar)
        if chance ** len(seconds) <= _BY_CHANCE and (seconds % bar == 0).all():
            return
    raise CellError(
        int(rows[0]),
        cells[0].as_py(),
        f"a spreadsheet has rounded the times to {step:,} seconds, and they cannot be recovered: download the file "
        "again, and do not save it from a spreadsheet (or give the column a number format without decimals first)",
    )
