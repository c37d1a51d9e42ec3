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


def test_an_exit_beyond_the_mean_waits_for_it_and_at_the_other_entry_turns() -> None:
    zscores = [-1.0, 0.3, 0.5, -1.0, 1.0, 0.0, -1.1]
    assert ThresholdSignal(entry=1.0, exit=-0.5).run(zscores)[0].position.tolist() == [1, 1, 0, 1, -1, -1, 1]
    assert ThresholdSignal(entry=1.0, exit=-1.0).run(zscores)[0].position.tolist() == [1, 1, 1, 1, -1, -1, 1]


def test_an_exit_at_the_entry_closes_inside_it() -> None:
    rows, _ = ThresholdSignal(entry=1.0, exit=1.0).run([-1.0, -1.0, -0.99, 1.0, 1.0, -1.0, 0.0])
    assert rows.position.tolist() == [1.0, 1.0, 0.0, -1.0, -1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("signal", "zscores", "positions"),
    [
        pytest.param({"stop": 3.0}, [-2.0, -2.9, -3.0, -2.5, -1.9, -2.5], [1, 1, 0, 0, 0, 1], id="stop, then armed"),
        pytest.param({"stop": 3.0}, [2.0, 3.5, 2.0, 1.0, 2.0], [-1, 0, 0, 0, -1], id="stop of a short"),
        pytest.param({"stop": 3.0}, [-3.5, -2.5], [0, 1], id="nothing opens beyond the stop"),
        pytest.param({"stop": 3.0}, [-2.0, 3.5, 2.5], [1, 0, -1], id="a jump beyond the other stop only closes"),
        pytest.param({"stop": 3.0}, [-2.0, 2.5], [1, -1], id="a jump to the other entry turns"),
        pytest.param(
            {"stop": 3.0, "cool_down": 2}, [-2.0, -3.0, 0.0, -2.0, -2.0], [1, 0, 0, 0, 1], id="two rows of rest"
        ),
        pytest.param(
            {"stop": 3.0, "cool_down": 1}, [-2.0, -3.0, -2.0, -2.0, 0.0, -2.0], [1, 0, 0, 0, 0, 1], id="rest, not armed"
        ),
        pytest.param({"time_stop": 2}, [-2.0, -2.0, -2.0, -2.0, -1.0, -2.0], [1, 1, 0, 0, 0, 1], id="too old"),
        pytest.param({"time_stop": 2}, [-2.0, -1.0, -1.0, -2.0], [1, 1, 0, 1], id="too old inside the entry: armed"),
        pytest.param({"time_stop": 2}, [-2.0, nan, nan, -2.0, -2.0], [1, 1, 1, 1, 0], id="NaN makes nothing older"),
        pytest.param({"time_stop": 1}, [-2.0, 2.0, -2.0], [1, -1, 1], id="a turn begins the count again"),
        pytest.param(
            {"time_stop": 2, "cool_down": 3}, [-2.0, -2.0, 0.0, -2.0], [1, 1, 0, 1], id="won in time: no rest"
        ),
    ],
)
def test_stops(signal: dict[str, Any], zscores: list[float], positions: list[float]) -> None:
    rows, _ = ThresholdSignal(entry=2.0, exit=0.5, **signal).run(zscores)
    assert rows.position.tolist() == positions


def ruled(signal: ThresholdSignal, zscores: list[float]) -> list[float]:
    """The rules as the documentation puts them, over a list of everything that happened."""
    position, seen, opened, stopped = 0, 0, 0, None
    inside: list[bool] = []  # of each row with a z-score: |z| inside the entry
    positions: list[float] = []
    stop = float("inf") if signal.stop is None else signal.stop
    for z in zscores:
        if z == z:
            seen += 1
            inside.append(abs(z) < signal.entry)
            side = 1 if z <= -signal.entry else -1 if z >= signal.entry else 0
            won = z >= -signal.exit if position > 0 else z <= signal.exit
            resting = stopped is not None and (
                seen - stopped <= signal.cool_down or not any(inside[stopped - 1 : seen - 1])
            )
            if position and (z <= -stop if position > 0 else z >= stop):
                position, stopped = 0, seen
            elif side and side != position and abs(z) < stop and (position or not resting):
                position, opened = side, seen
            elif position and side != position and won:
                position = 0
            elif position and signal.time_stop is not None and seen - opened >= signal.time_stop:
                position, stopped = 0, seen
        positions.append(float(position))
    return positions


@given(
    zscores=st.lists(st.integers(-10, 10).map(lambda half: half / 2.0) | st.just(nan), max_size=80),
    entry=st.sampled_from([0.5, 1.0, 2.0]),
    leave=st.sampled_from([0.0, 0.5, -0.5]),
    beyond=st.none() | st.sampled_from([0.5, 2.0]),
    time_stop=st.none() | st.integers(1, 6),
    cool_down=st.integers(0, 5),
)
def test_the_rules_one_by_one(
    zscores: list[float], entry: float, leave: float, beyond: float | None, time_stop: int | None, cool_down: int
) -> None:
    signal = ThresholdSignal(entry, leave, None if beyond is None else entry + beyond, time_stop, cool_down)
    assert signal.run(np.array(zscores))[0].position.tolist() == ruled(signal, zscores)


def test_the_name_leaves_out_what_is_not_used() -> None:
    assert repr(ThresholdSignal(2.0, 0.0)) == "ThresholdSignal(entry=2.0, exit=0.0)"
    assert repr(ThresholdSignal(2.0, 0.5, 4.0, cool_down=3)) == (
        "ThresholdSignal(entry=2.0, exit=0.5, stop=4.0, cool_down=3)"
    )
    assert "time_stop=9" in repr(ThresholdSignal(2.0, 0.5, time_stop=9))


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
        (1.0, 2.0, "entry is 1.0, needs to be ≥ exit"),
        (2.0, -2.1, "exit is -2.1, needs a finite number ≥ -2"),
        (0.0, 0.0, "entry is 0.0, needs a finite number > 0"),
        (nan, 0.0, "entry is nan"),
        (2.0, "a", "exit is 'a'"),
    ],
)
def test_thresholds_out_of_range(entry: Any, leave: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ThresholdSignal(entry=entry, exit=leave)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"stop": 2.0}, "stop is 2.0, needs to be > entry, which is 2.0"),
        ({"stop": nan}, "stop is nan"),
        ({"time_stop": 0}, "time_stop is 0, needs an integer ≥ 1"),
        ({"time_stop": 2.5}, "time_stop is 2.5"),
        ({"cool_down": -1}, "cool_down is -1, needs an integer ≥ 0"),
        ({"cool_down": None}, "cool_down is None"),
    ],
)
def test_stops_out_of_range(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ThresholdSignal(2.0, 0.5, **wrong)
