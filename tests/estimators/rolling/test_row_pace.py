"""The pace of rows."""

import numpy as np
import pytest

from alphastream.estimators import RowPace
from alphastream.performance import rows_per_year

DAY = 86_400 * 10**9
HOUR = 3_600 * 10**9


def test_even_rows_have_the_pace_of_their_interval() -> None:
    pace = RowPace().run(1.7e18 + np.arange(500) * float(HOUR))[0].rows_per_year
    assert np.isnan(pace[0])
    np.testing.assert_allclose(pace[1:], 365.25 * 24.0)


def test_sessions_are_counted_with_their_nights_and_weekends() -> None:
    days = np.array([day for day in range(365) if day % 7 < 5])
    ends = (days[:, None] * DAY + np.arange(1, 8) * HOUR).ravel()
    pace = RowPace().run(ends)[0].rows_per_year
    assert pace[6] == pytest.approx(365.25 * 24.0)  # nothing but a session so far
    assert pace[-1] == pytest.approx(rows_per_year(ends), rel=0.05)
    assert np.ptp(pace[7 * 60 :]) < 0.12 * pace[-1]  # before and after a weekend


def test_another_pace_is_taken_up_in_months_whatever_was_before() -> None:
    slow = np.arange(1, 301) * float(DAY)
    fast = slow[-1] + np.arange(1, 24 * 120) * float(HOUR)
    after = RowPace().run(np.append(slow, fast))[0].rows_per_year
    fresh = RowPace().run(fast)[0].rows_per_year
    assert after[-1] == pytest.approx(fresh[-1], rel=0.07)


def test_times_that_do_not_rise_are_passed_over() -> None:
    times = np.array([0.0, np.nan, 1.0, 1.0, 0.5, 2.0]) * HOUR
    pace = RowPace().run(times)[0].rows_per_year / (365.25 * 24.0)
    np.testing.assert_allclose(pace, [np.nan, np.nan, 1.0, np.nan, np.nan, 1.0])
