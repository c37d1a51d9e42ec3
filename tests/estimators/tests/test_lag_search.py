"""The moments of a residual, which the kernels add up in a roundabout way, against plain matrix products."""

import math

import numpy as np
import pytest

from alphastream.estimators.tests.lag_search import bounce_lags, factorise, fill_gram, lasting_share
from tests.scan.panels import walks


@pytest.mark.parametrize("max_lags", [0, 1, 2, 3, 4, 7, 22])
@pytest.mark.parametrize("row", [None, 0, 6, 7, 22, 70, 130, 138, 139])
def test_gram_equals_matrix_product(max_lags: int, row: int | None) -> None:
    level = walks(3, 140, 1)[:, 0].copy()
    if row is not None:
        level[row] = 1e9  # must not cost digits of the columns it is not in
    change = np.diff(level)
    gram = np.zeros((max_lags + 2, max_lags + 2))
    fill_gram(level, change, max_lags, np.empty(max_lags + 1), gram)
    lagged = [change[max_lags - lag : change.size - lag] for lag in range(max_lags + 1)]
    columns = np.array([*lagged, level[max_lags:-1]])
    norms = np.linalg.norm(columns, axis=1)
    expected = np.triu(columns @ columns.T)
    assert (np.abs(np.triu(gram) - expected) / np.outer(norms, norms)).max() < 1e-14


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8, 9, 24])
def test_factor_equals_cholesky(width: int) -> None:
    columns = np.random.default_rng(width).normal(size=(width, 60))
    normal = columns @ columns.T
    factor = normal.copy()
    assert factorise(factor, width)
    np.testing.assert_allclose(np.triu(factor), np.linalg.cholesky(normal).T, atol=1e-12)


def test_collinear_columns_are_left_to_the_orthogonal_route() -> None:
    columns = np.random.default_rng(1).normal(size=(6, 60))
    columns[5] = columns[1] + columns[2] + 1e-5 * columns[5]
    assert not factorise(columns @ columns.T, 6)


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0, 3.0])
def test_what_lasts_of_a_walk_seen_with_noise(noise: float) -> None:
    rng = np.random.default_rng(3)
    residual = np.cumsum(rng.normal(size=200_000)) + noise * rng.normal(size=200_000)
    change = np.diff(residual)
    lasts = 1.0 / (1.0 + 2.0 * noise**2)
    reverses = -(noise**2) * lasts < -0.2
    assert lasting_share(residual, change) == pytest.approx(lasts if reverses else 1.0, abs=0.01)
    longer = np.mean((residual[10:] - residual[:-10]) ** 2) / np.mean(change**2)
    assert not reverses or lasting_share(residual, change) == pytest.approx((longer - 1.0) / 9.0)


def test_lags_are_those_in_which_a_moving_average_fades_to_a_tenth() -> None:
    assert bounce_lags(1.0, 18) == 0
    assert bounce_lags(0.0, 18) == 18
    for theta in (0.05, 0.3, 0.6, 0.8):
        lags = bounce_lags((1.0 - theta) ** 2 / (1.0 + theta**2), 18)
        assert theta**lags <= 0.1 < theta ** (lags - 1)
    assert bounce_lags(0.01**2 / (1.0 + 0.99**2), 18) == 18
    assert math.isclose(0.1 ** (1 / 18), 0.88, abs_tol=0.01)  # more than this takes more than 18
