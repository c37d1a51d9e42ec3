"""Identity by value, one computation for equal requests, late nodes, and the bar that is still forming."""

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators import Difference, KalmanHedge, RollingOLS, Standardised, ThresholdSignal, ZScore
from alphastream.graph import Graph, Node, Source, dot, interval_name

PAIR = Source(("ETHUSDT", "BTCUSDT"), 10**9)


def _hedge(window: int = 20) -> Node:
    return Node(RollingOLS(window), (PAIR["x"], PAIR["y"]))


def _score(window: int = 20) -> Node:
    return Node(ZScore(window), (_hedge(window)["spread"],))


def _legs(rows: int, seed: int = 1) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(size=rows)) * 1e-3 + 11
    return {"x": x, "y": 0.7 * x + rng.normal(size=rows) * 1e-4}


def test_equal_requests_are_one_node() -> None:
    graph = Graph([_score(), _score(), Node(ThresholdSignal(2.0, 0.5), (_score()["zscore"],))])
    assert len(graph) == 3  # hedge, score, signal
    graph.run(PAIR, _legs(50))
    assert set(graph.runs.values()) == {1}


def test_a_node_of_another_process_is_the_same_node() -> None:
    sent = pickle.dumps(_score())
    other = f"import pickle, sys; node = pickle.loads({sent!r}); print(len({{node, pickle.loads({sent!r})}}), end='')"
    environ = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    done = subprocess.run([sys.executable, "-c", other], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "1"
    assert len({_score(), pickle.loads(sent)}) == 1


def test_order_of_inputs_is_part_of_the_identity() -> None:
    swapped = Node(RollingOLS(20), (PAIR["y"], PAIR["x"]))
    assert swapped != _hedge()
    assert Source(("A", "B"), 1) != Source(("B", "A"), 1)


def test_a_parameter_change_is_one_new_node() -> None:
    graph = Graph([Node(ThresholdSignal(2.0, 0.5), (_score()["zscore"],))])
    before = len(graph)
    graph.add(Node(ThresholdSignal(3.0, 0.5), (_score()["zscore"],)))
    assert len(graph) == before + 1


def test_pieces_give_what_the_whole_gives() -> None:
    legs, score = _legs(300), _score()
    whole = Graph([score]).run(PAIR, legs)[score].zscore
    graph = Graph([score])
    pieces = [
        graph.run(PAIR, dict(zip(legs, parts, strict=True)))[score].zscore
        for parts in zip(*(np.array_split(values, 17) for values in legs.values()), strict=True)
    ]
    assert_array_equal(np.concatenate(pieces), whole)


def test_preview_moves_no_state() -> None:
    legs, score = _legs(100), _score()
    head, row = ({leg: values[part] for leg, values in legs.items()} for part in (slice(99), slice(99, None)))
    graph = Graph([score])
    graph.run(PAIR, head)
    graph.preview(PAIR, {leg: values * 2 for leg, values in row.items()})
    shown = graph.preview(PAIR, row)[score].zscore
    assert_array_equal(graph.run(PAIR, row)[score].zscore, shown)


def test_a_late_node_catches_up() -> None:
    legs, hedge, score = _legs(120), _hedge(), _score()
    graph = Graph([hedge])
    known = graph.run(PAIR, legs)
    graph.add(score)
    late = graph.catch_up(legs, known, [score])
    assert_array_equal(late[score].zscore, Graph([score]).run(PAIR, legs)[score].zscore)
    assert graph.runs[hedge] == 1
    assert graph.progress(score)[0] >= 20


def test_discarding_forgets_what_nothing_else_needs() -> None:
    signal = Node(ThresholdSignal(2.0, 0.5), (_score()["zscore"],))
    graph = Graph([signal, _hedge()])
    graph.discard(signal)
    assert graph.nodes() == [_hedge()]
    graph.discard(_hedge())
    assert len(graph) == 0


def test_reset_begins_again() -> None:
    score, legs = _score(), _legs(80)
    graph = Graph([score])
    first = graph.run(PAIR, legs)[score].zscore
    graph.restore(PAIR, {})
    assert_array_equal(graph.run(PAIR, legs)[score].zscore, first)


def _everything(source: Source) -> list[Node]:
    """Kernels, a fold on a fold, an estimator without a kernel for many pairs, and one of a user."""
    legs = (source["x"], source["y"])
    hedge = Node(RollingOLS(5), legs)
    score = Node(ZScore(4), (hedge["spread"],))
    signal = Node(ThresholdSignal(1.0, 0.2), (score["zscore"],))
    kalman = Node(Standardised(KalmanHedge(), 6), legs)
    return [signal, kalman, Node(ZScore(4), (kalman["spread"],)), Node(Running(), (source["y"],)), *_changes(source)]


def _changes(source: Source) -> list[Node]:
    return [Node(Difference(), (source[leg],)) for leg in ("x", "y")]


@dataclass(frozen=True)
class TotalRows:
    total: Floats


@dataclass(frozen=True)
class Running:
    """An estimator as a user writes one: no kernel, any state."""

    def run(self, values: Floats, state: float | None = None) -> tuple[TotalRows, float]:
        total = np.cumsum(np.append(0.0 if state is None else state, values))
        return TotalRows(total[1:]), float(total[-1])

    def progress(self, state: float | None) -> tuple[int, int]:
        return (0 if state is None else 1), 1


def _bits(rows: object) -> list[bytes]:
    return [np.ascontiguousarray(getattr(rows, item.name)).tobytes() for item in fields(rows)]  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(6))
