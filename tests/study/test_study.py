"""From data to a result: what a study is made of, and that it is an ordinary strategy."""

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.backtest import RowFold, TickMarket, backtest
from alphastream.core.types import Floats
from alphastream.errors import LookAheadError, ParameterError
from alphastream.indicators import MACD, RSI, SMA
from alphastream.strategies import AtrRisk, EquityShare, FixedNotional, Portfolio, Units
from alphastream.study import Study, StudyResult
from alphastream.trading import BrokerRules, Fees, FixedLatency
from tests.backtest.test_live import SECOND, START, columns, play, split, tape
from tests.study.frames import walk
from tests.study.functions import half_of_equity, low_is_long, peek, slope

CLOSE = BrokerRules(fill="same_close", fees=Fees(0.0, 0.0))


def study_on(frame: pd.DataFrame, **settings: Any) -> tuple[Study, Any]:
    study = Study(**settings)
    return study, study.add_data(frame, symbol="BTCUSDT")


def test_a_frame_to_a_result() -> None:
    frame = walk(1)
    study, data = study_on(frame)
    rsi = study.add_indicator(RSI(window=14), data["close"])
    strat = study.add_strat(study.add_indicator(low_is_long, rsi, look_back=1), half_of_equity)
    result = study.run()
    assert isinstance(result, StudyResult)
    assert len(result.equity) == len(frame)
    assert result.name == strat.name == "strategy"
    assert result.orders
    assert result.fills
    summary = result.summary()
    assert summary.profit == pytest.approx(result.equity[-1] - 100_000.0)
    table = result.frame()
    assert list(table.columns[:4]) == ["equity", "cash", "BTCUSDT price", "BTCUSDT position"]
    assert str(table.index[0]) == "2024-01-01 01:00:00+00:00"  # the end of the first bar
    np.testing.assert_array_equal(table["pulse"], result.observed["pulse"])


def test_the_allocation_says_what_is_held_at_every_close() -> None:
    frame = walk(2)
    study, data = study_on(frame, rules=CLOSE)

    def strength(close: Floats) -> Floats:
        return np.clip(np.sin(close), -1.0, 1.0)

    study.add_strat(study.add_indicator(strength, data["close"], look_back=1), lambda s, _: s * 5_000.0)
    result = study.run()
    close = frame["close"].to_numpy()
    units = 5_000.0 * np.sin(close) / close
    np.testing.assert_allclose(result.positions[:, 0], units, rtol=1e-12)
    np.testing.assert_allclose(np.diff(result.equity), units[:-1] * np.diff(close), atol=1e-8)
    returns = np.diff(close) * np.sign(units[:-1]) / close[:-1]
    np.testing.assert_allclose(result.gross_returns()[1:], returns, atol=1e-10)
    assert result.gross_returns()[0] == 0.0


def test_no_opinion_keeps_what_is_held() -> None:
    study, data = study_on(walk(3, rows=40), rules=CLOSE)

    def now_and_then(close: Floats, state: int = 0) -> tuple[Floats, int]:
        place = state + np.arange(len(close))
        return np.where(place % 10 == 3, 1.0, np.where(place % 10 == 8, 0.0, np.nan)), state + len(close)

    study.add_strat(study.add_indicator(now_and_then, data["close"]), Units(2.0))
    held = study.run().positions[:, 0]
    np.testing.assert_array_equal(held, np.where((np.arange(40) % 10 >= 3) & (np.arange(40) % 10 < 8), 2.0, 0.0))


@pytest.mark.parametrize("rebalance", [True, False])
def test_whether_a_value_is_held_as_prices_move(rebalance: bool) -> None:
    frame = walk(4, rows=60)
    study, data = study_on(frame, rules=CLOSE)

    def up(close: Floats, state: int = 0) -> tuple[Floats, int]:
        return np.where(state + np.arange(len(close)) < 30, 1.0, -1.0), state + len(close)

    study.add_strat(study.add_indicator(up, data["close"]), FixedNotional(1_000.0), rebalance=rebalance)
    result, close = study.run(), frame["close"].to_numpy()
    signs = np.where(np.arange(60) < 30, 1.0, -1.0)
    paid = close if rebalance else np.where(np.arange(60) < 30, close[0], close[30])
    np.testing.assert_allclose(result.positions[:, 0], signs * 1_000.0 / paid, rtol=1e-12)
    assert len(result.orders) == (60 if rebalance else 2)


