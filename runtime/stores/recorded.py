"""What this process holds of the newest time, as the history's readers and SQL need it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Final, Protocol, Self

import numpy as np
import pyarrow as pa

from alphastream.arbitrage import Signal
from alphastream.books import BookColumns, MarkColumns, QuoteColumns
from alphastream.history.layout import INT64_MAX, Kind
from alphastream.history.tables import SCHEMAS, Columns, table_of, times
from alphastream.tape_files.block_rows import Stretch
from runtime.stores.market_reader import MarketReader
from runtime.stores.tapes import ReadableTape

_SAMPLED: Final = {"books": BookColumns, "quotes": QuoteColumns, "marks": MarkColumns}


class CountedTape(ReadableTape, Protocol):
    """A tape that knows how many ticks it holds without reading them."""

    def about(self, symbol: str, start_ns: int, end_ns: int) -> Stretch:
        """Ticks of a time, to a few thousand."""


class Recorded:
    """Reads tapes, books beside them and signals; a ``Hot`` side of a history.

    Parameters
    ----------
    tapes : one a venue.
    markets : sampled books, quotes, mark prices and funding.
    signals : those that closed, the newest first.
    """

    def __init__(
        self,
        tapes: Sequence[CountedTape],
        markets: Sequence[MarketReader] = (),
        signals: Callable[[], Sequence[Signal]] = tuple,
    ) -> None:
        self._tapes, self._markets, self._signals = tapes, markets, signals

    @contextmanager
    def snapshot(self) -> Iterator[Self]:
        """Read as it is, signals once: nothing of it moves into files meanwhile."""
        yield type(self)(self._tapes, self._markets, cache(self._signals))

    def counts(self, path: str) -> bool:
        """Whether a file of the history counts: each does."""
        return True

    def instruments(self, kind: Kind) -> list[str]:
        """Return what it holds rows of, ``venue:symbol``."""
        if kind == "ticks":
            return [symbol for tape in self._tapes for symbol in tape.symbols()]
        if kind in _SAMPLED:
            return [name for market in self._markets for name in market.instruments(_SAMPLED[kind])]
        if kind == "funding":
            return [name for market in self._markets for name in market.payers()]
        if kind == "signals":
            return sorted({signal.buy for signal in self._signals()})
        return []

    def about(self, instrument: str, start_ns: int, end_ns: int) -> int:
        """Return how many ticks of a time it holds, to a few thousand, without reading them."""
        return sum(tape.about(instrument, start_ns, end_ns).ticks for tape in self._holding(instrument))

    def span(self, kind: Kind, instrument: str) -> tuple[int, int] | None:
        """Return the first and the last time it holds, UTC ns; None where it holds nothing."""
        if kind == "ticks":
            found = [tape.about(instrument, 0, INT64_MAX) for tape in self._holding(instrument)]
            held = [(first, last) for count, first, last in found if count]
        else:
            parts = [rows for _, rows in self.parts(kind, instrument, 0, INT64_MAX) if rows.num_rows]
            ends = [rows["time"].cast(pa.int64()) for rows in parts]
            held = [(each[0].as_py(), each[-1].as_py()) for each in ends]
        return (min(first for first, _ in held), max(last for _, last in held)) if held else None

    def parts(self, kind: Kind, instrument: str, start_ns: int, end_ns: int) -> list[tuple[int, pa.Table]]:
        """Return rows with start_ns <= time < end_ns, with ``SCHEMAS[kind]`` and sorted by time, then id."""
        span = (max(start_ns, 0), min(end_ns, INT64_MAX))
        found: list[Columns] = []
        if kind == "ticks":
            for tape in self._holding(instrument):
                ticks = tape.columns(instrument, *span)
                order = np.lexsort((ticks.id, ticks.time_ns))
                found.append(ticks if (np.diff(order) > 0).all() else ticks.rows(order))
        elif kind == "signals":
            return [(0, self._signal_rows(instrument, *span))]
        else:
            for market in self._markets:
                read: dict[str, Callable[[str, int, int], Columns]] = {
                    "books": market.samples,
                    "quotes": market.quotes,
                    "marks": market.marks,
                }
                if kind in read:
                    found.append(read[kind](instrument, *span))
                elif kind == "funding":
                    found.append(market.funding(instrument, *span))
        return [(0, table_of(kind, columns)) for columns in found if len(columns)]

    def _holding(self, instrument: str) -> list[CountedTape]:
        return [tape for tape in self._tapes if instrument in tape.symbols()]

    def _signal_rows(self, instrument: str, start_ns: int, end_ns: int) -> pa.Table:
        found = [s for s in self._signals() if s.buy == instrument and start_ns <= s.opened_ns < end_ns]
        found.sort(key=lambda signal: signal.opened_ns)
        moments = ([getattr(s, f"{name}_ns") for s in found] for name in ("opened", "best", "closed"))
        rows: list[object] = [times(np.array(each, np.int64)) for each in moments]
        rows += [[getattr(s, name) for s in found] for name in ("asset", "buy", "sell", "prices")]
        rows += [[100.0 * s.net for s in found], [100.0 * s.gross for s in found]]
        rows += [[s.quantity for s in found], [s.value for s in found], [s.error_ns / 1e6 for s in found]]
        schema = SCHEMAS["signals"]
        return pa.table([pa.array(each, kind) for each, kind in zip(rows, schema.types, strict=True)], schema=schema)
