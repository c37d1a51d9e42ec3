"""The figures of watching, small: a tenth of the pairs of `python -m calibration.watched_days`, minute bars."""

import math

import pytest

from alphastream.core.units import SECOND
from calibration.markets import Market
from calibration.watched_days import NOTHING, RUNS, delays, ends, false_alarms, spread_of

MINUTE = 60 * SECOND


@pytest.mark.parametrize("condition", [*NOTHING, RUNS])
def test_a_day_of_minutes_has_few_false_alarms(condition: str) -> None:
    """100 pairs (error 2): of 1,000, .0 to 3.9 % for p since the start and .0 to 1.0 % for the detector."""
    early, alarms = false_alarms(condition, MINUTE, 100)
    assert early <= 0.07
    assert alarms <= 0.04


def test_a_settled_filter_finds_pairs_as_soon_as_was_reached_before() -> None:
    """Half-life 10, medians of 100 pairs: 251, 467 and 836 rows; the first formulation tried took 292, 558 and 904."""
    found = delays(10.0, 40, settled=2_000, bars=4_000)
    medians = {name: sorted(waits)[len(waits) // 2] for name, waits in found.items()}
    assert medians["E ≥ 20"] <= 292
    assert medians["1 min"] <= 558
    assert medians["1 s"] <= 904
    assert all(math.isfinite(wait) for waits in found.values() for wait in waits)


def test_the_end_of_a_relation_is_told() -> None:
    rate, waits = ends(Market(), 10.0, MINUTE, 10)
    assert rate == 0.0
    assert len(waits) == 10
    assert sorted(waits)[5] < 2_500
    assert spread_of(waits).endswith(")")
    assert spread_of([]) == "none shown"
    assert spread_of([5.0, 6.0, math.inf]) == "6 (never)"
