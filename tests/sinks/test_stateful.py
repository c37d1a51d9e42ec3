"""Folds in a stream engine: the bits of one process however rows are split, and states that say what they are of."""

import logging
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from alphastream.backtest import BarMarket, backtest
from alphastream.bars import Bars, align
from alphastream.core.units import SECOND
from alphastream.errors import ParameterError, StateError
from alphastream.estimators import RollingOLS
from alphastream.pairs import PairSpec, analyse
from alphastream.portfolio import PositionConfig
from alphastream.sinks import stateful
from alphastream.sinks.stateful import MOST_BYTES, Columns, Stateful
from alphastream.sinks.stream_folds import BAR_COLUMNS, EstimatorFold, PairFold, StrategyFold
from alphastream.strategies import (
    FixedNotional,
    InnovationThreshold,
    PositionOptimiser,
    Strategy,
    ThresholdRule,
    ZScoreThreshold,
)
from alphastream.trading.broker.costs import BrokerRules, Fees, FillRule
from alphastream.trading.broker.margin import Margin
from tests.backtest.restless import Answering

ROWS = 600
SPEC = PairSpec("ETH", "BTC", window=20, entry=1.0, exit=0.2)


def leg(seed: int, common: np.ndarray[tuple[int], np.dtype[np.float64]], missing: float) -> Bars:
    """Bars of a second, of which some are missing."""
    rng = np.random.default_rng(seed)
    close = np.exp(common + rng.normal(scale=2e-3, size=ROWS))
    start_ns = np.arange(ROWS) * SECOND + 1_700_000_000 * SECOND
    volume = rng.uniform(2e3, 2e4, ROWS)
    last_ns = start_ns + rng.integers(0, SECOND, ROWS)
    counts = rng.integers(1, 9, ROWS)
    bars = Bars(start_ns, close, close, close, close, volume, counts, start_ns, last_ns, volume / 2.0)
    return bars.take(np.flatnonzero(rng.random(ROWS) >= missing))


def legs(seed: int = 0, missing: float = 0.3) -> dict[str, Bars]:
    """Two legs that move together; each is silent in some bars, and one begins later."""
    common = np.cumsum(np.random.default_rng(seed).normal(scale=1e-3, size=ROWS)) + 4.0
    return {"ETH": leg(seed + 1, common, missing).take(slice(7, None)), "BTC": leg(seed + 2, common, missing)}


def rows_of(bars: dict[str, Bars]) -> Columns:
    """Both legs as one table, by time."""
    symbols = np.concatenate([np.full(len(each), symbol, dtype=object) for symbol, each in bars.items()])
    columns = {name: np.concatenate([getattr(each, name) for each in bars.values()]) for name in BAR_COLUMNS}
    order = np.argsort(columns["start_ns"], kind="stable")
    return {"symbol": symbols[order], **{name: values[order] for name, values in columns.items()}}


def closed(bars: dict[str, Bars]) -> dict[str, Bars]:
    """What both legs are known to have closed."""
    until_ns = min(int(each.start_ns[-1]) for each in bars.values())
    return {symbol: each.take(np.flatnonzero(each.start_ns <= until_ns)) for symbol, each in bars.items()}


def in_pieces(folds: Stateful, key: str, rows: Columns, seed: int) -> tuple[Columns, bytes]:
    """Hand rows over in pieces of any size, shuffled, some of them twice."""
    rng = np.random.default_rng(seed)
    count = len(next(iter(rows.values())))
    cuts = np.sort(rng.integers(0, count, 15))
    state, parts = None, []
    for first, last in zip([0, *cuts], [*cuts, count], strict=True):
        again = max(0, first - int(rng.integers(0, 5)))
        chosen = rng.permutation(np.r_[np.arange(first, last), np.arange(again, last)])
        out, state = folds.step(key, state, {name: values[chosen] for name, values in rows.items()})
        parts.append(out)
    assert state is not None
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, state


def assert_same_bits(left: Columns, right: Columns) -> None:
    """Compare the columns of ``right``."""
    for name, values in right.items():
        assert left[name].dtype == values.dtype, name
        assert np.ascontiguousarray(left[name]).tobytes() == np.ascontiguousarray(values).tobytes(), name


