"""Pages whose code was reloaded ask a system that began with the code before: names are equal, classes are not."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

import alphastream.graph
import alphastream.pairs
from alphastream.pairs import PairSpec
from analytics import QuantEngine
from storage import TickStore
from tests.test_analytics import PAIR, SECOND, Clock, feed, trades


def again(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, executed a second time, as Streamlit does after an edit."""
    spec = importlib.util.spec_from_file_location(module.__name__, str(module.__file__))
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module.__name__, made)
    spec.loader.exec_module(made)
    return made


def test_a_request_of_reloaded_code_is_the_one_from_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    ticks = sorted([*trades("BTCUSDT", 120, 1), *trades("ETHUSDT", 120, 2)], key=lambda tick: tick.time_ns)
    with TickStore(tmp_path / "ticks.db") as store:
        engine = QuantEngine(store, clock, grace_ns=SECOND)
        engine.snapshot(PAIR)
        feed(store, engine, clock, ticks[:300], 5)
        again(alphastream.graph, monkeypatch)
        asked: PairSpec = again(alphastream.pairs, monkeypatch).PairSpec("ETHUSDT", "BTCUSDT", window=20)
        assert asked != PAIR
        assert engine.snapshot(asked) is engine.snapshot(PAIR)
        feed(store, engine, clock, ticks[300:], 5)
        answer = engine.snapshot(asked)
    assert answer is not None
    assert {len(column) for column in answer.closed.values()} == {len(answer.closed["time_ns"])}
