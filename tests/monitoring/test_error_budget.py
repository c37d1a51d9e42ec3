"""The share of false discoveries stays within the budget."""

import numpy as np
import pytest
from scipy.stats import norm

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.monitoring import OnlineFDR, evidence_needed
from alphastream.monitoring.error_budget import _gamma


def false_share(pvalues: Floats, is_real: Floats, alpha: float) -> tuple[float, int]:
    """Share of false discoveries, and how many of the real ones were found."""
    stream, found = OnlineFDR(alpha), []
    for pvalue in pvalues:
        is_discovery, stream = stream.judge(float(pvalue))
        found.append(is_discovery)
    hits = np.array(found)
    assert tuple(np.flatnonzero(hits) + 1) == stream.discoveries
    return float((hits & (is_real == 0.0)).sum() / max(1, hits.sum())), int((hits & (is_real == 1.0)).sum())


@pytest.mark.parametrize("share_real", [0.0, 0.1, 0.4])
def test_the_share_of_false_discoveries_is_within_alpha(share_real: float) -> None:
    """200 streams of 300 tests, effects of 3 standard deviations: .020, .014, .012 at alpha = .1 (error .01)."""
    rng = np.random.default_rng(17)
    shares, powers = [], []
    for _ in range(200):
        is_real = (rng.random(300) < share_real).astype(np.float64)
        pvalues = norm.sf(rng.normal(size=300) + 3.0 * is_real)
        share, hits = false_share(pvalues, is_real, 0.1)
        shares.append(share)
        powers.append(hits / max(1.0, is_real.sum()))
    assert np.mean(shares) <= 0.1
    if share_real == 0.4:
        assert np.mean(powers) > 0.5  # one by one at .1/300 each: .34


def test_the_levels_are_those_of_the_paper() -> None:
    """α_t = γ_t·w + (α − w)·γ_{t−τ1} + α·Σ γ_{t−τj}, written out for discoveries at 2 and 5."""
    stream, w = OnlineFDR(alpha=0.1, tests=8, discoveries=(2, 5)), 0.05
    assert stream.level == pytest.approx(w * _gamma(9) + (0.1 - w) * _gamma(7) + 0.1 * _gamma(4), rel=1e-12)
    assert OnlineFDR(alpha=0.1).level == pytest.approx(w * _gamma(1), rel=1e-12)


def test_what_is_spent_is_no_more_than_there_is() -> None:
    t = np.arange(1.0, 1e6)
    spent = sum(_gamma(each) for each in range(1, 1_000))
    tail = np.sum(np.log(t[999:]) / (t[999:] * np.exp(np.sqrt(np.log(t[999:]))))) / 12.646
    assert 0.5 < spent + tail < 1.0
    root = np.sqrt(np.log(1e6))  # the rest, integrated
    rest = 2.0 * np.exp(-root) * (root**3 + 3.0 * root**2 + 6.0 * root + 6.0) / 12.646
    assert spent + tail + rest == pytest.approx(1.0, abs=1e-4)
    assert spent + tail + rest <= 1.0


@pytest.mark.parametrize("real", [0, 3, 8])
def test_watched_pairs_share_one_budget_even_if_they_depend_on_one_another(real: int) -> None:
    """Ten bets with a common factor, watched at every step for 400: .033, .051, .016 at alpha = .1 (error .01)."""
    rng = np.random.default_rng(29)
    shares, alarms = [], []
    for _ in range(300):
        steps = 0.8 * rng.normal(size=(400, 1)) + 0.6 * rng.normal(size=(400, 10))
        steps[:, :real] += 0.4
        evidence = np.exp(np.cumsum(0.2 * steps - 0.02, axis=0))
        shown = np.zeros(10, bool)
        for row in evidence:
            while (news := (row >= evidence_needed(0.1, 10, int(shown.sum()))) & ~shown).any():
                shown |= news
        shares.append(shown[real:].sum() / max(1, shown.sum()))
        alarms.append(shown[:real].mean() if real else float(shown.any()))
    assert np.mean(shares) <= 0.1
    if real:
        assert np.mean(alarms) > 0.9


@pytest.mark.parametrize("pvalue", [-0.1, 1.1, float("nan")])
def test_what_is_no_pvalue_is_refused(pvalue: float) -> None:
    with pytest.raises(ParameterError, match=r"needs to be in \[0, 1\]"):
        OnlineFDR().judge(pvalue)


def test_a_budget_is_a_share() -> None:
    with pytest.raises(ParameterError, match=r"alpha is 1\.0, needs to be < 1"):
        OnlineFDR(alpha=1.0)
    with pytest.raises(ParameterError, match="alpha"):
        evidence_needed(0.0, 1, 0)
    with pytest.raises(ParameterError, match="watched"):
        evidence_needed(0.05, 0, 0)
    assert evidence_needed(0.05, 1, 0) == 20.0
    assert evidence_needed(0.05, 3, 7) == 20.0  # no less than alone
