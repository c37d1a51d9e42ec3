"""Correlations against pandas and the tree against groups that are known."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, is_valid_linkage

from alphastream.errors import ParameterError
from alphastream.scan import clusters, correlation_matrix
from tests.scan.panels import mixed


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("log", [False, True])
def test_correlations_equal_pandas(gaps: bool, log: bool) -> None:
    prices = mixed()
    if gaps:
        prices.iloc[40:90, 2] = np.nan
    returns = (pd.DataFrame(np.log(prices)) if log else prices).diff()
    pd.testing.assert_frame_equal(correlation_matrix(prices, log=log), returns.corr(), rtol=1e-10)


def test_a_symbol_that_never_moves_has_no_correlation() -> None:
    prices = mixed().assign(FLAT=2.0)
    assert correlation_matrix(prices)["FLAT"].isna().all()
    with pytest.raises(ParameterError, match="FLAT has no correlation"):
        clusters(prices)


def test_tree_finds_the_groups() -> None:
    rng = np.random.default_rng(1)
    common = rng.normal(size=(500, 2))
    returns = np.hstack([common[:, [group]] + 0.5 * rng.normal(size=(500, 3)) for group in (0, 1)])
    prices = pd.DataFrame(np.exp(np.cumsum(returns, axis=0) / 100.0), columns=list("ABCXYZ"))[list("AXBYCZ")]
    tree = clusters(prices)
    assert tree.symbols == list("AXBYCZ")
    assert {frozenset(tree.order[:3]), frozenset(tree.order[3:])} == {frozenset("ABC"), frozenset("XYZ")}
    assert is_valid_linkage(tree.linkage)
    assert fcluster(tree.linkage, 2, "maxclust").tolist() in ([1, 2] * 3, [2, 1] * 3)
    first = np.sqrt(0.5 * (1.0 - correlation_matrix(prices).to_numpy()[np.triu_indices(6, 1)].max()))
    assert tree.linkage[0, 2] == pytest.approx(first)


def test_a_scan_does_without_scipy() -> None:
    code = "import sys, alphastream.scan; sys.exit('scipy.cluster' in sys.modules or 'statsmodels' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
