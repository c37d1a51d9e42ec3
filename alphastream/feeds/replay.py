"""Replay of a recorded tape: real prices and real timings, moved to now. Pure: time is an argument.

A tape keeps the order in which trades arrived. Arrival order and trade time disagree by up to 100 ms between two
symbols, because the venue holds trades back to merge them. So a row is due at the latest trade time seen up to it:
order of arrival is kept, and no trade is shown before it happened. The recorder's own clock is not used (on the
bundled tape it runs 1.27 s behind the venue's).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alphastream.errors import FeedError, ParameterError
from alphastream.events import Tick

MS: Final = 1_000_000  # nanoseconds
SECOND: Final = 1_000_000_000
COLUMNS: Final = ("symbol", "id", "price", "quantity", "time_ns", "buyer_is_maker")

Column = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class TapeColumns:
    """Trades of one symbol, (n,) each, in order of arrival."""

    id: Column
    time_ns: Column
    price: Column
    quantity: Column


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """Recorded trades as columns of one length n ≥ 1, in order of arrival.

    Parameters
    ----------
    name : what the file is called.
    source : where the trades come from, for people.
    symbols : their names.
    symbol_index : (n,) integers, index into ``symbols``.
    id, price, quantity, time_ns, buyer_is_maker : (n,), as in Tick.
    due_ns : (n,) int64, running maximum of ``time_ns``: never falls.
    """

    name: str
    source: str
    symbols: tuple[str, ...]
    symbol_index: Column
    id: Column
    price: Column
    quantity: Column
    time_ns: Column
    buyer_is_maker: Column
    due_ns: Column

    @classmethod
    def of_table(cls, name: str, source: str, table: pa.Table) -> "Tape":
        """Take the columns of a table that has them all and at least one row."""
        symbols = table["symbol"].cast(pa.string()).combine_chunks().dictionary_encode()
        time_ns = table["time_ns"].to_numpy()
        return cls(
            name=name,
            source=source,
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
    def start_ns(self) -> int:
        """When the first trade was due, as recorded."""
        return int(self.due_ns[0])

    @property
    def end_ns(self) -> int:
        """When the last trade was due, as recorded."""
        return int(self.due_ns[-1])

    def columns(self) -> dict[str, TapeColumns]:
        """Trades by symbol, what a ``TickMarket`` is made of."""
        places = {symbol: self.symbol_index == index for index, symbol in enumerate(self.symbols)}
        return {
            symbol: TapeColumns(self.id[at], self.time_ns[at], self.price[at], self.quantity[at])
            for symbol, at in places.items()
        }

    def describe(self) -> str:
        """Say what the tape is, for a page."""
        start, end = (datetime.fromtimestamp(ns // SECOND, UTC) for ns in (self.start_ns, self.end_ns))
        source = f"{self.source}, " if self.source else ""
        return f"{source}recorded {start:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S} UTC"


def read_tape(path: Path | str) -> Tape:
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
    source = (table.schema.metadata or {}).get(b"source", b"").decode("utf-8", "replace")
    try:
        return Tape.of_table(path.name, source, table)
    except (ValueError, TypeError, pa.ArrowException) as error:
        raise FeedError(f"{path} is no tape ({error}): {advice}") from error


class Replay:
    """What of a tape is due at a moment, with times moved so that the tape happens now.

    The first ``head_s`` seconds of the tape lie before ``start_ns`` and are due at once. With ``loop`` the tape begins
    again when it ends: times move on by its length, ids by the ids it used, so both stay contiguous per symbol. Only
    the price jumps where the end meets the beginning.

    Parameters
    ----------
    tape : what to play.
    start_ns : data time at the start. ``receive_ns`` of a tick is when it is due, in data time as well.
    loop : never end.
    head_s : seconds of the tape that have already happened at the start.

    Raises
    ------
    ParameterError
        ``head_s`` is negative or not finite.
    """

    def __init__(self, tape: Tape, start_ns: int, *, loop: bool = True, head_s: float = 0.0) -> None:
        if not 0 <= head_s < float("inf"):
            raise ParameterError(f"head_s is {head_s}, needs a number of seconds from 0 on")
        self.tape = tape
        self._loop = loop
        self._row = 0
        # A whole millisecond, as the venue's times are.
        self._shift_ns = (start_ns - tape.start_ns - int(head_s * SECOND)) // MS * MS
        # The seam is a pause of the mean spacing, rounded up to a whole millisecond.
        span_ns = tape.end_ns - tape.start_ns
        self._period_ns = span_ns + max(MS, span_ns // len(tape) // MS * MS)
        self._id_span, self._id_shift = _id_spans(tape), [0] * len(tape.symbols)

    def next_ns(self) -> int | None:
        """Return the data time of the next trade, None when the tape has ended."""
        if self._row == len(self.tape):
            return None
        return int(self.tape.due_ns[self._row]) + self._shift_ns

    def take(self, limit: int, until_ns: int | None = None) -> list[Tick]:
        """Return the next trades, at most ``limit``, none due after ``until_ns`` (None: however late)."""
        ticks: list[Tick] = []
        while len(ticks) < limit:
            stop = min(len(self.tape), self._row + limit - len(ticks))
            if until_ns is not None:
                due = int(np.searchsorted(self.tape.due_ns, until_ns - self._shift_ns, side="right"))
                stop = min(stop, due)
            if stop <= self._row:
                break
            ticks += self._ticks(self._row, stop)
            self._row = stop
            if self._row == len(self.tape) and self._loop:
                self._rewind()
        return ticks

    def _ticks(self, start: int, stop: int) -> list[Tick]:
        tape, names, rows = self.tape, self.tape.symbols, slice(start, stop)
        return [
            Tick(names[k], id_ + self._id_shift[k], price, quantity, t + self._shift_ns, due + self._shift_ns, maker)
            for k, id_, price, quantity, t, due, maker in zip(
                tape.symbol_index[rows].tolist(),
                tape.id[rows].tolist(),
                tape.price[rows].tolist(),
                tape.quantity[rows].tolist(),
                tape.time_ns[rows].tolist(),
                tape.due_ns[rows].tolist(),
                tape.buyer_is_maker[rows].tolist(),
                strict=True,
            )
        ]

    def _rewind(self) -> None:
        self._row = 0
        self._shift_ns += self._period_ns
        self._id_shift = [shift + span for shift, span in zip(self._id_shift, self._id_span, strict=True)]


def _id_spans(tape: Tape) -> list[int]:
    spans = []
    for index in range(len(tape.symbols)):
        ids = tape.id[tape.symbol_index == index]
        spans.append(int(ids.max() - ids.min()) + 1)
    return spans
