"""Text cells to UTC nanoseconds: epochs of any unit, ISO dates with and without zone, dates of other habits.

The unit of an epoch is inferred from the size of each number, row by row, because real files mix them:

    seconds        1e8 ... 9.2e9     (1973 to 2262)
    milliseconds   1e11 ... 9.2e12
    microseconds   1e14 ... 9.2e15
    nanoseconds    1e17 ... 9.2e18

The ranges do not touch, so that a number between them (a spreadsheet's day number, an id) is refused, not guessed.
Whole numbers of the form 20240808 or 20240808130000 are calendar times. Days and months are told apart by evidence
in the whole column.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from alphastream.core.types import Ints
from alphastream.uploads.cells import CellError

UNITS: Final = (("seconds", 10**8, 10**9), ("milliseconds", 10**11, 10**6), ("microseconds", 10**14, 10**3))
UNITS_NS: Final = (*UNITS, ("nanoseconds", 10**17, 1))
SPAN: Final = 92  # a unit's range reaches to 92 times its beginning: the year 2262, where int64 ns end
NEEDED: Final = "a time is needed: seconds to nanoseconds since 1970, or a date such as 2024-08-08 13:00:00"
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_STAMP: Final = r"^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])?(?:[0-5]\d[0-5]\d)?$"
_DATE: Final = (
    r"^(?P<first>\d{1,4})[-/.](?P<second>\d{1,2})[-/.](?P<third>\d{1,4})"
    r"(?:[T ,]+(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?(?::(?P<sec>\d{2}))?(?:[.,](?P<fraction>\d{1,12}))?"
    r"[ -]?(?P<half>[AaPp][Mm])?)? ?(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
)
_DATE_CELL: Final = re.compile(_DATE)
_WORD_CELL: Final = re.compile(
    r"(\d{1,2}[- ])?[A-Za-z]{3,9}[-. ]+\d{1,2}.*\d{4}.*|\d{1,2}[- ][A-Za-z]{3,9}[- ,]+\d{2,4}.*"
)


@dataclass(frozen=True, slots=True)
class Times:
    """Times of a column, shape (T,) each, and what was decided on the way.

    Parameters
    ----------
    time_ns : UTC.
    notes : what was decided, in sentences.
    written_ns : the wall clock as it is written, before the zone is applied; ``time_ns`` itself where there is none.
    zoned : whether every cell gives a zone (epochs give none: they are UTC).
    dates_only : whether no cell has a time of day.
    """

    time_ns: Ints
    notes: tuple[str, ...]
    written_ns: Ints
    zoned: bool
    dates_only: bool


class TimeReader:
    """Reads a column of times block by block: ``add`` every block, then ``finish``."""

    def __init__(self) -> None:
        self._blocks: list[Any] = []

    def add(self, cells: Any, clocks: Any = None) -> None:
        """Take the next rows.

        Parameters
        ----------
        cells : Arrow string array, shape (T,): times, or dates if ``clocks`` are given.
        clocks : times of day, shape (T,), of the same rows.
        """
        if clocks is not None:
            cells = pc.binary_join_element_wise(*map(pc.utf8_trim_whitespace, (cells, clocks)), " ")
        self._blocks += cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]

    def finish(self) -> Times:
        """The times of all blocks; CellError (rows counted over all of them) for the first cell that is no time."""
        return parse_times(pa.chunked_array(self._blocks, pa.string()))


def parse_times(cells: Any) -> Times:
    """Read a column of times.

    Parameters
    ----------
    cells : Arrow string array or chunked array, shape (T,); all epochs or all dates.

    Raises
    ------
    CellError
        The first cell that is no time, or that contradicts the order of day and month of the others.

    Examples
    --------
    >>> parse_times(pa.array(["1586995200000", "1586998800.0"])).notes
    ('times read as seconds and milliseconds mixed',)
    >>> parse_times(pa.array(["8/24/2015", "9/1/2015"])).time_ns.astype("M8[ns]").astype("M8[D]").tolist()
    [datetime.date(2015, 8, 24), datetime.date(2015, 9, 1)]
    """
    cells = pa.chunked_array([cells]) if isinstance(cells, pa.Array) else cells
    try:
        return _from_whole(np.asarray(_cast(cells, pa.int64())), cells)
    except pa.ArrowInvalid:
        pass
    for kind, notes in ((pa.timestamp("ns"), ("times carry no zone: read as UTC",)), (pa.timestamp("ns", "UTC"), ())):
        try:
            time_ns = np.asarray(pc.cast(_cast(cells, kind), pa.int64()))
        except pa.ArrowInvalid:
            continue
        if kind.tz is None:
            return Times(time_ns, notes, time_ns, False, bool(pc.max(pc.binary_length(cells)).as_py() == 10))
        return Times(time_ns, notes, _without_zone(cells, time_ns), True, False)
    cells = pc.utf8_trim_whitespace(cells)
    first = next((cell for cell in cells.slice(0, 100).to_pylist() if cell), "")
    if re.fullmatch(r"\d+(\.\d*)?([eE]\+?\d+)?", first):
        return _from_decimals(cells)
    return _from_dates(cells)


def looks_like_time(cell: str) -> bool:
    """Whether one cell could be a time between 1990 and 2100, or any date."""
    cell = cell.strip()
    if _DATE_CELL.match(cell) or _WORD_CELL.fullmatch(cell) or re.match(_STAMP, cell):
        return True
    if not re.fullmatch(r"\d{9,19}(\.\d*)?", cell):
        return False
    number = float(cell)
    return any(631_152_000 <= number * scale / 1e9 <= 4_102_444_800 for _, _, scale in UNITS_NS)


def looks_like_clock(cell: str) -> bool:
    """Whether one cell is a time of day without a date."""
    return bool(re.fullmatch(r"\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(\s?[AaPp][Mm])?\s*", cell))


def _without_zone(cells: Any, time_ns: Ints) -> Ints:
    """The wall clocks of ISO times with a zone."""
    if pc.all(pc.ends_with(cells, "Z")).as_py():
        return time_ns
    walls = pc.replace_substring_regex(cells, r"(Z|[+-]\d{2}:?(\d{2})?)$", "")
    return np.asarray(pc.cast(pc.cast(walls, pa.timestamp("ns")), pa.int64()))


def _cast(cells: Any, kind: Any) -> Any:
    """Arrow's cast, tried on a few cells first: it builds a message for every cell it refuses."""
    pc.cast(cells.slice(0, 100), kind)
    return pc.cast(cells, kind)


