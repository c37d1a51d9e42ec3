"""One file to legs: every column converted and checked, the first bad cell named with its line."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alphastream.core.types import Floats
from alphastream.errors import UploadError
from alphastream.uploads import several
from alphastream.uploads.cells import UNKNOWN_TRUTH, CellError, truths, whole_numbers
from alphastream.uploads.codes import Kinds, Symbols, makers_sides, suffixed, without_midnight
from alphastream.uploads.columns import BAR_ROLES, QUOTE_ROLES, Kind, Role
from alphastream.uploads.dates import Order, zone_in
from alphastream.uploads.forms import Table
from alphastream.uploads.growing import Growing
from alphastream.uploads.layout import Layout
from alphastream.uploads.legs import Leg, RepeatedIdError, SeveralValuesError, take, tidy
from alphastream.uploads.memory import Reservation
from alphastream.uploads.notes import EMPTY_BARS, EMPTY_PRICES, EMPTY_TICKS, EMPTY_VOLUMES, OUTSIDE, Notes
from alphastream.uploads.pricing import amounts, priced, prices
from alphastream.uploads.stamps import starts
from alphastream.uploads.symbols import normalise
from alphastream.uploads.times import TimeReader

Rows = NDArray[Any]  # of whole numbers, as narrow as they may be
Piece = tuple[str, Leg, Rows]
Key = tuple[str, str]  # the symbol a column of a wide file belongs to ("" otherwise), and the role
Reader = Callable[[Any], NDArray[Any]]

_CELL_BYTES: Final = 16  # a number, and a second one while rows are sorted
_SHOWN_COLUMNS: Final = 6
_ROW_BYTES: Final = 32  # row numbers and amounts that nobody knows
_SYMBOL_BYTES: Final = 10_000  # a frame of its own
_TRADE: Final = re.compile(r"(?i)trade|match|fill|exec|^t$")  # kinds of rows that are trades


def gather(
    table: Table,
    layout: Layout,
    symbol: str | None,
    notes: Notes,
    memory: Reservation,
    order: Order | None = None,
) -> dict[str, Leg]:
    """Read a file.

    Parameters
    ----------
    table : the file.
    layout : how to read it; it has no problem.
    symbol : name of the only symbol of the file; None to take what the file says.
    notes : what is done is said here.
    memory : grows with what is read, before it is.
    order : of day, month and year in dates; None to judge it by all of them.

    Returns
    -------
    dict
        Symbol to leg, each in order and without repetitions.
    """
    notes.say(*layout.notes)
    source = _Source(table, layout)
    pieces = _wide_pieces if layout.shape == "wide" else _pieces
    legs = {}
    unknown = _Unknown()
    columns = source.read(notes, memory, order)
    memory.grow(_SYMBOL_BYTES * max(len(columns.symbols), len(layout.series)))
    for name, leg, rows in pieces(source, columns, None if symbol is None else normalise(symbol), notes):
        leg = _complete(leg, layout.kind, notes, unknown)
        if layout.kind == "bars":
            _check_bars(source, leg, rows, notes)
        untidy = dict(leg) if _leaps(leg) else None
        try:
            legs[name] = tidy(leg, layout.kind, notes)
        except RepeatedIdError as error:
            first, second = source.line(int(rows[error.first])), source.line(int(rows[error.second]))
            advice = (
                f"line {first} has another trade with it; if {layout.roles['id'].column!r} is no trade id, unassign it"
            )
            raise UploadError(f"{error}: {advice}", file=layout.file, line=second) from None
        except SeveralValuesError as error:
            raise _several_values(source, name, rows, error) from None
        if untidy is not None:
            _refuse_leaps(source, name, untidy, rows)
    return legs


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns of a file, shape (T,) each; whoever uses them takes them out, so that nothing holds what is done with.

    Parameters
    ----------
    legs : owner ("" where symbols have no columns of their own) to its columns; "" has the times.
    symbols : what the codes in "symbol" number.
    """

    legs: dict[str, Leg]
    symbols: list[str]


