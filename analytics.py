"""QuantEngine: the tape becomes bars, bars become rows of pairs, rows advance the graph, answers are published.

One thread does it, once for everybody: pages say which pairs they want and read immutable answers. Nothing is
computed while no new tick has arrived and no bar has closed.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from alphastream.bars import Bars, PairRows, aggregate, align, empty_bars, merge
from alphastream.core.types import Floats, Ints
from alphastream.events import Tick
from alphastream.graph import Graph, Node, Price, Source
from alphastream.kernel_groups import TESTS, group_of
from alphastream.pairs import (
    Cointegration,
    PairAnalytics,
    PairSpec,
    Stamps,
    calibration,
    cointegration,
    nodes_of,
    not_computed,
    pair_columns,
    series_of,
    source_columns,
)
from alphastream.tape.protocols import GrowingTape
from runtime.compilation import Compilation, shared

log = logging.getLogger(__name__)

IDLE_S = 120.0  # a pair nobody has asked for in this time is forgotten
NO_ROWS = align(empty_bars(), empty_bars(), 1)
PRICES: tuple[Price, ...] = ("log", "price")
MAX_LOAD_NS = 24 * 3_600 * 10**9  # history read from the tape when a page asks for new bars


@dataclass(slots=True)
class _BarSeries:
    """Bars of one symbol at one interval.

    ``loaded`` holds the ids read from the tape at the beginning: the first batch after it may repeat some.
    """

    interval_ns: int
    bars: Bars
    loaded: Ints | None

    def add(self, ids: Ints, time_ns: Ints, price: Floats, quantity: Floats, keep: int) -> None:
        if self.loaded is not None:
            new = ~np.isin(ids, self.loaded)
            time_ns, price, quantity = time_ns[new], price[new], quantity[new]
            self.loaded = None
        merged = merge(self.bars, aggregate(time_ns, price, quantity, self.interval_ns))
        self.bars = merged.take(slice(-keep, None))


@dataclass(slots=True)
class _SymbolTape:
    """Where reading one symbol stands, and its bars at every interval somebody wants.

    ``received`` holds the first and the last tick of the latest reading, if it had any.
    """

    cursor: int
    newest_ns: int = 0
    received: tuple[Tick, Tick] | None = None
    series: dict[int, _BarSeries] = field(default_factory=dict)


@dataclass(slots=True)
class _Pair:
    """Closed rows of two legs at one interval and the graph outputs on them."""

    y: str
    x: str
    interval_ns: int
    rows: PairRows
    closed_ns: int = 0
    outputs: dict[Node, Any] = field(default_factory=dict)
    tests: dict[Source, Cointegration] = field(default_factory=dict)


class QuantEngine:
    """Computes what pages ask for, once, when ticks have come.

    Parameters
    ----------
    tape : where ticks are read.
    now_ns : the time the data lives in; closes bars of silent legs.
    history_bars : closed rows kept for each pair.
    refresh_s : at most one recomputation in this time.
    grace_ns : how long after a bar's end a leg without newer trades may still deliver one.
    published : called by the engine's thread after each publication; must be quick.
    compilation : compiles the kernels ahead; that of the process unless given.
    """

    def __init__(
        self,
        tape: GrowingTape,
        now_ns: Callable[[], int],
        *,
        history_bars: int = 2_000,
        refresh_s: float = 0.1,
        grace_ns: int = 1_000_000_000,
        published: Callable[[], None] = lambda: None,
        compilation: Compilation | None = None,
    ) -> None:
        self._tape = tape
        self._now_ns = now_ns
        self._history = history_bars
        self._refresh_s = refresh_s
        self._grace_ns = grace_ns
        self._tell = published
        self._symbols: dict[str, _SymbolTape] = {}
        self._pairs: dict[tuple[str, str, int], _Pair] = {}
        self._version = 0
        self.graph = Graph()
        self.reopened = 0
        self.failure: str | None = None
        self.compilation = compilation or shared()

        self._lock = threading.Lock()
        self._wanted: dict[PairSpec, float] = {}
        self._published: dict[PairSpec, PairAnalytics] = {}
        self._changed = threading.Condition(self._lock)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._waiting: frozenset[str] = frozenset()  # kernels that are being compiled
        self._thread: threading.Thread | None = None

    # ---- for pages -------------------------------------------------------------------------------------------

    def snapshot(self, spec: PairSpec) -> PairAnalytics | None:
        """The newest answer; None while the first one is being computed. Asking keeps the pair alive."""
        with self._lock:
            is_new = spec not in self._wanted
            self._wanted[spec] = time.monotonic()
            answer = self._published.get(spec)
        if is_new:
            self._wake.set()
        return answer

    def wait_for(self, spec: PairSpec, timeout_s: float) -> PairAnalytics | None:
        """``snapshot``, waiting up to a time for the first answer."""
        deadline = time.monotonic() + timeout_s
        self.snapshot(spec)
        with self._changed:
            while spec not in self._published and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            return self._published.get(spec)

    # ---- the thread ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the engine's thread. Prices are published at once, series as soon as their kernels are compiled."""
        self.compilation.start(self._wake.set)
        self._thread = threading.Thread(target=self._loop, name="alphastream-engine", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Stop the thread; answers stay readable."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def notify(self) -> None:
        """Ticks have come. Cheap: called by the ingest thread for every batch."""
        self._wake.set()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(timeout=self._refresh_s * 5)
            self._wake.clear()
            try:
                self.refresh(self._now_ns())
                self.failure = None
            except Exception as error:  # the edge of the thread: the page shows it, the log has the traceback
                if self.failure is None:
                    log.exception("engine refresh failed")
                self.failure = f"{type(error).__name__}: {error}"
                self._pairs, self.graph = {}, Graph()  # half advanced: the next refresh computes everything anew
            self._stopping.wait(self._refresh_s)

    def refresh(self, now_ns: int) -> bool:
        """Read new ticks, advance what is wanted, publish. Returns whether anything was new."""
        with self._lock:
            self._forget_idle(time.monotonic())
            before, self._waiting = self._waiting, self._uncompiled()
            wanted = list(self._wanted)
        for spec in wanted:
            self._prepare(spec, now_ns)
        earliest = {symbol: self._pull(symbol, now_ns) for symbol in self._symbols}
        moved: dict[tuple[str, str, int], bool] = {}
        for key, pair in self._pairs.items():
            times = [ns for leg in (pair.y, pair.x) if (ns := earliest[leg]) is not None]
            moved[key] = self._advance(pair, now_ns, min(times, default=None))
        fresh = [spec for spec in wanted if moved[_key(spec)] or spec not in self._published or before != self._waiting]
        if fresh:
            self._publish(fresh)
        return bool(fresh)

    def _uncompiled(self) -> frozenset[str]:
        """Groups of kernels still to wait for; without a thread the caller waits, whatever it takes."""
        return self.compilation.waiting if self._thread is not None else frozenset()

    def _is_compiled(self, node: Node) -> bool:
        """Whether a node, and what it is computed from, can be computed without a wait."""
        inputs = (series.of for series in node.inputs)
        return group_of(node.estimator) not in self._waiting and all(
            self._is_compiled(each) for each in inputs if isinstance(each, Node)
        )

    # ---- ticks to bars ---------------------------------------------------------------------------------------

    def _prepare(self, spec: PairSpec, now_ns: int) -> None:
        """Make sure that bars, rows and nodes of a request exist."""
        for symbol in (spec.y, spec.x):
            if symbol not in self._symbols:
                self._symbols[symbol] = _SymbolTape(cursor=self._tape.since(symbol, None).cursor)
            if spec.interval_ns not in self._symbols[symbol].series:
                self._load(symbol, spec.interval_ns, now_ns)
        pair = self._pairs.get(_key(spec))
        if pair is None:
            pair = self._pairs[_key(spec)] = _Pair(spec.y, spec.x, spec.interval_ns, NO_ROWS)
        self._join(pair, spec)

    def _load(self, symbol: str, interval_ns: int, now_ns: int) -> None:
        """Bars of the past from the tape."""
        held = self._symbols[symbol]
        reach = min(self._history * interval_ns, MAX_LOAD_NS)
        start_ns = (now_ns - reach) // interval_ns * interval_ns
        ticks = self._tape.columns(symbol, start_ns, now_ns + MAX_LOAD_NS)
        bars = aggregate(ticks.time_ns, ticks.price, ticks.quantity, interval_ns)
        held.series[interval_ns] = _BarSeries(interval_ns, bars, ticks.id)
        if len(bars):
            held.newest_ns = max(held.newest_ns, int(bars.last_ns[-1]))

    def _pull(self, symbol: str, now_ns: int) -> int | None:
        """Add what came since the cursor to every interval; the earliest of its times, None if nothing came."""
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
        ticks = list(batch)
        held.received = ticks[0], ticks[-1]
        ids, time_ns, price, quantity = _arrays(ticks)
        for series in held.series.values():
            series.add(ids, time_ns, price, quantity, keep=2 * self._history)
        held.newest_ns = max(held.newest_ns, int(time_ns.max()))
        return int(time_ns.min())

    # ---- bars to rows, rows to series ------------------------------------------------------------------------

    def _advance(self, pair: _Pair, now_ns: int, earliest_ns: int | None) -> bool:
        """Close rows whose time has come and run the graph over them; whether the pair has anything new."""
        y, x = (self._symbols[leg] for leg in (pair.y, pair.x))
        y_bars, x_bars = y.series[pair.interval_ns].bars, x.series[pair.interval_ns].bars
        if earliest_ns is not None and earliest_ns < pair.closed_ns:
            self._reopen(pair)
        until = max(min(y.newest_ns, x.newest_ns), now_ns - self._grace_ns)
        rows = align(y_bars, x_bars, pair.interval_ns, after_ns=pair.closed_ns, until_ns=until)
        if len(rows):
            pair.closed_ns = int(rows.end_ns[-1])
            pair.rows = _extend(pair.rows, rows, self._history)
            for source in self._sources(pair):
                for node, values in self.graph.run(source, source_columns(rows, source.price)).items():
                    pair.outputs[node] = _extend(pair.outputs[node], values, self._history)
            pair.tests.clear()
        return bool(len(rows)) or earliest_ns is not None

    def _reopen(self, pair: _Pair) -> None:
        """A trade belongs into a bar that was closed: compute the pair anew from its bars."""
        self.reopened += 1
        pair.rows, pair.closed_ns, pair.outputs = NO_ROWS, 0, {}
        for source in self._sources(pair):
            self.graph.reset(source)
            self._catch_up(pair, source)

    def _join(self, pair: _Pair, spec: PairSpec) -> None:
        """Add the nodes of a request; those that are new catch up with the rows there are."""
        nodes = nodes_of(spec)
        if self._waiting:
            nodes = tuple(node for node in nodes if self._is_compiled(node))
        if any(node not in pair.outputs for node in nodes):
            for node in nodes:
                self.graph.add(node)
            self._catch_up(pair, spec.source)

    def _catch_up(self, pair: _Pair, source: Source) -> None:
        late = [node for node in self.graph.nodes(source) if node not in pair.outputs]
        pair.outputs |= self.graph.catch_up(source_columns(pair.rows, source.price), pair.outputs, late)

    def _sources(self, pair: _Pair) -> list[Source]:
        found = [Source((pair.y, pair.x), pair.interval_ns, price) for price in PRICES]
        return [source for source in found if self.graph.nodes(source)]

    # ---- publishing ------------------------------------------------------------------------------------------

    def _publish(self, specs: list[PairSpec]) -> None:
        self._version += 1
        forming = {key: self._forming(pair) for key, pair in self._pairs.items()}
        answers = {spec: self._answer(spec, *forming[_key(spec)]) for spec in specs}
        with self._changed:
            self._published |= answers
            self._changed.notify_all()
        self._tell()

    def _answer(self, spec: PairSpec, previews: dict[Node, Any], open_rows: PairRows) -> PairAnalytics:
        pair, series = self._pairs[_key(spec)], series_of(spec)
        computed = all(series[name].of in pair.outputs for name in ("hedge_ratio", "zscore"))
        tested = self._waiting.isdisjoint((TESTS, "HalfLife"))
        return PairAnalytics(
            spec=spec,
            version=self._version,
            closed=pair_columns(spec, pair.rows, pair.outputs),
            forming=pair_columns(spec, open_rows, previews),
            calibration=calibration(spec, self.graph) if computed else not_computed(spec, len(pair.rows)),
            cointegration=self._test(pair, spec.source)
            if tested
            else Cointegration(0, refusal="the test is being compiled"),
            last_y=self._tape.last(spec.y),
            last_x=self._tape.last(spec.x),
            computed=computed,
            stamps=self._stamps(spec),
        )

    def _stamps(self, spec: PairSpec) -> Stamps | None:
        ends = [ends for leg in (spec.y, spec.x) if (ends := self._symbols[leg].received) is not None]
        if not ends:
            return None
        newest = max((last for _, last in ends), key=lambda tick: tick.receive_ns)
        first_ns = min(first.receive_ns for first, _ in ends)
        return Stamps(first_ns, newest.receive_ns, newest.time_ns, time.time_ns())

    def _forming(self, pair: _Pair) -> tuple[dict[Node, Any], PairRows]:
        y_bars, x_bars = (self._symbols[leg].series[pair.interval_ns].bars for leg in (pair.y, pair.x))
        rows = align(y_bars, x_bars, pair.interval_ns, after_ns=pair.closed_ns)
        previews: dict[Node, Any] = {}
        for source in self._sources(pair):
            previews |= self.graph.preview(source, source_columns(rows, source.price))
        return previews, rows

    def _test(self, pair: _Pair, source: Source) -> Cointegration:
        if source not in pair.tests:
            columns = source_columns(pair.rows, source.price)
            pair.tests[source] = cointegration(columns["y"], columns["x"])
        return pair.tests[source]

    def _forget_idle(self, now_s: float) -> None:
        """Drop requests nobody repeated, and the nodes and rows that only they needed. Holds the lock."""
        idle = [spec for spec, asked in self._wanted.items() if now_s - asked > IDLE_S]
        for spec in idle:
            del self._wanted[spec]
            self._published.pop(spec, None)
        if not idle:
            return
        needed = {node for spec in self._wanted for node in nodes_of(spec)}
        for spec in idle:
            for node in nodes_of(spec):
                if node not in needed:
                    self.graph.discard(node)
        keys = {_key(spec) for spec in self._wanted}
        self._pairs = {key: pair for key, pair in self._pairs.items() if key in keys}
        for pair in self._pairs.values():
            pair.outputs = {node: rows for node, rows in pair.outputs.items() if node in self.graph}
        legs = {(leg, key[2]) for key in keys for leg in key[:2]}
        for symbol in list(self._symbols):
            held = self._symbols[symbol]
            held.series = {length: bars for length, bars in held.series.items() if (symbol, length) in legs}
            if not held.series:
                del self._symbols[symbol]


def _key(spec: PairSpec) -> tuple[str, str, int]:
    return spec.y, spec.x, spec.interval_ns


def _arrays(ticks: Sequence[Tick]) -> tuple[Ints, Ints, Floats, Floats]:
    ids = np.array([tick.id for tick in ticks], dtype=np.int64)
    time_ns = np.array([tick.time_ns for tick in ticks], dtype=np.int64)
    price = np.array([tick.price for tick in ticks])
    quantity = np.array([tick.quantity for tick in ticks])
    return ids, time_ns, price, quantity


def _extend(before: Any, new: Any, keep: int) -> Any:
    """Rows after rows, the newest ``keep`` of them."""
    columns = (np.concatenate((getattr(before, item.name), getattr(new, item.name)))[-keep:] for item in fields(before))
    return type(before)(*columns)
