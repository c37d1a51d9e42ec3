"""Bars of a day are dated by their trading date, however a market's clock stamps them; shorter bars keep their time."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from alphastream.core.types import Floats, Ints
from alphastream.core.units import DAY, HOUR, MS, SECOND
from alphastream.uploads import combine
from alphastream.uploads import read as read_file
from alphastream.uploads.notes import Notes
from alphastream.uploads.series import pair_rows
from alphastream.uploads.stamps import MINUTE, starts
from alphastream.uploads.times import Times

# Clocks that markets and vendors stamp daily bars with: zone and time of day. Midnights, opens and closes.
CLOCKS = {
    "New York's midnight (yfinance)": ("America/New_York", "0h"),
    "New York's open (charts of Yahoo)": ("America/New_York", "9h30min"),
    "New York's close": ("America/New_York", "16h"),
    "a close at 17:00 in New York": ("America/New_York", "17h"),
    "a close at 17:00 in Chicago": ("America/Chicago", "17h"),
    "Sao Paulo's midnight": ("America/Sao_Paulo", "0h"),
    "London's midnight": ("Europe/London", "0h"),
    "London's open": ("Europe/London", "8h"),
    "Berlin's midnight": ("Europe/Berlin", "0h"),
    "Berlin's close": ("Europe/Berlin", "17h30min"),
    "Moscow's midnight": ("Europe/Moscow", "0h"),
    "Mumbai's midnight": ("Asia/Kolkata", "0h"),
    "Mumbai's close": ("Asia/Kolkata", "15h30min"),
    "Shanghai's midnight": ("Asia/Shanghai", "0h"),
    "Hong Kong's midnight": ("Asia/Hong_Kong", "0h"),
    "Tokyo's midnight": ("Asia/Tokyo", "0h"),
    "Tokyo's open": ("Asia/Tokyo", "9h"),
    "Sydney's midnight": ("Australia/Sydney", "0h"),
    "Sydney's open": ("Australia/Sydney", "10h"),
    "Auckland's midnight": ("Pacific/Auckland", "0h"),
    "Auckland's open": ("Pacific/Auckland", "10h"),
}


def days_of(first: str, count: int, seed: int = 0) -> pd.DatetimeIndex:
    """Weekdays, some of them holidays."""
    every = pd.bdate_range(first, periods=count + count // 30)
    rng = np.random.default_rng(seed)
    return every[np.sort(rng.choice(len(every), count, replace=False))]


def ns(times: pd.DatetimeIndex) -> Ints:
    return np.asarray(times.as_unit("ns").asi8)


def read(
    utc: Ints, written: Ints | None = None, codes: Ints | None = None, end: bool = False
) -> tuple[Ints, tuple[str, ...]]:
    notes = Notes()
    times = Times(utc, (), utc if written is None else written, zoned=written is not None, dates_only=False)
    return starts(times, codes, end, notes), notes.sentences()


@pytest.mark.parametrize("first", ["2022-01-03", "2021-08-02"])  # summer time begins, and ends
@pytest.mark.parametrize("clock", CLOCKS)
def test_daily_bars_are_dated_by_their_market(clock: str, first: str) -> None:
    zone, hour = CLOCKS[clock]
    for count in (600, 150, 40, 8):
        days = days_of(first, count, count)
        wall = days + pd.Timedelta(hour)
        utc = ns(wall.tz_localize(zone).tz_convert("UTC"))
        if np.mean(utc % DAY == 12 * HOUR) < 0.9:  # a winter of Auckland alone looks like the closes of Riyadh
            np.testing.assert_array_equal(read(utc)[0], ns(days))
        np.testing.assert_array_equal(read(utc, ns(wall))[0], ns(days))
        np.testing.assert_array_equal(read(utc[::-1], ns(wall)[::-1])[0], ns(days)[::-1])


def test_what_was_done_is_said() -> None:
    days = days_of("2022-01-03", 300)
    assert read(ns(days))[1] == ()
    new_york = read(ns((days + pd.Timedelta("16h")).tz_localize("America/New_York").tz_convert("UTC")))
    assert new_york[1] == ("daily bars stamped 20:00 to 21:00 are dated by the day they are stamped with",)
    tokyo = read(ns(days.tz_localize("Asia/Tokyo").tz_convert("UTC")))
    assert tokyo[1] == ("daily bars stamped 15:00 are dated by the day after, as bars that leave weekends free",)


def test_days_of_a_market_that_never_rests_keep_their_date_and_a_note_says_it() -> None:
    days = pd.date_range("2022-01-01", periods=400)
    got, said = read(ns(days + pd.Timedelta("16h")))
    np.testing.assert_array_equal(got, ns(days))
    assert said == (
        "daily bars stamped 16:00 are dated by the day they are stamped with: nothing in the file shows whether their "
        "market dates them a day later",
    )


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/London", "Europe/Athens", "Australia/Sydney"])
def test_summer_time_shows_the_zone_where_no_weekend_does(zone: str) -> None:
    days = pd.date_range("2022-01-01", periods=400)
    np.testing.assert_array_equal(read(ns(days.tz_localize(zone).tz_convert("UTC")))[0], ns(days))


def test_markets_that_rest_on_fridays_keep_their_sundays() -> None:
    days = pd.date_range("2022-01-02", periods=300)
    days = days[~days.day_of_week.isin([4, 5])]
    for hour in ("0h", "7h", "12h", "14h25min"):  # Riyadh closes at 12:00 UTC, Tel Aviv opens at 07:00
        np.testing.assert_array_equal(read(ns(days + pd.Timedelta(hour)))[0], ns(days))
    riyadh = days + pd.Timedelta("15h")
    np.testing.assert_array_equal(read(ns(riyadh - pd.Timedelta("3h")), ns(riyadh))[0], ns(days))


def test_currency_days_from_sunday_evening_on_are_of_mondays() -> None:
    days = days_of("2022-01-03", 200)
    wall = days - pd.Timedelta("7h")
    utc = wall.tz_localize("America/New_York").tz_convert("UTC")
    for written in (None, ns(wall)):
        got, said = read(ns(utc), written)
        np.testing.assert_array_equal(got, ns(days))
        assert "dated by the day after" in said[0]


def test_short_days_and_the_newest_bar_keep_their_date() -> None:
    days = days_of("2022-01-03", 300)
    closes = np.where(np.arange(300) % 100 == 50, 18 * HOUR, 21 * HOUR)
    np.testing.assert_array_equal(read(ns(days) + closes)[0], ns(days))
    for first in (0, 4 * HOUR, 14 * HOUR + HOUR // 2):
        begins = np.full(300, first)
        begins[-1] = 19 * HOUR + 123 * SECOND
        np.testing.assert_array_equal(read(ns(days) + begins)[0], ns(days))
    trades = 20 * HOUR - np.random.default_rng(1).integers(0, 600, 300) * SECOND  # the last trade of each day
    np.testing.assert_array_equal(read(ns(days) + trades)[0], ns(days))


@pytest.mark.parametrize("before", [1, 1_000, MS, SECOND])
def test_last_moments_are_ends(before: int) -> None:
    days = pd.date_range("2022-01-01", periods=60)
    np.testing.assert_array_equal(read(ns(days) + DAY - before)[0], ns(days))
    for length in (MINUTE, 15 * MINUTE, HOUR, 4 * HOUR):
        begin = ns(days)[0] + np.arange(1, 200) * length
        got, said = read(begin + length - before)
        np.testing.assert_array_equal(got, begin)
        assert said == (f"times are the ends of bars: each starts {pd.Timedelta(length)} earlier",)


def test_ends_that_the_header_names_are_moved() -> None:
    days = days_of("2022-01-03", 200)
    for hour in ("21h", "24h"):  # a close, and midnight after it
        np.testing.assert_array_equal(read(ns(days + pd.Timedelta(hour)), end=True)[0], ns(days))
    midnights = (days + pd.Timedelta("24h")).tz_localize("America/New_York")
    np.testing.assert_array_equal(read(ns(midnights.tz_convert("UTC")), end=True)[0], ns(days))
    utc, wall = midnights.tz_convert("UTC"), midnights.tz_localize(None)
    np.testing.assert_array_equal(read(ns(utc), ns(wall), end=True)[0], ns(days))
    begin = ns(days)[0] + np.arange(50) * HOUR
    np.testing.assert_array_equal(read(begin + HOUR, end=True)[0], begin)


def test_midnights_from_tuesday_to_saturday_are_ends() -> None:
    days = days_of("2022-01-03", 100)
    got, said = read(ns(days) + DAY)
    np.testing.assert_array_equal(got, ns(days))
    assert said == ("daily bars stamped 00:00 are dated by the day before, as bars that leave weekends free",)


def test_a_clock_around_midnight_is_of_the_later_day() -> None:
    days = pd.DatetimeIndex(
        ["2022-03-31", "2022-04-01", "2022-04-05", "2022-04-06"]
    )  # Sydney opens at 23:00, then 00:00
    utc = ns((days + pd.Timedelta("10h")).tz_localize("Australia/Sydney").tz_convert("UTC"))
    np.testing.assert_array_equal(read(utc)[0], ns(days))


def test_weeks_and_months() -> None:
    mondays = pd.date_range("2022-01-03", periods=60, freq="7D")
    months = pd.date_range("2022-01-01", periods=30, freq="MS")
    for starts_ in (mondays, months):
        for zone in ("America/New_York", "Europe/Berlin", "Asia/Tokyo"):
            np.testing.assert_array_equal(read(ns(starts_.tz_localize(zone).tz_convert("UTC")))[0], ns(starts_))
    last = {"weeks": mondays + pd.Timedelta("7D"), "months": months + pd.offsets.MonthBegin(1)}
    for starts_, ends in ((mondays, last["weeks"]), (months, last["months"])):
        np.testing.assert_array_equal(read(ns(ends) - MS)[0], ns(starts_))
        np.testing.assert_array_equal(read(ns(ends), end=True)[0], ns(starts_))


def hourly(count: int, step: int) -> Ints:
    return np.asarray(ns(pd.DatetimeIndex(["2022-01-03"]))[0] + np.arange(count) * step)


NOT_OF_DAYS = {
    "minutes": hourly(3_000, MINUTE),
    "hours": hourly(500, HOUR),
    "four hours": hourly(500, 4 * HOUR) + 2 * HOUR,
    "eight hours, as funding is paid": hourly(300, 8 * HOUR),
    "twelve hours": hourly(300, 12 * HOUR),
    "days at midnight": hourly(400, DAY),
    "sessions of six hours": np.concatenate([hourly(7, HOUR) + 14 * HOUR + day * DAY for day in range(60)]),
    "one hour of three": hourly(3, 23 * HOUR) - np.array([0, 22, 22]) * HOUR,
    "one bar": hourly(1, DAY) + 5 * HOUR,
    "now and then": np.sort(hourly(400, MINUTE)[0] + np.random.default_rng(2).integers(0, 10**6, 400) * MINUTE),
}


@pytest.mark.parametrize("what", NOT_OF_DAYS)
def test_other_bars_keep_their_instant(what: str) -> None:
    utc = NOT_OF_DAYS[what]
    got, said = read(utc)
    np.testing.assert_array_equal(got, utc)
    assert said == ()
    np.testing.assert_array_equal(read(utc, utc - 5 * HOUR)[0], utc if what != "days at midnight" else utc - DAY)


def joined(parts: Sequence[Ints]) -> tuple[Ints, Ints]:
    return np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def test_symbols_of_one_file_are_judged_apart() -> None:
    days = days_of("2022-01-03", 300)
    parts = [ns(days.tz_localize(zone).tz_convert("UTC")) for zone in ("America/New_York", "Asia/Tokyo")]
    utc, codes = joined([*parts, hourly(50, HOUR), parts[1][-1:], parts[1][1:3]])
    got, _ = read(utc, codes=codes)
    wanted, _ = joined([ns(days), ns(days), hourly(50, HOUR), ns(days)[-1:], ns(days)[1:3]])
    np.testing.assert_array_equal(got, wanted)  # the last two have too few bars of their own to tell
    order = np.random.default_rng(3).permutation(len(utc))
    np.testing.assert_array_equal(read(utc[order], codes=codes[order])[0], wanted[order])


def test_plain_dates_are_kept() -> None:
    days = ns(days_of("2022-01-03", 30))
    notes = Notes()
    assert starts(Times(days, (), days, zoned=False, dates_only=True), None, end=True, notes=notes) is days
    assert notes.sentences() == ()


SPELLINGS = {
    "dates": "%Y-%m-%d",
    "offsets of New York (yfinance)": "%Y-%m-%d 00:00:00-05:00",
    "offsets of Tokyo": "%Y-%m-%dT00:00:00+09:00",
    "closes without a zone": "%Y-%m-%d 16:00",
    "last moments": "%Y-%m-%dT23:59:59.999Z",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_legs_of_one_date_meet_in_a_row(spelling: str) -> None:
    """The pair's 60 correlated returns and its mean reversion are found, whichever way a leg's dates are spelt."""
    days, y, x = cointegrated(600)
    files = [("YYY.csv", "%Y-%m-%d", y), ("XXX.csv", SPELLINGS[spelling], x)]
    upload = combine(*(read_file(name, closes(days.strftime(form), price)) for name, form, price in files))
    rows = pair_rows(upload, "YYY", "XXX", None)
    assert len(rows) == np.count_nonzero(rows.both_traded) == 600
    np.testing.assert_array_equal(rows.end_ns, ns(days) + DAY)
    returns = np.diff(np.log([rows.y, rows.x]))[:, -60:]
    assert np.corrcoef(returns)[0, 1] == pytest.approx(np.corrcoef(np.diff(np.log([y, x]))[:, -60:])[0, 1])
    assert np.corrcoef(returns)[0, 1] > 0.7
    assert half_life(np.log(rows.y) - np.log(rows.x)) == pytest.approx(8.0, rel=0.35)


def cointegrated(count: int) -> tuple[pd.DatetimeIndex, Floats, Floats]:
    """Weekdays and two prices, the spread of which returns by half in eight days."""
    rng = np.random.default_rng(12)
    walk = np.cumsum(0.01 * rng.normal(size=count))
    spread = lfilter([1], [1, -(0.5 ** (1 / 8))], 0.004 * rng.normal(size=count))
    return days_of("2022-01-03", count), 1_200 * np.exp(walk + spread), 400 * np.exp(walk)


def closes(dates: pd.Index, price: Floats) -> bytes:
    return pd.DataFrame({"Date": dates, "Close": price}).to_csv(index=False).encode()


def half_life(spread: Floats) -> float:
    slope = np.polyfit(spread[:-1], spread[1:], 1)[0]
    return float(np.log(0.5) / np.log(slope))
