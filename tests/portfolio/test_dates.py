"""What tables say about when: dates are compared, disorder is refused, and a column of times is no asset."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.portfolio import PositionConfig, PositionStream, optimise
from tests.portfolio.histories import history

CONFIG = PositionConfig(vola=6, corr=12, clip=3.0, shrink=0.6, aum=1e6)


def dated(rows: Floats, dates: Any, name: str = "date") -> dict[str, Any]:
    return {name: dates, "A": rows[:, 0], "B": rows[:, 1]}


@pytest.mark.parametrize("kind", ["dates", "stamps", "zoned", "texts", "numbers", "index", "polars"])
def test_rows_of_other_dates_are_refused(kind: str) -> None:
    prices, signals = history("clean", 2)
    days = pd.date_range("2026-01-01", periods=110)
    kinds = {
        "dates": days.date.tolist(),
        "stamps": days,
        "zoned": days.tz_localize("Asia/Kolkata").tolist(),
        "texts": days.strftime("%Y-%m-%d").tolist(),
        "numbers": list(range(110)),
        "index": days,
        "polars": days.date.tolist(),
    }
    dates = np.array(kinds[kind], dtype=object if kind == "zoned" else None)
    first, second, last = {
        "numbers": ("0", "1", "109"),
        "zoned": ("2025-12-31T18:30:00", "2026-01-01T18:30:00", "2026-04-19T18:30:00"),
    }.get(kind, ("2026-01-01", "2026-01-02", "2026-04-20"))

    def made(rows: Floats, when: Any) -> Any:
        table = dated(rows, when)
        if kind == "polars":
            return pytest.importorskip("polars").DataFrame(table)
        return pd.DataFrame(table).set_index("date") if kind == "index" else table

    expected = optimise(prices, signals, CONFIG).cash_position
    found = optimise(made(prices, dates), made(signals, dates), CONFIG)
    assert found.assets == ("A", "B")
    assert found.cash_position.tobytes() == expected.tobytes()
    with pytest.raises(ParameterError, match=f"row 0: prices are of {first}, signals of {second}"):
        optimise(made(prices[:-1], dates[:-1]), made(signals[1:], dates[1:]), CONFIG)
    for wrong in (
        (made(prices[::-1], dates[::-1]), made(signals, dates)),
        (made(prices, dates), made(signals, dates[::-1])),
    ):
        with pytest.raises(ParameterError, match=f"go back in time, from {last} to .*: give the oldest row first"):
            PositionStream.from_warmup(*wrong, CONFIG)
    stream = PositionStream.from_warmup(made(prices, dates), made(signals, dates), CONFIG)
    rows: list[Any] = [{"date": date, "A": 1.0, "B": 1.0} for date in dates[:2]]
    if kind in ("index", "polars"):
        rows = [made(prices[:1], dates[:1]), made(signals[:1], dates[1:2])]
    with pytest.raises(ParameterError, match="row 0: prices are of"):
        stream.step(*rows)


@pytest.mark.parametrize("unit", [10**9, 10**6, 10**3, 1])
def test_a_column_of_times_is_no_asset(unit: int) -> None:
    prices, signals = history("clean", 2)
    times = (1_767_225_600_000_000_000 + np.arange(110) * 60 * 10**9) // unit
    expected = optimise(prices, signals, CONFIG).cash_position
    for name in ("timestamp", "Date", "time"):
        found = optimise(dated(prices, times, name), dated(signals, times, name), CONFIG)
        assert found.assets == ("A", "B")
        assert found.cash_position.tobytes() == expected.tobytes()
    with pytest.raises(ParameterError, match=f"column open_time of prices holds {times[0]} to .* looks like time"):
        optimise(dated(prices, times, "open_time"), dated(signals, times, "open_time"), CONFIG)
    dear = dated(prices, times.astype(float), "C"), dated(signals, np.ones(110), "C")
    assert optimise(*dear, CONFIG).assets == ("C", "A", "B")
