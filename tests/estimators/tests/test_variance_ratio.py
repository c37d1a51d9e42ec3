"""Variance ratio against figures computed with arch 8.0 and against the definition."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.variance_ratio import variance_ratio

DATA = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize(
    ("symbol", "lag", "robust", "ratio", "statistic", "pvalue"),
    [
        ("WTI", 2, True, 1.2958689425833825, 3.749499662727538, 0.00017718773512243047),
        ("WTI", 2, False, 1.2958689425833825, 5.857906198009685, 4.6873926962121004e-09),
        ("WTI", 5, True, 1.5015601955435642, 3.1631683834956217, 0.0015606203752586475),
        ("WTI", 12, True, 1.2207347331793184, 0.8947385720466275, 0.37092685429325334),
        ("Brent", 5, False, 1.4214775641309743, 3.8088763689184413, 0.0001395997318376363),
        ("Brent", 12, True, 1.1628206318184937, 0.6823395226799407, 0.4950242873801589),
    ],
)
def test_equals_arch(symbol: str, lag: int, robust: bool, ratio: float, statistic: float, pvalue: float) -> None:
    result = variance_ratio(np.log(pd.read_csv(DATA / "crude.csv", index_col="Date")[symbol]), lag, robust)
    assert result.ratio == pytest.approx(ratio, rel=1e-11)
    assert result.statistic == pytest.approx(statistic, rel=1e-11)
    assert result.pvalue == pytest.approx(pvalue, abs=1e-11)
    assert (result.n_obs, result.lag, result.robust) == (392, lag, robust)


def test_ratio_and_robust_statistic_are_the_published_formulas() -> None:
    series, q = np.cumsum(np.random.default_rng(0).normal(size=150)), 4
    n = series.size - 1
    drift = (series[-1] - series[0]) / n
    one = sum((series[t] - series[t - 1] - drift) ** 2 for t in range(1, n + 1)) / (n - 1)
    m = q * (n - q + 1) * (1 - q / n)
    many = sum((series[t] - series[t - q] - q * drift) ** 2 for t in range(q, n + 1)) / m
    squares = [(series[t] - series[t - 1] - drift) ** 2 for t in range(1, n + 1)]
    deltas = [n * sum(squares[t] * squares[t - k] for t in range(k, n)) / sum(squares) ** 2 for k in range(1, q)]
    theta = 4 * sum((1 - k / q) ** 2 * delta for k, delta in zip(range(1, q), deltas, strict=True))
    result = variance_ratio(series, q)
    assert result.ratio == pytest.approx(many / one, rel=1e-12)
    assert result.statistic == pytest.approx(np.sqrt(n) * (many / one - 1) / np.sqrt(theta), rel=1e-10)


@pytest.mark.parametrize("robust", [True, False])
def test_walks_are_rejected_as_often_as_promised(robust: bool) -> None:
    walks = np.cumsum(np.random.default_rng(1).normal(size=(400, 500)), axis=1)
    assert np.mean([variance_ratio(walk, 4, robust).pvalue < 0.05 for walk in walks]) == pytest.approx(0.05, abs=0.025)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_of_prices_does_not_matter(scale: float) -> None:
    series = 100.0 + np.cumsum(np.random.default_rng(2).normal(size=200))
    assert variance_ratio(scale * series).statistic == pytest.approx(variance_ratio(series).statistic, rel=1e-9)


def test_what_cannot_be_tested_is_refused_in_words() -> None:
    with pytest.raises(NotEnoughObservations, match="needs 30 observations, has 10"):
        variance_ratio(np.arange(10.0))
    with pytest.raises(NotEnoughObservations, match="needs 80 observations, has 50"):
        variance_ratio(np.random.default_rng(3).normal(size=50), lag=40)
    with pytest.raises(ParameterError, match="lag is 1"):
        variance_ratio(np.arange(100.0), lag=1)
    with pytest.raises(ParameterError, match="straight line"):
        variance_ratio(1e5 + 0.1 * np.arange(100.0))
    with pytest.raises(ParameterError, match="constant"):
        variance_ratio(np.ones(100))
    with pytest.raises(ParameterError, match="row 0 of series is nan"):
        variance_ratio([float("nan"), 1.0] * 20)
