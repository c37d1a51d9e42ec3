"""Every row of recorded histories against basanos 0.7.2 beside polars 2.1, from the first row on.

``record_reference`` wrote the positions down. What basanos does not say is not compared: rows whose history it refuses,
and with a sliding window what its batch leaves out around gaps.
"""

import json

import numpy as np
import pytest

from alphastream.portfolio import PositionConfig, SlidingWindow, optimise
from tests.portfolio.record_reference import CASES, PATH, STATUS

FIRST = 100


def test_the_recorded_cases_are_those_of_the_program() -> None:
    with np.load(PATH) as recorded:
        assert json.loads(str(recorded["cases"])) == json.loads(json.dumps(CASES))


@pytest.mark.parametrize("at", range(len(CASES)), ids=[f"{case[0]}, {case[1]}" for case in CASES])
def test_positions_are_those_of_basanos(at: int) -> None:
    with np.load(PATH) as recorded:
        prices, signals, cash, codes = (recorded[f"{name}{at}"] for name in ("prices", "signals", "cash", "status"))
    _, _, _, parameters, window = CASES[at]
    covariance = None if window is None else SlidingWindow(**window)
    found = optimise(prices, signals, PositionConfig(**parameters, covariance=covariance, max_nan_fraction=0.99))
    said = np.isfinite(cash)
    size = np.where(said, np.abs(cash), 0.0).max(axis=1, initial=1e-300, keepdims=True)
    off = np.abs(np.where(said, found.cash_position - cash, 0.0)) / size
    assert off.max() <= 1e-9  # NaN where we have no position and basanos has one
    needed = covariance.window if covariance else parameters["corr"] + 2
    assert said[needed - 1 : FIRST].any(axis=1).mean() > 0.7
    if covariance is None and "max_turnover" not in parameters:
        known = codes > 0
        assert found.status[known].tolist() == [STATUS[code] for code in codes[known]]
        assert (np.isfinite(found.cash_position) == said)[known].all()
