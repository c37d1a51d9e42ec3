"""Times of day: in cells that hold a date too, and in columns of their own."""

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.uploads.cells import CellError
from alphastream.uploads.epochs import NEEDED

Bools = NDArray[np.bool_]

NO_CLOCK: Final = f"no such day or time of day; {NEEDED}"
DAY_NS: Final = 86_400 * SECOND
_CLOCK: Final = re.compile(r"([01]?\d|2[0-4]):[0-5]\d(:[0-5]\d([.,:]\d+)?)?(\s?[AaPp]\.?[Mm]\.?)?")
_NUMBERS: Final = r"^\d{1,15}([.,]\d{0,12})?$"
_DATE: Final = r"^(\d{4}[-./]?\d{2}[-./]?\d{2})[ T;,_-]+(\d{2})(\d{2})(\d{2})"
_COMPACT: Final = ((rf"{_DATE}[.,]?(\d{{3,9}})", r"\1 \2:\3:\4.\5"), (rf"{_DATE}($|[^\d.,])", r"\1 \2:\3:\4\5"))
_DAY_ZERO: Final = r"^(1899-12-3[01]|1900-01-0[01]|0 days)[T ]+"  # what databases and pandas put before a clock
_PADDING: Final = 24  # bytes around the text, so that no look beyond a clock leaves it
_DIGITS: Final = 12  # most digits of a fraction; nine are kept
_COLON, _ZERO, _DASH = b":0-"


def looks_like_clock(cell: str) -> bool:
    """Whether one cell is a time of day without a date."""
    return bool(_CLOCK.fullmatch(cell.strip()))


def split_clocks(cells: Any) -> tuple[Any, Ints]:
    """Times of day taken out of cells, so that few different texts are left to be understood.

    Parameters
    ----------
    cells : Arrow string array, shape (T,), without nulls.

    Returns
    -------
    tuple
        The cells with zeros for the digits of their times of day, and these in ns after midnight, as they are written
        (12-hour clocks without their half), shape (T,). A cell in which no clock is seen stays as it is, with 0.

    Raises
    ------
    CellError
        A clock such as 25:00 or 9:61.

    >>> texts, clock_ns = split_clocks(pa.array(["20240808 133000", "8/8/2024 1:30:00.5 PM", "noon"]))
    >>> texts.to_pylist(), (clock_ns / 1e9).tolist()
    (['20240808 00:00:00', '8/8/2024 0:00:00.0 PM', 'noon'], [48600.0, 5400.5, 0.0])
    """
    for seen, plain in _COMPACT:
        if pc.any(pc.match_substring_regex(cells.slice(0, 100), seen)).as_py():
            cells = pc.replace_substring_regex(cells, seen, plain)
    text = _Bytes(cells)
    clock_ns = np.zeros(len(cells), dtype=np.int64)
    rows, colon = text.first_colons()
    if len(rows) == 0:
        return cells, clock_ns
    begin, end = text.offsets[rows], text.offsets[rows + 1]
    two = text.digit(colon - 2, begin, end)
    start = colon - 1 - two
    before = np.where(start > begin, text.data[start - 1], _COLON)
    # -05:00 behind a date is a zone, unless the date is 20240808.
    clock = (start == begin) | (before != ord("+")) & ((before != _DASH) | (start - 1 - begin == 8))
    clock &= ~((before >= _ZERO) & (before <= _ZERO + 9))
    for at in (-1, 1, 2):
        clock &= text.digit(colon + at, begin, end)
    colons = text.data[colon + 3] == _COLON
    seconds = colons & text.digit(colon + 4, begin, end) & text.digit(colon + 5, begin, end) & (colon + 3 < end)
    after = colon + np.where(seconds, 6, 3)
    fraction_ns = np.zeros(len(rows), dtype=np.int64)
    more = seconds & np.isin(text.data[after], list(b".,:")) & text.digit(after + 1, begin, end)
    after += more
    digits = []
    for at in range(_DIGITS):
        more = more & text.digit(after, begin, end)
        if not more.any():
            break
        fraction_ns += np.where(more, text.value(after), 0) * (10 ** (8 - at) if at < 9 else 0)
        digits.append((after.copy(), more))
        after += more
    clock &= ~(text.digit(after, begin, end) | ((text.data[after] == _COLON) & (after < end)))
    hour = np.where(two, text.value(colon - 2) * 10, 0) + text.value(colon - 1)
    minute = text.value(colon + 1) * 10 + text.value(colon + 2)
    second = np.where(seconds, text.value(colon + 4) * 10 + text.value(colon + 5), 0)
    lawful = (minute < 60) & (second < 60) & ((hour < 24) | ((hour == 24) & (minute + second + fraction_ns == 0)))
    if (clock & ~lawful).any():
        row = int(rows[np.argmax(clock & ~lawful)])
        raise CellError(row, cells[row].as_py(), NO_CLOCK)
    clock_ns[rows] = np.where(clock, ((hour * 60 + minute) * 60 + second) * SECOND + fraction_ns, 0)
    spots = [(colon - 2, two), *((colon + at, True) for at in (-1, 1, 2)), *((colon + at, seconds) for at in (4, 5))]
    for position, there in [*spots, *digits]:
        text.data[position[clock & there]] = _ZERO
    return text.array(), clock_ns


