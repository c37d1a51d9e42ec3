"""Rows and states of many pairs: bars close, the graph advances over them, all pairs together."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alphastream.bars import NO_ROWS, LegGrid, PairRows, align
from alphastream.cointegration import Cointegration, cointegration
from alphastream.core.types import Floats
from alphastream.graph import Graph, Node, Price, Source
from alphastream.pairs import PairSpec, nodes_of, source_columns
from alphastream.streaming.checkpoints import Checkpoint, Checkpoints
from alphastream.streaming.growing_rows import History, taken
from alphastream.streaming.tape_bars import TapeBars

Key = tuple[str, str, int]  # y, x, interval_ns

PRICES: tuple[Price, ...] = ("log", "price")
GRID_BARS = 64  # pairs further behind the newest are aligned by themselves


@dataclass(slots=True)
class PairState:
    """Closed and forming rows of two legs at one interval.

    Parameters
    ----------
    history : the newest closed rows.
    checkpoints : where a late trade makes it go on from.
    count : rows closed since the beginning.
    specs : requests on these rows.
    forming : rows of the bars that are not closed yet.
    closed_ns : end of the newest closed row, 0 before the first.
    sources : which prices the graph reads.
    tests : results on the newest closed rows, as far as they were asked for.
    """

    y: str
    x: str
    interval_ns: int
    history: History[PairRows]
    checkpoints: Checkpoints
    count: int = 0
    specs: set[PairSpec] = field(default_factory=set)
    forming: PairRows = NO_ROWS
    closed_ns: int = 0
    sources: tuple[Source, ...] = ()
    tests: dict[Source, Cointegration] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """What tells pairs apart."""
        return self.y, self.x, self.interval_ns

    @property
    def rows(self) -> PairRows:
        """Closed rows."""
        return self.history.rows

    def test(self, source: Source) -> Cointegration:
        """Engle-Granger on the newest closed rows, computed once for each of them."""
        if source not in self.tests:
            self.tests[source] = cointegration(self.rows, "log" if source.price == "log" else "price")
        return self.tests[source]


class PairStates:
    """All pairs that are wanted, and the graph that computes their series.

    Parameters
    ----------
    history_bars : closed rows kept for each pair.

    Attributes
    ----------
    graph : the nodes of all requests that joined.
    outputs : output rows of each node over the closed rows of its pair.
    reopened : how often a late trade made a pair go back to an earlier row.
    """

    def __init__(self, history_bars: int, reopened: int = 0) -> None:
        self._keep = history_bars
        self._pairs: dict[Key, PairState] = {}
        self._legs: Counter[tuple[str, int]] = Counter()  # pairs that need a symbol's bars
        self._joined: set[PairSpec] = set()
        self._histories: dict[Node, History[Any]] = {}
        self.graph = Graph()
        self.outputs: dict[Node, Any] = {}
        self.reopened = reopened

    def __getitem__(self, spec: PairSpec) -> PairState:
        return self._pairs[key_of(spec)]

    # ---- requests --------------------------------------------------------------------------------------------

    def add(self, spec: PairSpec) -> None:
        """Keep the rows of a request; a second time changes nothing."""
        pair = self._pairs.get(key_of(spec))
        if pair is None:
            pair = PairState(spec.y, spec.x, spec.interval_ns, History(self._keep, NO_ROWS), Checkpoints(self._keep))
            self._pairs[pair.key] = pair
            self._legs.update(legs_of(spec))
        pair.specs.add(spec)

    def join(self, spec: PairSpec, is_ready: Callable[[Node], bool] = lambda _: True) -> None:
        """Compute the series of a request that was added; what is new catches up with the rows there are.

        Nodes that are not ready stay out until ``join`` is called again.
        """
        if spec in self._joined:
            return
        nodes = nodes_of(spec)
        ready = [node for node in nodes if is_ready(node)]
        if len(ready) == len(nodes):
            self._joined.add(spec)
        if any(node not in self.outputs for node in ready):
            for node in ready:
                self.graph.add(node)
            pair = self[spec]
            pair.sources = self._sources(pair)
            self._catch_up(pair, spec.source)

    def discard(self, specs: Iterable[PairSpec]) -> list[tuple[str, int]]:
        """Forget requests, and what only they needed.

        Returns
        -------
        Symbols and intervals whose bars no pair needs any more.
        """
        touched: dict[Key, list[PairSpec]] = {}
        for spec in specs:
            touched.setdefault(key_of(spec), []).append(spec)
        unused: list[tuple[str, int]] = []
        for key, gone in touched.items():
            pair = self._pairs.get(key)
            if pair is not None:
                self._discard(pair, gone)
            if pair is None or not pair.specs:
                unused += [leg for leg in legs_of(gone[0]) if leg not in self._legs]
        return unused

    def _discard(self, pair: PairState, specs: list[PairSpec]) -> None:
        pair.specs.difference_update(specs)
        needed = {node for spec in pair.specs for node in nodes_of(spec)}
        before = [node for source in pair.sources for node in self.graph.nodes(source)]
        for node in (node for spec in specs for node in nodes_of(spec) if node not in needed):
            self.graph.discard(node)
        gone = [node for node in before if node not in self.graph]
        pair.checkpoints.forget(gone)
        for node in gone:
            self._drop(node)
        self._joined.difference_update(specs)
        pair.sources = self._sources(pair)
        if not pair.specs:
            del self._pairs[pair.key]
            self._legs -= Counter(legs_of(specs[0]))

    def _sources(self, pair: PairState) -> tuple[Source, ...]:
        found = (Source((pair.y, pair.x), pair.interval_ns, price) for price in PRICES)
        return tuple(source for source in found if self.graph.nodes(source))

    # ---- rows ------------------------------------------------------------------------------------------------

    def advance(self, bars: TapeBars, until_ns: int, earliest_ns: Mapping[str, int]) -> set[Key]:
        """Close rows whose time has come and run the graph over them.

        Parameters
        ----------
        bars : of all legs.
        until_ns : bars that end up to here are closed, also those whose legs were silent; UTC ns.
        earliest_ns : of each symbol of which something came, the earliest trade time.

        Returns
        -------
        Pairs that have anything new.
        """
        moved: set[Key] = set()
        for pair in self._pairs.values():
            came = [earliest_ns[leg] for leg in (pair.y, pair.x) if leg in earliest_ns]
            if came:
                moved.add(pair.key)
                if min(came) < pair.closed_ns:
                    self._reopen(pair, min(came), bars)
        closing_rows: list[tuple[PairState, PairRows]] = []
        for pair, rows in self._unclosed(bars):
            closed_until = max(min(bars.newest_ns(pair.y), bars.newest_ns(pair.x)), until_ns)
            closing = int(np.searchsorted(rows.end_ns, closed_until, "right"))
            pair.forming = rows.take(slice(closing, None)) if closing else rows
            if closing:
                moved.add(pair.key)
                closing_rows.append((pair, rows.take(slice(closing))))
        self._close(closing_rows)
        return moved

    def preview(self, keys: Iterable[Key]) -> dict[Node, Any]:
        """Output rows for the forming rows of some pairs; provisional, no state moves."""
        columns: dict[Source, dict[str, Floats]] = {}
        for pair in (self._pairs[key] for key in keys):
            for source in pair.sources:
                columns[source] = source_columns(pair.forming, source.price)
        return self.graph.preview_all(columns)

    def _unclosed(self, bars: TapeBars) -> Iterable[tuple[PairState, PairRows]]:
        """Rows of each pair after the last that is closed. Legs are looked up once for all pairs in step."""
        by_interval: dict[int, list[PairState]] = {}
        for pair in self._pairs.values():
            by_interval.setdefault(pair.interval_ns, []).append(pair)
        for interval_ns, pairs in by_interval.items():
            oldest_ns = max(pair.closed_ns for pair in pairs) - GRID_BARS * interval_ns
            in_step = [pair for pair in pairs if pair.closed_ns >= oldest_ns]
            legs = {leg: bars.bars(leg, interval_ns) for pair in in_step for leg in (pair.y, pair.x)}
            grid = LegGrid(legs, interval_ns, min(pair.closed_ns for pair in in_step))
            for pair in in_step:
                yield pair, grid.rows(pair.y, pair.x, pair.closed_ns)
            for pair in (pair for pair in pairs if pair.closed_ns < oldest_ns):
                y, x = bars.bars(pair.y, interval_ns), bars.bars(pair.x, interval_ns)
                yield pair, align(y, x, interval_ns, after_ns=pair.closed_ns)

    def _close(self, closing: list[tuple[PairState, PairRows]]) -> None:
        """Add rows to those that are closed and run the graph over them, each pair up to its next checkpoint in turn.

        But for the first time and after a pause that is one turn, of one row a pair.
        """
        while closing:
            columns: dict[Source, dict[str, Floats]] = {}
            later: list[tuple[PairState, PairRows]] = []
            for pair, rows in closing:
                count = pair.checkpoints.rows_until_next(pair.count)
                if len(rows) > count:
                    later.append((pair, rows.take(slice(count, None))))
                    rows = rows.take(slice(count))
                pair.closed_ns = int(rows.end_ns[-1])
                pair.count += len(rows)
                pair.history.extend(rows)
                pair.tests.clear()
                columns |= {source: source_columns(rows, source.price) for source in pair.sources}
            for node, outputs in self.graph.run_all(columns).items():
                self._extend(node, outputs)
            for pair, _ in closing:
                if pair.checkpoints.is_due(pair.count):
                    states = {node: self.graph.state(node) for node in self._nodes(pair)}
                    pair.checkpoints.add(Checkpoint(pair.count, pair.closed_ns, states))
            closing = later

    def _reopen(self, pair: PairState, time_ns: int, bars: TapeBars) -> None:
        """A trade belongs into a bar that was closed: go back to a checkpoint before it; the rows close again.

        Where the bars were read anew, the rows go on from the oldest checkpoint that these bars reach.
        """
        self.reopened += 1
        if time_ns:
            checkpoint = pair.checkpoints.go_back(time_ns)
        else:
            legs = [bars.bars(leg, pair.interval_ns).start_ns for leg in (pair.y, pair.x)]
            reached = [int(starts[0]) for starts in legs if len(starts)]
            checkpoint = pair.checkpoints.begin_again(max(reached, default=0) + pair.interval_ns)
        self._go_on_from(pair, checkpoint)

    def begin_anew(self, symbol: str, interval_ns: int) -> None:
        """Other bars have come before those of a symbol: the rows of its pairs close again, from the first on."""
        for pair in self._pairs.values():
            if pair.interval_ns == interval_ns and symbol in (pair.y, pair.x):
                pair.checkpoints, pair.forming = Checkpoints(self._keep), NO_ROWS
                pair.tests.clear()
                self._go_on_from(pair, Checkpoint())

    def _go_on_from(self, pair: PairState, checkpoint: Checkpoint) -> None:
        """Forget the rows behind a checkpoint."""
        undone = len(pair.rows) - int(np.searchsorted(pair.rows.end_ns, checkpoint.closed_ns, "right"))
        pair.history = pair.history.without_newest(undone)
        pair.count, pair.closed_ns = checkpoint.rows, checkpoint.closed_ns
        for source in pair.sources:
            self.graph.restore(source, checkpoint.states)
        for node in self._nodes(pair):
            self._histories[node] = self._histories[node].without_newest(undone)
            self.outputs[node] = self._histories[node].rows

    def _nodes(self, pair: PairState) -> list[Node]:
        """Nodes of a pair that have rows."""
        return [node for source in pair.sources for node in self.graph.nodes(source)]

    def _catch_up(self, pair: PairState, source: Source) -> None:
        """Run nodes that joined late over the rows there are, with their states at the checkpoints."""
        nodes, rows = self.graph.nodes(source), pair.rows
        late = [node for node in nodes if node not in self.outputs]
        known = {node: self.outputs[node] for node in nodes if node in self.outputs}
        columns, first, begin = source_columns(rows, source.price), pair.count - len(rows), 0
        for checkpoint in [*pair.checkpoints.after(first), None]:
            end = len(rows) if checkpoint is None else checkpoint.rows - first
            part = slice(begin, end)
            cut = {name: values[part] for name, values in columns.items()}
            found = self.graph.catch_up(cut, {node: taken(outputs, part) for node, outputs in known.items()}, late)
            for node, outputs in found.items():
                self._extend(node, outputs)
            if checkpoint is not None:
                checkpoint.states |= {node: self.graph.state(node) for node in late}
            begin = end

    def _extend(self, node: Node, outputs: Any) -> None:
        history = self._histories.get(node)
        if history is None:
            history = self._histories[node] = History(self._keep, outputs)
        else:
            history.extend(outputs)
        self.outputs[node] = history.rows

    def _drop(self, node: Node) -> None:
        self._histories.pop(node, None)
        self.outputs.pop(node, None)


def key_of(spec: PairSpec) -> Key:
    """Requests with the same key have the same rows."""
    return spec.y, spec.x, spec.interval_ns


def legs_of(spec: PairSpec) -> tuple[tuple[str, int], tuple[str, int]]:
    """The bars that a request needs: symbol and interval of each leg."""
    return (spec.y, spec.interval_ns), (spec.x, spec.interval_ns)
