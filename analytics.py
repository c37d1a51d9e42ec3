"""QuantEngine: the tape becomes bars, bars become rows of pairs, rows advance the graph, answers are published.

One thread does it, once for everybody: pages say which pairs they want and read immutable answers. Nothing is
computed while no new tick has arrived and no bar has closed.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from alphastream.bars import Bars
from alphastream.cointegration import Cointegration
from alphastream.events import Tick
from alphastream.graph import Graph, Node
from alphastream.heads import NO_HEAD, Heads, PairHead
from alphastream.kernel_groups import TESTS, group_of
from alphastream.pairs import PairAnalytics, PairSpec, Stamps, calibration, not_computed, pair_columns, series_of
from alphastream.streaming.leg_heads import LegHeads
from alphastream.streaming.pair_states import PairState, PairStates, key_of, legs_of
from alphastream.streaming.repeated_rows import is_of_one_lap, refused, without_inference
from alphastream.streaming.tape_bars import TapeBars
from alphastream.tape.protocols import GrowingTape
from runtime import threads
from runtime.compile_ahead import Compilation, shared

log = logging.getLogger(__name__)

COMPILING = "the test is being compiled"
IDLE_S = 120.0  # a pair nobody has asked for in this time is forgotten


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
    heads : where bars of before the tape come from; None: rows begin with the tape.
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
        heads: Heads | None = None,
    ) -> None:
        self._tape = tape
        self._now_ns = now_ns
        self._history = history_bars
        self._refresh_s = refresh_s
        self._grace_ns = grace_ns
        self._tell = published
        self._bars = TapeBars(tape, history_bars)
        self._heads = LegHeads(heads, history_bars) if heads is not None else None
        self._pairs = PairStates(history_bars)
        self._version = 0
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

    @property
    def graph(self) -> Graph:
        """The nodes of all requests."""
        return self._pairs.graph

    @property
    def reopened(self) -> int:
        """How often a late trade made a pair go back to an earlier row."""
        return self._pairs.reopened

    # ---- for pages -------------------------------------------------------------------------------------------

    def snapshot(self, spec: PairSpec) -> PairAnalytics | None:
        """The newest answer; None while the first one is being computed. Asking keeps the pair alive."""
        spec = _own(spec)
        with self._lock:
            is_new = spec not in self._wanted
            self._wanted[spec] = time.monotonic()
            answer = self._published.get(spec)
        if is_new:
            self._wake.set()
        return answer

    def wait_for(self, spec: PairSpec, timeout_s: float) -> PairAnalytics | None:
        """``snapshot``, waiting up to a time for the first answer."""
        deadline, spec = time.monotonic() + timeout_s, _own(spec)
        self.snapshot(spec)
        with self._changed:
            while spec not in self._published and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            return self._published.get(spec)

    def legs(self) -> set[str]:
        """Symbols of all pairs that somebody asked for lately."""
        with self._lock:
            return {leg for spec in self._wanted for leg in (spec.y, spec.x)}

    def bars(self, symbol: str, interval_ns: int) -> Bars:
        """Bars of a leg of a pair that was asked for, the forming one last; none while nobody wants them."""
        return self._bars.held(symbol, interval_ns)

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
                threads.begins_again()
                if self.failure is None:
                    log.exception("engine refresh failed")
                self.failure = f"{type(error).__name__}: {error}"
                # half advanced: the next refresh computes everything anew
                self._pairs = PairStates(self._history, self._pairs.reopened)
            self._stopping.wait(self._refresh_s)

    def refresh(self, now_ns: int) -> bool:
        """Read new ticks, advance what is wanted, publish. Returns whether anything was new."""
        with self._lock:
            self._forget_idle(time.monotonic())
            before, self._waiting = self._waiting, self._uncompiled()
            wanted = list(self._wanted)
        for spec in wanted:
            for symbol, interval_ns in legs_of(spec):
                self._bars.follow(symbol, interval_ns, now_ns)
            self._pairs.add(spec)
            self._pairs.join(spec, self._is_compiled)
        headed = self._heads.take(wanted, self._bars, self._pairs, now_ns) if self._heads is not None else set()
        moved = self._pairs.advance(self._bars, now_ns - self._grace_ns, self._bars.pull(now_ns))
        fresh = [
            spec
            for spec in wanted
            if key_of(spec) in moved or key_of(spec) in headed or spec not in self._published or before != self._waiting
        ]
        if fresh:
            self._publish(fresh)
        return bool(fresh)

    def _uncompiled(self) -> frozenset[str]:
        """Groups of kernels still to wait for; without a thread the caller waits, whatever it takes."""
        return self.compilation.waiting if self._thread is not None else frozenset()

    def _is_compiled(self, node: Node) -> bool:
        """Whether a node, and what it is computed from, can be computed without a wait."""
        if not self._waiting:
            return True
        inputs = (series.of for series in node.inputs)
        return group_of(node.estimator) not in self._waiting and all(
            self._is_compiled(each) for each in inputs if isinstance(each, Node)
        )

    # ---- publishing ------------------------------------------------------------------------------------------

    def _publish(self, specs: list[PairSpec]) -> None:
        self._version += 1
        previews = self._pairs.preview(dict.fromkeys(key_of(spec) for spec in specs))
        last = {symbol: self._tape.last(symbol) for symbol in {leg for spec in specs for leg in (spec.y, spec.x)}}
        answers = {spec: self._answer(spec, previews, last) for spec in specs}
        with self._changed:
            self._published |= answers
            self._changed.notify_all()
        self._tell()

    def _answer(self, spec: PairSpec, previews: Mapping[Node, Any], last: Mapping[str, Tick | None]) -> PairAnalytics:
        pair, outputs, series = self._pairs[spec], self._pairs.outputs, series_of(spec)
        head = self._heads.of_pair(spec, self._bars) if self._heads is not None else NO_HEAD
        computed = all(series[name].of in outputs for name in ("hedge_ratio", "zscore"))
        tested = self._waiting.isdisjoint((TESTS, "ResidualHalfLife"))
        answer = PairAnalytics(
            spec=spec,
            version=self._version,
            closed=pair_columns(spec, pair.rows, outputs),
            forming=pair_columns(spec, pair.forming, previews),
            calibration=calibration(spec, self.graph) if computed else not_computed(spec, len(pair.rows)),
            cointegration=self._test(pair, spec, head) if tested else Cointegration(0, refusal=COMPILING),
            last_y=last[spec.y],
            last_x=last[spec.x],
            computed=computed,
            stamps=self._stamps(spec),
            head=head,
        )
        return without_inference(answer)

    def _test(self, pair: PairState, spec: PairSpec, head: PairHead) -> Cointegration:
        """The test of the newest rows, where these are not those of a recording that repeats itself."""
        repetition = head.repetition
        if repetition is None or is_of_one_lap(pair.rows, repetition):
            return pair.test(spec.source)
        return refused(len(pair.rows), repetition)

    def _stamps(self, spec: PairSpec) -> Stamps | None:
        ends = [ends for leg in (spec.y, spec.x) if (ends := self._bars.received(leg)) is not None]
        if not ends:
            return None
        newest = max(ends, key=lambda arrivals: arrivals.last_ns)
        return Stamps(min(each.first_ns for each in ends), newest.last_ns, newest.traded_ns, time.time_ns())

    def _forget_idle(self, now_s: float) -> None:
        """Drop requests nobody repeated, and the nodes and rows that only they needed. Holds the lock."""
        idle = [spec for spec, asked in self._wanted.items() if now_s - asked > IDLE_S]
        for spec in idle:
            del self._wanted[spec]
            self._published.pop(spec, None)
        for symbol, interval_ns in self._pairs.discard(idle):
            self._bars.forget(symbol, interval_ns)


def _own(spec: PairSpec) -> PairSpec:
    """The request in the class that this engine knows: pages whose code was reloaded have a newer one of that name."""
    return spec if type(spec) is PairSpec else PairSpec(*(getattr(spec, item.name) for item in fields(PairSpec)))