class _Bytes:
    """An Arrow string array as bytes that may be written on."""

    def __init__(self, cells: Any) -> None:
        _, offsets, data = cells.buffers()
        first = np.frombuffer(offsets, dtype=np.int32)[cells.offset : cells.offset + len(cells) + 1]
        used = np.frombuffer(data, dtype=np.uint8)[first[0] : first[-1]] if data is not None else b""
        self.data = np.zeros(len(used) + 2 * _PADDING, dtype=np.uint8)
        self.data[_PADDING : _PADDING + len(used)] = used
        self.offsets = first.astype(np.int64) - first[0] + _PADDING

    def first_colons(self) -> tuple[Ints, Ints]:
        """Rows with a colon, and where the first one stands."""
        colons = np.append(np.flatnonzero(self.data == _COLON), len(self.data))
        first = colons[np.searchsorted(colons, self.offsets[:-1])]
        rows = np.flatnonzero(first < self.offsets[1:])
        return rows, first[rows]

    def digit(self, at: Ints, begin: Ints, end: Ints) -> Bools:
        """Whether digits of the cell stand at these positions."""
        return (at >= begin) & (at < end) & (self.data[at] >= _ZERO) & (self.data[at] <= _ZERO + 9)

    def value(self, at: Ints) -> Ints:
        """The digits there."""
        return self.data[at].astype(np.int64) - _ZERO

    def array(self) -> Any:
        """The text as Arrow has it."""
        offsets = pa.py_buffer((self.offsets - _PADDING).astype(np.int32))
        return pa.StringArray.from_buffers(len(self.offsets) - 1, offsets, pa.py_buffer(self.data[_PADDING:]))


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of clocks that are numbers, shape (T,): 93000, 0930, 34200.123.

    Parameters
    ----------
    whole, fraction_ns : the number before its point, and what is behind it in billionths.
    digits : most digits before the point, zeros in front included.
    same_length : whether all have as many.
    two_decimals : whether all have two digits behind a point.
    """

    whole: Ints
    fraction_ns: Ints
    digits: int
    same_length: bool
    two_decimals: bool


def numbers_of(clocks: Any) -> Numbers | None:
    """Clocks as numbers, or None where they are written with colons or in words.

    >>> numbers_of(pa.array(["93000", "153000"])).digits, numbers_of(pa.array(["9:30"]))
    (6, None)
    """
    if not pc.all(pc.match_substring_regex(clocks.slice(0, 100), _NUMBERS)).as_py():
        return None
    if not len(clocks) or not pc.all(pc.match_substring_regex(clocks, _NUMBERS)).as_py():
        return None
    pointed = pc.any(pc.match_substring_regex(clocks, "[.,]")).as_py()
    parts = pc.extract_regex(clocks, r"^(?P<whole>\d+)[.,]?(?P<fraction>\d*)$") if pointed else None
    whole = clocks if parts is None else pc.struct_field(parts, "whole")
    fraction = pa.array([""]) if parts is None else pc.struct_field(parts, "fraction")
    behind = np.asarray(pc.cast(pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, 9, "0"), 0, 9), pa.int64()))
    lengths, decimals = np.asarray(pc.binary_length(whole)), np.asarray(pc.binary_length(fraction))
    return Numbers(
        np.asarray(pc.cast(whole, pa.int64())),
        np.broadcast_to(behind, len(clocks)).astype(np.int64),
        int(lengths.max()),
        bool((lengths == lengths[0]).all()),
        bool((decimals == 2).all()),
    )


def written_clocks(clocks: Any) -> Any:
    """Clocks in words as ``split_clocks`` knows them: 15.30.00, 15h30, 1899-12-30 15:30:00; CellError for no clock."""
    digits = np.asarray(pc.match_substring_regex(clocks, r"\d"))
    if not digits.all():
        row = int(np.argmin(digits))
        raise CellError(row, clocks[row].as_py(), NO_CLOCK)
    for seen, plain in (
        (_DAY_ZERO, ""),
        (r"^(\d{1,2})[.h](\d{2})(?:[.m](\d{2}))s?$", r"\1:\2:\3"),
        (r"^(\d{1,2})[.h](\d{2})$", r"\1:\2"),
    ):
        clocks = pc.replace_substring_regex(clocks, seen, plain)
    return clocks


def clocks_of(columns: list[Numbers]) -> tuple[Ints, str]:
    """Blocks of one column of numbers as ns after midnight, shape (T,), and how they were read.

    Several readings are tried on the whole column (hhmm, hhmmss with fractions, seconds after midnight and their
    parts); one must be left.

    Raises
    ------
    CellError
        None is, or several are.

    >>> clock_ns, note = clocks_of([numbers_of(pa.array(["93000", "153000"]))])
    >>> (clock_ns / 1e9).tolist(), note
    ([34200.0, 55800.0], 'times of day read as hhmmss')
    """
    whole = np.concatenate([column.whole for column in columns])
    behind = np.concatenate([column.fraction_ns for column in columns])
    digits = max(column.digits for column in columns)
    lengths = {(column.digits, column.same_length) for column in columns}
    fixed = len(lengths) == 1 and columns[0].same_length
    fractions = bool(behind.any())
    two = all(column.two_decimals for column in columns)
    if fractions and not whole.any() and not two:
        part = f"{behind[0] / SECOND:.9g}"
        raise CellError(0, part, "a fraction of a day, as spreadsheets keep clocks: format it as hh:mm:ss there")
    readings = _readings(whole, behind, digits, fixed, fractions, two)
    lawful = {name: reading for name, reading in readings.items() if reading[1].all()}
    if lawful and len({reading.tobytes() for reading, _ in lawful.values()}) == 1:
        name = next(iter(lawful))
        return lawful[name][0], f"times of day read as {name}"
    if not lawful:
        row = max((int(np.argmin(good)) for _, good in readings.values()), default=0)
        raise CellError(row, str(whole[row]), NO_CLOCK)
    names = " or ".join(lawful)
    raise CellError(0, str(whole[0]), f"{names}: the rows do not tell which; write times of day as 15:30:00")


def _readings(
    whole: Ints, behind: Ints, digits: int, fixed: bool, fractions: bool, two_decimals: bool
) -> dict[str, tuple[Ints, Bools]]:
    """What a column of numbers may be: name to ns after midnight and which rows are lawful."""

    def hms(parts: int) -> tuple[Ints, Bools]:
        clock, rest = divmod(whole, 10**parts)
        hour, minute, second = clock // 10_000, clock // 100 % 100, clock % 100
        ns = ((hour * 60 + minute) * 60 + second) * SECOND + rest * 10 ** (9 - parts)
        lawful = (hour < 24) & (minute < 60) & (second < 60)
        return ns + (behind if parts == 0 else 0), lawful | ((clock == 240_000) & (rest == 0))

    def after_midnight(unit_ns: int) -> tuple[Ints, Bools]:
        return whole * unit_ns + behind * unit_ns // SECOND, whole < DAY_NS // unit_ns

    if fractions and two_decimals and digits <= 2:
        hundredths = behind // 10**7
        ns = (whole * 3600 + hundredths * 60) * SECOND
        return {"hours and minutes": (ns, (whole < 24) & (hundredths < 60))}
    if not fractions and digits <= 4:
        minutes = whole // 100 * 60 + whole % 100
        readings = {"hhmm": (minutes * 60 * SECOND, (whole <= 2400) & (whole % 100 < 60))}
        if (fixed and digits < 3) or int(whole.max()) < 100:
            readings |= {"hours": after_midnight(3600 * SECOND), "seconds after midnight": after_midnight(SECOND)}
        return readings
    sizes: tuple[tuple[int, str, int, str, int], ...] = (
        (6, "hhmmss", 0, "seconds after midnight", SECOND),
        (9, "hhmmss and milliseconds", 3, "milliseconds after midnight", 10**6),
        (12, "hhmmss and microseconds", 6, "microseconds after midnight", 10**3),
        (15, "hhmmss and nanoseconds", 9, "nanoseconds after midnight", 1),
    )
    most, name, parts, other, unit_ns = next(size for size in sizes if digits <= size[0])
    readings = {name: hms(parts)}
    if not (fixed and digits == most):  # zeros in front are written: no count
        readings[other] = after_midnight(unit_ns)
    return readings
