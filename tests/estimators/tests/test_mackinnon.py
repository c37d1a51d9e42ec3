"""MacKinnon's surfaces against statsmodels' copy of them."""

import math

import numpy as np
import pytest
from statsmodels.tsa.adfvalues import mackinnoncrit, mackinnonp

from alphastream.errors import ParameterError
from alphastream.estimators.tests.mackinnon import TREND_TERMS, Trend, critical_values, tau_pvalue, trend_terms

TRENDS: list[Trend] = ["n", "c", "ct"]


@pytest.mark.parametrize("trend", TRENDS)
@pytest.mark.parametrize("variables", [1, 2])
def test_pvalue_is_that_of_statsmodels_in_both_tails_and_beyond(trend: Trend, variables: int) -> None:
    for statistic in np.linspace(-30.0, 5.0, 701):
        ours = tau_pvalue(statistic, TREND_TERMS[trend], variables)
        assert ours == pytest.approx(mackinnonp(statistic, trend, variables), abs=1e-14)


def test_pvalue_of_nan_is_nan() -> None:
    assert math.isnan(tau_pvalue(math.nan, 1, 2))


@pytest.mark.parametrize(("trend", "variables"), [("n", 1), ("c", 1), ("c", 2), ("ct", 1), ("ct", 2)])
@pytest.mark.parametrize("n_obs", [30, 100, 1000, math.inf])
def test_critical_values_are_those_of_statsmodels(trend: Trend, variables: int, n_obs: float) -> None:
    ours = critical_values(trend, variables, n_obs)
    np.testing.assert_allclose(list(ours.values()), mackinnoncrit(variables, trend, n_obs), rtol=1e-14)


def test_simulated_surface_of_two_variables_without_constant_agrees_with_its_pvalues() -> None:
    for level, critical in critical_values("n", 2, math.inf).items():
        assert tau_pvalue(critical, 0, 2) == pytest.approx(float(level.rstrip("%")) / 100.0, rel=0.02)


def test_unknown_trend_is_refused_by_name() -> None:
    with pytest.raises(ParameterError, match="trend is 'nc'"):
        trend_terms("nc")
