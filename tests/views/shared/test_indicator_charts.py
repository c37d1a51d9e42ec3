"""The chart of an indicator: lines on the axis that serves them, the newest rows."""

import numpy as np

from views.shared.indicator_charts import MAX_POINTS, indicator_figure, overlaps

TIMES = np.arange(3_000, dtype=np.int64) * 10**9
PRICE = 100.0 + np.sin(np.arange(3_000) / 50.0)


def test_an_average_lies_over_its_prices_and_an_oscillator_below() -> None:
    lines = {"sma": PRICE + 0.1, "rsi<b>": np.full(3_000, 55.0)}
    figure = indicator_figure(TIMES, {"close": PRICE}, lines)
    assert [(each.name, each.yaxis) for each in figure.data] == [
        ("close", "y"),
        ("sma", "y"),
        ("rsi&#60;b&#62;", "y2"),
    ]
    assert all(len(each.x) == MAX_POINTS for each in figure.data)
    assert figure.data[0].y[-1] == PRICE[-1]
    assert indicator_figure(TIMES, {"close": PRICE}, {"sma": PRICE}).layout.yaxis.domain == (0.0, 1.0)


def test_what_is_not_defined_has_the_lower_half() -> None:
    assert not overlaps(np.full(3, np.nan), {"close": PRICE})
    assert indicator_figure(TIMES[:0], {"close": PRICE[:0]}, {"sma": PRICE[:0]}).data[0].x.size == 0
