"""Single orders with a price of their own in bars, whose open, high and low alone are known.

In which order the high and the low came is not known: stops come before limits, and an entry within a bar is taken to
be followed by its stop, never by its take-profit.
"""

from typing import TypeAlias

from alphastream.trading.broker.meeting import Met, is_through
from alphastream.trading.broker.orders import SpreadOrder
from alphastream.trading.broker.single_orders import SingleOrders

Prices: TypeAlias = tuple[float, float, float]
"""Open, high, low."""


class BarMeeting:
    """Lets single orders meet bars.

    Parameters
    ----------
    singles : orders of an account.
    half_spread_bps : what a taker pays beside the price.
    """

    def __init__(self, singles: SingleOrders, half_spread_bps: float) -> None:
        self._singles, self._half_spread_bps = singles, half_spread_bps

    def on_bar(self, leg: int, time_ns: int, begin_ns: int, prices: Prices, left: float | None) -> None:
        """Let orders with a price of their own meet a bar, when it is over.

        At its open an order trades that is through it: a stop that was gapped over, a limit as a taker. Later in the
        bar a stop trades at its own price, as a taker, and a limit at its own, as a maker. In which order the high and
        the low came is not known: stops come before limits, and an entry within the bar is taken to be followed by its
        stop, never by its take-profit.

        Parameters
        ----------
        time_ns : the last moment of the bar, which fills are booked at.
        begin_ns : when its first price was; orders that could not trade by then meet the next one.
        prices : open, high, low.
        left : as for ``on_trade``.
        """
        opened, high, low = prices
        for order in tuple(self._singles.of[leg]):
            left = self._at_open(order, time_ns, begin_ns, opened, left)
        for order in tuple(self._singles.of[leg]):
            part = order.legs[0]
            if not self._meets(order, time_ns, begin_ns) or not part.waits_for_stop:
                continue
            if part.reaches(high if part.quantity > 0.0 else low):
                left = self._stopped(order, time_ns, prices, left)
        for order in tuple(self._singles.of[leg]):
            part = order.legs[0]
            if not self._meets(order, time_ns, begin_ns) or part.limit is None or part.waits_for_stop:
                continue
            if part.meets(low if part.quantity > 0.0 else high):
                left = self._singles.attempt(order, "maker", time_ns, part.limit, left)
                left = self._stop_at_once(order, time_ns, prices, left)

    def _meets(self, order: SpreadOrder, time_ns: int, begin_ns: int) -> bool:
        part = order.legs[0]
        if part.state != "open" or not self._singles.meets_bars(part) or self._singles.is_over(order, time_ns):
            return False
        return part.eligible_ns <= begin_ns

    def _at_open(
        self, order: SpreadOrder, time_ns: int, begin_ns: int, opened: float, left: float | None
    ) -> float | None:
        """Let an order meet the first price. What that arms meets it as well, and then the rest of the bar."""
        part = order.legs[0]
        if not self._meets(order, time_ns, begin_ns):
            return left
        part.touch = None
        if part.waits_for_stop:
            if not part.reaches(opened):
                return left
            part.triggered_ns = time_ns
            self._singles.triggered(order)
        met: Met = "taker" if is_through(part, opened, self._half_spread_bps) else "missed"
        if met == "taker" or order.time_in_force != "gtc":
            left = self._singles.attempt(order, met, time_ns, opened, left)
            for side in self._singles.sides_of(order):
                side.legs[0].eligible_ns = min(side.legs[0].eligible_ns, begin_ns)
                left = self._at_open(side, time_ns, begin_ns, opened, left)
        return left

    def _stopped(self, order: SpreadOrder, time_ns: int, prices: Prices, left: float | None) -> float | None:
        """A stop is reached within the bar, at its own price."""
        part = order.legs[0]
        assert part.stop is not None
        part.triggered_ns = part.eligible_ns = time_ns  # as a limit it waits for the next bar
        self._singles.triggered(order)
        if not is_through(part, part.stop, self._half_spread_bps):
            return (
                left
                if order.time_in_force == "gtc"
                else self._singles.attempt(order, "missed", time_ns, part.stop, left)
            )
        left = self._singles.attempt(order, "taker", time_ns, part.stop, left)
        return self._stop_at_once(order, time_ns, prices, left)

    def _stop_at_once(self, entry: SpreadOrder, time_ns: int, prices: Prices, left: float | None) -> float | None:
        """Whether the stop of an entry within the bar may have been reached in the same bar: then it was."""
        for side in tuple(self._singles.sides_of(entry)):
            part = side.legs[0]
            if part.waits_for_stop and part.reaches(prices[1] if part.quantity > 0.0 else prices[2]):
                left = self._stopped(side, time_ns, prices, left)
        return left
