"""Bars of symbols, kept up to date from a growing tape."""

import logging
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphastream.bars import Bars, aggregate, concatenate, empty_bars, merge
from alphastream.core.types import Ints
from alphastream.heads import Head, Seam
from alphastream.tape.columns import TickColumns
from alphastream.tape.protocols import Columns, GrowingTape, SidedArrays, TickArrays

Mask = NDArray[np.bool_]

log = logging.getLogger(__name__)

MAX_LOAD_NS = 24 * 3_600 * 10**9  # history read from the tape when new bars are asked for
JUST_BEFORE_NS = 60 * 10**9  # a tape with a trade this short before what is read did not begin there


def bars_of(ticks: TickArrays, interval_ns: int) -> Bars:
    """Bars of trades, with what takers bought where it is known who they were."""
    sold = ticks.buyer_is_maker if isinstance(ticks, SidedArrays) else None
    return aggregate(ticks.time_ns, ticks.price, ticks.quantity, interval_ns, sold)


@dataclass(slots=True)
class _BarSeries:
    """Bars of one symbol at one interval, those of its head in front.

    ``loaded`` is what was read from the tape at the beginning: the first batch after it may repeat some. ``newest_id``
    and ``newest_ns`` are of the newest trade that was taken in.
    """

    interval_ns: int
    bars: Bars
    loaded: Columns | None
    seam: Seam
    head: Head | None = None
    newest_id: int = 0
    newest_ns: int = 0

    def add(self, ticks: TickColumns, keep: int) -> None:
        if self.loaded is not None:
            ticks = ticks.rows(ticks.are_new(self.loaded.id, self.loaded.time_ns))
            self.loaded = None
        self._look_for_hole(ticks)
        if self.head is not None:
            ticks = ticks.rows(_after(self.head, ticks.id, ticks.time_ns))
        merged = merge(self.bars, bars_of(ticks, self.interval_ns))
        self.bars = merged.take(slice(-keep, None)) if len(merged) > keep else merged

    def _look_for_hole(self, ticks: TickColumns) -> None:
        """Move the seam behind a hole that is longer than a bar, or to the first trade of all."""
        if not len(ticks):
            return
        row = int(np.argmin(ticks.time_ns))
        first_ns, first_id = int(ticks.time_ns[row]), int(ticks.id[row])
        is_hole = first_ns - self.newest_ns > self.interval_ns and first_id != self.newest_id + 1
        if not self.newest_ns or is_hole:
            self.seam = _seam_at(first_ns, first_id, self.interval_ns)
        row = int(np.argmax(ticks.time_ns))
        if int(ticks.time_ns[row]) >= self.newest_ns:
            self.newest_ns, self.newest_id = int(ticks.time_ns[row]), int(ticks.id.max())


def _seam_at(time_ns: int, trade_id: int, interval_ns: int) -> Seam:
    """The seam where a trade is the first: its own bar may have had others before."""
    return Seam((time_ns // interval_ns + 1) * interval_ns, trade_id, time_ns)


def _seam_of(ticks: Columns, interval_ns: int, start_ns: int, goes_back: bool) -> Seam:
    """Where ticks, by time, begin to be without holes that are longer than a bar; ids tell holes from silence."""
    if not len(ticks.time_ns):
        return Seam()
    jumps = (np.diff(ticks.time_ns) > interval_ns) & (np.diff(ticks.id) != 1)
    row = int(np.flatnonzero(jumps)[-1]) + 1 if jumps.any() else 0
    first_ns, first_id = int(ticks.time_ns[row]), int(ticks.id[row])
    return Seam(start_ns, first_id, first_ns) if goes_back and not row else _seam_at(first_ns, first_id, interval_ns)


def _after(head: Head, ids: Ints, time_ns: Ints) -> Mask:
    """Which trades do not belong to what a head covers."""
    return ids >= head.before_id if head.source == "trades" else time_ns >= head.until_ns


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

    def seam(self, symbol: str, interval_ns: int) -> Seam:
        """Where the tape begins to know everything about a symbol's bars."""
        return self._symbols[symbol].series[interval_ns].seam

    def head(self, symbol: str, interval_ns: int) -> Head | None:
        """What the bars of a symbol begin with."""
        return self._symbols[symbol].series[interval_ns].head

    def put_head(self, symbol: str, interval_ns: int, head: Head, now_ns: int) -> None:
        """Begin the bars of a symbol that is followed with a head; those of the tape follow it."""
        self._load(symbol, interval_ns, now_ns, head)

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

    def _load(self, symbol: str, interval_ns: int, now_ns: int, head: Head | None = None) -> None:
        """Bars of the past from the tape, behind those of a head."""
        held = self._symbols[symbol]
        reach = min(self._history * interval_ns, MAX_LOAD_NS)
        start_ns = (now_ns - reach) // interval_ns * interval_ns
        ticks = self._tape.columns(symbol, start_ns, now_ns + MAX_LOAD_NS)
        goes_back = bool(len(self._tape.columns(symbol, start_ns - JUST_BEFORE_NS, start_ns).time_ns))
        series = _BarSeries(
            interval_ns, bars_of(ticks, interval_ns), ticks, _seam_of(ticks, interval_ns, start_ns, goes_back), head
        )
        if len(ticks.time_ns):
            series.newest_ns, series.newest_id = int(ticks.time_ns[-1]), int(ticks.id[-1])
        if head is not None:
            series.bars = _behind(head, ticks, series.bars, interval_ns)
        held.series[interval_ns] = series
        if len(series.bars):
            held.newest_ns = max(held.newest_ns, int(series.bars.last_ns[-1]))

    def _pull(self, symbol: str, now_ns: int) -> int | None:
        held = self._symbols[symbol]
        batch = self._tape.since(symbol, held.cursor)
        held.cursor, held.received = batch.cursor, None
        if batch.missed:
            log.warning("symbol=%s missed=%d ticks in the ring: bars are read anew", symbol, batch.missed)
            for interval_ns in list(held.series):
                self._load(symbol, interval_ns, now_ns, held.series[interval_ns].head)
            return 0
        if not len(batch):
            return None
        ticks = batch.columns
        held.received = Arrivals(int(ticks.receive_ns[0]), int(ticks.receive_ns[-1]), int(ticks.time_ns[-1]))
        for series in held.series.values():
            series.add(ticks, keep=2 * self._history)
        held.newest_ns = max(held.newest_ns, int(ticks.time_ns.max()))
        return int(ticks.time_ns.min())


def _behind(head: Head, ticks: Columns, bars: Bars, interval_ns: int) -> Bars:
    """Bars of the tape behind those of a head; what is older than the head stays in front of it."""
    assert isinstance(ticks, TickColumns), "a head stands before whole ticks"
    rest = ticks.rows(_after(head, ticks.id, ticks.time_ns))
    before = bars.take(slice(int(np.searchsorted(bars.start_ns, head.from_ns))))
    if head.source == "trades":
        found = bars_of(TickColumns.joined((head.ticks, rest)), interval_ns)
        found = found.take(slice(int(np.searchsorted(found.start_ns, head.from_ns)), None))
        return concatenate((before, found))
    return concatenate((before, merge(head.bars, bars_of(rest, interval_ns))))
