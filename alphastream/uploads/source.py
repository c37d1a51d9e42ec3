"""Whole columns of one file: times, prices and symbols, each converted, the first bad cell named with its line."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alphastream.errors import UploadError
from alphastream.uploads.cells import UNKNOWN_TRUTH, CellError, truths, whole_numbers
from alphastream.uploads.codes import BOOK_SIDES, Kinds, Symbols, book_sides, makers_sides, suffixed, without_midnight
from alphastream.uploads.columns import BAR_ROLES, Role
from alphastream.uploads.dates import Order
from alphastream.uploads.forms import Table, Unit
from alphastream.uploads.growing import Growing
from alphastream.uploads.layout import Layout
from alphastream.uploads.legs import Leg
from alphastream.uploads.memory import Reservation
from alphastream.uploads.notes import Notes
from alphastream.uploads.pricing import amounts, priced, prices
from alphastream.uploads.stamps import starts
from alphastream.uploads.time_parts import put_together
from alphastream.uploads.times import TimeReader, Times, ZoneCellError
from alphastream.uploads.words import fold
from alphastream.uploads.zones import zone_in

Key = tuple[str, str]  # the symbol a column of a wide file belongs to ("" otherwise), and the role
Reader = Callable[[Any], NDArray[Any]]

_CELL_BYTES: Final = 16  # a number, and a second one while rows are sorted
_SHOWN_COLUMNS: Final = 6
_ROW_BYTES: Final = 32  # row numbers and amounts that nobody knows
_STATES: Final = ({"partial", "insert"}, {"snapshot", "update"})  # what was there, and what has come: rows of one kind
_TRADE: Final = re.compile(r"(?i)trade|match|fill|exec|^t$")  # kinds of rows that are trades


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of a file, shape (T,) each; whoever uses them takes them out, so that nothing holds what is done with.

    Parameters
    ----------
    legs : owner ("" where symbols have no columns of their own) to its columns; "" has the times.
    symbols : what the codes in "symbol" number.
    """

    legs: dict[str, Leg]
    symbols: list[str]


