"""Weights of baskets against numpy, statsmodels and scipy over the same rows, and the rule of fitting and holding."""

import math
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from statsmodels.tsa.vector_ar.vecm import coint_johansen

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators import BasketHedge, FrozenHedge, basket_weights


def legs(rows: int, count: int = 4, seed: int = 0) -> Floats:
    """A first leg that is a combination of the others and noise that returns, (T, N)."""
    rng = np.random.default_rng(seed)
    others = 100.0 + np.cumsum(rng.normal(size=(rows, count - 1)), axis=0)
    slopes = np.array([2.0, -1.0, 0.5, 1.5, -0.5, 1.0, 0.3, -0.7, 1.0])[: count - 1]
    return np.column_stack([others @ slopes + rng.normal(size=rows), others])


def scaled(weights: Floats) -> Floats:
    return np.asarray(weights / weights[0])


def test_least_squares_is_numpys() -> None:
    table = legs(300)
    design = np.column_stack([table[:, 1:], np.ones(300)])
    slopes, *_ = np.linalg.lstsq(design, table[:, 0], rcond=None)
    found = basket_weights(table, "ols")
    np.testing.assert_allclose(found.weights, [1.0, *-slopes[:3]], rtol=1e-10)
    assert found.intercept == pytest.approx(slopes[3], rel=1e-8)
    residual = table[:, 0] - design @ slopes
    assert found.std == pytest.approx(math.sqrt(residual @ residual / 296), rel=1e-10)
    np.testing.assert_allclose(found.spread, residual, atol=1e-9)


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_johansen_is_statsmodels_first_eigenvector(count: int) -> None:
    table = legs(400, count)
    expected = scaled(coint_johansen(table, 0, 1).evec[:, 0])
    np.testing.assert_allclose(basket_weights(table, "johansen").weights, expected, rtol=1e-7)


def predictability(table: Floats, members: list[int]) -> tuple[float, Floats]:
    """Smallest share that a first-order autoregression of all legs predicts of a combination of some, and it."""
    now, before = table[1:] - table[1:].mean(axis=0), table[:-1] - table[:-1].mean(axis=0)
    slopes, *_ = np.linalg.lstsq(before, now, rcond=None)
    predicted = before @ slopes
    some = np.ix_(members, members)
    values, vectors = scipy.linalg.eigh((predicted.T @ predicted)[some], (now.T @ now)[some])
    return float(values[0]), vectors[:, 0]


def test_sparse_of_all_legs_is_box_and_taos_least_predictable_combination() -> None:
    table = legs(300)
    _, vector = predictability(table, [0, 1, 2, 3])
    np.testing.assert_allclose(basket_weights(table, "sparse", kept=4).weights, scaled(vector), rtol=1e-6)


def test_sparse_grows_by_the_leg_that_lowers_the_share_most() -> None:
    rng = np.random.default_rng(4)
    walks = np.cumsum(rng.normal(size=(400, 5)), axis=0) + 50.0
    table = np.column_stack([walks[:, 3] - 0.6 * walks[:, 1] + rng.normal(size=400), walks])
    members = [0]
    for _ in range(2):
        left = [leg for leg in range(6) if leg not in members]
        members.append(min(left, key=lambda leg: predictability(table, [*members, leg])[0]))
    found = basket_weights(table, "sparse").weights
    assert sorted(np.flatnonzero(found).tolist()) == sorted(members) == [0, 2, 4]
    _, vector = predictability(table, members)
    np.testing.assert_allclose(found[members], scaled(vector), rtol=1e-6)


@pytest.mark.parametrize("components", [1, 2, 3])
def test_pca_is_the_residual_of_the_first_leg_on_eigenportfolios(components: int) -> None:
    table = legs(300)
    changes = np.diff(table, axis=0)
    scale = changes.std(axis=0)
    values, vectors = np.linalg.eigh(np.corrcoef(changes.T))
    first = vectors[:, np.argsort(values)[::-1][:components]]
    factors = (changes / scale) @ first
    slopes, *_ = np.linalg.lstsq(factors - factors.mean(axis=0), changes[:, 0] - changes[:, 0].mean(), rcond=None)
    raw = -(first / scale[:, None]) @ slopes
    raw[0] += 1.0
    np.testing.assert_allclose(basket_weights(table, "pca", components=components).weights, scaled(raw), rtol=1e-8)


def test_fixed_weights_are_scaled_to_the_first_leg_and_keep_their_proportions() -> None:
    table = legs(100, 3)
    found = basket_weights(table, "fixed", weights=(-2.0, 1.0, 4.0))
    np.testing.assert_array_equal(found.weights, [1.0, -0.5, -2.0])
    value = table @ found.weights
    assert found.std == pytest.approx(value.std(ddof=1))
    assert found.intercept == pytest.approx(value.mean())


