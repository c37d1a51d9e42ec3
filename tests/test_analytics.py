"""The engine on a real store: what it publishes equals the batch answer, late and lost ticks included.

One file although it is long: all of it runs one engine over one pair of recorded walks.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import analytics
from alphastream.bars import aggregate, align
from alphastream.events import Tick
from alphastream.graph import Price
from alphastream.kernel_groups import KernelGroup
from alphastream.pairs import MODELS, Model, PairAnalytics, PairSpec, analyse, series_of
from analytics import QuantEngine
from runtime.compile_ahead import Compilation
from storage import TickStore

SECOND = 10**9
START = 1_790_000_000 * SECOND
PAIR = PairSpec("ETHUSDT", "BTCUSDT", window=20)


def trades(symbol: str, seconds: int, seed: int, a_second: float = 3.0) -> list[Tick]:
    """A random walk with irregular trade times; BTC-sized and ETH-sized prices."""
    rng = np.random.default_rng(seed)
    count = int(seconds * a_second)
    times = START + np.sort(rng.integers(0, seconds * SECOND, count))
    level = 60_000.0 if symbol == "BTCUSDT" else 2_600.0
    prices = level * np.exp(np.cumsum(rng.normal(size=count)) * 1e-4)
    return [
        Tick(symbol, 1_000 + i, round(float(p), 2), 0.1, int(t), int(t), bool(i % 2))
        for i, (t, p) in enumerate(zip(times, prices, strict=True))
    ]


class Clock:
    """Data time that a test moves by hand."""

    def __init__(self) -> None:
        self.ns = START

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TickStore]:
    with TickStore(tmp_path / "ticks.db") as opened:
        yield opened


def feed(store: TickStore, engine: QuantEngine, clock: Clock, ticks: list[Tick], steps: int) -> None:
    """Deliver ticks in time order in some steps, with a refresh after each."""
    for part in np.array_split(np.arange(len(ticks)), steps):
        chosen = [ticks[i] for i in part]
        store.append(chosen)
        clock.ns = max([clock.ns, *(tick.time_ns for tick in chosen)])
        engine.refresh(clock.ns)


def batch(ticks: list[Tick], spec: PairSpec, until_ns: int) -> PairAnalytics:
    """The same answer from everything at once."""
    bars = {}
    for symbol in (spec.y, spec.x):
        own = [tick for tick in ticks if tick.symbol == symbol]
        columns = (
            np.array([t.time_ns for t in own]),
            np.array([t.price for t in own]),
            np.array([t.quantity for t in own]),
        )
        bars[symbol] = aggregate(*columns, spec.interval_ns)
    return analyse(align(bars[spec.y], bars[spec.x], spec.interval_ns, until_ns=until_ns), spec)


def all_trades(seconds: int = 120) -> list[Tick]:
    both = trades("ETHUSDT", seconds, 1) + trades("BTCUSDT", seconds, 2)
    return sorted(both, key=lambda tick: tick.time_ns)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("price", ["log", "price"])
def test_live_equals_batch(store: TickStore, model: Model, price: Price) -> None:
    spec = replace(PAIR, model=model, price=price)
    clock, ticks = Clock(), all_trades()
    engine = QuantEngine(store, clock)
    engine.snapshot(spec)
    feed(store, engine, clock, ticks, steps=37)
    live = engine.snapshot(spec)
    assert live is not None
    expected = batch(ticks, spec, until_ns=int(live.closed["time_ns"][-1]))
    assert set(live.closed) == set(expected.closed)
    for name, values in expected.closed.items():
        # sums of quantities depend on where batches were cut; everything else is the same to the bit
        assert_allclose(live.closed[name], values, rtol=1e-12 if name.endswith("volume") else 0, err_msg=name)
    assert np.isfinite(live.closed["zscore"][-1])
    assert live.cointegration == expected.cointegration


def test_forming_bar_is_provisional(store: TickStore) -> None:
    clock, ticks = Clock(), all_trades()
    engine = QuantEngine(store, clock)
    engine.snapshot(PAIR)
    feed(store, engine, clock, ticks, steps=5)
    before = engine.snapshot(PAIR)
    assert before is not None
    newest = Tick("ETHUSDT", 9_999, 9_999.0, 1.0, int(before.closed["time_ns"][-1]) + 1, 0, False)
    store.append([newest])
    engine.refresh(clock.ns)
    after = engine.snapshot(PAIR)
    assert after is not None
    assert after.version > before.version
    assert after.last_y == newest
    assert_array_equal(after.closed["zscore"], before.closed["zscore"])
    assert after.column("y")[-1] == after.forming["y"][-1]


def test_many_pairs_at_once_have_the_bits_of_one_by_one(store: TickStore) -> None:
    """With late trades, a request that joins late, another interval, other prices, a quiet leg and every model."""
    legs = ("ETHUSDT", "BTCUSDT", "SOLUSDT", "XRPUSDT")
    pace = {"ETHUSDT": 3.0, "BTCUSDT": 3.0, "SOLUSDT": 2.0, "XRPUSDT": 0.2}
    ticks = [tick for seed, leg in enumerate(legs) for tick in trades(leg, 150, seed, pace[leg])]
    ticks.sort(key=lambda tick: tick.time_ns)
    late = ticks[700:703]
    ticks = [tick for tick in ticks if tick not in late]
    ticks[1_000:1_000] = late
    specs = [PairSpec(y, x, window=20) for y in legs for x in legs if y != x]
    specs += [replace(PAIR, interval_ns=5 * SECOND, window=5), replace(PAIR, price="price"), replace(PAIR, entry=1.0)]
    specs += [replace(PAIR, model=model) for model in MODELS if model != "ols"]
    joins_late = replace(PAIR, window=30)
    clock = Clock()
    together, alone = QuantEngine(store, clock, history_bars=60), {}
    for spec in specs:
        together.snapshot(spec)
        alone[spec] = QuantEngine(store, clock, history_bars=60)
    for step, part in enumerate(np.array_split(np.arange(len(ticks)), 60)):
        if step == 30:
            together.snapshot(joins_late)
        store.append([ticks[i] for i in part])
        clock.ns = max(clock.ns, *(ticks[i].time_ns for i in part))
        together.refresh(clock.ns)
        for spec, engine in alone.items():
            engine.snapshot(spec)
            engine.refresh(clock.ns)
            found, expected = together.snapshot(spec), engine.snapshot(spec)
            assert found is not None
            assert expected is not None
            for name in expected.closed:
                assert found.closed[name].tobytes() == expected.closed[name].tobytes(), (step, spec, name)
                assert found.forming[name].tobytes() == expected.forming[name].tobytes(), (step, spec, name)
            assert repr(found.cointegration) == repr(expected.cointegration)  # NaN equals itself
            assert found.calibration == expected.calibration
    assert together.reopened > 0
    assert {engine.reopened for engine in alone.values()} > {0}
    joined = together.snapshot(joins_late)
    assert joined is not None
    assert np.isfinite(joined.closed["zscore"][-1])


def test_an_answer_that_a_reader_holds_does_not_change(store: TickStore) -> None:
    clock, ticks = Clock(), all_trades()
    engine = QuantEngine(store, clock, history_bars=30)
    engine.snapshot(PAIR)
    held: list[tuple[PairAnalytics, dict[str, bytes]]] = []
    late = ticks[100:103]
    arriving = [tick for tick in ticks if tick not in late]
    arriving[300:300] = late
    for part in np.array_split(np.arange(len(arriving)), 150):
        feed(store, engine, clock, [arriving[i] for i in part], steps=1)
        answer = engine.snapshot(PAIR)
        assert answer is not None
        held.append((answer, _bits_of(answer)))
    assert engine.reopened > 0
    for answer, bits in held:
        assert _bits_of(answer) == bits
    with pytest.raises(ValueError, match="read-only"):
        held[-1][0].closed["zscore"][-1] = 0.0


def _bits_of(answer: PairAnalytics) -> dict[str, bytes]:
    both = {"closed": answer.closed, "forming": answer.forming}
    return {f"{part}.{name}": values.tobytes() for part, columns in both.items() for name, values in columns.items()}


def test_forgetting_one_of_many_leaves_the_others(store: TickStore, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, ticks = Clock(), all_trades(60)
    engine = QuantEngine(store, clock)
    stays, goes = PAIR, [replace(PAIR, entry=1.0), replace(PAIR, interval_ns=5 * SECOND), replace(PAIR, price="price")]
    for spec in (stays, *goes):
        engine.snapshot(spec)
    feed(store, engine, clock, ticks[:200], steps=4)
    time.sleep(0.02)
    monkeypatch.setattr(analytics, "IDLE_S", 0.01)
    engine.snapshot(stays)
    engine.refresh(clock.ns)
    monkeypatch.undo()
    alone = QuantEngine(store, clock)
    alone.snapshot(stays)
    alone.refresh(clock.ns)
    assert set(engine.graph.nodes()) == set(alone.graph.nodes())
    assert [engine.snapshot(spec) is None for spec in (stays, *goes)] == [False, True, True, True]
    feed(store, engine, clock, ticks[200:], steps=4)
    for spec in (stays, *goes):
        answer = engine.snapshot(spec)
        assert answer is not None
        expected = batch(ticks, spec, int(answer.closed["time_ns"][-1]))
        assert_array_equal(answer.closed["zscore"], expected.closed["zscore"])


def test_nothing_new_nothing_computed(store: TickStore) -> None:
    clock, ticks = Clock(), all_trades()
    engine = QuantEngine(store, clock)
    engine.snapshot(PAIR)
    feed(store, engine, clock, ticks, steps=3)
    engine.refresh(clock.ns + 10 * SECOND)  # closes what time alone can close
    runs = engine.graph.runs.copy()
    assert engine.refresh(clock.ns + 20 * SECOND) is False
    assert engine.graph.runs == runs


def test_fifty_sessions_cost_what_one_costs(store: TickStore) -> None:
    clock, ticks = Clock(), all_trades()
    engine = QuantEngine(store, clock)
    for _ in range(50):
        engine.snapshot(replace(PAIR))
    feed(store, engine, clock, ticks, steps=4)
    assert len(engine.graph) == len({series.of for series in series_of(PAIR).values()}) + 2  # returns of both legs
    one = QuantEngine(store, clock)
    one.snapshot(PAIR)
    one.refresh(clock.ns)
    assert max(engine.graph.runs.values()) <= 5


def test_a_late_trade_reopens_its_bar(store: TickStore) -> None:
    clock, ticks = Clock(), all_trades()
    engine = QuantEngine(store, clock)
    engine.snapshot(PAIR)
    late = [tick for tick in ticks if tick.symbol == "ETHUSDT"][100:110]
    feed(store, engine, clock, [tick for tick in ticks if tick not in late], steps=9)
    store.append(late)
    engine.refresh(clock.ns)
    live = engine.snapshot(PAIR)
    assert live is not None
    assert engine.reopened == 1
    expected = batch(ticks, PAIR, until_ns=int(live.closed["time_ns"][-1]))
    assert_array_equal(live.closed["y"], expected.closed["y"])
    assert_array_equal(live.closed["zscore"], expected.closed["zscore"])


def test_history_is_read_from_the_tape(store: TickStore) -> None:
    clock, ticks = Clock(), all_trades()
    half = len(ticks) // 2
    store.append(ticks[:half])
    clock.ns = ticks[half - 1].time_ns
    engine = QuantEngine(store, clock)
    engine.snapshot(PAIR)
    engine.refresh(clock.ns)
    feed(store, engine, clock, ticks[half:], steps=4)
    live = engine.snapshot(PAIR)
    assert live is not None
    assert_array_equal(live.closed["zscore"], batch(ticks, PAIR, int(live.closed["time_ns"][-1])).closed["zscore"])


def test_ticks_between_loading_and_reading_count_once(store: TickStore) -> None:
    """A second interval is loaded from the tape while the cursor stands behind ticks that the tape has already."""
    clock, ticks = Clock(), all_trades()
    engine = QuantEngine(store, clock)
    engine.snapshot(PAIR)
    feed(store, engine, clock, ticks[:300], steps=2)
    store.append(ticks[300:400])
    clock.ns = ticks[399].time_ns
    slow = replace(PAIR, interval_ns=5 * SECOND)
    engine.snapshot(slow)
    engine.refresh(clock.ns)
    feed(store, engine, clock, ticks[400:], steps=2)
    for spec in (PAIR, slow):
        live = engine.snapshot(spec)
        assert live is not None
        expected = batch(ticks, spec, int(live.closed["time_ns"][-1]))
        assert_allclose(live.closed["y_volume"], expected.closed["y_volume"], rtol=1e-12)


def test_falling_behind_the_ring_loses_nothing(tmp_path: Path) -> None:
    clock, ticks = Clock(), all_trades()
    with TickStore(tmp_path / "small.db", ring_ticks=50) as store:
        engine = QuantEngine(store, clock)
        engine.snapshot(PAIR)
        feed(store, engine, clock, ticks, steps=2)  # each step is longer than the ring
        live = engine.snapshot(PAIR)
        assert live is not None
        expected = batch(ticks, PAIR, int(live.closed["time_ns"][-1]))
        assert_array_equal(live.closed["zscore"], expected.closed["zscore"])


def test_first_line_while_models_calibrate(store: TickStore) -> None:
    clock, ticks = Clock(), all_trades(seconds=8)
    engine = QuantEngine(store, clock)
    engine.snapshot(PAIR)
    feed(store, engine, clock, ticks, steps=2)
    live = engine.snapshot(PAIR)
    assert live is not None
    assert len(live.closed["y"]) >= 6
    assert np.isnan(live.closed["zscore"]).all()
    assert live.calibrating is not None
    assert (live.calibrating.what, live.calibrating.needed) == ("hedge ratio", 20)
    assert live.calibrating.have == len(live.closed["y"])
    assert live.cointegration.refusal is not None
    assert "of 250 bars in which both legs traded" in live.cointegration.refusal


def test_history_stays_bounded(store: TickStore) -> None:
    clock, ticks = Clock(), all_trades(seconds=120)
    engine = QuantEngine(store, clock, history_bars=50)
    engine.snapshot(PAIR)
    feed(store, engine, clock, ticks, steps=30)
    live = engine.snapshot(PAIR)
    assert live is not None
    assert {len(values) for values in live.closed.values()} == {50}


def test_what_nobody_asks_for_is_forgotten(store: TickStore, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, ticks = Clock(), all_trades(20)
    engine = QuantEngine(store, clock)
    engine.snapshot(PAIR)
    engine.snapshot(replace(PAIR, model="kalman"))
    feed(store, engine, clock, ticks, steps=2)
    monkeypatch.setattr(analytics, "IDLE_S", -1.0)
    engine.refresh(clock.ns)
    assert len(engine.graph) == 0
    assert engine.snapshot(PAIR) is None


def test_thread_publishes_and_stops(store: TickStore) -> None:
    ticks = all_trades(20)
    engine = QuantEngine(store, lambda: ticks[-1].time_ns, refresh_s=0.01)
    engine.start()
    store.append(ticks)
    engine.notify()
    answer = engine.wait_for(PAIR, timeout_s=60)
    engine.stop()
    assert answer is not None
    assert len(answer.closed["y"]) > 10
    assert engine.failure is None


def test_prices_are_published_while_the_models_load(store: TickStore) -> None:
    loaded = threading.Event()
    slow = Compilation({"RollingOLS": KernelGroup("estimators", lambda: loaded.wait(60), 1.0)})
    ticks = all_trades(60)
    store.append(ticks)
    engine = QuantEngine(store, lambda: ticks[-1].time_ns, refresh_s=0.01, compilation=slow)
    engine.start()
    early = engine.wait_for(PAIR, timeout_s=60)
    assert early is not None
    assert not early.computed
    assert np.isfinite(early.closed["y"]).all()
    assert np.isnan(early.closed["zscore"]).all()
    assert early.calibrating is not None
    loaded.set()
    deadline = time.monotonic() + 60
    while not (late := engine.snapshot(PAIR)) or not late.computed:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    engine.stop()
    assert_array_equal(late.closed["zscore"], batch(ticks, PAIR, int(late.closed["time_ns"][-1])).closed["zscore"])


def test_a_failed_refresh_is_told_and_outlived(store: TickStore, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = all_trades(60)
    store.append(ticks)
    engine = QuantEngine(store, lambda: ticks[-1].time_ns, refresh_s=0.01)

    def fail(*_: object) -> None:
        raise RuntimeError("the test was not in the mood")

    with monkeypatch.context() as patch:
        patch.setattr(analytics, "pair_columns", fail)
        engine.start()
        engine.snapshot(PAIR)
        deadline = time.monotonic() + 60
        while engine.failure is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert "not in the mood" in str(engine.failure)
    while (answer := engine.snapshot(PAIR)) is None or not answer.computed:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    engine.stop()
    expected = batch(ticks, PAIR, int(answer.closed["time_ns"][-1]))
    assert_array_equal(answer.closed["zscore"], expected.closed["zscore"])


def test_an_answer_tells_when_its_ticks_came(store: TickStore) -> None:
    clock, ticks = Clock(), all_trades(20)
    engine = QuantEngine(store, clock)
    engine.snapshot(PAIR)
    feed(store, engine, clock, ticks, steps=1)
    end = ticks[-1].time_ns
    came = [  # the newest by arrival is not the newest by the venue's time
        Tick("ETHUSDT", 9_001, 2_600.0, 1.0, end + 5, end + 30, False),
        Tick("BTCUSDT", 9_001, 60_000.0, 1.0, end + 3, end + 20, False),
        Tick("BTCUSDT", 9_002, 60_000.0, 1.0, end + 4, end + 40, False),
    ]
    store.append(came)
    before = time.time_ns()
    engine.refresh(clock.ns)
    answer = engine.snapshot(PAIR)
    assert answer is not None
    assert answer.stamps is not None
    assert (answer.stamps.first_ns, answer.stamps.last_ns, answer.stamps.traded_ns) == (end + 20, end + 40, end + 4)
    assert before <= answer.stamps.computed_ns <= time.time_ns()


def test_an_answer_that_time_alone_made_has_no_stamps(store: TickStore) -> None:
    clock, ticks = Clock(), all_trades(20)
    engine = QuantEngine(store, clock)
    engine.snapshot(PAIR)
    feed(store, engine, clock, ticks, steps=2)
    assert engine.refresh(clock.ns + 10 * SECOND)
    answer = engine.snapshot(PAIR)
    assert answer is not None
    assert answer.stamps is None


def test_each_publication_is_told_once_and_after_it_can_be_read(store: TickStore) -> None:
    clock, ticks = Clock(), all_trades(20)
    told: list[int] = []

    def published() -> None:
        answer = engine.snapshot(PAIR)
        assert answer is not None
        told.append(answer.version)

    engine = QuantEngine(store, clock, published=published)
    engine.snapshot(PAIR)
    feed(store, engine, clock, ticks, steps=4)
    assert told == [1, 2, 3, 4]
    engine.refresh(clock.ns + 10 * SECOND)  # closes what time alone can close
    assert not engine.refresh(clock.ns + 20 * SECOND)
    assert told == [1, 2, 3, 4, 5]
