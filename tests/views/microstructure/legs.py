"""Answers about the recorded legs, with a made book and without."""

from pathlib import Path

import numpy as np

from alphastream.books import BookColumns, BookView
from alphastream.core.units import SECOND
from alphastream.feeds.market import MarkPrice, Quote
from alphastream.microstructure.leg import LegSpec
from alphastream.streaming.leg_flows import LegAnalytics, LegFlow
from alphastream.tape.columns import TickColumns
from storage import TickStore
from tests.windows.tapes import recorded

ETH = "binance-usdm:ETHUSDT"
LEVELS = 20


def made_book(ticks: TickColumns, tick: float = 0.01) -> BookColumns:
    """A book of 20 levels a tick apart around the last trade of every fifth of a second, lost for two seconds."""
    times = np.arange(ticks.time_ns.min(), ticks.time_ns.max(), SECOND // 5)
    price = ticks.price[np.searchsorted(np.sort(ticks.time_ns), times, "right") - 1]
    steps = np.arange(LEVELS) * tick
    quantity = np.broadcast_to(1.0 + np.arange(LEVELS, dtype=np.float64), (len(times), LEVELS)).copy()
    bids, asks = price[:, None] - tick / 2 - steps, price[:, None] + tick / 2 + steps
    lost = slice(len(times) // 2, len(times) // 2 + 10)
    for side in (bids, asks):
        side[lost] = np.nan
    return BookColumns(times, times, bids, quantity, asks, 2.0 * quantity)


class MadeMarket:
    """A market with one made book a symbol."""

    def __init__(self, books: dict[str, BookColumns], reason: str = "") -> None:
        self._books, self._reason = books, reason

    def quote(self, name: str) -> Quote | None:
        return None

    def book(self, name: str) -> BookView | None:
        none = np.empty(0)
        return BookView(none, none, none, none, 0, 0, False, self._reason) if self._reason else None

    def mark(self, name: str) -> MarkPrice | None:
        return None

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        return self._books[name].between(from_ns, until_ns) if name in self._books else BookColumns.empty(LEVELS)


def answer(folder: Path, rows: int | None = None, *, with_book: bool = False, window: int = 60) -> LegAnalytics:
    """What is known of ETHUSDT after so many trades of the recording."""
    ticks = recorded("ETHUSDT").rows(slice(rows))
    market = MadeMarket({ETH: made_book(recorded("ETHUSDT"))}) if with_book else None
    with TickStore(folder / "tape.db") as store:
        store.append(ticks.ticks(ETH))
        now_ns = int(ticks.time_ns[-1]) if len(ticks) else SECOND
        return LegFlow(store, market, LegSpec(ETH, window=window), keep=2_000).refresh(now_ns)