def test_the_same_indicator_is_the_same_and_another_order_of_inputs_another() -> None:
    study, data = study_on(walk(5))

    def spread(first: Floats, second: Floats) -> Floats:
        return first - second

    rsi = study.add_indicator(RSI(window=14), data["close"])
    assert rsi == study.add_indicator(RSI, data["close"], window=14)
    assert rsi != study.add_indicator(RSI(window=15), data["close"])
    assert {rsi: 1}[study.add_indicator(RSI(window=14), data["close"])] == 1
    one = study.add_indicator(spread, data["high"], data["low"], look_back=1)
    assert one == study.add_indicator(spread, data["high"], data["low"], look_back=1)
    assert one != study.add_indicator(spread, data["low"], data["high"], look_back=1)
    assert study.add_indicator(slope, data["close"], window=5) != study.add_indicator(slope, data["close"], window=6)


def test_strategies_share_their_indicators() -> None:
    study, data = study_on(walk(6))
    rsi = study.add_indicator(RSI(window=14), data["close"])
    pulse = study.add_indicator(low_is_long, rsi, look_back=1)
    first = study.add_strat(pulse, EquityShare(0.5), name="half")
    second = study.add_strat(
        study.add_indicator(low_is_long, rsi, look_back=1, width=10.0), half_of_equity, name="steep"
    )
    fold = RowFold(study.strategies)
    fold.run(fold.rows_of(study.market))
    assert len(study.graph) == 3
    assert set(fold.graph.runs.values()) == {1}
    results = study.run()
    assert list(results) == ["half", "steep"]
    for strategy in (first, second):
        alone = backtest(study.market, strategy, study.rules)
        np.testing.assert_array_equal(alone.equity, results[strategy.name].equity)
        assert alone.fills == results[strategy.name].fills


def test_columns_by_name_and_close_matches() -> None:
    study, data = study_on(walk(7))
    macd = study.add_indicator(MACD(), data["close"])
    assert macd.columns == ("macd", "signal", "histogram")
    assert study.add_indicator(SMA(3), macd) == study.add_indicator(SMA(3), macd["macd"])
    assert study.add_indicator(SMA(3), macd["signal"]) != study.add_indicator(SMA(3), macd)
    for wrong, meant in ((lambda: macd["signall"], "'signal'"), (lambda: data["clse"], "'close'")):
        with pytest.raises(ParameterError, match=f"did you mean {meant}"):
            wrong()
    with pytest.raises(ParameterError, match='data is many columns: choose one, such as data\\["close"\\]'):
        study.add_indicator(RSI(14), data)
    with pytest.raises(ParameterError, match="takes 1 inputs"):
        study.add_indicator(RSI(14), data["close"], data["open"])
    with pytest.raises(ParameterError, match="did you mean 'window'"):
        study.add_indicator(RSI, data["close"], windw=3)


def test_a_pulse_beyond_one_is_refused_with_its_row() -> None:
    study, data = study_on(walk(8))

    def rising(close: Floats, state: int = 0) -> tuple[Floats, int]:
        return (state + np.arange(len(close))) / 100.0, state + len(close)

    study.add_strat(study.add_indicator(rising, data["close"]), Units(1.0))
    with pytest.raises(ParameterError, match=r"1\.01 on row 101 \(2024-01-05 06:00:00 UTC\)"):
        study.run()


def test_a_pulse_a_hair_beyond_one_is_told_with_all_its_digits() -> None:
    study, data = study_on(walk(8))

    def hair(close: Floats) -> Floats:
        return np.full(len(close), np.nextafter(1.0, 2.0))

    study.add_strat(study.add_indicator(hair, data["close"], look_back=1), Units(1.0))
    with pytest.raises(ParameterError, match=r"is 1\.0000000000000002 on row 0"):
        study.run()


