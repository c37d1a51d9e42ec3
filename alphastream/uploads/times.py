"""Text cells to UTC nanoseconds: epochs of any unit (``epochs``), ISO dates, dates of other habits (``dates``)."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.uploads.cells import NUMBER, CellError
from alphastream.uploads.clocks import DAY_NS, Numbers, clocks_of, numbers_of, split_clocks, written_clocks
from alphastream.uploads.dates import DATE_CELL, Order, dates_of, spelled
from alphastream.uploads.epochs import (
    NEEDED,
    UNITS_NS,
    Epochs,
    Stamps,
    as_nanoseconds,
    from_decimals,
    from_whole,
    is_decimal,
    stamps_of,
)
from alphastream.uploads.time_blocks import Texts, TimeBlock
from alphastream.uploads.zones import ClockChangeError, ZoneError, say_zone, to_utc, zone_cell, zone_of

_NO_ZONE: Final = "times carry no zone: read as UTC"
_STAMP: Final = (
    r"^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])?(?:[0-5]\d[0-5]\d)?(?:\d{3})?$"
)
_DATE_LENGTH: Final = 10
_AROUND: Final = " \t\r\n'\"\u00a0\u202f\u2009\ufeff"  # what may stand around a time
_DATELIKE: Final = re.compile(r"\d{1,8}\D.*\d|[^\W\d_]{3,}.*\d")
_FIRST_DAYS: Final = ("1899-12-30", "1899-12-31", "1900-01-01", "1904-01-01")
_UNIT_NAMES: Final = [name for name, _, _ in UNITS_NS]


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

    def rows(self, wanted: NDArray[np.bool_]) -> "Times":
        """Some of the times."""
        return replace(self, time_ns=self.time_ns[wanted], written_ns=self.written_ns[wanted])


class ZoneCellError(CellError):
    """A cell of the column of zones that is none."""


class TimeReader:
    """Reads a column of times block by block: ``add`` every block, then ``finish``.

    Text is kept of every different date alone: epochs and ISO times become numbers at once, and of other spellings the
    times of day do, while the dates wait for the whole column, which alone tells their order of day and month.

    Parameters
    ----------
    order : of day, month and year, where a person has chosen it.
    zone : of times that give none, where the header says it; None for UTC.
    """

    def __init__(self, order: Order | None = None, zone: str | None = None) -> None:
        self._order = order
        self._told = zone
        self._blocks: list[TimeBlock] = []
        self._rows = 0
        self._texts = Texts()
        self._zones = [zone or ""]  # as written; that of times without one is the first
        self._numbers: list[tuple[TimeBlock, int, Numbers]] = []  # clocks without colons, and where their rows begin
        self._notes: dict[str, None] = {}
        self._dates_only = True
        self._spread: set[int] = set()  # the least and most time of day of every block

    def add(self, cells: Any, clocks: Any = None) -> None:
        """Take the next rows.

        Parameters
        ----------
        cells : Arrow string array, shape (T,): times, or dates if ``clocks`` are given.
        clocks : times of day, shape (T,), of the same rows: with colons, or numbers (93000, 930, 34200.123).

        Raises
        ------
        CellError
            A cell that is no time; rows are counted over all blocks.
        """
        cells = _one_array(cells)
        if len(cells) == 0:
            return
        numbers = None
        try:
            if clocks is not None:
                clocks = pc.utf8_trim(_one_array(clocks), _AROUND)
                numbers = numbers_of(clocks)
                if numbers is None:
                    cells = pc.binary_join_element_wise(pc.utf8_trim(cells, _AROUND), written_clocks(clocks), " ")
            block = self._read(cells)
            if block.units and numbers is not None:
                raise CellError(0, cells[0].as_py(), "a date is needed beside a time of day, such as 2024-08-08")
            if self._blocks and bool(self._blocks[0].units) != bool(block.units):
                raise CellError(0, cells[0].as_py(), f"the times above are of another kind; {NEEDED}")
        except CellError as error:
            raise CellError(self._rows + error.row, error.seen, error.needed) from None
        if numbers is not None:
            self._numbers.append((block, self._rows, numbers))
        self._blocks.append(block)
        self._rows += len(cells)

    def add_zones(self, zones: Any) -> None:
        """The zones of the rows taken last, shape (T,), as a column of its own has them; times that say theirs keep it.

        Raises
        ------
        CellError
            A cell is no zone, or means several; rows are counted over all blocks.
        """
        block = self._blocks[-1] if self._blocks else None
        if block is None or block.units or self._told is not None or not len(zones):
            return
        encoded = _one_array(zones).dictionary_encode()
        indices = np.asarray(encoded.indices)
        numbers = np.zeros(len(encoded.dictionary), dtype=np.int32)
        names = [str(name).strip() for name in encoded.dictionary.to_pylist()]
        for at, name in enumerate(names):
            try:
                numbers[at] = self._zone(zone_cell(name, names))
            except ZoneError as error:
                row = self._rows - len(indices) + int(np.argmax(indices == at))
                block.wrong = ZoneCellError(row, name, error.needed)
                return
        block.beside = int(numbers[0]) if len(numbers) == 1 else numbers[indices]

    def _settle_zones(self) -> None:
        """Zones of a column beside put to the times that say none; a date alone is the trading day wherever it is."""
        if self._dates_only:
            return
        for block in self._blocks:
            silent = np.asarray(block.zones) == 0
            if silent.any() and block.wrong is not None:
                raise block.wrong
            if silent.any() and np.any(block.beside):
                block.zones = block.beside if silent.ndim == 0 else np.where(silent, block.beside, block.zones)
                self._notes["times read in the zones of the column beside them"] = None

    def finish(self) -> Times:
        """The times of all blocks; CellError (rows counted over all of them) for the first cell that is no time."""
        if self._blocks and self._blocks[0].units:
            return self._finish_epochs()
        if self._numbers:
            self._add_numbers()
        if self._texts.cells:
            self._add_dates()
        self._settle_zones()
        zones = [(block.zones, len(block.values)) for block in self._blocks]
        used = sorted({int(number) for zone, _ in zones for number in np.unique(zone)})
        written_ns = self._joined()
        time_ns = (
            written_ns if not any(self._zones[number] for number in used) else self._in_utc(written_ns, zones, used)
        )
        _refuse_clocks_alone(written_ns, self._dates_only)
        if 0 in used:
            said = _NO_ZONE if self._told is None else f"times read as {self._told}, as the header says"
            self._notes[said] = None
        zoned = bool(used) and (0 not in used or self._told is not None)
        return Times(time_ns, tuple(self._notes), written_ns, zoned, self._dates_only)

    def _finish_epochs(self) -> Times:
        units = {unit for block in self._blocks for unit in block.units}
        if len(units) > 1:  # what counts from another year in one block does so in all of them, or in none
            for block in self._blocks:
                block.values = as_nanoseconds(block.values, block.units)
            units = {unit if unit in _UNIT_NAMES else _UNIT_NAMES[-1] for unit in units}
        time_ns = self._joined()
        names = sorted(units, key=_UNIT_NAMES.index) if units <= set(_UNIT_NAMES) else list(units)
        said = names[0] if "since" in names[0] else f"{names[0]} since 1970"
        said = said if len(names) == 1 else f"{' and '.join(names)} mixed"
        return Times(time_ns, (f"times read as {said}",), time_ns, False, False)

    def _read(self, cells: Any) -> TimeBlock:
        """A block as numbers."""
        for source in (cells, pc.utf8_trim(cells, _AROUND)):
            try:
                numbers = np.asarray(_cast(source, pa.int64()))
            except pa.ArrowInvalid:
                block = self._read_iso(source)
            else:
                block = self._block_of(stamps_of(numbers) or from_whole(numbers))
            if block is not None:
                return block
            cells = source
        if is_decimal(next((cell for cell in cells.slice(0, 100).to_pylist() if cell), "")):
            return self._block_of(from_decimals(cells))
        texts, clock_ns = split_clocks(cells)
        self._spread |= {int(clock_ns.min()), int(clock_ns.max())}
        return TimeBlock(clock_ns, codes=self._texts.add(texts, cells, self._rows))

    def _read_iso(self, cells: Any) -> TimeBlock | None:
        for kind in (pa.timestamp("ns"), pa.timestamp("ns", "UTC")):
            try:
                time_ns = np.asarray(pc.cast(_cast(cells, kind), pa.int64()))
            except pa.ArrowInvalid:
                continue
            self._dates_only &= kind.tz is None and pc.max(pc.binary_length(cells)).as_py() == _DATE_LENGTH
            return TimeBlock(time_ns) if kind.tz is None else self._without_zone(cells, time_ns)
        return None

    def _block_of(self, read: Epochs | Stamps) -> TimeBlock:
        if isinstance(read, Epochs):
            return TimeBlock(read.time_ns, units=read.units)
        self._notes |= dict.fromkeys(read.notes)
        self._dates_only &= read.dates_only
        return TimeBlock(read.wall_ns)

    def _without_zone(self, cells: Any, time_ns: Ints) -> TimeBlock:
        """The wall clocks of ISO times with offsets."""
        suffix = re.fullmatch(r".*?(Z|[+-]\d\d:?(?:\d\d)?)", cells[0].as_py())
        if suffix and pc.all(pc.ends_with(cells, suffix[1])).as_py():
            offset = zone_of(suffix[1])
            wall_ns = time_ns + offset * SECOND if isinstance(offset, int) and offset else time_ns
            return TimeBlock(wall_ns, self._zone(suffix[1]))
        walls = pc.replace_substring_regex(cells, r"(Z|[+-]\d{2}:?(\d{2})?)$", "")
        wall_ns = np.asarray(pc.cast(pc.cast(walls, pa.timestamp("ns")), pa.int64()))
        offsets, zones = np.unique((wall_ns - time_ns) // (60 * SECOND), return_inverse=True)
        names = (f"{'-' if east < 0 else '+'}{abs(east) // 60:02}:{abs(east) % 60:02}" for east in offsets.tolist())
        return TimeBlock(wall_ns, np.array([self._zone(name) for name in names], dtype=np.int32)[zones])

    def _zone(self, name: str) -> int:
        if not name:
            return 0
        if name not in self._zones:
            self._zones.append(name)
        return self._zones.index(name)

    def _add_numbers(self) -> None:
        """Times of day from numbers of a column of their own, put on their dates."""
        try:
            clock_ns, note = clocks_of([numbers for _, _, numbers in self._numbers])
        except CellError as error:
            row = error.row
            for block, start, _ in self._numbers:
                if row < len(block.values):
                    raise CellError(start + row, error.seen, error.needed) from None
                row -= len(block.values)
            raise
        self._notes[note] = None
        self._spread |= {int(clock_ns.min()), int(clock_ns.max())}
        self._dates_only = False
        begin = 0
        for block, _, _ in self._numbers:
            end = begin + len(block.values)
            block.values = block.values + clock_ns[begin:end]
            begin = end

    def _add_dates(self) -> None:
        """Dates understood, and put to the times of day that stood behind them."""
        texts = self._texts
        try:
            dates = dates_of(pa.chunked_array([pa.array(list(texts.codes))]), self._order, len(self._spread) > 1)
        except CellError as error:
            raise CellError(texts.rows[error.row], texts.cells[error.row], error.needed) from None
        self._notes |= dict.fromkeys(dates.notes)
        self._dates_only &= dates.dates_only
        zones = np.array([self._zone(zone) for zone in dates.zones], dtype=np.int32)
        for block in self._blocks:
            if block.codes is None:
                continue
            # The noon of PM came with the date.
            clock_ns = np.where(dates.halved[block.codes], block.values % (DAY_NS // 2), block.values)
            block.values = clock_ns + dates.written_ns[block.codes]
            block.zones = int(zones[0]) if (zones == zones[0]).all() else zones[block.codes]
            block.codes = None

    def _in_utc(self, written_ns: Ints, zones: list[tuple[int | NDArray[np.int32], int]], used: list[int]) -> Ints:
        """UTC of wall clocks whose zones (numbers, and of how many rows) are known by name."""
        if len(used) == 1:  # the usual case, without copies
            return self._of_zone(written_ns, self._zones[used[0]], None)
        codes = np.concatenate([np.broadcast_to(np.int32(zone), count) for zone, count in zones])
        time_ns = written_ns.copy()
        for number in used:
            rows = np.flatnonzero(codes == number)
            time_ns[rows] = self._of_zone(written_ns[rows], self._zones[number], rows)
        return time_ns

    def _of_zone(self, wall_ns: Ints, name: str, rows: Ints | None) -> Ints:
        """UTC of wall clocks of one zone, in these rows (None: all)."""
        if not name:
            return wall_ns
        try:
            zone = zone_of(name, self._zones)
            utc_ns = to_utc(wall_ns, zone)
        except (ZoneError, ClockChangeError) as error:
            at = error.row if isinstance(error, ClockChangeError) else 0
            seen = f"{wall_ns[at : at + 1].view('M8[ns]').astype('M8[s]')[0]} {name}".replace("T", " ", 1)
            raise CellError(at if rows is None else int(rows[at]), seen, error.needed) from None
        said = say_zone(name, zone)
        self._notes |= {said: None} if said is not None else {}
        return utc_ns

    def _joined(self) -> Ints:
        """The values of all blocks, which are gone then: large columns are not kept twice."""
        whole = np.empty(sum(len(block.values) for block in self._blocks), dtype=np.int64)
        begin = 0
        for block in self._blocks:
            whole[begin : begin + len(block.values)] = block.values
            begin += len(block.values)
            block.values = whole[:0]
        self._blocks.clear()
        return whole


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


def _one_array(cells: Any) -> Any:
    """Cells as one Arrow array of strings without nulls."""
    whole = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    whole = whole if pa.types.is_string(whole.type) else pc.cast(whole, pa.string())
    return pc.fill_null(whole, "") if whole.null_count else whole


def _refuse_clocks_alone(written_ns: Ints, dates_only: bool) -> None:
    """Times of day that a program wrote behind its own first day, because it had no date."""
    if dates_only or len(written_ns) == 0:
        return
    day = written_ns[0].astype("M8[ns]").astype("M8[D]")
    if str(day) in _FIRST_DAYS and (written_ns.astype("M8[ns]").astype("M8[D]") == day).all():
        needed = "a time of day without its date (some programs write their first day before it): choose the date too"
        raise CellError(0, str(written_ns[0].astype("M8[ns]").astype("M8[s]")), needed)


def _cast(cells: Any, kind: Any) -> Any:
    """Arrow's cast, tried on a few cells first: it builds a message for every cell it refuses."""
    pc.cast(cells.slice(0, 100), kind)
    return pc.cast(cells, kind)
