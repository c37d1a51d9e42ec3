"""Recorded trades as columns, and the Parquet file they are kept in."""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alphastream.core.units import SECOND
from alphastream.errors import FeedError
from alphastream.instruments import InstrumentId

DEFAULT_VENUE: Final = "binance-usdm"  # of files that do not say, the bundled one among them
COLUMNS: Final = ("symbol", "id", "price", "quantity", "time_ns", "buyer_is_maker")
Column = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class RecordingColumns:
    """Trades of one symbol, (n,) each, in order of arrival."""

    id: Column
    time_ns: Column
    price: Column
    quantity: Column
    buyer_is_maker: Column


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Recorded trades as columns of one length n ≥ 1, in order of arrival.

    Parameters
    ----------
    name : what the file is called.
    source : where the trades come from, for people.
    venue : where they come from, as in ``FEEDS``.
    symbols : their names there.
    symbol_index : (n,) integers, index into ``symbols``.
    id, price, quantity, time_ns, buyer_is_maker : (n,), as in Tick.
    due_ns : (n,) int64, running maximum of ``time_ns``: never falls.
    """

    name: str
    source: str
    venue: str
    symbols: tuple[str, ...]
    symbol_index: Column
    id: Column
    price: Column
    quantity: Column
    time_ns: Column
    buyer_is_maker: Column
    due_ns: Column

    @classmethod
    def of_table(cls, name: str, source: str, table: pa.Table, venue: str = DEFAULT_VENUE) -> "Recording":
        """Take the columns of a table that has them all and at least one row."""
        symbols = table["symbol"].cast(pa.string()).combine_chunks().dictionary_encode()
        time_ns = table["time_ns"].to_numpy()
        return cls(
            name=name,
            source=source,
            venue=venue,
            symbols=tuple(symbols.dictionary.to_pylist()),
            symbol_index=symbols.indices.to_numpy(),
            id=table["id"].to_numpy(),
            price=table["price"].to_numpy(),
            quantity=table["quantity"].to_numpy(),
            time_ns=time_ns,
            buyer_is_maker=table["buyer_is_maker"].to_numpy(),
            due_ns=np.maximum.accumulate(time_ns),
        )

    def __len__(self) -> int:
        return len(self.due_ns)

    @property
    def instruments(self) -> tuple[InstrumentId, ...]:
        """The full names, in the order of ``symbols``. Raises ParameterError for one that cannot be."""
        return tuple(InstrumentId(self.venue, symbol) for symbol in self.symbols)

    @property
    def start_ns(self) -> int:
        """When the first trade was due, as recorded."""
        return int(self.due_ns[0])

    @property
    def end_ns(self) -> int:
        """When the last trade was due, as recorded."""
        return int(self.due_ns[-1])

    def columns(self) -> dict[str, RecordingColumns]:
        """Trades by symbol, what a ``TickMarket`` is made of."""
        places = {symbol: self.symbol_index == index for index, symbol in enumerate(self.symbols)}
        return {
            symbol: RecordingColumns(
                self.id[at], self.time_ns[at], self.price[at], self.quantity[at], self.buyer_is_maker[at]
            )
            for symbol, at in places.items()
        }

    def describe(self) -> str:
        """Say what the tape is, for a page."""
        start, end = (datetime.fromtimestamp(ns // SECOND, UTC) for ns in (self.start_ns, self.end_ns))
        source = f"{self.source}, " if self.source else ""
        return f"{source}recorded {start:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S} UTC"


def read_tape(path: Path | str) -> Recording:
    """Read a Parquet file of scripts/make_tape.py.

    Raises
    ------
    FeedError
        The file is not there, is no Parquet, lacks a column or holds no trade.
    """
    path = Path(path)
    advice = "scripts/make_tape.py makes one"
    try:
        table = pq.read_table(path)
    except FileNotFoundError as error:
        raise FeedError(f"there is no tape {path}: {advice}") from error
    except (pa.ArrowException, OSError) as error:
        raise FeedError(f"{path} is no tape ({error}): {advice}") from error
    missing = [column for column in COLUMNS if column not in table.column_names]
    if missing or not len(table):
        raise FeedError(f"tape {path} lacks {', '.join(missing) or 'any trade'}: {advice}")
    metadata = table.schema.metadata or {}
    source = metadata.get(b"source", b"").decode("utf-8", "replace")
    source = unicodedata.normalize("NFKC", source)  # many fonts lack the sign in "USDⓈ-M"
    venue = metadata.get(b"venue", DEFAULT_VENUE.encode()).decode("utf-8", "replace")
    try:
        tape = Recording.of_table(path.name, source, table, venue)
        tape.instruments  # noqa: B018 (names that cannot be are refused here)
        return tape
    except (ValueError, TypeError, pa.ArrowException) as error:
        raise FeedError(f"{path} is no tape ({error}): {advice}") from error