@pytest.mark.parametrize(
    ("allocation", "said"),
    [
        (1_000.0, "the allocation is 1000.0: give a function"),
        (EquityShare, "EquityShare is a class: give one of it, EquityShare\\(…\\)"),
        (lambda strength: strength, "cannot be called with \\(strength, portfolio\\)"),
        (lambda strength, portfolio: "half", "gave half"),
        (lambda strength, portfolio: {"BTCUSDT": "half"}, "gave {'BTCUSDT': 'half'}"),
        (lambda strength, portfolio: [], "gave 0 values"),
        (lambda strength, portfolio: math.inf, "gave inf"),
    ],
)
def test_an_allocation_that_says_nothing_is_told(allocation: Any, said: str) -> None:
    study, data = study_on(walk(8, rows=30))
    pulse = study.add_indicator(np.sign, data["close"], look_back=1)

    def added_and_run() -> None:
        study.add_strat(pulse, allocation)
        study.run()

    with pytest.raises(ParameterError, match=said):
        added_and_run()


def test_a_function_that_peeks_is_refused_on_the_first_run() -> None:
    study, data = study_on(walk(9))
    up = study.add_indicator(slope, study.add_indicator(peek, data["close"]), window=2)
    study.add_strat(study.add_indicator(np.sign, up, look_back=1), Units(1.0))
    with pytest.raises(LookAheadError, match="peek"):
        study.run()
    with pytest.raises(LookAheadError):
        study.check()


def test_reads_and_sizers_of_ones_own() -> None:
    frame = walk(10)
    study, data = study_on(frame, rules=CLOSE)
    strength = study.add_indicator(low_is_long, study.add_indicator(RSI(14), data["close"]), look_back=1)
    mean = study.add_indicator(SMA(30), data["close"])

    def allocation(strength: float, portfolio: Portfolio) -> float:
        assert portfolio.price == portfolio.prices["BTCUSDT"]
        assert portfolio.equity == pytest.approx(portfolio.cash + portfolio.position * portfolio.price)
        with pytest.raises(ParameterError, match="did you mean 'mean'"):
            portfolio["maen"]
        return strength * portfolio["mean"]

    study.add_strat(strength, allocation, reads={"mean": mean})
    result = study.run()
    at = ~np.isnan(result.observed["mean"])
    value = result.observed["pulse"] * result.observed["mean"]
    np.testing.assert_allclose((result.positions[:, 0] * result.marks[:, 0])[at], value[at], rtol=1e-9)
    assert not result.positions[: np.argmax(at)].any()  # before the mean is known nothing can be said


def test_a_size_of_average_ranges() -> None:
    study, data = study_on(walk(11), rules=CLOSE)
    strength = study.add_indicator(low_is_long, study.add_indicator(RSI(14), data["close"]), look_back=1)
    study.add_strat(strength, AtrRisk(share=0.01, ranges=2.0, window=20, max_leverage=50.0))
    result = study.run()
    atr, pulse = result.observed["atr"], result.observed["pulse"]
    known = ~np.isnan(atr)
    units = pulse * 0.01 * result.equity / (2.0 * atr)
    np.testing.assert_allclose(result.positions[known, 0], units[known], rtol=1e-9)


def test_analyzers_and_observers() -> None:
    study, data = study_on(walk(12))
    rsi = study.add_indicator(RSI(14), data["close"])
    study.add_strat(study.add_indicator(low_is_long, rsi, look_back=1), half_of_equity)

    class Most:
        def analyse(self, result: StudyResult) -> float:
            return float(np.abs(result.positions).max())

    study.add_analyzer(Most)
    study.add_analyzer(lambda result: len(result.fills), "fills")
    study.add_observer("rsi", rsi)
    study.add_observer("hour", data.every("4h")["close"])
    result = study.run()
    assert result.analyzers == {"Most": np.abs(result.positions).max(), "fills": len(result.fills)}
    np.testing.assert_array_equal(result.observed["rsi"], RSI(14).run(result.marks[:, 0])[0].rsi)
    assert np.isnan(result.observed["hour"][:3]).all()
    with pytest.raises(ParameterError, match="no analyser"):
        study.add_analyzer(3)
    study.add_observer("rsi", rsi)
    with pytest.raises(ParameterError, match="something else is observed as 'rsi'"):
        study.add_observer("rsi", data["close"])
    study.add_observer("pulse", rsi)
    with pytest.raises(ParameterError, match="records its own 'pulse'"):
        study.run()


