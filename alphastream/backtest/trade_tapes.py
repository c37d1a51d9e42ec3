"""Trades and bars that orders meet between two rows: columns, of which nothing is looked at where no order waits."""

from collections.abc import Callable, Sequence

import numpy as np

from alphastream.backtest.book_tapes import NEVER_NS
from alphastream.backtest.market import LegBars, LegTrades


class TradeTapes:
    """Trades that orders meet between two rows, in order of time; where no order waits none is looked at.

    Parameters
    ----------
    tapes : one for each leg.
    bars_of : gives the bars of a leg, at the first order that wants them.

    Attributes
    ----------
    meet : called with leg, time, price and quantity of each trade that a leg waits for.
    meet_bar : called with leg, last and first moment, open, high, low and volume of each bar that one waits for.
    waiting : whether a leg does.
    """

    def __init__(self, tapes: Sequence[LegTrades], bars_of: Callable[[int], LegBars]) -> None:
        self._legs, self._bars_of = len(tapes), bars_of
        self._bars: dict[int, LegBars] = {}  # of places beyond the legs
        self._times = [tape.time_ns for tape in tapes]
        # ``item`` of an array is the fastest way to one number
        self._columns = [(tape.time_ns.item, tape.price.item, tape.quantity.item) for tape in tapes]
        self._at = [0] * len(tapes)
        self._after = [0] * len(tapes)  # trades before were met
        self._next_ns = [NEVER_NS] * len(tapes)  # time of the trade that a leg waits for
        self.meet: Callable[[int, int, float, float], None] = lambda *trade: None
        self.meet_bar: Callable[[int, int, int, float, float, float, float], None] = lambda *bar: None
        self.waiting = False

    @property
    def next_ns(self) -> int:
        """Time of the next trade that a leg waits for."""
        return min(self._next_ns)

    def wait(self, leg: int, from_ns: int | None) -> None:
        """Look at trades of a leg from a moment on, or, of places beyond the legs, at bars; None: no more."""
        if from_ns is None:
            if leg < len(self._next_ns):
                self._next_ns[leg] = NEVER_NS
            self.waiting = min(self._next_ns) != NEVER_NS
        else:
            if leg >= self._legs and leg not in self._bars:
                self._open_bars(leg)
            self._turn_to(leg, max(self._after[leg], int(self._times[leg].searchsorted(from_ns))))
            self.waiting = True

    def _open_bars(self, place: int) -> None:
        """Make bars the tape of a place: of those at one time with trades, trades come first."""
        while len(self._next_ns) <= place:
            self._times.append(np.empty(0, np.int64))
            self._columns.append((self._times[-1].item, self._times[-1].item, self._times[-1].item))
            self._at.append(0)
            self._after.append(0)
            self._next_ns.append(NEVER_NS)
        bars = self._bars[place] = self._bars_of(place - self._legs)
        self._times[place] = bars.time_ns
        self._columns[place] = bars.time_ns.item, bars.open.item, bars.volume.item

    def _turn_to(self, leg: int, at: int) -> None:
        self._at[leg] = at
        self._next_ns[leg] = self._columns[leg][0](at) if at < len(self._times[leg]) else NEVER_NS

    def play(self, until_ns: int) -> None:
        """Let orders meet the trades before a moment; of trades at one time those of the first leg come first."""
        legs = self._legs
        while (when_ns := min(self._next_ns)) < until_ns:
            leg = self._next_ns.index(when_ns)
            at, (_, price, quantity) = self._at[leg], self._columns[leg]
            self._after[leg] = after = at + 1
            self._turn_to(leg, after)
            if leg < legs:
                self.meet(leg, when_ns, price(at), quantity(at))
                continue
            bars = self._bars[leg]
            prices = price(at), bars.high.item(at), bars.low.item(at)
            self.meet_bar(leg - legs, when_ns, bars.begin_ns.item(at), *prices, quantity(at))
