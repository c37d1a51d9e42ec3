"""Text cells to UTC nanoseconds: epochs of any unit (``epochs``), ISO dates, dates of other habits (``dates``)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alphastream.core.types import Ints
from alphastream.uploads.cells import NUMBER, CellError
from alphastream.uploads.dates import DATE_CELL, Order, dates_of, spelled
from alphastream.uploads.epochs import UNITS_NS, Epochs, Stamps, from_decimals, from_whole, is_decimal, stamps_of
from alphastream.uploads.zones import in_zone

_NO_ZONE: Final = "times carry no zone: read as UTC"
_STAMP: Final = (
    r"^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])?(?:[0-5]\d[0-5]\d)?(?:\d{3})?$"
)
_DATE_LENGTH: Final = 10
_FIRST_DAYS: Final = ("1899-12-30", "1899-12-31", "1900-01-01", "1904-01-01")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-4]):[0-5]\d(:[0-5]\d([.,:]\d+)?)?(\s?[AaPp]\.?[Mm]\.?)?")
_DATELIKE: Final = re.compile(r"\d{1,8}\D.*\d|[^\W\d_]{3,}.*\d")


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
    """Reads a column of times block by block: ``add`` every block, then ``finish``.

    Blocks of whole numbers and of ISO times without a zone are kept as numbers, eight bytes a row; others as text,
    because only the whole column tells their order of day and month.

    Parameters
    ----------
    order : of day, month and year, where a person has chosen it.
    zone : of times that give none, where the header says it; None for UTC.
    """

    def __init__(self, order: Order | None = None, zone: str | None = None) -> None:
        self._order = order
        self._zone = zone
        self._blocks: list[tuple[Literal["whole", "iso", "text"], Any]] = []
        self._dates_only = True

    def add(self, cells: Any, clocks: Any = None) -> None:
        """Take the next rows.

        Parameters
        ----------
        cells : Arrow string array, shape (T,): times, or dates if ``clocks`` are given.
        clocks : times of day, shape (T,), of the same rows.
        """
        if clocks is not None:
            cells = joined(cells, clocks)
        for chunk in cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]:
            self._dates_only &= not len(chunk) or pc.max(pc.binary_length(chunk)).as_py() == _DATE_LENGTH
            self._blocks.append(_compact(chunk))

    def finish(self) -> Times:
        """The times of all blocks; CellError (rows counted over all of them) for the first cell that is no time."""
        times = self._finished()
        _refuse_clocks_alone(times)
        if self._zone is None or _NO_ZONE not in times.notes:
            return times
        notes = tuple(note for note in times.notes if note != _NO_ZONE)
        told = f"times read as {self._zone}, as the header says"
        time_ns = in_zone(times.written_ns, self._zone)
        return Times(time_ns, (*notes, told), times.written_ns, True, times.dates_only)

    def _finished(self) -> Times:
        kinds = {kind for kind, _ in self._blocks}
        if kinds == {"whole"}:
            numbers = np.concatenate([block for _, block in self._blocks])
            self._blocks.clear()
            return _of_numbers(numbers)
        if kinds == {"iso"}:
            time_ns = np.concatenate([block for _, block in self._blocks])
            self._blocks.clear()
            return Times(time_ns, (_NO_ZONE,), time_ns, False, self._dates_only)
        return _of_text(
            pa.chunked_array([_as_text(kind, block) for kind, block in self._blocks], pa.string()), self._order
        )


def _refuse_clocks_alone(times: Times) -> None:
    """Times of day that a program wrote behind its own first day, because it had no date."""
    if times.dates_only or len(times.time_ns) == 0:
        return
    day = times.time_ns[0].astype("M8[ns]").astype("M8[D]")
    if str(day) in _FIRST_DAYS and (times.time_ns.astype("M8[ns]").astype("M8[D]") == day).all():
        needed = "a time of day without its date (some programs write their first day before it): choose the date too"
        raise CellError(0, str(times.time_ns[0].astype("M8[ns]").astype("M8[s]")), needed)


def parse_times(cells: Any, order: Order | None = None) -> Times:
    """Read a column of times.

    Parameters
    ----------
    cells : Arrow string array or chunked array, shape (T,); all epochs or all dates.
    order : of day, month and year; None to judge it by the whole column.

    Raises
    ------
    CellError
        The first cell that is no time, or that contradicts the order of day and month of the others; or the first one
        of all where that order cannot be told.

    Examples
    --------
    >>> parse_times(pa.array(["1586995200000", "1586998800.0"])).notes
    ('times read as seconds and milliseconds mixed',)
    >>> parse_times(pa.array(["8/24/2015", "9/1/2015"])).time_ns.astype("M8[ns]").astype("M8[D]").tolist()
    [datetime.date(2015, 8, 24), datetime.date(2015, 9, 1)]
    """
    reader = TimeReader(order)
    reader.add(cells)
    return reader.finish()


def joined(dates: Any, clocks: Any) -> Any:
    """Dates and times of day as one column; digits alone are a clock too (93000, 930), by the longest of them."""
    dates, clocks = pc.utf8_trim_whitespace(dates), pc.utf8_trim_whitespace(clocks)
    bare = pc.match_substring_regex(clocks, r"^\d{1,6}$")
    if pc.all(bare).as_py():
        longest = pc.max(pc.utf8_length(clocks)).as_py() or 1
        clocks = pc.utf8_lpad(clocks, 6 if longest > 4 else 4, "0")
    return pc.binary_join_element_wise(dates, clocks, " ")


def looks_like_time(cell: str) -> bool:
    """Whether one cell could be a time between 1990 and 2100, or any date."""
    cell = cell.strip()
    if DATE_CELL.match(cell) or re.match(_STAMP, cell):
        return True
    if not re.fullmatch(r"\d{9,19}(\.\d*)?([eE]\+?\d+)?|\d\.\d+[eE]\+?\d+", cell):
        return _is_spelled_date(cell)
    number = float(cell)
    return any(631_152_000 <= number * scale / 1e9 <= 4_102_444_800 for _, _, scale in UNITS_NS)


@lru_cache(2**12)
def _is_spelled_date(cell: str) -> bool:
    if len(cell) < 5 or len(cell) > 70 or NUMBER.fullmatch(cell) or not _DATELIKE.match(cell):
        return False
    plain = spelled(pa.array([cell]))[0][0].as_py()
    return DATE_CELL.match(plain) is not None


def looks_like_clock(cell: str) -> bool:
    """Whether one cell is a time of day without a date."""
    return bool(_CLOCK.fullmatch(cell.strip()))


def _compact(cells: Any) -> tuple[Literal["whole", "iso", "text"], Any]:
    """A block in as few bytes as its kind allows."""
    for kind, arrow in (("whole", pa.int64()), ("iso", pa.timestamp("ns"))):
        try:
            values = pc.cast(_cast(cells, arrow), pa.int64())
        except pa.ArrowInvalid:
            continue
        if values.null_count == 0:
            return ("whole" if kind == "whole" else "iso"), np.asarray(values)
    return "text", cells


def _as_text(kind: str, block: Any) -> Any:
    if kind == "whole":
        return pc.cast(pa.array(block), pa.string())
    return pc.cast(pa.array(block.view("M8[ns]")), pa.string()) if kind == "iso" else block


def _of_text(cells: Any, order: Order | None) -> Times:
    try:
        time_ns = np.asarray(pc.cast(_cast(cells, pa.timestamp("ns", "UTC")), pa.int64()))
        return Times(time_ns, (), _without_zone(cells, time_ns), True, False)
    except pa.ArrowInvalid:
        pass
    cells = pc.utf8_trim_whitespace(cells)
    first = next((cell for cell in cells.slice(0, 100).to_pylist() if cell), "")
    if is_decimal(first):
        return _of_epochs(from_decimals(cells))
    dates = dates_of(cells, order)
    return Times(dates.time_ns, dates.notes, dates.written_ns, dates.zoned, dates.dates_only)


def _of_numbers(numbers: Ints) -> Times:
    return _of_epochs(stamps_of(numbers) or from_whole(numbers))


def _of_epochs(read: Epochs | Stamps) -> Times:
    if isinstance(read, Stamps):
        return Times(read.wall_ns, (*read.notes, _NO_ZONE), read.wall_ns, False, read.dates_only)
    named = " and ".join(read.units)
    mixed = f"{named} mixed" if len(read.units) > 1 else named if "since" in named else f"{named} since 1970"
    return Times(read.time_ns, (f"times read as {mixed}",), read.time_ns, False, False)


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
