"""How far the persistence of a fitted residual lies from the truth: the table behind ``corrected_half_life``.

`python -m calibration.half_life_bias` prints it, in about ten seconds.
"""

import math
from typing import Final

import numpy as np

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.estimators.tests.residual_half_life import DISTANCES, QUANTILES, distance, residual_persistence

ROWS: Final = 500  # with 60 to 1,000 rows the quantiles are the same within .15
RUNS: Final = 40_000


@kernel
def _persistences(seed: int, rows: int, phi: float, runs: int) -> Floats:
    """Estimates over residuals of y on x, where x walks and y less x is an AR(1) of ``phi``, (runs,)."""
    np.random.seed(seed)
    y, x, residual = np.empty(rows), np.empty(rows), np.empty(rows)
    begin = 1.0 / math.sqrt(1.0 - phi * phi) if phi < 1.0 else 0.0
    found = np.empty(runs)
    for run in range(runs):
        walk, deviation = 0.0, begin * np.random.normal()
        for t in range(rows):
            walk += np.random.normal()
            deviation = phi * deviation + np.random.normal()
            x[t], y[t] = walk, walk + deviation
        found[run] = residual_persistence(x, y, residual)
    return found


def persistences(rows: int, half_life: float, runs: int, seed: int = 1) -> Floats:
    """Estimates over residuals of pairs with a half-life, (runs,)."""
    return _persistences(seed, rows, 2.0 ** (-1.0 / half_life), runs)


def bias(at: float, runs: int = RUNS, seed: int = 1) -> Floats:
    """Quantiles of the estimated distance less the true one, ``at``: (3,) as in ``QUANTILES``."""
    rows = max(ROWS, math.ceil(at * at))
    found = distance(_persistences(seed, rows, math.cos(at / math.sqrt(rows)), runs * ROWS // rows), rows)
    return np.quantile(found, QUANTILES) - at


if __name__ == "__main__":
    for each in DISTANCES[:-1]:
        print(f"    [{', '.join(f'{value:.3f}' for value in bias(each))}],  # {each:g}")