def _from_whole(numbers: Ints, cells: Any) -> Times:
    stamps = ((numbers >= 19000101) & (numbers <= 21001231)) | ((numbers > 1e13) & (numbers < 9e13))
    if len(numbers) and stamps.all():
        return _from_stamps(cells)
    return _from_epochs(numbers, None)


def _from_epochs(whole: Ints, billionths: Ints | None) -> Times:
    """``whole`` counts in its own unit a row; ``billionths`` of that unit come on top."""
    time_ns = np.zeros(len(whole), dtype=np.int64)
    known = np.zeros(len(whole), dtype=bool)
    units = []
    for name, least, scale in UNITS_NS:
        rows = (whole >= least) & (whole < least * SPAN)
        if not rows.any():
            continue
        units.append(name)
        known |= rows
        time_ns[rows] = whole[rows] * scale
        if billionths is not None:
            time_ns[rows] += billionths[rows] * scale // 10**9
    if not known.all():
        row = int(np.argmin(known))
        raise CellError(row, str(whole[row]), _why_no_epoch(int(whole[row])))
    mixed = f"{' and '.join(units)} mixed" if len(units) > 1 else f"{''.join(units)} since 1970"
    return Times(time_ns, (f"times read as {mixed}",), time_ns, False, False)


def _why_no_epoch(number: int) -> str:
    if 20_000 <= number <= 80_000:
        return f"this looks like a spreadsheet's day number; {NEEDED}"
    return f"no unit makes this a time after 1973; {NEEDED}"


def _from_decimals(cells: Any) -> Times:
    """Epochs with fractions or exponents (1.7230752E+12, as spreadsheets write), exact to the nanosecond."""
    powers = pc.match_substring_regex(cells, r"^\d+(\.\d*)?[eE]\+?\d{1,2}$")
    if pc.any(powers).as_py():
        spelled = pc.if_else(powers, cells, "0")
        try:
            exact = pc.cast(pc.cast(spelled, pa.decimal128(38, 9)), pa.string())
        except pa.ArrowInvalid:
            row = next(row for row, cell in enumerate(spelled) if not _is_exact(cell))
            raise CellError(row, cells[row].as_py(), NEEDED) from None
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
    return _from_epochs(whole, billionths)


def _is_exact(cell: Any) -> bool:
    """Whether a number with an exponent has at most 29 digits before its point and 9 behind."""
    try:
        pc.cast(cell, pa.decimal128(38, 9))
    except pa.ArrowInvalid:
        return False
    return True


def _from_stamps(cells: Any) -> Times:
    parts = r"^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2}))?$"
    dashed = pc.replace_substring_regex(cells, parts, r"\1-\2-\3 \4:\5:\6")
    return _from_dates(pc.replace_substring(dashed, " ::", ""))


