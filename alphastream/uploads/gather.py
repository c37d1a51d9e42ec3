"""One file to legs: its rows sorted out by symbol and checked, what is wrong named with its line."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Floats
from alphastream.errors import UploadError
from alphastream.uploads import several
from alphastream.uploads.cells import CellError
from alphastream.uploads.columns import BAR_ROLES, QUOTE_ROLES, Kind, few
from alphastream.uploads.dates import Order
from alphastream.uploads.forms import Table
from alphastream.uploads.labels import Labels, labels_of, question
from alphastream.uploads.layout import Layout
from alphastream.uploads.legs import Leg, RepeatedIdError, SeveralValuesError, take, tidy
from alphastream.uploads.memory import Reservation
from alphastream.uploads.notes import EMPTY_BARS, EMPTY_PRICES, EMPTY_TICKS, EMPTY_VOLUMES, OUTSIDE, Notes
from alphastream.uploads.source import Columns, Source
from alphastream.uploads.symbols import contract_in, normalise

Rows = NDArray[Any]  # of whole numbers, as narrow as they may be
Piece = tuple[str, Leg, Rows]

_SYMBOL_BYTES: Final = 10_000  # a frame of its own


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
    source = Source(table, layout)
    pieces = _wide_pieces if layout.shape == "wide" else _pieces
    legs = {}
    unknown = _Unknown()
    columns = source.read(notes, memory, order)
    asked = several.venues(table, source.unused(), columns.legs[""].get("symbol"))
    if asked is not None:
        raise UploadError(asked, file=layout.file)
    labels = labels_of(source, memory)
    memory.grow(_SYMBOL_BYTES * max(len(columns.symbols), len(layout.series)))
    for name, leg, rows in pieces(source, columns, None if symbol is None else normalise(symbol), notes):
        leg = _complete(leg, layout.kind, notes, unknown)
        if layout.kind == "bars":
            _check_bars(source, leg, rows, notes)
        untidy = dict(leg) if _leaps(leg) else None
        doubt = _doubt(source, labels, name, leg, rows)
        try:
            legs[name] = tidy(leg, layout.kind, notes)
        except RepeatedIdError as error:
            first, second = source.line(int(rows[error.first])), source.line(int(rows[error.second]))
            advice = (
                f"{source.unit} {first} has another trade with it; if {layout.roles['id'].column!r} is no trade id, "
                "unassign it"
            )
            raise UploadError(f"{error}: {advice}", file=layout.file, line=second, unit=source.unit) from None
        except SeveralValuesError as error:
            raise _several_values(source, name, rows, error) from None
        if untidy is not None:
            _refuse_leaps(source, name, untidy, rows)
        if doubt is not None:
            raise UploadError(doubt, file=layout.file)
    return legs


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


def _pieces(source: Source, columns: Columns, symbol: str | None, notes: Notes) -> Iterator[Piece]:
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
        if symbol is None:
            times = leg["time_ns"]
            name += contract_in(source.layout.file, name, int(times.min()), int(times.max())) or ""
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
    end, priceless = 0, []
    for name, count in zip(columns.symbols, np.bincount(codes, minlength=len(columns.symbols)), strict=True):
        begin, end = end, end + int(count)
        if count:
            yield name, {role: values[begin:end] for role, values in leg.items()}, filled[begin:end]
        else:
            priceless.append(name)
    _say_priceless(priceless, notes)


def _filled_rows(source: Source, leg: Leg, notes: Notes) -> Rows:
    """Rows that say something: a bar of empty prices says nothing, nor does a trade without price and quantity."""
    bars = source.layout.kind == "bars"
    if not source.layout.roles.keys() & {"price", "close"}:
        return _two_sided(leg, notes)
    roles = [role for role in (BAR_ROLES if bars else ("price", "quantity")) if role in leg]
    empty = {role: np.isnan(leg[role]) for role in roles}
    if not bars and "quantity" in leg and empty["price"].any():
        empty["quantity"] |= empty["price"] & (leg["quantity"] == 0)  # no trade yet, and nothing traded
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


def _wide_pieces(source: Source, columns: Columns, symbol: str | None, notes: Notes) -> Iterator[Piece]:
    """The same for columns of symbols; a row without a symbol's price holds no bar of it."""
    _refuse_renaming(source, symbol, list(source.layout.series))
    columns.legs.pop("")
    priceless = []
    for name in source.layout.series:
        leg = columns.legs.pop(name)
        rows = np.flatnonzero(~np.isnan(sum(leg[role] for role in BAR_ROLES if role in leg)))
        notes.count(EMPTY_PRICES, len(leg["time_ns"]) - len(rows))
        if len(rows) == 0:
            priceless.append(name)
            continue
        if len(rows) < len(leg["time_ns"]):
            take(leg, rows)
        yield symbol or name, leg, rows
    _say_priceless(priceless, notes)


