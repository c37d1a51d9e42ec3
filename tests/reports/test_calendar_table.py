"""Returns by the calendar: which periods a run has, and that they multiply to the run."""

import numpy as np
import pytest

from alphastream.reports.calendar_table import MONTHS, calendar_table, strength, strongest
from tests.reports.books import DAY, made

HOUR = DAY // 24
MINUTE = HOUR // 60


@pytest.mark.parametrize(
    ("rows", "interval_ns", "unit", "title"),
    [
        (10, MINUTE, "", "Returns by the calendar"),
        (6 * 60, MINUTE, "hour", "Hourly returns"),
        (24 * 20, HOUR, "day", "Daily returns"),
        (400, DAY, "month", "Monthly returns"),
    ],
)
def test_the_longest_periods_of_which_there_are_some(rows: int, interval_ns: int, unit: str, title: str) -> None:
    run = made(rows, interval_ns=interval_ns)
    found = calendar_table(run)
    assert (found.unit, found.title) == (unit, title)
    total = float(run.equity[-1]) / run.capital
    if not unit:
        assert found.frame.empty
        assert "too short to be cut into hours, days or months" in found.says
        assert f"{total - 1.0:+.3%} in all" in found.says
        return
    parts = found.frame[found.shaded].to_numpy()
    assert np.nanprod(1.0 + parts / 100.0) == pytest.approx(total)
    if unit != "month":
        assert found.frame["so far, %"].iloc[-1] == pytest.approx((total - 1.0) * 100.0)
        assert "not long enough for months" in found.says


def test_months_of_two_years() -> None:
    found = calendar_table(made(400))
    assert found.frame["year"].tolist() == ["2024", "2025"]
    assert found.frame[list(MONTHS)].notna().sum().sum() == 14  # January of one year to the February after
    assert strongest(found.frame[found.shaded]) == np.nanmax(np.abs(found.frame[found.shaded].to_numpy()))


def test_hours_are_named_by_their_beginning() -> None:
    frame = calendar_table(made(6 * 60, interval_ns=MINUTE)).frame
    assert frame["hour from"].tolist() == [f"2024-01-01 {hour:02}:00" for hour in range(6)]


def test_colours_stay_behind_the_text() -> None:
    assert strength(2.0, 2.0) == strength(-9.0, 2.0) == 0.45
    assert strength(float("nan"), 2.0) == strength(1.0, 0.0) == 0.0
