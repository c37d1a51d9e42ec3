"""Series with an identity: equal requests are computed once.

A ``Source`` names columns of aligned rows, a ``Node`` applies an estimator to series of one source or of other
nodes. All of them are frozen and compared by value, down to the source, so that two pages that ask for the same
spread ask for the same node. Inputs keep their order: a spread of A on B is not that of B on A.

``Graph`` holds one state for each node and advances them together. It knows no clock, no thread and no market.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from operator import itemgetter
from typing import Any, Literal

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators.fold import Estimator, Fold, preview_each, run_each

Price = Literal["log", "price"]
Kind = Literal["log", "price", "bars"]


@dataclass(frozen=True, slots=True)
class Source:
    """Aligned bars of some symbols, in this order.

    Parameters
    ----------
    symbols : legs; for a pair the dependent leg first.
    interval_ns : length of a bar.
    price : what the columns hold: log prices or prices of a pair, or whole bars of any number of instruments.
    """

    symbols: tuple[str, ...]
    interval_ns: int
    price: Kind = "log"

    def __getitem__(self, column: str) -> "Series":
        return Series(self, column)

    @property
    def name(self) -> str:
        """For example ``ETHUSDT~BTCUSDT,1s,log``."""
        return f"{'~'.join(self.symbols)},{interval_name(self.interval_ns)},{self.price}"


@dataclass(frozen=True, slots=True)
class Node:
    """An estimator applied to series.

    Raises
    ------
    ParameterError
        When the inputs do not live on one source: rows of two grids do not match.
    """

    estimator: Estimator[Any]
    inputs: tuple["Series", ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A node is looked up dozens of times a refresh, and its value reaches down to the source.
        object.__setattr__(self, "_hash", hash((self.estimator, self.inputs)))
        sources = {series.source for series in self.inputs}
        if len(sources) != 1:
            names = ", ".join(sorted(source.name for source in sources)) or "nothing"
            raise ParameterError(f"inputs of a node must share one source, these come from {names}")

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type["Node"], tuple[Estimator[Any], tuple["Series", ...]]]:
        return Node, (self.estimator, self.inputs)  # hashes of text differ between processes

    def __getitem__(self, column: str) -> "Series":
        return Series(self, column)

    @property
    def source(self) -> Source:
        """Where the rows come from."""
        return self.inputs[0].source

    @property
    def name(self) -> str:
        """Estimator, parameters and inputs down to the source."""
        return f"{self.estimator!r}({'; '.join(series.name for series in self.inputs)})"


@dataclass(frozen=True, slots=True)
class Series:
    """One column of a source or of a node's output; ``held`` is a series of longer bars, see ``as_of``."""

    of: Source | Node
    column: str
    held: "Series | None" = None

    @property
    def source(self) -> Source:
        """Where the rows come from."""
        return self.of if isinstance(self.of, Source) else self.of.source

    @property
    def name(self) -> str:
        """The full identity in words."""
        return f"{self.of.name}.{self.column}"

    @property
    def label(self) -> str:
        """The identity without the source and default inputs: a column name for a file about one source."""
        if isinstance(self.of, Source):
            return self.column
        return f"{self.of.estimator!r}.{self.column}"


def as_of(series: Series, source: Source) -> Series:
    """A series of longer bars on the rows of shorter ones: what its newest closed bar gave, NaN before the first.

    A long bar counts from its end on: a row does not see the one that it lies in.

    Raises
    ------
    ParameterError
        Its bars are no whole number of the other's, so that they would not close where rows are.
    """
    if series.source == source:
        return series
    if series.source.interval_ns % source.interval_ns:
        raise ParameterError(
            f"bars of {interval_name(series.source.interval_ns)} do not end where bars of "
            f"{interval_name(source.interval_ns)} do: give a whole multiple"
        )
    return Series(source, f"[{series.name}]", series)


@dataclass(slots=True)
class _Slot:
    """What the graph holds of a node; ``depth`` counts the nodes between it and its source."""

    source: Source
    depth: int
    state: Any = None
    wanted_by: set["Node"] = field(default_factory=set)
    requested: bool = False


