"""Pictures of the start page: what they hold."""

import numpy as np
import pytest

from views.start.charts import price_picture, spread_picture, zscore_picture

SECOND = 10**9
COLUMNS = {
    "time_ns": np.arange(4, dtype=np.int64) * SECOND + 5,
    "y": np.array([100.0, 101.0, 100.0, 99.0]),
    "x": np.array([50.0, 50.0, 50.5, 50.0]),
    "spread": np.array([1e-3, 2e-3, 3e-3, 1e-3]),
    "spread_mean": np.array([1e-3, 1e-3, 1e-3, 1e-3]),
    "zscore": np.array([0.0, 2.5, 0.4, -2.5]),
    "position": np.array([0.0, -1.0, np.nan, 1.0]),
}


@pytest.mark.parametrize("dark", [False, True])
def test_prices_are_what_they_have_moved(dark: bool) -> None:
    y, x = price_picture(COLUMNS, ("Y", "X"), dark=dark).data
    assert (y.name, x.name) == ("Y", "X")
    assert list(y.x) == [0.0, 1.0, 2.0, 3.0]
    assert np.allclose(y.y, [0.0, 100.0, 0.0, -100.0])
    assert np.allclose(x.y, [0.0, 0.0, 100.0, 0.0])


def test_the_spread_is_its_distance_from_the_mean() -> None:
    (spread,) = spread_picture(COLUMNS, dark=False).data
    assert np.allclose(spread.y, [0.0, 10.0, 20.0, 0.0])


def test_what_is_held_is_marked_on_the_zscore() -> None:
    figure = zscore_picture(COLUMNS, 2.0, dark=False)
    short, long, zscore = figure.data
    assert [int(row) for row in np.flatnonzero(np.isfinite(np.array(short.y, float)))] == [1]
    assert [int(row) for row in np.flatnonzero(np.isfinite(np.array(long.y, float)))] == [3]
    assert np.allclose(zscore.y, COLUMNS["zscore"])
    assert sorted(shape.y0 for shape in figure.layout.shapes) == [-2.0, 2.0]