def _from_dates(cells: Any) -> Times:
    spelled = _numbered_months(cells)
    parts = [pc.extract_regex(chunk, _DATE) for chunk in spelled.chunks]
    _refuse_first_null(parts, cells)
    first, second, third = (_part(parts, name) for name in ("first", "second", "third"))
    dotted = bool(pc.any(pc.match_substring(spelled, ".")).as_py())
    year, month, day, notes = _order(first, second, third, dotted, cells)
    month_start = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("M8[M]")
    days = month_start.astype("M8[D]") + (day - 1)
    hour, minute, sec = (_part(parts, name) for name in ("hour", "minute", "sec"))
    half = np.asarray(pc.utf8_lower(pa.chunked_array([pc.struct_field(part, "half") for part in parts])).to_numpy())
    hour = np.where(half == "pm", hour % 12 + 12, np.where(half == "am", hour % 12, hour))
    lawful = (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("M8[M]") == month_start)
    lawful &= (year >= 1678) & (year <= 2261) & (hour < 24) & (minute < 60) & (sec < 60)
    if not lawful.all():
        row = int(np.argmin(lawful))
        raise CellError(row, cells[row].as_py(), f"no such day or time of day; {NEEDED}")
    offset, zoned = _zones(parts)
    fraction = _billionths(parts)
    written_ns = days.astype("M8[ns]").astype(np.int64) + ((hour * 60 + minute) * 60 + sec) * 10**9 + fraction
    if not zoned.all():
        notes += ("times carry no zone: read as UTC",)
    with_clock = pc.any(pc.match_substring_regex(spelled, r"[T ,:]")).as_py()
    return Times(written_ns - offset * 60 * 10**9, notes, written_ns, bool(zoned.all()), not with_clock)


def _numbered_months(cells: Any) -> Any:
    """24-Aug-2015 and Aug 24, 2015 as 2015-8-24; everything else as it is."""
    if not pc.any(pc.match_substring_regex(cells, r"[A-Za-z]{3}[a-z]*[-. ]")).as_py():
        return cells
    cells = pc.replace_substring_regex(cells, r"^([A-Za-z]{3})[A-Za-z]*\.? +(\d{1,2}),? +(\d{4})", r"\3-\1-\2")
    cells = pc.replace_substring_regex(cells, r"^(\d{1,2})[- ]([A-Za-z]{3})[A-Za-z]*\.?[- ,]+(\d{4})", r"\3-\2-\1")
    for number, name in enumerate(_MONTHS, start=1):
        cells = pc.replace_substring_regex(cells, f"(?i)^(\\d{{4}})-{name}-", rf"\1-{number}-")
    return cells


def _order(
    first: Ints, second: Ints, third: Ints, dotted: bool, cells: Any
) -> tuple[Ints, Ints, Ints, tuple[str, ...]]:
    """Year, month and day of three numbers, by evidence in the whole column."""
    year_first = first > 31
    if year_first.all():
        return first, second, third, ()
    if year_first.any():
        row = int(np.argmax(year_first != year_first[0]))
        raise CellError(row, cells[row].as_py(), "in some dates the year comes first, in some last: write all alike")
    year = np.where(third < 100, third + 2000, third)
    day_first, month_first = first > 12, second > 12
    if day_first.any() and month_first.any():
        row = max(int(np.argmax(day_first)), int(np.argmax(month_first)))
        raise CellError(row, cells[row].as_py(), "other dates have day and month the other way round: write 2015-08-24")
    if day_first.any():
        return year, second, first, ("dates read as day, month, year",)
    if month_first.any():
        return year, first, second, ("dates read as month, day, year",)
    running = [_runs_one_way(year * 10_000 + month * 100 + day) for month, day in ((first, second), (second, first))]
    day_leads = running[1] if running[0] != running[1] else dotted
    why = (
        "the only order in which they run one way" if running[0] != running[1] else "day and month cannot be told apart"
    )
    if day_leads:
        return year, second, first, (f"dates read as day, month, year: {why}",)
    return year, first, second, (f"dates read as month, day, year: {why}",)


def _runs_one_way(days: Ints) -> bool:
    steps = np.diff(days)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _zones(parts: list[Any]) -> tuple[Ints, NDArray[np.bool_]]:
    """Minutes east of UTC, and whether a zone was given at all."""
    zone = pa.chunked_array([pc.struct_field(part, "zone") for part in parts])
    zoned = np.asarray(pc.not_equal(zone, ""))
    signed = pc.replace_substring_regex(zone, r"^([+-])(\d{2}):?(\d{2})?$", r"\1\2\3")
    signed = pc.replace_substring_regex(signed, r"^([+-]\d{2})$", r"\100")
    numbers = pc.cast(pc.if_else(pc.match_substring_regex(signed, r"^[+-]\d{4}$"), signed, "0"), pa.float64())
    value = np.asarray(numbers).astype(np.int64)
    return np.sign(value) * (np.abs(value) // 100 * 60 + np.abs(value) % 100), zoned


def _billionths(parts: list[Any]) -> Ints:
    fraction = pa.chunked_array([pc.utf8_rpad(pc.struct_field(part, "fraction"), 9, "0") for part in parts])
    return np.asarray(pc.cast(pc.utf8_slice_codeunits(fraction, 0, 9), pa.int64()))


def _part(parts: list[Any], name: str) -> Ints:
    text = pa.chunked_array([pc.struct_field(part, name) for part in parts])
    return np.asarray(pc.cast(pc.if_else(pc.equal(text, ""), "0", text), pa.int64()))


def _refuse_first_null(parts: list[Any], cells: Any) -> None:
    start = 0
    for part in parts:
        if part.null_count:
            row = start + int(np.flatnonzero(np.asarray(pc.is_null(part)))[0])
            raise CellError(row, cells[row].as_py(), NEEDED)
        start += len(part)