def tick_study(market: Any) -> Study:
    """Two instruments and longer bars in ticks."""
    rules = BrokerRules(fees=Fees(4.0), half_spread_bps=0.5, latency=FixedLatency(120_000_000), max_share=0.4)
    study = Study(rules)
    data = study.add_data(market, symbols=("ETH", "BTC"), every="1s")
    slow = study.add_indicator(SMA(4), data.every("5s")["ETH"]["close"])
    rsi = study.add_indicator(RSI(5), data["ETH"]["close"])

    def strength(close: Floats, slow: Floats, rsi: Floats, btc: Floats) -> Floats:
        return np.clip((close / slow - 1.0) * 1_000.0 + (rsi - 50.0) / 100.0 + btc * 0.0, -1.0, 1.0)

    pulse = study.add_indicator(strength, data["ETH"]["close"], slow, rsi, data["BTC"]["close"], look_back=1)
    study.add_strat(pulse, lambda s, p: s * 0.3 * p.equity, trade=data["ETH"])
    return study


@given(seed=st.integers(0, 99), cuts=st.lists(st.integers(0, 1_200), max_size=12))
@settings(max_examples=6, deadline=None)
def test_a_run_equals_a_tape_that_grows(seed: int, cuts: list[int]) -> None:
    ticks, begin_ns = tape(seed), START + 40 * SECOND
    live = tick_study(
        TickMarket(columns(ticks[:5] + [next(t for t in ticks if t.symbol == s) for s in ("ETH", "BTC")]))
    )
    run = live.paper()
    assert run.symbols == ("ETH", "BTC")
    run.warm_up(columns([tick for tick in ticks if tick.time_ns < begin_ns]), begin_ns)
    play(run, split([tick for tick in ticks if tick.time_ns >= begin_ns], cuts))
    seen = [tick for tick in ticks if tick.time_ns < run.until_ns]
    history = tick_study(TickMarket(columns(seen), run.until_ns)).run(begin_ns=begin_ns)
    assert history.fills
    assert run.simulation.account.fills == [fill for fill in history.fills if fill.time_ns <= run.until_ns]


def test_a_strategy_pickles_and_gives_the_same() -> None:
    study, data = study_on(walk(13))
    rsi = study.add_indicator(RSI(14), data["close"])
    strategy = study.add_strat(study.add_indicator(low_is_long, rsi, look_back=1), half_of_equity)
    again = pickle.loads(pickle.dumps(strategy))
    assert again == strategy
    np.testing.assert_array_equal(backtest(study.market, again, study.rules).equity, study.run().equity)


def test_what_is_missing_is_said() -> None:
    study = Study()
    with pytest.raises(ParameterError, match="no strategy"):
        study.run()
    data = study.add_data(walk(14), symbol="A")
    with pytest.raises(ParameterError, match="was added before"):
        study.add_data(walk(14), symbol="A")
    pulse = study.add_indicator(np.sign, data["close"], look_back=1)
    study.add_strat(pulse, Units(1.0), name="one")
    with pytest.raises(ParameterError, match="another name"):
        study.add_strat(pulse, Units(1.0), name="one")
    with pytest.raises(ParameterError, match="has no 'B'"):
        study.add_strat(pulse, Units(1.0), trade="B")
    study.add_strat(pulse, Units(1.0), name="two")
    with pytest.raises(ParameterError, match="say which"):
        study.paper()
    with pytest.raises(ParameterError, match="did you mean 'one'"):
        study.paper("onne")


def test_a_result_draws_and_reports_itself(tmp_path: Path) -> None:
    study, data = study_on(walk(15))
    study.add_strat(
        study.add_indicator(low_is_long, study.add_indicator(RSI(14), data["close"]), look_back=1), Units(1.0)
    )
    result = study.run()
    assert result.plot().data
    result.report(tmp_path / "report.html")
    assert "strategy" in (tmp_path / "report.html").read_text(encoding="utf-8")
