"""A ratio of the first rows, judged on the others: neither part knows anything of the other."""

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.diagnosis import holdout
from alphastream.estimators import engle_granger_wild, spread_wild


def pair(seed: int = 4, rows: int = 600) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(size=rows))
    return 0.7 * x + 3.0 + rng.normal(size=rows), x


def test_the_ratio_is_fitted_on_training_rows_and_tested_on_the_others() -> None:
    y, x = pair()
    found = holdout(y, x, 350)
    slope, intercept = np.polyfit(x[:350], y[:350], 1)
    assert (found.hedge_ratio, found.intercept) == pytest.approx((slope, intercept))
    assert found.train.pvalue == engle_granger_wild(y[:350], x[:350]).pvalue
    assert found.test.pvalue == spread_wild((y - intercept - slope * x)[350:]).pvalue
    assert found.test.own_ratio == pytest.approx(np.polyfit(x[350:], y[350:], 1)[0])
    assert (found.train.rows, found.test.rows) == (350, 250)
    assert "comes back" in found.verdict


def test_no_peek_planted_in_the_test_rows_reaches_the_training() -> None:
    y, x = pair()
    found = holdout(y, x, 350)
    y[350:] += 50.0 * np.sin(np.arange(250) / 9.0)
    moved = holdout(y, x, 350)
    assert moved.train == found.train
    assert (moved.hedge_ratio, moved.intercept) == (found.hedge_ratio, found.intercept)
    assert moved.test != found.test


def test_walks_that_fit_by_chance_in_training_fail_as_often_as_they_should_in_the_test() -> None:
    rejected = 0
    for seed in range(100):
        walks = np.cumsum(np.random.default_rng(seed).normal(size=(2, 300)), axis=1)
        rejected += holdout(walks[0], walks[1], 150).test.pvalue < 0.05
    assert rejected <= 12  # 5 expected; more than 12 comes once in a thousand


@pytest.mark.parametrize(("split", "part"), [(0, "train"), (40, "train"), (580, "test"), (600, "test")])
def test_too_few_rows_are_told_of(split: int, part: str) -> None:
    found = getattr(holdout(*pair(), split), part)
    assert np.isnan(found.pvalue)
    assert "100 are needed" in found.refusal
