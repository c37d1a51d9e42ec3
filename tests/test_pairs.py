"""What a pair's columns say: where a z-score begins, where it is acted upon, and that a held ratio is held."""

from dataclasses import replace

import numpy as np
import pytest

from alphastream.bars import PairRows
from alphastream.estimators import Settled
from alphastream.pairs import MODELS, SETTLING, Model, PairSpec, analyse, series_of, traded_zscore
from alphastream.strategies import ZScoreThreshold

SECOND, WINDOW = 10**9, 20
SPEC = PairSpec("Y", "X", SECOND, "kalman", WINDOW, "price", entry=1.0, exit=0.2)


def rows(count: int, seed: int = 0) -> PairRows:
    rng = np.random.default_rng(seed)
    x = 1_000.0 + np.cumsum(rng.normal(size=count))
    y = 0.5 * x + rng.normal(size=count)
    ages, volume = np.zeros(count, dtype=np.int64), np.ones(count)
    return PairRows(np.arange(1, count + 1) * SECOND, y, x, ages, ages, volume, volume, ages - 1, ages - 1)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_the_columns_that_pages_read(model: Model) -> None:
    answer = analyse(rows(300), replace(SPEC, model=model))
    closed = answer.closed
    assert answer.calibrating is None
    np.testing.assert_allclose(
        closed["zscore"][-50:], ((closed["spread"] - closed["spread_mean"]) / closed["spread_std"])[-50:]
    )
    np.testing.assert_array_equal(closed["settled_zscore"][-50:], closed["zscore"][-50:])
    assert set(np.unique(closed["position"])) == {-1.0, 0.0, 1.0}


def test_a_z_score_is_shown_before_it_is_acted_upon() -> None:
    early = analyse(rows(150), SPEC)
    assert early.calibrating is not None
    assert (early.calibrating.what, early.calibrating.needed) == (SETTLING, 9 * WINDOW)
    assert np.isfinite(early.closed["zscore"][WINDOW:]).all()
    assert np.abs(early.closed["zscore"][WINDOW:]).max() > SPEC.entry
    assert np.isnan(early.closed["settled_zscore"]).all()
    assert not early.closed["position"].any()
    later = analyse(rows(400), SPEC)
    assert later.calibrating is None
    first = np.flatnonzero(later.closed["position"])[0]
    assert first >= 10 * WINDOW - 2


def test_a_strategy_trades_the_settled_z_score() -> None:
    assert isinstance(traded_zscore(SPEC).of.estimator, Settled)  # type: ignore[union-attr]
    assert ZScoreThreshold(SPEC).series(SPEC)["zscore"] == traded_zscore(SPEC)
    ols = replace(SPEC, model="ols")
    assert traded_zscore(ols) == series_of(ols)["zscore"]


def test_a_frozen_ratio_is_held_for_a_window() -> None:
    closed = analyse(rows(205), replace(SPEC, model="frozen")).closed
    assert np.isnan(closed["hedge_ratio"][:WINDOW]).all()
    changes = np.flatnonzero(np.diff(closed["hedge_ratio"][WINDOW:])) + 1
    np.testing.assert_array_equal(changes, np.arange(WINDOW, 205 - WINDOW, WINDOW))
