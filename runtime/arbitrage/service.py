"""The thread that looks at all venues' quotes, keeps open episodes, and writes those that closed."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from alphastream.arbitrage import Alignment, ArbitrageMonitor, Edge, LeadLag, Leg, Levels, MonitorState, Signal
from alphastream.core.units import MS
from alphastream.errors import AlphaStreamError, StorageError
from runtime import threads
from runtime.arbitrage.costs_file import Costs, costs_file
from runtime.arbitrage.kept import EdgeHistory, KeptEdges, KeptMids, lead_of
from runtime.arbitrage.legs import Reader, VenueLine, WatchedLeg, assets_of

log = logging.getLogger(__name__)

EVERY_S: Final = 0.2
MAX_UNSAVED: Final = 10_000
_BESTS: Final = 4_096  # looks of which rules may still ask: more than a quarter of an hour


class SignalKeeper(Protocol):
    """Where signals go."""

    notice: str | None

    def append(self, signals: Sequence[Signal]) -> bool:
        """Keep signals that closed. Raises StorageError where that has to be tried again."""

    def newest(self, count: int) -> list[Signal]:
        """Return the newest, the newest first. Raises StorageError."""

    def close(self) -> None:
        """Close it."""


@dataclass(frozen=True, slots=True)
class LegView:
    """How one leg stands.

    Parameters
    ----------
    leg : with its costs and its alignment.
    venue : its name.
    is_perpetual : whether funding is paid.
    trouble : why its quotes do not hold now; empty where they do.
    """

    leg: Leg
    venue: str
    is_perpetual: bool
    trouble: str


@dataclass(frozen=True, slots=True)
class AssetView:
    """One asset at a moment.

    Parameters
    ----------
    time_ns : of which the edges are; 0 before the first look.
    edges : each leg to each other.
    open : episodes that have not closed.
    late : quotes that came after their moment had been looked at.
    """

    asset: str
    legs: tuple[LegView, ...]
    time_ns: int
    edges: tuple[Edge, ...]
    open: tuple[Signal, ...]
    late: int


@dataclass(slots=True)
class _Watch:
    """An asset that is watched."""

    legs: list[WatchedLeg]
    monitor: ArbitrageMonitor
    readers: dict[str, Reader]
    state: MonitorState | None = None
    edges: list[Edge] = field(default_factory=list)
    kept: KeptEdges = field(default_factory=KeptEdges)
    mids: KeptMids = field(default_factory=KeptMids)
    bests: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_BESTS))
    troubles: dict[str, str] = field(default_factory=dict)

    def read(self, now_ns: int) -> dict[str, Levels]:
        """Read what is new of every leg; one that cannot be read quotes nothing and leaves the others alone."""
        found: dict[str, Levels] = {}
        for name, reader in self.readers.items():
            try:
                new = reader.new(now_ns)
                self.troubles.pop(name, None)
            except AlphaStreamError as error:
                if name not in self.troubles:
                    log.error("instrument=%s its quotes cannot be read: %s", name, error)
                self.troubles[name] = str(error)
                new = reader.lose(now_ns)
            if new is not None:
                found[name] = new
        return found


class ArbitrageService:
    """Watches every asset that two or more instruments of the venues are; safe to use from many threads.

    Parameters
    ----------
    folder : where the assumed costs are kept.
    store : where signals that closed are kept.
    lines : the venues as they are now; none while there is no feed.
    now_ns : this computer's clock, UTC ns.
    sampled_ns : books and quotes are sampled on change, not more often than this.

    Attributes
    ----------
    failure : why signals are not on disk now, None while they are.
    outage : why nothing is looked at now, None while it is.
    notice : what is wrong with the costs that were kept, None where nothing is.
    """

    def __init__(
        self,
        folder: Path,
        store: SignalKeeper,
        lines: Callable[[], Sequence[VenueLine]],
        now_ns: Callable[[], int] = time.time_ns,
        sampled_ns: int = 100 * MS,
    ) -> None:
        self._store, self._lines, self._now_ns, self._sampled_ns = store, lines, now_ns, sampled_ns
        self._file = costs_file(folder)
        self._costs = self._file.load()
        self._lock = threading.RLock()
        self._watches: dict[str, _Watch] = {}
        self._unsaved: deque[Signal] = deque(maxlen=MAX_UNSAVED)
        self.failure: str | None = None
        self.outage: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alphastream-arbitrage", daemon=True)

    # ---- the thread ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Stop the thread; episodes that are open end with the last look. May be called twice, or without ``start``."""
        self._stopping.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        with self._lock:
            for asset in list(self._watches):
                self._leave(asset)
            self._save([])
        self._store.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.once()
                self.outage = None
            except Exception as error:  # the edge of the thread: the next look must come
                threads.begins_again()
                words = f"{type(error).__name__}: {error}; the log has more"
                if self.outage != words:
                    log.exception("edges between venues were not looked at")
                self.outage = words
            self._stopping.wait(EVERY_S)

    def once(self) -> list[Signal]:
        """Look at what is new; the signals that closed."""
        found = {asset: legs for asset, legs in assets_of(self._lines()).items() if len(legs) > 1}
        closed: list[Signal] = []
        with self._lock:
            try:
                for asset in [asset for asset in self._watches if asset not in found]:
                    closed += self._leave(asset)
                for asset, legs in found.items():
                    closed += self._look(asset, legs)
            finally:  # what closed does not close again
                self._save(closed)
        return closed

    def _look(self, asset: str, legs: list[WatchedLeg]) -> list[Signal]:
        closed: list[Signal] = []
        watch = self._watches.get(asset)
        if watch is not None and [leg.instrument for leg in watch.legs] != [leg.instrument for leg in legs]:
            closed += self._leave(asset)
            watch = None
        costed = tuple(leg.costed(self._costs, self._sampled_ns) for leg in legs)
        monitor = ArbitrageMonitor(asset, costed, self._costs.after)
        if watch is None:
            readers = {leg.instrument: leg.reader(self._costs.half_spread_bps) for leg in legs}
            watch = self._watches[asset] = _Watch(legs, monitor, readers)
        watch.legs, watch.monitor = legs, monitor
        now_ns = self._now_ns()
        quotes = watch.read(now_ns)
        signals, watch.state = monitor.run(quotes, monitor.known_until(now_ns), watch.state)
        watch.edges = monitor.edges(watch.state)
        watch.kept.note(watch.state.until_ns, watch.edges)
        watch.mids.note(quotes)
        sure = [edge.worst for edge in watch.edges if edge.worst == edge.worst]
        best = max([*sure, *(signal.net for signal in signals)], default=math.nan)
        watch.bests.append((watch.state.until_ns, best * 100.0))
        return closed + signals

    def _leave(self, asset: str) -> list[Signal]:
        """Watch an asset no more: its open episodes end with the last look."""
        watch = self._watches.pop(asset)
        if watch.state is None:
            return []
        ended = [replace(each, closed_ns=watch.state.until_ns) for each in watch.monitor.open(watch.state)]
        self._unsaved.extend(ended)
        return ended

    def _save(self, signals: Sequence[Signal]) -> None:
        self._unsaved.extend(signal for signal in signals if signal not in self._unsaved)
        if not self._unsaved:
            return
        try:
            self._store.append(tuple(self._unsaved))
            self._unsaved.clear()
            self.failure = None
        except StorageError as error:
            if self.failure is None:
                log.error("signals are not kept on disk: %s", error)
            self.failure = f"Signals wait in memory until they can be written: {error}"

    # ---- for pages and rules ---------------------------------------------------------------------------------

    @property
    def costs(self) -> Costs:
        """What trading is assumed to cost."""
        return self._costs

    @costs.setter
    def costs(self, costs: Costs) -> None:
        """Assume other costs from now on, for everybody; open episodes end. Raises StorageError."""
        with self._lock:
            self._costs = costs
            watched = list(self._watches)
            for asset in watched:
                self._leave(asset)
            if watched:
                self.once()  # pages that look now see the assets
        self._file.save(costs)

    @property
    def notice(self) -> str | None:
        """What is wrong with what was kept."""
        return " ".join(filter(None, (self._file.notice, self._store.notice))) or None

    def assets(self) -> tuple[AssetView, ...]:
        """Return every asset that is watched, by name."""
        with self._lock:
            return tuple(_view(asset, watch) for asset, watch in sorted(self._watches.items()))

    def single(self) -> tuple[str, ...]:
        """Return assets that only one instrument is, by name."""
        return tuple(sorted(asset for asset, legs in assets_of(self._lines()).items() if len(legs) == 1))

    def signals(self, count: int) -> list[Signal]:
        """Return the newest signals that closed, the newest first. Raises StorageError."""
        with self._lock:
            waiting = sorted(self._unsaved, key=lambda signal: -signal.opened_ns)
        return [*waiting, *self._store.newest(count)][:count]

    def history(self, asset: str, buy: str, sell: str) -> EdgeHistory | None:
        """Return the edges of the last hour in one direction; None of an asset that is not watched."""
        with self._lock:
            watch = self._watches.get(asset)
            return None if watch is None else watch.kept.of(buy, sell)

    def lead(self, asset: str, first: str, second: str) -> LeadLag | None:
        """Find which of two instruments moved first in the last quarter of an hour; None where one is not watched.

        Raises
        ------
        ParameterError : there is not enough of them yet.
        """
        with self._lock:
            watch = self._watches.get(asset)
            if watch is None:
                return None
            known = {leg.instrument: leg.alignment for leg in watch.monitor.legs}
            if first not in known or second not in known:
                return None
            mids = watch.mids.of(first), watch.mids.of(second)
        return lead_of(*mids, *_apart(known[first], known[second]))

    def bests(self, asset: str, since_ns: int) -> tuple[tuple[int, float], ...]:
        """Return the largest sure edge of each look after a time, per cent, oldest first; at least the newest one.

        NaN where no two venues quoted.

        Parameters
        ----------
        asset : its name; "" for whichever asset has the largest.
        """
        with self._lock:
            rows: dict[int, float] = {}
            for name, watch in self._watches.items():
                if asset in ("", name):
                    newest = watch.bests[-1][0] if watch.bests else 0
                    for time_ns, best in watch.bests:
                        if time_ns > since_ns or time_ns == newest:
                            rows[time_ns] = float(np.fmax(best, rows.get(time_ns, math.nan)))
        return tuple(sorted(rows.items()))


def _apart(first: Alignment, second: Alignment) -> tuple[int, int]:
    """How far two legs' times of arrival may be off from each other, and what to add to the second one's."""
    return first.error_ns + second.error_ns, second.shift_ns - first.shift_ns


def _view(asset: str, watch: _Watch) -> AssetView:
    legs = tuple(
        LegView(costed, leg.line.venue, leg.is_perpetual, leg.trouble or watch.troubles.get(leg.instrument, ""))
        for leg, costed in zip(watch.legs, watch.monitor.legs, strict=True)
    )
    state = watch.state
    if state is None:
        return AssetView(asset, legs, 0, (), (), 0)
    return AssetView(asset, legs, state.until_ns, tuple(watch.edges), tuple(watch.monitor.open(state)), state.late)