def test_many_sources_at_once_have_the_bits_of_one_by_one(seed: int) -> None:
    """Random splits, out of step, some reset, some late, some with NaN, some at another interval."""
    rng = np.random.default_rng(seed)
    sources = [Source((f"A{place}", "B"), 10**9 if place % 3 else 60 * 10**9) for place in range(7)]
    tapes = [_legs(200, place) for place in range(7)]
    for tape in tapes[::2]:
        tape["y"][rng.integers(0, 200, 9)] = np.nan
    together, alone = Graph(), Graph()
    begun = [0] * 7
    for call in range(25):
        present = [place for place in range(7) if place <= call]
        for node in (node for place in present for node in _everything(sources[place])):
            together.add(node)
            alone.add(node)
        if call % 8 == 7:
            late = int(rng.choice(present))
            begun[late] = 0
            together.restore(sources[late], {})
            alone.restore(sources[late], {})
        rows = {place: int(rng.choice([0, 1, 1, 1, 1, 5])) for place in present if rng.random() < 0.8}
        news = {
            sources[place]: {leg: values[begun[place] : begun[place] + many] for leg, values in tapes[place].items()}
            for place, many in rows.items()
        }
        shown, moved = together.preview_all(news), together.run_all(news)
        expected = {node: row for source, new in news.items() for node, row in alone.run(source, new).items()}
        assert set(moved) == set(expected)
        for node, row in expected.items():
            assert _bits(moved[node]) == _bits(row)
            assert _bits(shown[node]) == _bits(row)
            assert together.progress(node) == alone.progress(node)
        for place, many in rows.items():
            begun[place] += many
    assert together.runs == alone.runs


def test_nodes_of_a_source_are_found_without_the_others() -> None:
    sources = [Source((f"A{place}", "B"), 10**9) for place in range(5)]
    graph = Graph(node for source in sources for node in _everything(source))
    for source in sources:
        own = graph.nodes(source)
        assert own == [node for node in graph.nodes() if node.source == source]
        assert len(own) == 8
        before: set[Node] = set()
        for node in own:  # inputs before what they feed
            assert {series.of for series in node.inputs if isinstance(series.of, Node)} <= before
            before.add(node)
    for node in _everything(sources[2]):
        graph.discard(node)
    assert graph.nodes(sources[2]) == []
    assert len(graph) == 32
    for node in _everything(sources[2]):
        graph.add(node)
    assert len(graph.nodes(sources[2])) == 8
    assert graph.nodes(Source(("no", "such"), 1)) == []


def test_rows_of_two_grids_do_not_mix() -> None:
    other = Source(("ETHUSDT", "BTCUSDT"), 60 * 10**9)
    with pytest.raises(ParameterError, match="share one source"):
        Node(RollingOLS(20), (PAIR["x"], other["y"]))


def test_names_say_everything() -> None:
    name = _score()["zscore"].name
    for part in ("ZScore", "RollingOLS", "window=20", "ETHUSDT~BTCUSDT,1s,log", "zscore"):
        assert part in name
    assert _score()["zscore"].label == "ZScore(window=20).zscore"


@pytest.mark.parametrize(
    ("interval_ns", "name"),
    [
        (250 * 10**6, "250ms"),
        (10**9, "1s"),
        (300 * 10**9, "5m"),
        (3_600 * 10**9, "1h"),
        (86_400 * 10**9, "1d"),
        (7, "7ns"),
    ],
)
def test_interval_names(interval_ns: int, name: str) -> None:
    assert interval_name(interval_ns) == name


def test_a_picture_has_every_node_once_and_marks_what_is_shared() -> None:
    signal = Node(ThresholdSignal(2.0, 0.5), (_score()["zscore"],))
    lines = dot([signal, _score(), Node(ZScore(40), (_hedge()["spread"],))]).splitlines()
    boxes = [line for line in lines if "shape=box" in line]
    assert len(boxes) == 4  # hedge, two scores, signal
    assert [line for line in boxes if "peripheries=2" in line] == [line for line in boxes if "RollingOLS" in line]
    assert sum("->" in line for line in lines) == 4
    assert sum('label="x, y"' in line for line in lines) == 1  # one line for both legs
    assert lines[0] == "digraph {"
    assert lines[-1] == "}"


def test_a_picture_of_nothing() -> None:
    assert dot([]) == "digraph {\n}"


def test_names_in_a_picture_are_quoted() -> None:
    odd = Source(('A"B', "C\\D"), 10**9)
    assert '[label="A\\"B~C\\\\D,1s,log"' in dot([Node(ZScore(20), (odd["y"],))])
