"""Bars of symbols, kept up to date from a growing tape."""

import logging
from dataclasses import dataclass, field
from typing import NamedTuple

from alphastream.bars import Bars, aggregate, empty_bars, merge
from alphastream.tape.columns import TickColumns
from alphastream.tape.protocols import Columns, GrowingTape, SidedArrays, TickArrays

log = logging.getLogger(__name__)

MAX_LOAD_NS = 24 * 3_600 * 10**9  # history read from the tape when new bars are asked for


def bars_of(ticks: TickArrays, interval_ns: int) -> Bars:
    """Bars of trades, with what takers bought where it is known who they were."""
    sold = ticks.buyer_is_maker if isinstance(ticks, SidedArrays) else None
    return aggregate(ticks.time_ns, ticks.price, ticks.quantity, interval_ns, sold)


@dataclass(slots=True)
class _BarSeries:
    """Bars of one symbol at one interval.

    ``loaded`` is what was read from the tape at the beginning: the first batch after it may repeat some.
    """

    interval_ns: int
    bars: Bars
    loaded: Columns | None

    def add(self, ticks: TickColumns, keep: int) -> None:
        if self.loaded is not None:
            ticks = ticks.rows(ticks.are_new(self.loaded.id, self.loaded.time_ns))
            self.loaded = None
        merged = merge(self.bars, bars_of(ticks, self.interval_ns))
        self.bars = merged.take(slice(-keep, None)) if len(merged) > keep else merged


class Arrivals(NamedTuple):
    """When the first and the last of some ticks were received, and when the last was traded, UTC ns."""

    first_ns: int
    last_ns: int
    traded_ns: int


@dataclass(slots=True)
class _SymbolTape:
    """Where reading one symbol stands, and its bars at every interval somebody wants.

    ``received`` tells when the ticks of the latest reading came, if it had any.
    """

    cursor: int
    newest_ns: int = 0
    received: Arrivals | None = None
    series: dict[int, _BarSeries] = field(default_factory=dict)


class TapeBars:
    """Bars of symbols at some intervals, read from a tape; each tick is read once, however many intervals there are.

    Parameters
    ----------
    tape : where ticks are read.
    history_bars : bars read from the past at most; twice as many are kept.
    """

    def __init__(self, tape: GrowingTape, history_bars: int) -> None:
        self._tape = tape
        self._history = history_bars
        self._symbols: dict[str, _SymbolTape] = {}

    def follow(self, symbol: str, interval_ns: int, now_ns: int) -> None:
        """Keep bars of a symbol at an interval, those of the past included."""
        if symbol not in self._symbols:
            self._symbols[symbol] = _SymbolTape(cursor=self._tape.since(symbol, None).cursor)
        if interval_ns not in self._symbols[symbol].series:
            self._load(symbol, interval_ns, now_ns)

    def forget(self, symbol: str, interval_ns: int) -> None:
        """Stop keeping them."""
        held = self._symbols.get(symbol)
        if held is not None:
            held.series.pop(interval_ns, None)
            if not held.series:
                del self._symbols[symbol]

    def bars(self, symbol: str, interval_ns: int) -> Bars:
        """Bars of a symbol that is followed, the one that is forming included."""
        return self._symbols[symbol].series[interval_ns].bars

    def held(self, symbol: str, interval_ns: int) -> Bars:
        """``bars``, or none of a symbol that is not followed. Any thread may ask: bars are replaced, never changed."""
        tape = self._symbols.get(symbol)
        series = None if tape is None else tape.series.get(interval_ns)
        return empty_bars() if series is None else series.bars

    def newest_ns(self, symbol: str) -> int:
        """The time of the newest trade, 0 before the first."""
        return self._symbols[symbol].newest_ns

    def received(self, symbol: str) -> Arrivals | None:
        """When the ticks came that the latest ``pull`` read, None where nothing came."""
        return self._symbols[symbol].received

    def pull(self, now_ns: int) -> dict[str, int]:
        """Read what came.

        Returns
        -------
        Of each symbol of which something came, the earliest trade time; 0 where its bars were read anew.
        """
        earliest = {symbol: self._pull(symbol, now_ns) for symbol in self._symbols}
        return {symbol: time_ns for symbol, time_ns in earliest.items() if time_ns is not None}

    def _load(self, symbol: str, interval_ns: int, now_ns: int) -> None:
        """Bars of the past from the tape."""
        held = self._symbols[symbol]
        reach = min(self._history * interval_ns, MAX_LOAD_NS)
        start_ns = (now_ns - reach) // interval_ns * interval_ns
        ticks = self._tape.columns(symbol, start_ns, now_ns + MAX_LOAD_NS)
        bars = bars_of(ticks, interval_ns)
        held.series[interval_ns] = _BarSeries(interval_ns, bars, ticks)
        if len(bars):
            held.newest_ns = max(held.newest_ns, int(bars.last_ns[-1]))

    def _pull(self, symbol: str, now_ns: int) -> int | None:
        held = self._symbols[symbol]
        batch = self._tape.since(symbol, held.cursor)
        held.cursor, held.received = batch.cursor, None
        if batch.missed:
            log.warning("symbol=%s missed=%d ticks in the ring: bars are read anew", symbol, batch.missed)
            for interval_ns in list(held.series):
                self._load(symbol, interval_ns, now_ns)
            return 0
        if not len(batch):
            return None
        ticks = batch.columns
        held.received = Arrivals(int(ticks.receive_ns[0]), int(ticks.receive_ns[-1]), int(ticks.time_ns[-1]))
        for series in held.series.values():
            series.add(ticks, keep=2 * self._history)
        held.newest_ns = max(held.newest_ns, int(ticks.time_ns.max()))
        return int(ticks.time_ns.min())
