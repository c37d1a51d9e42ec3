"""KPSS against statsmodels, R's figures, and prices that break careless arithmetic."""

import warnings

import numpy as np
import pytest
from statsmodels.datasets import macrodata
from statsmodels.tools.sm_exceptions import InterpolationWarning
from statsmodels.tsa.stattools import kpss as statsmodels_kpss

from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.kpss import kpss


@pytest.mark.parametrize("trend", ["c", "ct"])
@pytest.mark.parametrize("lags", [None, 0, 5])
@pytest.mark.parametrize("integrated", [False, True])
def test_equals_statsmodels(trend: str, lags: int | None, integrated: bool) -> None:
    for size in (50, 333, 1000):
        series = np.random.default_rng(size).normal(size=size)
        series = np.cumsum(series) if integrated else series
        ours = kpss(series, trend, lags)  # type: ignore[arg-type]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InterpolationWarning)
            theirs = statsmodels_kpss(series, trend, "auto" if lags is None else lags, result_object=True)
        assert ours.lags == theirs.lags
        assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-10)
        assert ours.pvalue == pytest.approx(theirs.pvalue, abs=1e-10)
        assert ours.critical_values == theirs.critical_values


def test_figures_of_r() -> None:
    gdp = macrodata.load_pandas().data.realgdp
    assert kpss(gdp, "c", lags=3).statistic == pytest.approx(5.0169, abs=5e-5)
    assert kpss(gdp, "ct", lags=3).statistic == pytest.approx(1.1828, abs=5e-5)


def test_pvalues_outside_the_table_say_so() -> None:
    noise = np.random.default_rng(0).normal(size=500)
    assert (kpss(noise).pvalue, kpss(noise).pvalue_bound) == (0.10, "at least")
    assert (kpss(np.cumsum(noise)).pvalue, kpss(np.cumsum(noise)).pvalue_bound) == (0.01, "at most")


@pytest.mark.parametrize("scale", [1e-8, 1e8, -1.0])
def test_scale_of_prices_does_not_matter(scale: float) -> None:
    series = 100.0 + np.cumsum(np.random.default_rng(1).normal(size=200))
    assert kpss(scale * series, "ct").statistic == pytest.approx(kpss(series, "ct").statistic, rel=1e-11)


def test_what_cannot_be_tested_is_refused_in_words() -> None:
    with pytest.raises(NotEnoughObservations, match="needs 30 observations, has 29"):
        kpss(np.arange(29.0))
    with pytest.raises(NotEnoughObservations, match="needs 41 observations, has 40"):
        kpss(np.random.default_rng(2).normal(size=40), lags=40)
    with pytest.raises(ParameterError, match="straight line"):
        kpss(1e5 + 0.3 * np.arange(100.0), "ct")
    with pytest.raises(ParameterError, match="constant"):
        kpss(np.ones(100))
    with pytest.raises(ParameterError, match="row 3 of series is nan"):
        kpss([1.0, 2.0, 3.0, float("nan")] * 10)
    with pytest.raises(ParameterError, match="trend is 'n'"):
        kpss(np.arange(100.0), "n")  # type: ignore[arg-type]
