from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.errors import ParameterError
from alphastream.estimators import ThresholdSignal

nan = float("nan")


@pytest.mark.parametrize(
    ("zscores", "positions"),
    [
        pytest.param([0.0, -1.9, -2.0, -1.0, -0.5], [0, 0, 1, 1, 0], id="long until back within exit"),
        pytest.param([2.5, 0.6, 0.5], [-1, -1, 0], id="short until back within exit"),
        pytest.param([-2.5, 0.9], [1, 0], id="a jump across exit closes"),
        pytest.param([2.5, -1.9], [-1, 0], id="a jump across exit closes a short"),
        pytest.param([-2.5, 2.0], [1, -1], id="a jump to the other entry turns"),
        pytest.param([-2.5, nan, nan, -0.1, nan], [1, 1, 1, 0, 0], id="NaN keeps the position"),
        pytest.param([nan, nan], [0, 0], id="flat before the first z-score"),
        pytest.param([-1.0, 1.0], [0, 0], id="nothing between exit and entry opens"),
    ],
)
def test_positions(zscores: list[float], positions: list[float]) -> None:
    rows, _ = ThresholdSignal(entry=2.0, exit=0.5).run(zscores)
    assert rows.position.tolist() == positions


def test_exit_zero_waits_for_the_mean() -> None:
    rows, _ = ThresholdSignal(entry=1.0, exit=0.0).run([-1.0, -0.01, 0.0, 1.0, 0.01, -0.2])
    assert rows.position.tolist() == [1.0, 1.0, 0.0, -1.0, -1.0, 0.0]


@given(zscores=st.lists(st.floats(-5.0, 5.0) | st.just(nan), max_size=60))
def test_the_mirror_image_of_a_series_takes_the_other_side(zscores: list[float]) -> None:
    signal = ThresholdSignal(entry=2.0, exit=0.5)
    rows, _ = signal.run(np.array(zscores))
    mirrored, _ = signal.run(-np.array(zscores))
    np.testing.assert_array_equal(rows.position, -mirrored.position)
    assert set(rows.position.tolist()) <= {-1.0, 0.0, 1.0}


@pytest.mark.parametrize(
    ("entry", "leave", "message"),
    [
        (1.0, 1.0, "entry is 1.0, needs to be > exit"),
        (1.0, 2.0, "entry is 1.0, needs to be > exit"),
        (2.0, -0.1, "exit is -0.1, needs a finite number ≥ 0"),
        (0.0, 0.0, "entry is 0.0, needs a finite number > 0"),
        (nan, 0.0, "entry is nan"),
        (2.0, "a", "exit is 'a'"),
    ],
)
def test_thresholds_out_of_range(entry: Any, leave: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ThresholdSignal(entry=entry, exit=leave)