class Graph:
    """Nodes, the state of each, and one pass that advances them.

    Examples
    --------
    >>> import numpy as np
    >>> from alphastream.estimators import RollingOLS, ZScore
    >>> pair = Source(("ETHUSDT", "BTCUSDT"), 1_000_000_000)
    >>> hedge = Node(RollingOLS(window=20), (pair["x"], pair["y"]))
    >>> z = Node(ZScore(window=20), (hedge["spread"],))
    >>> graph = Graph([z])
    >>> rng = np.random.default_rng(7)
    >>> x = np.cumsum(rng.normal(size=60))
    >>> rows = graph.run(pair, {"x": x, "y": 2 * x + rng.normal(size=60)})
    >>> bool(np.isnan(rows[z].zscore[:38]).all() and np.isfinite(rows[z].zscore[38:]).all())
    True
    """

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self._slots: dict[Node, _Slot] = {}
        self._of_source: dict[Source, dict[Node, _Slot]] = {}
        self.runs: Counter[Node] = Counter()
        for node in nodes:
            self.add(node)

    def __contains__(self, node: Node) -> bool:
        return node in self._slots

    def __len__(self) -> int:
        return len(self._slots)

    def nodes(self, source: Source | None = None) -> list[Node]:
        """Nodes in an order in which every input comes before what it feeds."""
        return list(self._slots if source is None else self._of_source.get(source, ()))

    def add(self, node: Node) -> None:
        """Ask for a node and, where they are missing, for those it needs. Its state begins at the next row."""
        self._require(node).requested = True

    def _require(self, node: Node) -> _Slot:
        if node not in self._slots:
            depth = 0
            for series in node.inputs:
                if isinstance(series.of, Node):
                    parent = self._require(series.of)
                    parent.wanted_by.add(node)
                    depth = max(depth, 1 + parent.depth)
            slot = self._slots[node] = _Slot(node.source, depth)
            self._of_source.setdefault(slot.source, {})[node] = slot
        return self._slots[node]

    def discard(self, node: Node) -> None:
        """Take a request back; what nothing else needs is forgotten with its state."""
        if node in self._slots:
            self._slots[node].requested = False
            self._collect(node)

    def _collect(self, node: Node) -> None:
        slot = self._slots[node]
        if slot.requested or slot.wanted_by:
            return
        del self._slots[node], self._of_source[slot.source][node]
        if not self._of_source[slot.source]:
            del self._of_source[slot.source]
        self.runs.pop(node, None)
        for series in node.inputs:
            if isinstance(series.of, Node) and series.of in self._slots:
                self._slots[series.of].wanted_by.discard(node)
                self._collect(series.of)

    def state(self, node: Node) -> Any:
        """What a node remembers of the rows so far; a value that later rows do not change. None before the first."""
        return self._slots[node].state

    def restore(self, source: Source, states: Mapping[Node, Any]) -> None:
        """Put everything on a source back to states of before; what has none there begins at the next row."""
        for node, slot in self._of_source.get(source, {}).items():
            slot.state = states.get(node)

    def run(self, source: Source, columns: Mapping[str, Floats]) -> dict[Node, Any]:
        """Advance every node of a source over new rows.

        Parameters
        ----------
        columns : the source's columns, (T,) float64 each.

        Returns
        -------
        The output rows of each node.
        """
        outputs: dict[Node, Any] = {}
        self._advance(self.nodes(source), columns, outputs)
        return outputs

    def run_all(self, columns: Mapping[Source, Mapping[str, Floats]]) -> dict[Node, Any]:
        """``run`` for many sources: the same bits, equal estimators over equally many new rows in one call.

        Parameters
        ----------
        columns : the columns of each source; their lengths may differ from source to source.

        Returns
        -------
        The output rows of each node.
        """
        outputs: dict[Node, Any] = {}
        for estimator, equal in self._equal(columns):
            found = _run_equal(estimator, _inputs_of(equal, columns, outputs), [slot.state for _, slot in equal])
            for (node, slot), (rows, state) in zip(equal, found, strict=True):
                outputs[node], slot.state = rows, state
                self.runs[node] += 1
        return outputs

    def preview_all(self, columns: Mapping[Source, Mapping[str, Floats]]) -> dict[Node, Any]:
        """What ``run_all`` would return for these rows; no state moves."""
        outputs: dict[Node, Any] = {}
        for estimator, equal in self._equal(columns):
            found = _preview_equal(estimator, _inputs_of(equal, columns, outputs), [slot.state for _, slot in equal])
            outputs.update(zip((node for node, _ in equal), found, strict=True))
        return outputs

    def catch_up(
        self, columns: Mapping[str, Floats], outputs: Mapping[Node, Any], nodes: Iterable[Node]
    ) -> dict[Node, Any]:
        """Bring nodes that joined late to where the others are.

        Parameters
        ----------
        columns : the source's columns over the rows that are still kept.
        outputs : what the nodes that were there before gave for these rows.
        nodes : the late ones, in the order of ``nodes()``.

        Returns
        -------
        The output rows of the late nodes.
        """
        late = list(nodes)
        known = dict(outputs)
        self._advance(late, columns, known)
        return {node: known[node] for node in late}

    def preview(self, source: Source, columns: Mapping[str, Floats]) -> dict[Node, Any]:
        """What ``run`` would return for these rows; no state moves. For the bar that is still forming."""
        outputs: dict[Node, Any] = {}
        for node in self.nodes(source):
            outputs[node], _ = self._fold(node, columns, outputs)
        return outputs

    def progress(self, node: Node) -> tuple[int, int]:
        """Observations a node's estimator has and needs before its outputs are defined."""
        have, needed = node.estimator.progress(self._slots[node].state)
        return int(have), int(needed)

    def _advance(self, nodes: Iterable[Node], columns: Mapping[str, Floats], outputs: dict[Node, Any]) -> None:
        for node in nodes:
            outputs[node], self._slots[node].state = self._fold(node, columns, outputs)
            self.runs[node] += 1

    def _fold(self, node: Node, columns: Mapping[str, Floats], outputs: Mapping[Node, Any]) -> tuple[Any, Any]:
        rows, state = node.estimator.run(*_inputs(node, columns, outputs), state=self._slots[node].state)
        return rows, state

    def _equal(
        self, columns: Mapping[Source, Mapping[str, Floats]]
    ) -> list[tuple[Estimator[Any], list[tuple[Node, _Slot]]]]:
        """Nodes that one call can advance, inputs before what they feed."""
        groups: dict[tuple[int, Estimator[Any], int], list[tuple[Node, _Slot]]] = {}
        for source, of_source in columns.items():
            rows = len(next(iter(of_source.values()), ()))
            for node, slot in self._of_source.get(source, {}).items():
                groups.setdefault((slot.depth, node.estimator, rows), []).append((node, slot))
        return [(key[1], groups[key]) for key in sorted(groups, key=itemgetter(0))]


