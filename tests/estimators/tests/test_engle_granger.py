"""Engle-Granger against statsmodels, published figures, and the walks that must not look like pairs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.datasets import macrodata
from statsmodels.regression.linear_model import OLS
from statsmodels.tsa.stattools import adfuller, coint

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.adf import adf
from alphastream.estimators.tests.engle_granger import (
    EngleGrangerResult,
    RatioOrigin,
    engle_granger,
    engle_granger_both,
    residual_test,
    warm_up,
)
from alphastream.estimators.tests.mackinnon import Trend, critical_values
from alphastream.estimators.tests.observations import AutoLag

DATA = Path(__file__).parents[2] / "data"


def walks(seed: int, size: int = 300) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(size=size)), np.cumsum(rng.normal(size=size))


def pair(seed: int, size: int = 300) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(size=size))
    return 3.0 + 1.5 * x + rng.normal(size=size), x


@pytest.mark.parametrize("trend", ["n", "c", "ct"])
@pytest.mark.parametrize("autolag", ["aic", "bic", None])
@pytest.mark.parametrize("max_lags", [None, 0, 3])
def test_equals_statsmodels(trend: Trend, autolag: AutoLag, max_lags: int | None) -> None:
    for size in (50, 120, 333, 1000):
        for y, x in (walks(size, size), pair(size, size)):
            ours = engle_granger(y, x, trend, max_lags, autolag)
            theirs = coint(y, x, trend=trend, maxlag=max_lags, autolag=autolag)
            assert ours.statistic == pytest.approx(theirs.coint_t, abs=1e-10)
            assert ours.pvalue == pytest.approx(theirs.pvalue, abs=1e-10)
            if trend != "n":  # statsmodels has none there
                np.testing.assert_allclose(list(ours.critical_values.values()), theirs.critical_values, rtol=1e-13)


@pytest.mark.parametrize("trend", ["n", "c", "ct"])
def test_first_step_is_least_squares(trend: Trend) -> None:
    y, x = pair(1)
    columns = [x, np.ones(x.size), np.arange(x.size)][: len(trend) + 1 if trend != "n" else 1]
    expected = np.linalg.lstsq(np.column_stack(columns), y)[0]
    ours = engle_granger(y, x, trend)
    fitted = [ours.hedge_ratio, ours.intercept, ours.trend_slope]
    np.testing.assert_allclose(fitted[: expected.size], expected, rtol=1e-10)
    assert fitted[expected.size :] == [0.0] * (3 - expected.size)


def test_stata_figure_of_macrodata() -> None:
    data = macrodata.load_pandas().data
    result = engle_granger(data.realcons, data.realgdp, "c", max_lags=0, autolag=None)
    assert result.statistic == pytest.approx(-1.830170986148, abs=1e-9)
    assert (result.lags, result.n_obs) == (0, len(data) - 1)


@pytest.mark.parametrize(("trend", "statistic"), [("n", -3.4676), ("c", -5.5396), ("ct", -5.8366)])
def test_figures_of_log_crude_oil_from_arch(trend: Trend, statistic: float) -> None:
    price = pd.read_csv(DATA / "crude.csv", index_col="Date")
    result = engle_granger(np.log(price["WTI"]), np.log(price["Brent"]), trend, autolag="bic")
    assert round(result.statistic, 4) == statistic


def test_four_hundred_pairs_of_independent_walks_are_rejected_as_often_as_promised() -> None:
    rejected = [
        engle_granger(*np.cumsum(np.random.default_rng(seed).normal(size=(2, 1000)), axis=1)).pvalue < 0.05
        for seed in range(400)
    ]
    assert np.mean(rejected) == pytest.approx(0.05, abs=0.025)


def test_both_directions_are_the_two_single_tests() -> None:
    y, x = pair(2)
    both = engle_granger_both(y, x, "ct", 4, "bic")
    assert both.y_on_x == engle_granger(y, x, "ct", 4, "bic")
    assert both.x_on_y == engle_granger(x, y, "ct", 4, "bic")
    assert both.y_on_x.statistic != both.x_on_y.statistic


@pytest.mark.parametrize("trend", ["n", "c", "ct"])
def test_scale_of_prices_does_not_matter(trend: Trend) -> None:
    y, x = pair(3)
    plain = engle_granger(1000.0 + y, 500.0 + x, trend)
    for a, b in ((1e-8, 1e8), (1e8, 1e-8), (1e-8, 1e-8)):
        scaled = engle_granger(a * (1000.0 + y), b * (500.0 + x), trend)
        assert scaled.statistic == pytest.approx(plain.statistic, rel=1e-9)
        assert scaled.hedge_ratio == pytest.approx(plain.hedge_ratio * a / b, rel=1e-9)


def test_prices_of_1e5_that_move_by_cents() -> None:
    y, x = (np.round(series * 1024.0) / 2.0**20 for series in pair(4))  # multiples of 2⁻²⁰: exact beside 2¹⁷
    assert engle_granger(2.0**17 + y, 2.0**17 + x).statistic == pytest.approx(engle_granger(y, x).statistic, rel=1e-8)


def test_spot_against_perpetual_is_tested_where_statsmodels_gives_up() -> None:
    rng = np.random.default_rng(5)
    spot = 6e4 + 30.0 * np.cumsum(rng.normal(size=1000))
    perpetual = spot + rng.normal(size=1000)  # R² above 1 − 1.5e-6: coint says −inf, p = 0
    residual = OLS(perpetual, np.column_stack([spot - spot.mean(), np.ones(1000)])).fit().resid
    theirs = adfuller(residual, regression="n", result_object=True)
    ours = engle_granger(perpetual, spot)
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9)
    assert ours.lags == theirs.lags


@pytest.mark.parametrize("trend", ["n", "c", "ct"])
@pytest.mark.parametrize("level", [0.0, 1e5])
def test_perfect_collinearity_is_refused_in_words(trend: Trend, level: float) -> None:
    x = level + np.cumsum(np.random.default_rng(6).normal(size=200))
    offset = 0.0 if trend == "n" else 7.0
    for y in (x.copy(), offset + 2.5 * x, offset - 1e-6 * x):
        with pytest.raises(ParameterError, match="perfectly collinear"):
            engle_granger(y, x, trend)


def test_a_leg_that_is_only_trend_is_refused_in_words() -> None:
    walk, _ = walks(7, 100)
    with pytest.raises(ParameterError, match="x is a straight line"):
        engle_granger(walk, 5.0 + 0.1 * np.arange(100), "ct")
    with pytest.raises(ParameterError, match="x is constant"):
        engle_granger(walk, np.full(100, 5.0))
    with pytest.raises(ParameterError, match="y is constant"):
        engle_granger(np.full(100, 5.0), walk)


def test_a_bad_row_is_named_and_never_called_perfect() -> None:
    y, x = walks(8)
    y[123] = np.nan
    with pytest.raises(ParameterError, match="row 123 of y is nan"):
        engle_granger(y, x)
    with pytest.raises(ParameterError, match="row 123 of x is nan"):
        engle_granger(x, y)


def test_rows_are_counted_and_aligned() -> None:
    y, x = walks(9, 40)
    with pytest.raises(NotEnoughObservations, match="needs 30 observations, has 12"):
        engle_granger(y[:12], x[:12])
    with pytest.raises(NotEnoughObservations, match="needs 62 observations, has 40"):
        engle_granger(y, x, max_lags=30)
    with pytest.raises(ParameterError, match="y has 40 rows and x has 39"):
        engle_granger(y, x[1:])


def test_a_residual_is_judged_by_where_its_ratio_came_from() -> None:
    y, x = walks(10)
    whole: EngleGrangerResult = engle_granger(y, x)
    residual = y - whole.intercept - whole.hedge_ratio * x
    estimated = residual_test(residual, "estimated")
    assert estimated.statistic == pytest.approx(whole.statistic, rel=1e-10)
    assert estimated.pvalue == pytest.approx(whole.pvalue, rel=1e-9)
    assert estimated.critical_values == whole.critical_values == critical_values("c", 2, 299)
    assert residual_test(residual, "fixed") == adf(residual)
    assert residual_test(residual, "fixed").pvalue < estimated.pvalue


def test_no_pvalue_for_a_time_varying_ratio() -> None:
    with pytest.raises(ParameterError, match=r"time-varying hedge ratio .* engle_granger\(y, x\) on the same window"):
        residual_test(walks(11)[0], "time-varying")
    unknown: RatioOrigin = "rolling"  # type: ignore[assignment]
    with pytest.raises(ParameterError, match="ratio is 'rolling'"):
        residual_test(walks(11)[0], unknown)


def test_no_heavy_library_is_imported() -> None:
    warm_up()
    program = (
        "import sys, alphastream.estimators.tests.engle_granger, alphastream.estimators.tests.johansen, "
        "alphastream.estimators.tests.half_life\n"
        "print([name for name in ('statsmodels', 'sklearn', 'pandas', 'scipy.signal') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=DATA.parents[1]
    )
    assert run.stdout.strip() == "[]"