@dataclass(frozen=True, slots=True)
class _Source:
    """A file with its layout: reads whole columns and knows the line of a row."""

    table: Table
    layout: Layout

    def read(self, notes: Notes, memory: Reservation, order: Order | None) -> _Columns:
        """Times and the columns of all other roles."""
        symbols, kinds = Symbols(), Kinds()
        readers = self._readers(symbols, kinds)
        parts: tuple[Role, ...] = ("time", "clock")
        times = [self.layout.roles[role].column for role in parts if role in self.layout.roles]
        suffix = self.layout.roles.get("suffix")
        needed = list(dict.fromkeys([*times, *(column for column, _ in readers.values())]))
        needed += [suffix.column] if suffix is not None and suffix.column not in needed else []
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
                    clock.add(*without_midnight([batch[column] for column in times]))
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
            raise self.error(error.row, times[0], error) from None
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
            self._price(owner, leg, notes)
        names: list[str] = []
        if "symbol" in legs[""]:
            legs[""]["symbol"], names = symbols.settled(legs[""]["symbol"])
        bars, end = self.layout.kind == "bars", self.layout.proposal.time_is_end
        if not bars and read.dates_only:
            self._refuse_dates(read.time_ns, legs[""].get("symbol"))
        legs[""]["time_ns"] = starts(read, legs[""].get("symbol"), end, notes) if bars else read.time_ns
        return _Columns(legs, names)

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

    def _price(self, owner: str, leg: Leg, notes: Notes) -> None:
        """Prices of a leg as they are used."""
        try:
            priced(leg, self.layout.proposal.price_scale, notes)
        except CellError as error:
            series = self.layout.series.get(owner)
            column = series["adj_close"] if series else self.layout.roles["adj_close"].column
            raise self.error(error.row, column, error) from None

    def _refuse_kinds(self, kinds: Kinds) -> None:
        """Ask where rows are of several kinds, not all of them trades."""
        if len(kinds.counts) > 1 and not all(_TRADE.search(kind) for kind in kinds.counts):
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
        return UploadError(f"{seen}: {error.needed}", file=self.layout.file, line=self.line(row), column=column)

    def unused(self) -> list[str]:
        """Columns that play no role."""
        used = {match.column for match in self.layout.roles.values()}
        used |= {column for columns in self.layout.series.values() for column in columns.values()}
        return [column for column in self.layout.columns if column not in used]

    def cell(self, row: int, column: str) -> str:
        """One cell as text."""
        with self._batches([column], Notes()) as batches:
            for batch in batches:
                if row < len(batch[column]):
                    return str(batch[column][row].as_py())
                row -= len(batch[column])
        raise IndexError(row)

    def _batches(self, columns: Sequence[str], notes: Notes) -> closing[Any]:
        """Batches that are closed on every way out: a reader left open reads on in its thread, from a shared stream."""
        return closing(self.table.batches(columns, notes))

    def line(self, row: int) -> int:
        """The line of a row."""
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
        readers: dict[Key, tuple[str, Reader]] = {}
        for role, match in self.layout.roles.items():
            if role not in ("time", "clock", "suffix"):
                reader = by_role.get(role) or self._numbers(role, match.column)
                readers["", role] = (match.column, reader)
        return readers

    def _numbers(self, role: Role, column: str) -> Reader:
        read = amounts if role in ("quantity", "volume") else prices
        return partial(read, decimal=self.layout.decimals[column])


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


class _Unknown:
    """Amounts that nobody knows: one array for all symbols with as many rows."""

    def __init__(self) -> None:
        self._amounts = np.full(0, np.nan)

    def amounts(self, leg: Leg) -> Floats:
        """NaN in every row."""
        count = len(leg["time_ns"])
        if len(self._amounts) != count:
            self._amounts = np.full(count, np.nan)
        return self._amounts


def _pieces(source: _Source, columns: _Columns, symbol: str | None, notes: Notes) -> Iterator[Piece]:
    """Symbol by symbol: its name, its columns, and the rows of the file they come from."""
    leg = columns.legs.pop("")
    filled = _filled_rows(source, leg, notes)
    if len(filled) < len(leg["time_ns"]):
        take(leg, filled)
    codes = leg.pop("symbol", None)
    if codes is None:
        name = symbol or source.layout.symbol
        if name is None:
            raise UploadError(
                "no column and no part of the file's name says which symbol this is: give it by hand",
                file=source.layout.file,
            )
        yield name, leg, filled
        return
    _refuse_renaming(source, symbol, columns.symbols)
    if len(columns.symbols) == 1:
        sure = source.layout.roles["symbol"].certainty != "guessed"
        yield symbol or (None if sure else source.layout.symbol) or columns.symbols[0], leg, filled
        return
    order = np.argsort(codes, kind="stable")
    take(leg, order)
    filled = filled[order]
    end = 0
    for name, count in zip(columns.symbols, np.bincount(codes, minlength=len(columns.symbols)), strict=True):
        begin, end = end, end + int(count)
        if count:
            yield name, {role: values[begin:end] for role, values in leg.items()}, filled[begin:end]
        else:
            notes.say(f"{name} has no price at all: left out")


def _filled_rows(source: _Source, leg: Leg, notes: Notes) -> Rows:
    """Rows that say something: a bar of empty prices says nothing, nor does a trade without price and quantity."""
    bars = source.layout.kind == "bars"
    if not source.layout.roles.keys() & {"price", "close"}:
        return _two_sided(leg, notes)
    roles = [role for role in (BAR_ROLES if bars else ("price", "quantity")) if role in leg]
    empty = {role: np.isnan(leg[role]) for role in roles}
    if not any(rows.any() for rows in empty.values()):
        return np.arange(len(leg["time_ns"]), dtype=np.int32)
    wholly = np.logical_and.reduce(list(empty.values())) & (bars or len(roles) > 1)
    for role, rows in empty.items():
        partly = rows & ~wholly
        if partly.any():
            row, column = int(np.argmax(partly)), source.layout.roles[role].column
            needed = "an amount of zero or more is needed" if role == "quantity" else "a price above zero is needed"
            raise source.error(row, column, CellError(row, source.cell(row, column), needed))
    notes.count(EMPTY_BARS if bars else EMPTY_TICKS, np.count_nonzero(wholly))
    if wholly.all():
        raise UploadError("no row has a price: rows of time and price are needed", file=source.layout.file)
    return np.flatnonzero(~wholly)


