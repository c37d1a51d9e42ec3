"""A late trade changes its own bar and what comes after, and nothing else, however long a model remembers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alphastream.pairs import MODELS, Columns, Model, PairAnalytics, PairSpec
from alphastream.streaming.checkpoints import Checkpoint, Checkpoints
from analytics import QuantEngine
from storage import TickStore
from tests.test_analytics import SECOND, START, Clock, feed, trades

KEPT, SECONDS = 150, 700
PAIR = PairSpec("ETHUSDT", "BTCUSDT", window=30)  # settled after 300 rows, twice as many as are kept
OTHERS = [replace(PAIR, y="BTCUSDT", x="ETHUSDT"), replace(PAIR, window=20)]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[TickStore, TickStore]]:
    with TickStore(tmp_path / "late.db") as late, TickStore(tmp_path / "in_time.db") as in_time:
        yield late, in_time


def answer_of(engine: QuantEngine, spec: PairSpec) -> PairAnalytics:
    answer = engine.snapshot(spec)
    assert answer is not None
    return answer


def assert_same(found: Columns, expected: Columns) -> None:
    """Equal bits; but a bar's volume is a sum in the order in which its trades came."""
    for name, values in expected.items():
        if name.endswith("_volume"):
            np.testing.assert_allclose(found[name], values, rtol=1e-15, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], values, err_msg=name)


def asked(store: TickStore, clock: Clock, specs: list[PairSpec]) -> QuantEngine:
    engine = QuantEngine(store, clock, history_bars=KEPT)
    for spec in specs:
        engine.snapshot(spec)
    return engine


@pytest.mark.parametrize(("rows_back", "a_second"), [(3, 3.0), (140, 3.0), (60, 0.7)])
@pytest.mark.parametrize("model", MODELS)
def test_a_late_trade_changes_no_row_before_its_own(
    stores: tuple[TickStore, TickStore], model: Model, rows_back: int, a_second: float
) -> None:
    """Later rows have the bits of a server that had the trade in time; with .7 trades a second it may make a row."""
    spec = replace(PAIR, model=model)
    specs = [spec, *(replace(other, model=model) for other in OTHERS)]
    both = trades("ETHUSDT", SECONDS, 1, a_second) + trades("BTCUSDT", SECONDS, 2, a_second)
    ticks = sorted(both, key=lambda tick: tick.time_ns)
    at_ns = START + (SECONDS - rows_back) * SECOND
    late = next(tick for tick in ticks if tick.symbol == "ETHUSDT" and tick.time_ns >= at_ns - 5 * SECOND)
    end_ns = late.time_ns // SECOND * SECOND + SECOND
    clocks = Clock(), Clock()
    engine, in_time = (asked(store, clock, specs) for store, clock in zip(stores, clocks, strict=True))
    feed(stores[0], engine, clocks[0], [tick for tick in ticks if tick is not late], steps=50)
    before = answer_of(engine, spec).closed
    stores[0].append([late])
    engine.refresh(clocks[0].ns)
    feed(stores[1], in_time, clocks[1], ticks, steps=50)
    assert engine.reopened == 2  # pairs, not models
    assert in_time.reopened == 0
    for each in specs:
        found, expected = answer_of(engine, each), answer_of(in_time, each)
        assert found.calibration == expected.calibration
        assert_same(found.closed, expected.closed)
        assert_same(found.forming, expected.forming)
    after = answer_of(engine, spec).closed
    kept = np.isin(before["time_ns"], after["time_ns"]) & (before["time_ns"] < end_ns)
    same = np.isin(after["time_ns"], before["time_ns"]) & (after["time_ns"] < end_ns)
    for name in ("y", "zscore", "hedge_ratio", "position"):
        np.testing.assert_array_equal(after[name][same], before[name][kept], err_msg=name)


def test_a_model_that_joined_later_is_put_back_as_well(stores: tuple[TickStore, TickStore]) -> None:
    ticks = sorted(trades("ETHUSDT", 500, 1) + trades("BTCUSDT", 500, 2), key=lambda tick: tick.time_ns)
    late = next(tick for tick in ticks if tick.symbol == "BTCUSDT" and tick.time_ns >= START + 470 * SECOND)
    joining = replace(PAIR, model="kalman")
    found = []
    for store, delayed in zip(stores, (True, False), strict=True):
        clock = Clock()
        engine = asked(store, clock, [PAIR])
        fed = [tick for tick in ticks if not (delayed and tick is late)]
        feed(store, engine, clock, fed[:2_600], steps=20)
        engine.snapshot(joining)
        feed(store, engine, clock, fed[2_600:], steps=20)
        if delayed:
            store.append([late])
            engine.refresh(clock.ns)
            assert engine.reopened == 1
        found.append([answer_of(engine, spec).closed for spec in (PAIR, joining)])
    for delayed_answer, expected in zip(*found, strict=True):
        assert_same(delayed_answer, expected)


def test_a_trade_older_than_everything_kept_moves_nothing(stores: tuple[TickStore, TickStore]) -> None:
    spec, clock = replace(PAIR, model="kalman"), Clock()
    ticks = sorted(trades("ETHUSDT", SECONDS, 1) + trades("BTCUSDT", SECONDS, 2), key=lambda tick: tick.time_ns)
    engine = asked(stores[0], clock, [spec])
    feed(stores[0], engine, clock, ticks[10:], steps=50)
    before = answer_of(engine, spec).closed
    stores[0].append(ticks[:10])
    engine.refresh(clock.ns)
    after = answer_of(engine, spec).closed
    assert engine.reopened == 1
    assert_same(after, before)


def test_no_more_checkpoints_than_the_kept_rows_need() -> None:
    checkpoints = Checkpoints(keep=1_024)
    rows = 0
    for _ in range(40):
        assert checkpoints.rows_until_next(rows + 1) == 127
        rows += checkpoints.rows_until_next(rows)
        assert checkpoints.is_due(rows)
        checkpoints.add(Checkpoint(rows, rows * SECOND))
        held = [each.rows for each in checkpoints.after(-1)]
        assert held[0] <= max(rows - 1_024, 0)
        assert len(held) <= 9
    assert checkpoints.go_back(rows * SECOND - 1).rows == rows - 128
    assert [each.rows for each in checkpoints.after(rows - 256)] == [rows - 128]
    assert checkpoints.go_back(0).rows == rows - 1_024
    assert checkpoints.begin_again((rows + 1) * SECOND) == Checkpoint()


def test_bars_that_are_read_anew_do_not_make_a_model_forget(tmp_path: Path) -> None:
    """A step that is longer than the ring: the bars of the newest 150 s are read from disk, the states go on."""
    spec, found = replace(PAIR, model="kalman"), []
    ticks = sorted(trades("ETHUSDT", SECONDS, 1) + trades("BTCUSDT", SECONDS, 2), key=lambda tick: tick.time_ns)
    for name, ring in (("small", 100), ("large", 10_000)):
        clock = Clock()
        with TickStore(tmp_path / f"{name}.db", ring_ticks=ring) as store:
            engine = asked(store, clock, [spec])
            feed(store, engine, clock, ticks[:-300], steps=60)
            assert engine.reopened == 0
            feed(store, engine, clock, ticks[-300:], steps=1)
            assert engine.reopened == (name == "small")
            found.append(answer_of(engine, spec).closed)
    assert_same(found[0], found[1])
