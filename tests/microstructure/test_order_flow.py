"""Signed flow, VPIN and Kyle's lambda against pandas, numpy and statsmodels."""

import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.core.types import Floats
from alphastream.core.units import SECOND
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators import run_many
from alphastream.microstructure import VPIN, CumulativeDelta, FlowImbalance, KyleLambda, kyle_lambda
from alphastream.windows import TimeWindow, Trades, WindowRows
from tests.windows.tapes import recorded


def seconds(symbol: str) -> tuple[WindowRows, pd.DataFrame]:
    """Windows of a second, and the same made by pandas."""
    ticks = recorded(symbol)
    rows, state = TimeWindow(SECOND).run(Trades.of(ticks))
    rows = rows.followed_by(TimeWindow(SECOND).forming(state))
    frame = pd.DataFrame({"time": ticks.time_ns // SECOND, "price": ticks.price, "sold": ticks.buyer_is_maker})
    frame["buy"] = np.where(frame["sold"], 0.0, ticks.quantity)
    frame["sell"] = np.where(frame["sold"], ticks.quantity, 0.0)
    order = np.argsort(ticks.time_ns, kind="stable")
    return rows, frame.iloc[order].groupby("time").agg(
        price=("price", "last"), buy=("buy", "sum"), sell=("sell", "sum")
    )


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_signed_flow_and_cvd_are_those_of_pandas(symbol: str) -> None:
    rows, frame = seconds(symbol)
    found, _ = CumulativeDelta().run(rows.buy_volume, rows.sell_volume)
    np.testing.assert_allclose(found.signed_volume, frame["buy"] - frame["sell"], atol=1e-9)
    np.testing.assert_allclose(found.cvd, (frame["buy"] - frame["sell"]).cumsum(), atol=1e-9)


@pytest.mark.parametrize("window", [2, 30, 100])
def test_flow_imbalance_is_that_of_pandas(window: int) -> None:
    rows, frame = seconds("ETHUSDT")
    found, _ = FlowImbalance(window).run(rows.buy_volume, rows.sell_volume)
    bought, sold = (frame[side].rolling(window).sum() for side in ("buy", "sell"))
    np.testing.assert_allclose(found.imbalance, (bought - sold) / (bought + sold), atol=1e-9)


def test_flow_of_one_side_is_one_and_without_volume_undefined() -> None:
    found, _ = FlowImbalance(window=2).run([1.0, 2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 5.0])
    np.testing.assert_array_equal(found.imbalance, [np.nan, 1.0, 1.0, np.nan, -1.0])


def sides(symbol: str) -> tuple[Floats, Floats]:
    """Bought and sold volume of single trades."""
    trades = Trades.of(recorded(symbol))
    return np.where(trades.buyer_is_maker, 0.0, trades.quantity), np.where(trades.buyer_is_maker, trades.quantity, 0.0)


@pytest.mark.parametrize(("bucket", "buckets"), [(50.0, 10), (7.3, 50), (400.0, 3)])
def test_vpin_is_that_of_buckets_cut_from_running_totals(bucket: float, buckets: int) -> None:
    bought, sold = sides("ETHUSDT")
    found, _ = VPIN(bucket, buckets).run(bought, sold)
    total = np.r_[0.0, np.cumsum(bought + sold)]
    full = int(total[-1] // bucket)
    of_buckets = np.diff(np.interp(np.arange(full + 1) * bucket, total, np.r_[0.0, np.cumsum(bought)]))
    imbalance = pd.Series(np.abs(2.0 * of_buckets - bucket) / bucket).rolling(buckets).mean().to_numpy()
    filled = np.floor(total[1:] / bucket + 1e-9).astype(int)
    expected = np.r_[np.nan, imbalance][filled]
    assert np.isfinite(expected).sum() > 1_000
    np.testing.assert_allclose(found.vpin, expected, atol=1e-9)


def test_a_row_larger_than_all_buckets_fills_them_with_its_own_share() -> None:
    found, state = VPIN(bucket=1.0, buckets=4).run([1.0, 30_000.25], [0.0, 10_000.0])
    assert found.vpin[-1] == pytest.approx(2.0 * 30_000.25 / 40_000.25 - 1.0, abs=1e-9)
    assert VPIN(bucket=1.0, buckets=4).progress(state) == (4, 4)


def test_vpin_of_one_side_is_one_and_of_one_trade_undefined() -> None:
    assert np.isnan(VPIN(bucket=5.0, buckets=2).run([1.0], [0.0])[0].vpin).all()
    assert VPIN(bucket=1.0, buckets=2).run([1.0] * 4, [0.0] * 4)[0].vpin[-1] == 1.0


@settings(max_examples=50, deadline=None)
@given(cuts=st.lists(st.integers(0, 200), max_size=8).map(sorted), seed=st.integers(0, 1_000))
def test_every_split_gives_vpin_the_bits_of_one_run(cuts: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    bought, sold = (np.where(rng.random(200) < 0.05, np.nan, rng.exponential(size=200)) for _ in range(2))
    estimator = VPIN(bucket=3.3, buckets=7)
    expected, end = estimator.run(bought, sold)
    state, parts = None, []
    for begin, until in pairwise([0, *cuts, 200]):
        rows, state = estimator.run(bought[begin:until], sold[begin:until], state)
        state = pickle.loads(pickle.dumps(state))
        parts.append(rows.vpin)
    assert np.concatenate(parts).tobytes() == expected.vpin.tobytes()
    assert state is not None
    assert state.values.tobytes() == end.values.tobytes()
    many, _ = run_many(estimator, *(np.column_stack([side, side]) for side in (bought, sold)))
    assert many.vpin[:, 1].tobytes() == expected.vpin.tobytes()


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_lambda_and_its_error_are_those_of_statsmodels(symbol: str) -> None:
    rows, _ = seconds(symbol)
    result = kyle_lambda(rows.close, rows.signed_volume)
    fit = sm.OLS(np.diff(rows.close), sm.add_constant(rows.signed_volume[1:])).fit(
        cov_type="HAC", cov_kwds={"maxlags": result.lags, "use_correction": False}
    )
    assert result.price_impact == pytest.approx(fit.params[1], rel=1e-9)
    assert result.standard_error == pytest.approx(fit.bse[1], rel=1e-9)
    assert result.price_impact > 2.0 * result.standard_error  # takers do move the price


def test_a_sliding_lambda_is_that_of_each_window() -> None:
    rows, _ = seconds("ETHUSDT")
    found, _ = KyleLambda(window=80).run(rows.close, rows.signed_volume)
    assert np.isnan(found.price_impact[:80]).all()
    for row in range(80, len(rows), 40):
        part = slice(row - 80, row + 1)
        result = kyle_lambda(rows.close[part], rows.signed_volume[part])
        assert found.price_impact[row] == pytest.approx(result.price_impact, rel=1e-12)
        assert found.standard_error[row] == pytest.approx(result.standard_error, rel=1e-12)


def test_the_interval_of_lambda_holds_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        flow = rng.normal(size=301)
        low, high = kyle_lambda(np.cumsum(0.5 * flow + rng.normal(size=301)), flow).interval
        held += low <= 0.5 <= high
    assert 0.91 <= held / 400 <= 0.98


@pytest.mark.parametrize(
    ("price", "flow", "error", "words"),
    [
        (np.ones(60), np.ones(60), NotEnoughObservations, "needs 61 observations, has 60"),
        (np.ones(0), np.ones(0), NotEnoughObservations, "needs 61 observations, has 0"),
        (np.arange(90.0), np.ones(90), ParameterError, "the same signed volume"),
        (np.full(90, np.nan), np.ones(90), ParameterError, "finite"),
    ],
)
def test_lambda_is_refused_where_there_is_too_little(price: Any, flow: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        kyle_lambda(price, flow)


def test_lambda_of_flow_that_does_not_vary_is_undefined() -> None:
    rows, _ = KyleLambda(window=60).run(np.arange(90.0), np.full(90, 0.1))
    assert np.isnan(rows.price_impact).all()


@pytest.mark.parametrize(
    "call", [lambda: VPIN(bucket=0.0), lambda: VPIN(1.0, 0), lambda: KyleLambda(59), lambda: FlowImbalance(1)]
)
def test_parameters_that_cannot_be_are_refused(call: Any) -> None:
    with pytest.raises(ParameterError):
        call()