@pytest.mark.parametrize("seed", range(3))
def test_an_estimator_in_pieces(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = {"time_ns": np.arange(300), "x": np.cumsum(rng.normal(size=300)), "y": rng.normal(size=300)}
    expected, _ = RollingOLS(30).run(rows["x"], rows["y"])
    found, state = in_pieces(Stateful({"pair": EstimatorFold(RollingOLS(30))}), "pair", rows, seed)
    assert_same_bits(found, {"time_ns": rows["time_ns"], "hedge_ratio": expected.hedge_ratio})
    assert_same_bits(found, {"spread": expected.spread, "forecast_error": expected.forecast_error})
    assert len(state) < 2_000


@pytest.mark.parametrize("model", ["ols", "kalman", "huber", "frozen"])
def test_a_pair_in_pieces(model: str) -> None:
    spec = PairSpec("ETH", "BTC", window=20, model=model)  # type: ignore[arg-type]
    bars = legs()
    found, _ = in_pieces(Stateful({"pair": PairFold(spec)}), "pair", rows_of(bars), 1)
    expected = analyse(align(closed(bars)["ETH"], closed(bars)["BTC"], SECOND), spec)
    assert len(found["time_ns"]) > ROWS / 2
    assert_same_bits(found, expected.closed)


STRATEGIES: dict[str, Strategy] = {
    "z-score": ZScoreThreshold(SPEC),
    "stops": ZScoreThreshold(SPEC, rule=ThresholdRule(stop=1.5, time_stop=9, cool_down=3), rebalance=True),
    "innovation": InnovationThreshold(replace(SPEC, model="kalman")),
    "beyond its means": ZScoreThreshold(SPEC, sizer=FixedNotional(700_000.0)),
    "single orders": Answering(1, SPEC),
}
COSTS = BrokerRules(half_spread_bps=40.0, fees=Fees(), max_share=0.9, margin=Margin(max_leverage=9.9, maintenance=0.1))


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("fill", ["next_close", "same_close"])
def test_a_strategy_in_pieces_trades_as_its_backtest(name: str, fill: FillRule) -> None:
    strategy, bars, rules = STRATEGIES[name], legs(), replace(COSTS, fill=fill)
    whole = backtest(BarMarket(closed(bars), SECOND), strategy, rules)
    assert len(whole.fills) > 5
    assert (whole.ended is not None) == (name == "beyond its means")
    for seed in range(3):
        folds = Stateful({"pair": StrategyFold(strategy, rules)})
        found, state = in_pieces(folds, "pair", rows_of(bars), seed)
        assert_same_bits(found, {"time_ns": whole.time_ns, "cash": whole.cash, "equity": whole.equity})
        assert_same_bits(found, {"y_position": whole.positions[:, 0], "x_position": whole.positions[:, 1]})
        assert_same_bits(found, {f"strategy_{name}": values for name, values in whole.observed.items()})
        assert_same_bits(
            found, analyse(align(closed(bars)["ETH"], closed(bars)["BTC"], SECOND), strategy.pairs[0]).closed
        )
        assert len(state) < 30_000


def test_columns_are_known_before_any_row() -> None:
    folds = Stateful({"pair": PairFold(SPEC), "turned": PairFold(replace(SPEC, y="BTC", x="ETH"))})
    rows, _ = folds.step("pair", None, rows_of(legs()))
    assert folds.columns() == {name: values.dtype for name, values in rows.items()}
    assert folds.routes() == [("ETH", "pair"), ("BTC", "pair"), ("BTC", "turned"), ("ETH", "turned")]
    with pytest.raises(ParameterError, match="other and pair give other columns"):
        Stateful({"pair": PairFold(SPEC), "other": EstimatorFold(RollingOLS(9))}).columns()


def test_rows_that_come_again_are_left_out_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    folds, rows = Stateful({"pair": PairFold(SPEC)}), rows_of(legs())
    _, state = folds.step("pair", None, rows)
    with caplog.at_level(logging.WARNING):
        again, unmoved = folds.step("pair", state, rows)
    assert len(again["time_ns"]) == 0
    assert unmoved == state
    assert f"rows={len(rows['symbol'])}" in caplog.text


def test_a_state_of_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    folds = Stateful({"pair": PairFold(SPEC)})
    _, state = folds.step("pair", None, rows_of(legs()))
    with pytest.raises(StateError, match=r"belongs to .*window=20.*not to .*window=21.*: begin with a new checkpoint"):
        Stateful({"pair": PairFold(replace(SPEC, window=21))}).step("pair", state, {})
    for damaged in (state[:-1], b"", b"no state", b"\x80\x04K\x01."):
        with pytest.raises(StateError, match=f"^{len(damaged)} bytes are no state|damaged"):
            folds.step("pair", damaged, {})
    newer = msgspec.msgpack.decode(state)
    newer[0] = 2
    with pytest.raises(StateError, match="format 2, this program knows 1"):
        folds.step("pair", msgspec.msgpack.encode(newer), {})
    monkeypatch.setattr(stateful, "_digest_of", lambda _kinds: "of tomorrow")
    with pytest.raises(StateError, match="written by other code"):
        folds.step("pair", state, {})


def test_a_state_can_hold_numbers_only() -> None:
    folds = Stateful({"pair": PairFold(SPEC)})
    saved = msgspec.msgpack.decode(folds.step("pair", None, {})[1])
    saved[3]["closed_ns"] = ["|O", [1], b"\0" * 8]
    with pytest.raises(StateError, match="no numbers"):
        folds.step("pair", msgspec.msgpack.encode(saved), {})


def test_a_leg_that_stays_silent_is_said_before_its_state_grows() -> None:
    folds, silent = Stateful({"pair": PairFold(SPEC)}), 15_000
    start_ns = np.arange(silent) * SECOND
    rows = {"symbol": np.full(silent, "ETH", dtype=object), **{name: np.ones(silent) for name in BAR_COLUMNS}}
    with pytest.raises(StateError, match=rf"at most {MOST_BYTES:,} are kept, and most of it is y\."):
        folds.step("pair", None, {**rows, "start_ns": start_ns})


def test_what_a_key_cannot_run_is_refused() -> None:
    folds = Stateful({"ETH~BTC": PairFold(SPEC)})
    with pytest.raises(ParameterError, match=r"'ETH-BTC' \(did you mean 'ETH~BTC'\?\)"):
        folds.step("ETH-BTC", None, {})
    with pytest.raises(ParameterError, match="rows lack close"):
        folds.step("ETH~BTC", None, {name: each for name, each in rows_of(legs()).items() if name != "close"})
    with pytest.raises(ParameterError, match="use fill='next_close'"):
        StrategyFold(ZScoreThreshold(SPEC), BrokerRules(fill="next_trade"))
    optimiser = PositionOptimiser((SPEC,), PositionConfig(vola=5, corr=10, clip=3.0, shrink=0.5, aum=1e6))
    with pytest.raises(ParameterError, match="only states of estimators can be kept"):
        Stateful({"pair": StrategyFold(optimiser)}).step("pair", None, rows_of(legs()))
