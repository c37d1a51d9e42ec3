"""The moments of a residual, which the kernels add up in a roundabout way, against plain matrix products."""

import numpy as np
import pytest

from alphastream.estimators.tests.lag_search import choose_lags, factorise, fill_gram
from alphastream.estimators.tests.lags import engle_granger_kernel
from alphastream.estimators.tests.observations import MODIFIED_AIC
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


@pytest.mark.parametrize("bounce", [0.0, 1.0, 3.0])
def test_modified_criterion_is_that_of_ng_and_perron(bounce: float) -> None:
    rng = np.random.default_rng(2)
    for max_lags in (0, 1, 6, 12):
        x = walks(4, 200, 1)[:, 0]
        y = x + 0.5 * np.cumsum(rng.normal(size=200)) + bounce * rng.normal(size=200)
        ratio, level = np.polyfit(x, y, 1)
        residual = y - ratio * x - level
        change = np.diff(residual)
        rows = change.size - max_lags
        columns = [residual[max_lags:-1], *(change[max_lags - lag : -lag] for lag in range(1, max_lags + 1))]
        values = []
        for lags in range(max_lags + 1):
            design = np.column_stack(columns[: lags + 1])
            fit, squares = np.linalg.lstsq(design, change[max_lags:])[:2]
            variance = squares[0] / rows
            pull = fit[0] ** 2 * np.sum(columns[0] ** 2) / variance
            values.append(np.log(variance) + 2.0 * (pull + lags) / rows)
        expected = int(np.argmin(values))
        gram, normal = np.zeros((2, max_lags + 2, max_lags + 2))
        fill_gram(residual, change, max_lags, np.empty(max_lags + 1), gram)
        assert choose_lags(gram, max_lags, rows, MODIFIED_AIC, normal) == expected
        assert engle_granger_kernel(y, x, 1, max_lags, MODIFIED_AIC).lags == expected
