"""Phillips-Perron against figures computed with arch 8.0 on log crude oil prices."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.mackinnon import Trend, critical_values
from alphastream.estimators.tests.phillips_perron import phillips_perron

DATA = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize(
    ("symbol", "trend", "statistic", "pvalue"),
    [
        ("WTI", "n", 0.40326192278560435, 0.8017159578774747),
        ("WTI", "c", -1.41624254708585, 0.57446494365427),
        ("WTI", "ct", -2.2773311595770913, 0.44652689155743486),
        ("Brent", "n", 0.43531481538682953, 0.8096024180657833),
        ("Brent", "c", -1.3314640397143502, 0.6146574045088403),
        ("Brent", "ct", -2.3424817645228444, 0.4106096351960375),
    ],
)
def test_equals_arch(symbol: str, trend: Trend, statistic: float, pvalue: float) -> None:
    result = phillips_perron(np.log(pd.read_csv(DATA / "crude.csv", index_col="Date")[symbol]), trend)
    assert result.statistic == pytest.approx(statistic, abs=1e-10)
    assert result.pvalue == pytest.approx(pvalue, abs=1e-10)
    assert (result.lags, result.n_obs) == (17, 392)
    assert result.critical_values == critical_values(trend, 1, 392)


def test_without_lags_it_is_the_dickey_fuller_ratio_up_to_degrees_of_freedom() -> None:
    series = np.cumsum(np.random.default_rng(0).normal(size=200))
    columns = np.column_stack([series[:-1], np.ones(199)])
    change = np.diff(series)
    slope = np.linalg.lstsq(columns, change)[0]
    residual = change - columns @ slope
    standard_error = np.sqrt(residual @ residual / 199 * np.linalg.inv(columns.T @ columns)[0, 0])
    expected = slope[0] / standard_error * np.sqrt(197 / 199)
    assert phillips_perron(series, lags=0).statistic == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_of_prices_does_not_matter(scale: float) -> None:
    series = 100.0 + np.cumsum(np.random.default_rng(1).normal(size=200))
    assert phillips_perron(scale * series).statistic == pytest.approx(phillips_perron(series).statistic, rel=1e-10)


def test_what_cannot_be_tested_is_refused_in_words() -> None:
    with pytest.raises(NotEnoughObservations, match="needs 30 observations, has 10"):
        phillips_perron(np.arange(10.0))
    with pytest.raises(NotEnoughObservations, match="needs 62 observations, has 50"):
        phillips_perron(np.random.default_rng(2).normal(size=50), lags=60)
    with pytest.raises(ParameterError, match="constant"):
        phillips_perron(np.ones(100))
    with pytest.raises(ParameterError, match="without error"):
        phillips_perron(1e5 + np.arange(100.0))
    with pytest.raises(ParameterError, match="row 1 of series is inf"):
        phillips_perron([1.0, float("inf")] * 20)
