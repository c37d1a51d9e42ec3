"""Mark prices and funding made up around the trades of a tape; the rate of a payment is known by its time alone."""

import random
from collections.abc import Iterator, Mapping

from alphastream.core.units import HOUR, MS, SECOND

from .books import Steps
from .events import Mark, Trade
from .listings import Listing

USUAL_INTERVAL_NS = 8 * HOUR
INTERVALS_NS = {"ETH": 4 * HOUR}
"""How often a perpetual pays, by its base, where that is not every eight hours."""
PUBLISHED_NS = SECOND


class Funding:
    """What perpetuals are marked at and have paid.

    Parameters
    ----------
    listings : rules of each symbol.
    begin : a trade of each symbol, whose price stands for the mark prices of before.
    """

    def __init__(self, listings: Mapping[str, Listing], begin: Mapping[str, Trade]) -> None:
        self._listings = listings
        self._last = dict(begin)
        self._before = {symbol: trade.price_text for symbol, trade in begin.items()}
        self._told_ns: dict[str, int] = {}
        self._count = 0
        self._paid_at: dict[tuple[str, int], str] = {}

    def interval_ns(self, symbol: str) -> int:
        """Return the time between two payments."""
        return INTERVALS_NS.get(self._listings[symbol].base, USUAL_INTERVAL_NS)

    def rate(self, symbol: str, time_ns: int) -> str:
        """Return the rate of the payment at a time, to eight digits, between -0.0005 and 0.0005."""
        return f"{random.Random(f'{symbol} {time_ns}').uniform(-5e-4, 5e-4):.8f}"

    def now(self, symbol: str, time_ns: int) -> Mark:
        """Return what a symbol of the tape is marked at."""
        trade, interval_ns = self._last[symbol], self.interval_ns(symbol)
        next_ns = (time_ns // interval_ns + 1) * interval_ns
        tick = Steps(self._listings[symbol].tick_size)
        index = tick.text(max(1, round(tick.count(trade.price_text) * 0.9999)))
        rate = self.rate(symbol, next_ns)
        return Mark(symbol, self._count, trade.price_text, index, rate, next_ns, interval_ns, time_ns, time_ns)

    def after(self, trade: Trade) -> Iterator[Mark]:
        """Take a trade that was played, and give a mark price of each symbol for each second that has begun."""
        self._last[trade.symbol] = trade
        for symbol in self._last:
            told_ns = self._told_ns.get(symbol, 0)
            if trade.event_ns // PUBLISHED_NS > told_ns // PUBLISHED_NS:
                self._count += 1
                mark = self.now(symbol, trade.event_ns // MS * MS)
                self._note_payment(mark, told_ns)
                self._told_ns[symbol] = trade.event_ns
                yield mark

    def payments(self, symbol: str, from_ns: int, until_ns: int) -> list[tuple[int, str, str]]:
        """Return time, rate and mark price of the payments of a time, both ends with it, oldest first."""
        interval_ns = self.interval_ns(symbol)
        times = range(-(-from_ns // interval_ns) * interval_ns, until_ns + 1, interval_ns)
        return [(at, self.rate(symbol, at), self._paid_at.get((symbol, at), self._before[symbol])) for at in times]

    def _note_payment(self, mark: Mark, told_ns: int) -> None:
        paid_ns = mark.time_ns // mark.interval_ns * mark.interval_ns
        if 0 < told_ns < paid_ns:
            self._paid_at[mark.symbol, paid_ns] = mark.mark
