"""A recording as what came before itself: its bars, lap after lap, without a single trade being repeated.

A recording of minutes fills no window of hours. Played in a loop it goes on for ever; here it does so backwards as
well. What that makes is good for looking at. What repetition fakes (that deviations come back, that legs move together)
is refused elsewhere, see ``repeated_rows``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.bars import Bars
from alphastream.core.types import Floats, Ints
from alphastream.heads import Head, HeadProgress, Need
from alphastream.instruments import InstrumentId
from alphastream.tape.recordings import Recording
from alphastream.tape.repetition import Repetition

ENOUGH_BARS: Final = 300  # a recording with so many bars of a length is shown without repeating them before it


@dataclass(frozen=True, slots=True, eq=False)
class _Lap:
    """Trades of one symbol in one lap, by time; times count from the lap's begin. Sums have a 0 in front."""

    time_ns: Ints
    price: Floats
    volumes: Floats
    bought: Floats

    def __len__(self) -> int:
        return len(self.time_ns)


class RepeatedHeads:
    """Heads of a recording that is played again and again.

    Parameters
    ----------
    tape : the recording.
    repetition_now : when its laps begin; None before the playing has begun.
    now_ns : the time the data lives in.
    """

    def __init__(
        self, tape: Recording, repetition_now: Callable[[], Repetition | None], now_ns: Callable[[], int]
    ) -> None:
        self._tape, self._repetition, self._now_ns = tape, repetition_now, now_ns
        self._laps: dict[str, _Lap] = {}
        self._heads: dict[tuple[str, int], Head] = {}

    def ask(self, symbol: str, interval_ns: int, need: Need) -> Head | None:
        """The bars before the tape's own, where the recording is too short for the windows that are wanted."""
        repetition, seam = self._repetition(), need.seam
        if repetition is None or not seam.until_ns or repetition.period_ns >= ENOUGH_BARS * interval_ns:
            return None
        until_ns = min(seam.until_ns, self._now_ns() // interval_ns * interval_ns)
        head = self._heads.get((symbol, interval_ns))
        if head is None or head.until_ns != until_ns or need.least_ns < head.from_ns:
            bars = repeated_bars(self._lap(symbol), repetition, need.from_ns, until_ns, interval_ns)
            head = self._heads[symbol, interval_ns] = Head("repeated", need.from_ns, until_ns, bars)
        return head

    def progress(self, symbol: str, interval_ns: int) -> HeadProgress:
        """Nothing is fetched."""
        return HeadProgress()

    def repetition(self, symbol: str) -> Repetition | None:
        """When the laps begin."""
        return self._repetition()

    def _lap(self, symbol: str) -> _Lap:
        if symbol not in self._laps:
            index = self._tape.symbols.index(InstrumentId.parse(symbol, self._tape.venue).symbol)
            mine = np.flatnonzero(self._tape.symbol_index == index)
            mine = mine[np.argsort(self._tape.time_ns[mine], kind="stable")]
            size, sold = self._tape.quantity[mine], self._tape.buyer_is_maker[mine]
            self._laps[symbol] = _Lap(
                self._tape.time_ns[mine] - int(self._tape.time_ns.min()),
                self._tape.price[mine],
                np.concatenate(([0.0], np.cumsum(size))),
                np.concatenate(([0.0], np.cumsum(np.where(sold, 0.0, size)))),
            )
        return self._laps[symbol]


def repeated_bars(lap: _Lap, repetition: Repetition, from_ns: int, until_ns: int, interval_ns: int) -> Bars:
    """Bars of laps without end, from ``from_ns`` to ``until_ns``, multiples of the interval.

    Every edge between two bars is a lap and a place in it, so that the work grows with the bars, not with the trades.
    """
    edges = np.arange(from_ns, until_ns + 1, interval_ns)
    laps, inside = np.divmod(edges - repetition.start_ns, repetition.period_ns)
    count = len(lap)
    before = laps * count + np.searchsorted(lap.time_ns, inside)  # trades before an edge, since some lap's begin
    begin, end = before[:-1], before[1:]
    traded = end > begin
    start_ns, begin, end = edges[:-1][traded], begin[traded], end[traded]
    first, last = begin % count, (end - 1) % count
    high, low = _extremes(lap.price, first, end - begin)

    def moment(nth: Ints) -> Ints:
        moments: Ints = repetition.start_ns + nth // count * repetition.period_ns + lap.time_ns[nth % count]
        return moments

    def total(sums: Floats) -> Floats:
        found: Floats = (end // count - begin // count) * sums[-1] + sums[end % count] - sums[begin % count]
        return found

    volume, bought = total(lap.volumes), total(lap.bought)
    prices = lap.price[first], high, low, lap.price[last]
    return Bars(start_ns, *prices, volume, end - begin, moment(begin), moment(end - 1), bought)


def _extremes(price: Floats, first: Ints, length: Ints) -> tuple[Floats, Floats]:
    """Highest and lowest price of so many trades from each place on, where the end of a lap meets its beginning."""
    if not len(first):
        return np.empty(0), np.empty(0)
    twice = np.concatenate((price, price, price[:1]))
    bounds = np.column_stack((first, first + np.minimum(length, len(price)))).ravel()
    return np.maximum.reduceat(twice, bounds)[::2], np.minimum.reduceat(twice, bounds)[::2]
