"""The evidence that alerts go by, on a day of simulated rows."""

import math

import numpy as np

from calibration.markets import Market
from calibration.watching import MINUTES_OF_DAY, WATCHES, alarms, delays, median_delays


def test_a_pair_is_shown_and_walks_are_not() -> None:
    walks = Market().rows(np.random.default_rng(1), 4 * MINUTES_OF_DAY)
    assert alarms(walks) == dict.fromkeys(WATCHES, False)
    pair = Market().rows(np.random.default_rng(1), 4 * MINUTES_OF_DAY, half_life=10.0)
    assert alarms(pair) == dict.fromkeys(WATCHES, True)
    evidence, alert = delays(pair, MINUTES_OF_DAY)
    assert 100.0 < evidence < alert < len(pair)
    assert delays(walks, MINUTES_OF_DAY) == (math.inf, math.inf)


def test_delays_are_medians_of_runs_and_longer_for_a_longer_day() -> None:
    evidence, slow, fast = median_delays("Gaussian", Market(), 5.0, runs=5, bars=3_000)
    assert evidence < fast < slow < 3_000.0