@pytest.mark.parametrize(
    "kind", [{}, {"method": "johansen"}, {"method": "sparse"}, {"method": "pca", "components": 2}, {"log": True}]
)
@pytest.mark.parametrize(("train", "hold"), [(30, 10), (30, None), (25, 1)])
def test_every_row_uses_the_newest_fit_before_it(kind: dict[str, Any], train: int, hold: int | None) -> None:
    table = np.abs(legs(120)) + 50.0
    rows, _ = BasketHedge(4, train, hold, **kind).run(*table.T)
    assert np.isnan(rows.weights[:train]).all()
    levels = np.log(table) if kind.get("log") else table
    arguments = {name: value for name, value in kind.items() if name not in ("log", "method")}
    for t in range(train, 120):
        fitted = train + (t - train) // (hold or train) * (hold or train)
        expected = basket_weights(levels[fitted - train : fitted], kind.get("method", "ols"), **arguments)
        np.testing.assert_allclose(rows.weights[t], expected.weights, rtol=1e-9)
        assert rows.std[t] == pytest.approx(expected.std, rel=1e-9)
        spread = float(levels[t] @ expected.weights - expected.intercept)
        assert rows.spread[t] == pytest.approx(spread, abs=1e-9)
        assert rows.zscore[t] == pytest.approx(spread / expected.std, rel=1e-6, abs=1e-8)
        assert rows.change[t] == pytest.approx(float((levels[t] - levels[t - 1]) @ expected.weights), abs=1e-9)


def test_of_two_legs_it_is_the_frozen_pair() -> None:
    table = legs(200, 2)
    basket, _ = BasketHedge(2, 40, 15).run(*table.T)
    pair, _ = FrozenHedge(40, 15).run(table[:, 1], table[:, 0])
    np.testing.assert_allclose(basket.spread, pair.spread, atol=1e-10)
    np.testing.assert_allclose(basket.zscore, pair.zscore, atol=1e-10)
    np.testing.assert_allclose(basket.weights[:, 1], -pair.hedge_ratio, rtol=1e-10)


@pytest.mark.parametrize("method", ["ols", "johansen", "sparse", "pca"])
def test_legs_that_are_one_thing_have_no_weights(method: Any) -> None:
    table = legs(60, 3)
    table[:, 2] = 2.0 * table[:, 1] if method != "pca" else 7.0
    rows, _ = BasketHedge(3, 30, method=method).run(*table.T)
    assert np.isnan(rows.zscore).all()
    with pytest.raises(ParameterError, match="no combination by"):
        basket_weights(table, method)


def test_without_a_part_of_the_first_leg_there_is_no_basket() -> None:
    table = legs(80, 3)
    table[:, 0] = 5.0
    with pytest.raises(ParameterError, match="the first one has a part"):
        basket_weights(table, "ols")


def test_rows_and_states_pickle() -> None:
    table = legs(60, 5)
    rows, state = BasketHedge(5, 20, method="johansen").run(*table.T)
    again = pickle.loads(pickle.dumps((rows, state)))
    np.testing.assert_array_equal(again[0].weights, rows.weights)
    assert type(again[0]) is type(rows)
    assert again[1].estimator == state.estimator


def test_logarithms_of_prices_that_are_not_positive_are_gaps() -> None:
    table = np.abs(legs(60, 3)) + 10.0
    table[45, 1] = -1.0
    rows, state = BasketHedge(3, 20, log=True).run(*table.T)
    assert np.isnan(rows.spread[45])
    assert np.isfinite(rows.spread[46])
    assert state.values[0, 0] == 59


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"legs": 1}, "legs is 1, needs an integer ≥ 2"),
        ({"legs": 11}, "a basket has 10 at most"),
        ({"train": 9}, "train is 9, needs an integer ≥ 10"),
        ({"hold": 0}, "hold is 0"),
        ({"method": "olz"}, "choose one of fixed, ols"),
        ({"method": "fixed"}, "needs 3 finite numbers"),
        ({"method": "fixed", "weights": (0.0, 1.0, 1.0)}, "the first of them not 0"),
        ({"weights": (1.0, 1.0, 1.0)}, "only 'fixed' takes them"),
        ({"kept": 2}, "only 'sparse' has kept"),
        ({"method": "sparse", "kept": 4}, "has 2 to 3"),
        ({"method": "pca", "components": 3}, "has 1 to 2"),
        ({"method": "ols", "components": 1}, "only 'pca' has components"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        BasketHedge(**{"legs": 3, "train": 20, **parameters})


def test_a_sample_that_is_none_is_refused() -> None:
    table = legs(60, 3)
    with pytest.raises(ParameterError, match="2 to 10 legs"):
        basket_weights(table[:, 0])
    with pytest.raises(NotEnoughObservations, match="weights of a basket"):
        basket_weights(table[:9])
    table[7, 2] = np.nan
    with pytest.raises(ParameterError, match="row 7 of leg 3 is nan"):
        basket_weights(table)