def _inputs(node: Node, columns: Mapping[str, Floats], outputs: Mapping[Node, Any]) -> list[Floats]:
    return [value_of(series, columns, outputs) for series in node.inputs]


def value_of(series: Series, columns: Mapping[str, Floats], outputs: Mapping[Node, Any]) -> Floats:
    """The rows of a series, (T,).

    Parameters
    ----------
    columns : of its source.
    outputs : rows of nodes, as ``Graph.run`` gives them.

    Raises
    ------
    ParameterError : its source or node has no such column.
    """
    name = series.column
    if isinstance(series.of, Node):
        rows = outputs[series.of]
        if hasattr(rows, name):
            return getattr(rows, name)  # type: ignore[no-any-return]
        known = list(getattr(rows, "__match_args__", None) or vars(rows))
    elif name in columns:
        return columns[name]
    else:
        known = list(columns)
    near = get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ParameterError(f"{series.of.name} has no column {name!r}: it has {', '.join(known)}{hint}")


def _inputs_of(
    equal: list[tuple[Node, _Slot]], columns: Mapping[Source, Mapping[str, Floats]], outputs: Mapping[Node, Any]
) -> list[list[Floats]]:
    return [_inputs(node, columns[slot.source], outputs) for node, slot in equal]


def _run_equal(estimator: Estimator[Any], inputs: list[list[Floats]], states: list[Any]) -> list[tuple[Any, Any]]:
    """Rows and state of each; an estimator without a kernel for many pairs goes one by one."""
    if isinstance(estimator, Fold) and len(inputs) > 1:
        return run_each(estimator, inputs, states)
    return [estimator.run(*columns, state=state) for columns, state in zip(inputs, states, strict=True)]


def _preview_equal(estimator: Estimator[Any], inputs: list[list[Floats]], states: list[Any]) -> list[Any]:
    if isinstance(estimator, Fold) and len(inputs) > 1:
        return preview_each(estimator, inputs, states)
    return [rows for rows, _ in _run_equal(estimator, inputs, states)]


def dot(nodes: Iterable[Node]) -> str:
    """Nodes and what they need in the DOT language, inputs above what they feed, each once.

    Columns stand at the lines. What more than one node reads has a double outline.

    Examples
    --------
    >>> from alphastream.estimators import ZScore
    >>> print(dot([Node(ZScore(20), (Source(("ETHUSDT", "BTCUSDT"), 10**9)["y"],))]))
    digraph {
      s0 [label="ETHUSDT~BTCUSDT,1s,log", shape=ellipse];
      n0 [label="ZScore(window=20)", shape=box];
      s0 -> n0 [label="y"];
    }
    """
    graph = Graph(nodes)
    known = graph.nodes()
    sources = list(dict.fromkeys(node.source for node in known))
    names: dict[Source | Node, str] = {source: f"s{place}" for place, source in enumerate(sources)}
    names |= {node: f"n{place}" for place, node in enumerate(known)}
    readers = Counter(of for node in known for of in {series.of for series in node.inputs})
    lines = [f"{names[source]} [label={_quoted(source.name)}, shape=ellipse]" for source in sources]
    for node in known:
        shared = ", peripheries=2" if readers[node] > 1 else ""
        lines.append(f"{names[node]} [label={_quoted(repr(node.estimator))}, shape=box{shared}]")
    for node in known:
        columns: dict[Source | Node, list[str]] = {}
        for series in node.inputs:
            columns.setdefault(series.of, []).append(series.column)
        lines += [f"{names[of]} -> {names[node]} [label={_quoted(', '.join(read))}]" for of, read in columns.items()]
    return "\n".join(["digraph {", *(f"  {line};" for line in lines), "}"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def interval_name(interval_ns: int) -> str:
    """A length of time as traders write it: 250ms, 1s, 5m, 1h, 1d."""
    for unit, length in (("d", 86_400 * 10**9), ("h", 3_600 * 10**9), ("m", 60 * 10**9), ("s", 10**9), ("ms", 10**6)):
        if interval_ns >= length and interval_ns % length == 0:
            return f"{interval_ns // length}{unit}"
    return f"{interval_ns}ns"
