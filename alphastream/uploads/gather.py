"""One file to legs: every column converted and checked, the first bad cell named with its line."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from alphastream.core.types import Floats
from alphastream.errors import UploadError
from alphastream.uploads.cells import CellError, Decimal, floats, truths, whole_numbers
from alphastream.uploads.columns import BAR_ROLES, Kind, Role
from alphastream.uploads.forms import Table
from alphastream.uploads.layout import Layout
from alphastream.uploads.legs import Leg, RepeatedIdError, tidy
from alphastream.uploads.notes import EMPTY_PRICES, EMPTY_VOLUMES, OUTSIDE, Notes
from alphastream.uploads.symbols import normalise
from alphastream.uploads.times import parse_times

Rows = NDArray[np.int64]
Piece = tuple[str, Leg, Rows]
Key = tuple[str, str]  # the symbol a column of a wide file belongs to ("" otherwise), and the role
Reader = Callable[[Any], NDArray[Any]]


def gather(table: Table, layout: Layout, symbol: str | None, notes: Notes) -> dict[str, Leg]:
    """Read a file.

    Parameters
    ----------
    table : the file.
    layout : how to read it; it has no problem.
    symbol : name of the only symbol of the file; None to take what the file says.
    notes : what is done is said here.

    Returns
    -------
    dict
        Symbol to leg, each in order and without repetitions.
    """
    notes.say(*layout.notes)
    source = _Source(table, layout)
    pieces = _wide_pieces if layout.shape == "wide" else _pieces
    legs = {}
    for name, leg, rows in pieces(source, source.read(notes), None if symbol is None else normalise(symbol), notes):
        leg = _complete(leg, layout.kind, notes)
        if layout.kind == "bars":
            _check_bars(source, leg, rows, notes)
        try:
            legs[name] = tidy(leg, layout.kind, notes)
        except RepeatedIdError as error:
            first, second = source.line(int(rows[error.first])), source.line(int(rows[error.second]))
            advice = (
                f"line {first} has another trade with it; if {layout.roles['id'].column!r} is no trade id, unassign it"
            )
            raise UploadError(f"{error}: {advice}", file=layout.file, line=second) from None
    return legs


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns of a file, shape (T,) each: times, values by key, and the symbols that the codes in "symbol" number."""

    time_ns: NDArray[np.int64]
    values: dict[Key, NDArray[Any]]
    symbols: list[str]


@dataclass(frozen=True, slots=True)
class _Source:
    """A file with its layout: reads whole columns and knows the line of a row."""

    table: Table
    layout: Layout

    def read(self, notes: Notes) -> _Columns:
        """Times and the columns of all other roles."""
        symbols = _Symbols()
        readers = self._readers(symbols)
        times = [match.column for role, match in self.layout.roles.items() if role in ("time", "clock")]
        needed = list(dict.fromkeys([*times, *(column for column, _ in readers.values())]))
        chunks: dict[Key, list[NDArray[Any]]] = defaultdict(list)
        clocks: list[Any] = []
        start = 0
        for batch in self.table.batches(needed, notes):
            for key, (column, reader) in readers.items():
                try:
                    chunks[key].append(reader(batch[column]))
                except CellError as error:
                    raise self.error(start + error.row, column, error) from None
            clocks.append(_joined([batch[column] for column in times]))
            start += len(clocks[-1])
        if start == 0:
            raise UploadError("no rows: rows of time and price are needed", file=self.layout.file)
        try:
            read = parse_times(pa.chunked_array(clocks))
        except CellError as error:
            raise self.error(error.row, times[0], error) from None
        notes.say(*read.notes)
        return _Columns(read.time_ns, {key: np.concatenate(chunks.pop(key)) for key in readers}, symbols.names)

    def error(self, row: int, column: str, error: CellError) -> UploadError:
        """The error a person can act on."""
        seen = repr(error.seen) if error.seen.strip() else "the cell is empty"
        return UploadError(f"{seen}: {error.needed}", file=self.layout.file, line=self.line(row), column=column)

    def line(self, row: int) -> int:
        """The line of a row."""
        return self.table.line_of(row)

    def _readers(self, symbols: "_Symbols") -> dict[Key, tuple[str, Reader]]:
        if self.layout.shape == "wide":
            return {
                (symbol, role): (column, self._numbers(role, column, gaps=True))
                for symbol, columns in self.layout.series.items()
                for role, column in columns.items()
            }
        by_role: dict[Role, Reader] = {"id": whole_numbers, "buyer_is_maker": truths, "symbol": symbols}
        readers: dict[Key, tuple[str, Reader]] = {}
        for role, match in self.layout.roles.items():
            if role not in ("time", "clock"):
                reader = by_role.get(role) or self._numbers(role, match.column, gaps=role == "volume")
                readers["", role] = (match.column, reader)
        return readers

    def _numbers(self, role: Role, column: str, gaps: bool) -> Reader:
        read = _amounts if role in ("quantity", "volume") else _prices
        return partial(read, decimal=self.layout.decimals[column], gaps=gaps)