@dataclass(frozen=True, slots=True)
class Source:
    """A file with its layout: reads whole columns and knows the line of a row."""

    table: Table
    layout: Layout

    def read(self, notes: Notes, memory: Reservation, order: Order | None) -> Columns:
        """Times and the columns of all other roles."""
        symbols, kinds = Symbols(), Kinds()
        readers = self._readers(symbols, kinds)
        parts: tuple[Role, ...] = ("time", "clock")
        times = [self.layout.roles[role].column for role in parts if role in self.layout.roles]
        together = self.layout.proposal.time_parts
        suffix = self.layout.roles.get("suffix")
        zone = self.layout.roles.get("zone")
        needed = list(dict.fromkeys([*times, *together.values(), *(column for column, _ in readers.values())]))
        needed += [suffix.column] if suffix is not None and suffix.column not in needed else []
        needed += [zone.column] if zone is not None and zone.column not in needed else []
        read_so_far: dict[Key, Growing] = defaultdict(Growing)
        clock = TimeReader(order, next(filter(None, map(zone_in, times)), None))
        start = 0
        row_bytes = _ROW_BYTES + _CELL_BYTES * (1 + len(readers))
        bad: tuple[int, str, CellError] | None = None
        with self._batches(needed, notes) as batches:
            for batch in batches:
                memory.grow(row_bytes * len(batch[needed[0]]))
                if suffix is not None:
                    who = self.layout.roles["symbol"].column
                    batch = {**batch, who: suffixed(batch[who], batch[suffix.column])}
                try:
                    for key, (column, reader) in readers.items():
                        read_so_far[key].add(reader(batch[column]))
                except CellError as error:
                    bad = (start + error.row, column, error)
                    break
                try:
                    cells = [batch[column] for column in times]
                    if together:
                        cells[0] = put_together(together, batch)
                    clock.add(*without_midnight(cells))
                    if zone is not None:
                        clock.add_zones(batch[zone.column])
                except CellError as error:
                    bad = (error.row, times[0], error)
                    break
                start += len(batch[times[0]])
        if bad is not None:
            raise self.error(*bad)
        if start == 0:
            raise UploadError("no rows: rows of time and price are needed", file=self.layout.file)
        try:
            read = clock.finish()
        except CellError as error:
            column = zone.column if zone is not None and isinstance(error, ZoneCellError) else times[0]
            raise self.error(error.row, column, error) from None
        notes.say(*read.notes)
        del clock
        pa.default_memory_pool().release_unused()  # the text is done with: Arrow would keep its memory for a while
        legs: dict[str, Leg] = {"": {}}
        for owner, role in readers:
            legs.setdefault(owner, {})[role] = read_so_far.pop((owner, role)).whole()
        legs[""].pop("event", None)
        self._refuse_kinds(kinds)
        _settle_makers(legs[""], notes)
        for owner, leg in legs.items():
            self._price(owner, leg, read.time_ns, notes)
        names: list[str] = []
        if "symbol" in legs[""]:
            legs[""]["symbol"], names = symbols.settled(legs[""]["symbol"])
        bars, end = self.layout.kind == "bars", self.layout.proposal.time_is_end
        if not bars and read.dates_only:
            self._refuse_dates(read.time_ns, legs[""].get("symbol"))
        legs[""]["time_ns"] = read.time_ns
        if bars and self.layout.shape == "wide":
            _date_columns(legs, read, end, notes)
        elif bars:
            legs[""]["time_ns"] = starts(read, legs[""].get("symbol"), end, notes)
        return Columns(legs, names)

    def _refuse_dates(self, time_ns: NDArray[np.int64], codes: NDArray[Any] | None) -> None:
        """Ask where trades share their date and no column says the time of day."""
        days = np.stack([time_ns, np.zeros_like(time_ns) if codes is None else codes])
        shared = len(time_ns) - np.unique(days, axis=1).shape[1]
        if shared:
            unused = ", ".join(repr(column) for column in self.unused()[:_SHOWN_COLUMNS]) or "none"
            raise UploadError(
                f"times are dates without a time of day, and {shared:,} rows share theirs: choose the column of the "
                "time of day as clock, or the one that tells instruments apart as symbol (columns not used: "
                f"{unused})",
                file=self.layout.file,
                column=self.layout.roles["time"].column,
            )

    def _price(self, owner: str, leg: Leg, time_ns: NDArray[np.int64], notes: Notes) -> None:
        """Prices of a leg as they are used."""
        stay = self.layout.proposal.sides_stay and bool((time_ns[1:] >= time_ns[:-1]).all())
        try:
            priced(leg, self.layout.proposal.price_scale, notes, stay)
        except CellError as error:
            series = self.layout.series.get(owner)
            column = series["adj_close"] if series else self.layout.roles["adj_close"].column
            raise self.error(error.row, column, error) from None

    def _refuse_kinds(self, kinds: Kinds) -> None:
        """Ask where rows are of several kinds, not all of them trades."""
        told = {kind.lower() for kind in kinds.counts}
        if len(told) > 1 and not any(told <= some for some in _STATES) and not all(map(_TRADE.search, told)):
            seen = ", ".join(f"{kind!r} {count:,}" for kind, count in kinds.counts.most_common(6))
            raise UploadError(
                f"rows are of several kinds ({seen}): keep the rows of trades; if all of them are, take the role event "
                "away",
                file=self.layout.file,
                column=self.layout.roles["event"].column,
            )

    def error(self, row: int, column: str, error: CellError) -> UploadError:
        """The error a person can act on."""
        seen = repr(error.seen) if error.seen.strip() else "the cell is empty"
        return UploadError(
            f"{seen}: {error.needed}", file=self.layout.file, line=self.line(row), column=column, unit=self.unit
        )

    def unused(self) -> list[str]:
        """Columns that play no role."""
        used = {match.column for match in self.layout.roles.values()}
        used |= set(self.layout.proposal.time_parts.values())
        used |= {column for columns in self.layout.series.values() for column in columns.values()}
        return [column for column in self.layout.columns if column not in used]

    def cell(self, row: int, column: str) -> str:
        """One cell as text."""
        with self.batches([column]) as batches:
            for batch in batches:
                if row < len(batch[column]):
                    return str(batch[column][row].as_py())
                row -= len(batch[column])
        raise IndexError(row)

    def batches(self, columns: Sequence[str]) -> closing[Any]:
        """Some columns once more, as text; what is skipped was counted before."""
        return self._batches(columns, Notes())

    def _batches(self, columns: Sequence[str], notes: Notes) -> closing[Any]:
        """Batches that are closed on every way out: a reader left open reads on in its thread, from a shared stream."""
        return closing(self.table.batches(columns, notes))

    @property
    def unit(self) -> Unit:
        """What ``line`` counts."""
        return self.table.unit

    def line(self, row: int) -> int:
        """The line of a row, or its number in a file without lines."""
        return self.table.line_of(row)

    def _readers(self, symbols: Symbols, kinds: Kinds) -> dict[Key, tuple[str, Reader]]:
        if self.layout.shape == "wide":
            return {
                (symbol, role): (column, self._numbers(role, column))
                for symbol, columns in self.layout.series.items()
                for role, column in columns.items()
            }
        sides = makers_sides if self.layout.proposal.side_is_makers else truths
        by_role: dict[Role, Reader] = {"id": whole_numbers, "symbol": symbols, "event": kinds, "buyer_is_maker": sides}
        if "buyer_is_maker" in self.layout.roles and fold(self.layout.roles["buyer_is_maker"].column) == BOOK_SIDES:
            by_role["buyer_is_maker"] = book_sides
        readers: dict[Key, tuple[str, Reader]] = {}
        for role, match in self.layout.roles.items():
            if role not in ("time", "clock", "zone", "suffix"):
                reader = by_role.get(role) or self._numbers(role, match.column)
                readers["", role] = (match.column, reader)
        return readers

    def _numbers(self, role: Role, column: str) -> Reader:
        read = amounts if role in ("quantity", "volume") else prices
        return partial(read, decimal=self.layout.decimals[column])


def _date_columns(legs: dict[str, Leg], times: Times, end: bool, notes: Notes) -> None:
    """Date the bars of each column by the rows that it has a price in: columns of several markets have their own."""
    known: dict[bytes, NDArray[np.int64]] = {}
    for owner, leg in legs.items():
        if not owner:
            continue
        rows = ~np.isnan(sum(leg[role] for role in BAR_ROLES if role in leg))
        key = np.packbits(rows).tobytes()
        if key not in known:
            known[key] = times.time_ns.copy()
            known[key][rows] = starts(times.rows(rows), None, end, notes)
        leg["time_ns"] = known[key]


def _settle_makers(leg: Leg, notes: Notes) -> None:
    """Whether the buyer was the maker, where every row says it."""
    makers = leg.pop("buyer_is_maker", None)
    if makers is None:
        return
    unknown = np.count_nonzero(makers == UNKNOWN_TRUTH)
    if unknown:
        notes.say(f"{unknown:,} of {len(makers):,} rows do not say who was the maker: left out for all")
    else:
        leg["buyer_is_maker"] = makers.astype(np.bool_)
