"""Thresholds of a pair that follow from cost, in the z-score of its model."""

import math
from dataclasses import replace

import numpy as np
import pytest

from alphastream.cointegration import Cointegration
from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.strategies.pair_thresholds import pair_thresholds

SHOWN = Cointegration(500, pvalue=0.001, half_life_bars=8.0, half_life_low=5.0, half_life_high=15.0)


def legs(half_life: float, rows: int = 600, deviation: float = 0.002, seed: int = 2) -> tuple[Floats, Floats, Floats]:
    """Log prices of y and x, and the spread between them; ``inf`` for one that never returns."""
    rng = np.random.default_rng(seed)
    x = math.log(40_000.0) + np.cumsum(rng.normal(0.0, 1e-3, rows))
    kept = 0.5 ** (1.0 / half_life)
    noise = deviation * (math.sqrt(1.0 - kept * kept) if kept < 1.0 else 0.2)
    spread = np.zeros(rows)
    for row in range(1, rows):
        spread[row] = kept * spread[row - 1] + noise * rng.normal()
    return 1.0 + 0.7 * x + spread, x, spread


def test_a_threshold_is_in_the_z_score_of_the_model() -> None:
    """The same pair under a z-score of twice the spread: half the spread at a threshold, or twice the threshold."""
    y, x, spread = legs(8.0)
    zscore = spread / spread.std()
    found = pair_thresholds(y, x, zscore, 8e-4, 2.0, 0.5, SHOWN)
    double = pair_thresholds(y, x, 2.0 * zscore, 8e-4, 4.0, 1.0, SHOWN)
    assert found.refusal is None
    assert found.rows == 500
    assert found.correlation > 0.9
    assert found.unit == pytest.approx(spread.std(), rel=0.1)
    assert double.unit == pytest.approx(0.5 * found.unit)
    assert double.turning == found.turning
    assert double.present.rate == pytest.approx(found.present.rate)
    entry, leave = found.zscores(found.turning)
    assert (entry, leave) == (round(found.turning.entry / found.unit, 2), -entry)
    assert found.zscores(found.waiting)[1] == 0.0
    assert found.turning.rate > found.waiting.rate > 0.0


def test_a_dearer_round_trip_waits_for_more() -> None:
    y, x, spread = legs(8.0)
    entries = [
        pair_thresholds(y, x, spread / 0.002, cost, 2.0, 0.5, SHOWN).turning.entry for cost in (2e-4, 1e-3, 3e-3)
    ]
    assert entries[0] < entries[1] < entries[2]


def test_the_slower_the_return_the_further_out_and_the_less_it_earns() -> None:
    y, x, spread = legs(8.0)
    found = pair_thresholds(y, x, spread / 0.002, 8e-4, 2.0, 0.5, SHOWN)
    assert found.slow is not None
    assert found.fast is not None
    assert found.slow.rate < found.turning.rate < found.fast.rate
    assert found.slow.round_trip > found.turning.round_trip > found.fast.round_trip


def test_the_longer_half_life_of_the_verdict_is_taken() -> None:
    """The likeliest half-life of the rows is 6 bars; without the bias of short samples it may be 12."""
    y, x, spread = legs(8.0)
    found = [
        pair_thresholds(y, x, spread / 0.002, 8e-4, 2.0, 0.5, replace(SHOWN, half_life_bars=bars))
        for bars in (6.0, 12.0)
    ]
    assert found[1].traded.half_life == pytest.approx(2.0 * found[0].traded.half_life)
    assert found[1].turning.rate < found[0].turning.rate
    unknown = pair_thresholds(y, x, spread / 0.002, 8e-4, 2.0, 0.5, Cointegration(500, pvalue=0.001))
    assert unknown.slow is unknown.fast is None
    assert unknown.traded.half_life > 0.0


def test_a_half_life_without_an_end_is_refused() -> None:
    y, x, spread = legs(8.0)
    open_ended = replace(SHOWN, half_life_bars=60.0, half_life_high=math.inf)
    refusal = pair_thresholds(y, x, spread / 0.002, 8e-4, 2.0, 0.5, open_ended).refusal
    assert refusal is not None
    assert "no return to the mean is established: a half-life of 60 bars fits the newest 500 best" in refusal


def test_without_cointegration_there_is_nothing_to_wait_for() -> None:
    y, x, spread = legs(8.0)
    for verdict, why in (
        (Cointegration(500, pvalue=0.2), "p = 0.200, needs to be below 0.05"),
        (Cointegration(70, refusal="both legs traded in 70 bars"), "newest 70 bars (both legs traded in 70 bars)"),
    ):
        refusal = pair_thresholds(y, x, spread / 0.002, 8e-4, 2.0, 0.5, verdict).refusal
        assert refusal is not None
        assert "no cointegration is shown" in refusal
        assert why in refusal


def test_a_cost_that_no_threshold_earns_is_refused_with_its_numbers() -> None:
    y, x, spread = legs(8.0)
    refusal = pair_thresholds(y, x, spread / 0.002, 0.02, 2.0, 0.5, SHOWN).refusal
    assert refusal is not None
    assert "no threshold pays: a round trip costs 10.2 standard deviations of the spread; the best entry" in refusal
    assert "would earn 2% of that cost once in" in refusal
    assert "and 500 were seen" in refusal


def test_a_z_score_of_something_else_is_refused() -> None:
    y, x, spread = legs(8.0)
    for other in (np.random.default_rng(1).normal(size=len(y)), -spread):
        with pytest.raises(ParameterError, match="hardly follows the spread that is traded"):
            pair_thresholds(y, x, other, 8e-4, 2.0, 0.5, SHOWN)


def test_too_few_rows_and_z_scores_that_do_not_vary() -> None:
    y, x, spread = legs(8.0)
    short = np.where(np.arange(600) < 520, np.nan, spread)
    with pytest.raises(NotEnoughObservations, match="100"):
        pair_thresholds(y, x, short, 8e-4, 2.0, 0.5, SHOWN)
    with pytest.raises(ParameterError, match="do not vary"):
        pair_thresholds(y, x, np.ones(600), 8e-4, 2.0, 0.5, SHOWN)