class _Symbols:
    """Numbers symbols in the order they come."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, cells: Any) -> NDArray[np.int32]:
        """Codes of a batch, shape (T,)."""
        encoded = cells.dictionary_encode()
        own = [normalise(name) for name in encoded.dictionary.to_pylist()]
        self.names += [name for name in dict.fromkeys(own) if name not in self.names]
        numbers = np.array([self.names.index(name) for name in own], dtype=np.int32)
        codes: NDArray[np.int32] = numbers[np.asarray(encoded.indices)]
        if "" in own:
            nameless = codes == self.names.index("")
            raise CellError(int(np.argmax(nameless)), "", "a symbol is needed")
        return codes


def _joined(cells: list[Any]) -> Any:
    return cells[0] if len(cells) == 1 else pc.binary_join_element_wise(*map(pc.utf8_trim_whitespace, cells), " ")


def _prices(cells: Any, decimal: Decimal, gaps: bool) -> Floats:
    """Prices above zero; with gaps, an empty cell is NaN."""
    values = floats(cells, decimal)
    return _lawful(cells, values, (values > 0) & (values < np.inf), gaps, "a price above zero is needed")


def _amounts(cells: Any, decimal: Decimal, gaps: bool) -> Floats:
    """Amounts of zero or more; with gaps, an empty cell is NaN."""
    values = floats(cells, decimal)
    return _lawful(cells, values, (values >= 0) & (values < np.inf), gaps, "an amount of zero or more is needed")


def _lawful(cells: Any, values: Floats, lawful: NDArray[np.bool_], gaps: bool, needed: str) -> Floats:
    if gaps:
        lawful |= np.isnan(values)
    if not lawful.all():
        row = int(np.argmin(lawful))
        raise CellError(row, cells[row].as_py(), needed)
    return values


def _pieces(source: _Source, columns: _Columns, symbol: str | None, notes: Notes) -> Iterator[Piece]:
    """Symbol by symbol: its name, its columns, and the rows of the file they come from."""
    leg = {"time_ns": columns.time_ns} | {role: values for (_, role), values in columns.values.items()}
    codes = leg.pop("symbol", None)
    if codes is None:
        name = symbol or source.layout.symbol
        if name is None:
            raise UploadError(
                "no column and no part of the file's name says which symbol this is: give it by hand",
                file=source.layout.file,
            )
        yield name, leg, np.arange(len(columns.time_ns))
        return
    _refuse_renaming(source, symbol, columns.symbols)
    if len(columns.symbols) == 1:
        yield symbol or columns.symbols[0], leg, np.arange(len(codes))
        return
    order = np.argsort(codes, kind="stable")
    for name, rows in zip(columns.symbols, np.split(order, np.cumsum(np.bincount(codes))[:-1]), strict=True):
        yield name, {role: values[rows] for role, values in leg.items()}, rows


def _wide_pieces(source: _Source, columns: _Columns, symbol: str | None, notes: Notes) -> Iterator[Piece]:
    """The same for columns of symbols; a row without a symbol's price holds no bar of it."""
    _refuse_renaming(source, symbol, list(source.layout.series))
    for name in source.layout.series:
        leg = {role: values for (owner, role), values in columns.values.items() if owner == name}
        priced = ~np.isnan(sum(leg[role] for role in BAR_ROLES if role in leg))
        notes.count(EMPTY_PRICES, len(priced) - np.count_nonzero(priced))
        rows = np.flatnonzero(priced)
        if len(rows) == 0:
            notes.say(f"{name} has no price at all: left out")
            continue
        yield symbol or name, {"time_ns": columns.time_ns[rows]} | {role: leg[role][rows] for role in leg}, rows


def _refuse_renaming(source: _Source, symbol: str | None, names: list[str]) -> None:
    if symbol is not None and len(names) > 1:
        several = ", ".join(names[:5])
        raise UploadError(
            f"{len(names)} symbols ({several}) cannot all be {symbol}: give no symbol", file=source.layout.file
        )


def _complete(leg: Leg, kind: Kind, notes: Notes) -> Leg:
    """The leg with every column of its kind: unknown amounts are NaN, bars of closes alone are flat."""
    unknown = np.full(len(leg["time_ns"]), np.nan)
    if kind == "ticks":
        if "quantity" not in leg:
            notes.say("no quantity column: quantities are unknown (NaN)")
        order = ("time_ns", "price", "quantity", "id", "buyer_is_maker")
        return {name: leg.get(name, unknown) for name in order if name in leg or name == "quantity"}
    if "open" not in leg:
        notes.say("one price a bar: open, high, low and close are the same")
        leg = leg | dict.fromkeys(("open", "high", "low"), leg["close"])
    if "volume" not in leg:
        notes.say("no volume column: volumes are unknown (NaN)")
    else:
        notes.count(EMPTY_VOLUMES, np.count_nonzero(np.isnan(leg["volume"])))
    return {name: leg.get(name, unknown) for name in ("time_ns", *BAR_ROLES, "volume")}


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