def _two_sided(leg: Leg, notes: Notes) -> Rows:
    """Rows of quotes that have a price; one of a single side has none."""
    filled = np.flatnonzero(~np.isnan(sum(leg[role] for role in ("price", *BAR_ROLES) if role in leg)))
    missing = len(leg["time_ns"]) - len(filled)
    if missing:
        notes.say(f"{missing:,} row{'s' if missing > 1 else ''} without bid or ask dropped")
    return filled


def _wide_pieces(source: _Source, columns: _Columns, symbol: str | None, notes: Notes) -> Iterator[Piece]:
    """The same for columns of symbols; a row without a symbol's price holds no bar of it."""
    _refuse_renaming(source, symbol, list(source.layout.series))
    time_ns = columns.legs.pop("")["time_ns"]
    for name in source.layout.series:
        leg = {"time_ns": time_ns} | columns.legs.pop(name)
        rows = np.flatnonzero(~np.isnan(sum(leg[role] for role in BAR_ROLES if role in leg)))
        notes.count(EMPTY_PRICES, len(time_ns) - len(rows))
        if len(rows) == 0:
            notes.say(f"{name} has no price at all: left out")
            continue
        if len(rows) < len(time_ns):
            take(leg, rows)
        yield symbol or name, leg, rows


def _several_values(source: _Source, name: str, rows: Rows, error: SeveralValuesError) -> UploadError:
    """The question which column tells apart what shares a time."""
    first, second = rows[error.first], rows[error.second]
    one, other = error.closes
    seen = f"{name}: {error} ({one:g} in line {source.line(int(first[0]))}, then {other:g})"
    columns = several.that_part_times(source.table, source.unused(), first, second)
    line = source.line(int(second[0]))
    return UploadError(several.question(seen, columns), file=source.layout.file, line=line)


def _leaps(leg: Leg) -> int:
    """How often the price leaps to and fro, in the order of time."""
    price, time_ns = leg["close" if "close" in leg else "price"], leg["time_ns"]
    if (time_ns[1:] < time_ns[:-1]).any():
        price = price[np.argsort(time_ns, kind="stable")]
    return several.leaps(price)


def _refuse_leaps(source: _Source, name: str, leg: Leg, rows: Rows) -> None:
    """Ask where a price leaps, and a column without a role tells the prices apart."""
    price = leg["close" if "close" in leg else "price"]
    order = np.argsort(leg["time_ns"], kind="stable")
    columns = several.that_part_prices(source.table, source.unused(), rows[order], price[order])
    if columns:
        count = several.leaps(price[order])
        seen = f"{name}: the price leaps by half or more in {count:,} of {len(price):,} rows"
        raise UploadError(several.question(seen, columns), file=source.layout.file)


def _refuse_renaming(source: _Source, symbol: str | None, names: list[str]) -> None:
    if symbol is not None and len(names) > 1:
        several = ", ".join(names[:5])
        raise UploadError(
            f"{len(names)} symbols ({several}) cannot all be {symbol}: give no symbol", file=source.layout.file
        )


def _complete(leg: Leg, kind: Kind, notes: Notes, unknown: "_Unknown") -> Leg:
    """The leg with every column of its kind: unknown amounts are NaN, bars of closes alone are flat."""
    if kind == "ticks":
        if "quantity" not in leg:
            notes.say("no quantity column: quantities are unknown (NaN)")
        order = ("time_ns", "price", "quantity", "id", "buyer_is_maker", *QUOTE_ROLES)
        return {
            name: leg[name] if name in leg else unknown.amounts(leg)
            for name in order
            if name in leg or name == "quantity"
        }
    if "open" not in leg:
        notes.say("one price a bar: open, high, low and close are the same")
        leg = leg | dict.fromkeys(("open", "high", "low"), leg["close"])
    if "volume" not in leg:
        notes.say("no volume column: volumes are unknown (NaN)")
    else:
        notes.count(EMPTY_VOLUMES, np.count_nonzero(np.isnan(leg["volume"])))
    names = ["time_ns", *BAR_ROLES, "volume", *(name for name in QUOTE_ROLES if name in leg)]
    return {name: leg[name] if name in leg else unknown.amounts(leg) for name in names}


def _check_bars(source: _Source, leg: Leg, rows: Rows, notes: Notes) -> None:
    upside_down = leg["high"] < leg["low"]
    if upside_down.any():
        at = int(np.argmax(upside_down))
        raise UploadError(
            f"high {leg['high'][at]:g} is below low {leg['low'][at]:g}: exchange the columns if they are swapped",
            file=source.layout.file,
            line=source.line(int(rows[at])),
        )
    highest, lowest = np.maximum(leg["open"], leg["close"]), np.minimum(leg["open"], leg["close"])
    notes.count(OUTSIDE, np.count_nonzero((highest > leg["high"]) | (lowest < leg["low"])))