def _say_priceless(names: list[str], notes: Notes) -> None:
    if names:
        notes.say(f"{few(names)} {'have' if len(names) > 1 else 'has'} no price at all: left out")


def _several_values(source: Source, name: str, rows: Rows, error: SeveralValuesError) -> UploadError:
    """The question which column tells apart what shares a time."""
    first, second = rows[error.first], rows[error.second]
    one, other = error.closes
    seen = f"{name}: {error} ({one:g} in {source.unit} {source.line(int(first[0]))}, then {other:g})"
    columns = several.that_part_times(source.table, source.unused(), first, second)
    line = source.line(int(second[0]))
    return UploadError(several.question(seen, columns), file=source.layout.file, line=line, unit=source.unit)


def _leaps(leg: Leg) -> int:
    """How often the price leaps to and fro, in the order of time."""
    price, time_ns = leg["close" if "close" in leg else "price"], leg["time_ns"]
    if (time_ns[1:] < time_ns[:-1]).any():
        price = price[np.argsort(time_ns, kind="stable")]
    return several.leaps(price)


def _doubt(source: Source, labels: list[Labels], name: str, leg: Leg, rows: Rows) -> str | None:
    """The question whether labels beside the prices tell instruments apart."""
    if not labels:
        return None
    price, time_ns = leg["close" if "close" in leg else "price"], leg["time_ns"]
    if (time_ns[1:] < time_ns[:-1]).any():
        order = np.argsort(time_ns, kind="stable")
        price, rows = price[order], rows[order]
    return question(labels, source.layout, name, price, rows)


def _refuse_leaps(source: Source, name: str, leg: Leg, rows: Rows) -> None:
    """Ask where a price leaps, and a column without a role tells the prices apart."""
    price = leg["close" if "close" in leg else "price"]
    order = np.argsort(leg["time_ns"], kind="stable")
    columns = several.that_part_prices(source.table, source.unused(), rows[order], price[order])
    if columns:
        count = several.leaps(price[order])
        seen = f"{name}: the price leaps by half or more in {count:,} of {len(price):,} rows"
        raise UploadError(several.question(seen, columns), file=source.layout.file)


def _refuse_renaming(source: Source, symbol: str | None, names: list[str]) -> None:
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


def _check_bars(source: Source, leg: Leg, rows: Rows, notes: Notes) -> None:
    upside_down = leg["high"] < leg["low"]
    if upside_down.any():
        at = int(np.argmax(upside_down))
        raise UploadError(
            f"high {leg['high'][at]:g} is below low {leg['low'][at]:g}: exchange the columns if they are swapped",
            file=source.layout.file,
            line=source.line(int(rows[at])),
            unit=source.unit,
        )
    highest, lowest = np.maximum(leg["open"], leg["close"]), np.minimum(leg["open"], leg["close"])
    notes.count(OUTSIDE, np.count_nonzero((highest > leg["high"]) | (lowest < leg["low"])))
