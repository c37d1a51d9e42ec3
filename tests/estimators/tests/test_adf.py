"""ADF against statsmodels, published figures, and prices that break careless arithmetic."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.datasets import macrodata
from statsmodels.tsa.stattools import adfuller

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.adf import adf
from alphastream.estimators.tests.mackinnon import Trend
from alphastream.estimators.tests.observations import AutoLag

DATA = Path(__file__).parents[2] / "data"
KINDS: dict[str, Callable[[Floats], Floats]] = {
    "walk": np.cumsum,
    "noise": np.asarray,
    "price": lambda noise: 100.0 + 0.1 * np.cumsum(noise),
    "reverting": lambda noise: np.convolve(noise, 0.9 ** np.arange(60))[: noise.size],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trend", ["n", "c", "ct"])
@pytest.mark.parametrize("autolag", ["aic", "bic", None])
@pytest.mark.parametrize("max_lags", [None, 0, 3])
def test_equals_statsmodels(kind: str, trend: Trend, autolag: AutoLag, max_lags: int | None) -> None:
    for size in (50, 120, 333, 1000):
        series = KINDS[kind](np.random.default_rng(size).normal(size=size))
        ours = adf(series, trend, max_lags, autolag)
        theirs = adfuller(series, maxlag=max_lags, regression=trend, autolag=autolag, result_object=True)
        assert (ours.lags, ours.n_obs) == (theirs.lags, theirs.nobs)
        assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-10)
        assert ours.pvalue == pytest.approx(theirs.pvalue, abs=1e-10)
        assert ours.critical_values == pytest.approx(theirs.critical_values, rel=1e-13)


def test_collinear_lags_of_a_smooth_series_equal_statsmodels() -> None:
    rng = np.random.default_rng(1)
    smooth = np.sin(np.arange(300) / 20.0) + 1e-5 * rng.normal(size=300)
    for series in (smooth, np.cumsum(np.cumsum(rng.normal(size=300)))):
        theirs = adfuller(series, result_object=True)
        assert adf(series).statistic == pytest.approx(theirs.statistic, rel=1e-9)
        assert adf(series).lags == theirs.lags


def test_stata_figures_of_macrodata() -> None:
    data = macrodata.load_pandas().data
    assert adf(data.realgdp, "c", max_lags=4, autolag=None).statistic == pytest.approx(0.97505, abs=5e-6)
    assert adf(data.realgdp, "ct", max_lags=4, autolag=None).statistic == pytest.approx(-1.85664, abs=5e-6)
    assert adf(data.infl, "c", max_lags=1, autolag=None).statistic == pytest.approx(-4.33470, abs=5e-6)


def test_figures_of_log_crude_oil_on_the_page_of_arch() -> None:
    price = pd.read_csv(DATA / "crude.csv", index_col="Date")
    wti, brent = adf(np.log(price["WTI"])), adf(np.log(price["Brent"]))
    assert (round(wti.statistic, 3), round(wti.pvalue, 3), wti.lags) == (-1.780, 0.391, 1)
    assert (round(brent.statistic, 3), round(brent.pvalue, 3)) == (-1.655, 0.454)


@pytest.mark.parametrize("trend", ["n", "c", "ct"])
@pytest.mark.parametrize("scale", [1e-8, 1e8, -3.0])
def test_scale_of_prices_does_not_matter(trend: Trend, scale: float) -> None:
    series = 100.0 + np.cumsum(np.random.default_rng(2).normal(size=300))
    assert adf(scale * series, trend).statistic == pytest.approx(adf(series, trend).statistic, rel=1e-11)


@pytest.mark.parametrize("trend", ["c", "ct"])
def test_level_of_prices_does_not_matter_beside_a_constant(trend: Trend) -> None:
    changes = np.random.default_rng(3).integers(-8, 9, size=300) / 1024.0  # exact beside 2**17: no rounding to excuse
    series = np.cumsum(changes)
    assert adf(2.0**17 + series, trend).statistic == pytest.approx(adf(series, trend).statistic, rel=1e-9)


def test_one_bad_tick_does_not_break_the_arithmetic() -> None:
    series = np.cumsum(np.random.default_rng(4).normal(size=300))
    for row in (0, 5, 150, 299):
        glitch = series.copy()
        glitch[row] += 1e9
        assert adf(glitch).statistic == pytest.approx(adfuller(glitch, result_object=True).statistic, rel=1e-9)


def test_inputs_of_any_kind_are_left_as_they_were() -> None:
    noise = np.random.default_rng(5).normal(size=100)
    expected = adf(noise)
    frozen = noise.copy()
    frozen.flags.writeable = False
    strided = np.repeat(noise, 2)[::2]
    for same in (frozen, strided, pd.Series(noise), noise.tolist()):
        assert adf(same) == expected
    np.testing.assert_array_equal(frozen, noise)


def test_too_few_rows_are_counted() -> None:
    with pytest.raises(NotEnoughObservations, match="needs 30 observations, has 12") as raised:
        adf(np.random.default_rng(6).normal(size=12))
    assert (raised.value.needed, raised.value.have) == (30, 12)
    with pytest.raises(NotEnoughObservations, match="needs 44 observations, has 40"):
        adf(np.random.default_rng(6).normal(size=40), "c", max_lags=20)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_row_is_named(bad: float) -> None:
    series = np.random.default_rng(7).normal(size=100)
    series[[17, 40]] = bad
    with pytest.raises(ParameterError, match=r"row 17 of series is -?(nan|inf) \(2 of 100 rows"):
        adf(series)


@pytest.mark.parametrize(
    ("series", "words"),
    [
        (np.full(100, 3.5), r"constant \(3.5 in all 100 rows\)"),
        (1e5 + 0.1 * np.arange(100.0), "straight line"),
        (np.tile([0.0, 1.0], 50), "without error"),
        (np.ones((50, 2)), r"shape \(50, 2\)"),
    ],
)
def test_what_cannot_be_tested_is_refused_in_words(series: Floats, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        adf(series)


def test_unknown_choices_are_refused() -> None:
    series = np.random.default_rng(8).normal(size=100)
    with pytest.raises(ParameterError, match="trend is 'ctt'"):
        adf(series, "ctt")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="autolag is 't-stat'"):
        adf(series, autolag="t-stat")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="max_lags"):
        adf(series, max_lags=-1)
