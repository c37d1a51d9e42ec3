"""Times of every habit come out as the nanoseconds they mean."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.uploads.cells import CellError
from alphastream.uploads.times import TimeReader, looks_like_time, parse_times

NOON = np.datetime64("2015-08-24T13:05:06", "ns").astype(np.int64)


@pytest.mark.parametrize(
    "cell",
    [
        "2015-08-24 13:05:06",
        "2015-08-24T13:05:06Z",
        "2015-08-24T15:05:06+02:00",
        "2015-08-24 08:35:06-0430",
        "2015-08-24 13:05:06+00",
        "2015/8/24 13:05:06",
        "2015.08.24 13:05:06",
        "8/24/2015 1:05:06 PM",
        "8/24/15, 13:05:06",
        "24.08.2015 13:05:06",
        "24-Aug-2015 13:05:06",
        "Aug 24, 2015 13:05:06",
        "24 August 2015 13:05:06 UTC",
        "20150824130506",
        "1440421506",
        "1440421506.0",
        "1440421506000",
        "1440421506000000",
        "1440421506000000000",
        "1.440421506E+12",
        " 1440421506 ",
    ],
)
def test_one_moment_in_many_spellings(cell: str) -> None:
    assert parse_times(pa.array([cell])).time_ns.tolist() == [NOON]
    assert looks_like_time(cell) or "E+" in cell


@pytest.mark.parametrize(
    "cell", ["2020-01-01 12-AM", "2020-01-01 12:00 AM", "2020-01-01", "20200101", "1/1/2020 00:00"]
)
def test_midnight(cell: str) -> None:
    assert parse_times(pa.array([cell])).time_ns.tolist() == [np.datetime64("2020-01-01", "ns").astype(np.int64)]


@pytest.mark.parametrize(
    ("cells", "month", "why"),
    [
        (["5/13/2015", "6/1/2015"], 5, "dates read as month, day, year"),
        (["13/5/2015", "1/6/2015"], 5, "dates read as day, month, year"),
        (
            ["1/2/2015", "2/2/2015", "1/3/2015"],
            2,
            "dates read as day, month, year: the only order in which they run one way",
        ),
        (
            ["1/12/2015", "2/1/2015", "2/2/2015"],
            1,
            "dates read as month, day, year: the only order in which they run one way",
        ),
        (["1.2.2015", "1.3.2015"], 2, "dates read as day, month, year: as dates with points are written"),
        (
            [f"{day:02}/02/2015" for day in (2, 3, 4, 5, 6, 9)],
            2,
            "dates read as day, month, year: only so the dates are evenly spaced",
        ),
        (
            [f"02/{day:02}/2015 {hour:02}:00" for day in (2, 3, 4) for hour in range(3)],
            2,
            "dates read as month, day, year: only so the dates are evenly spaced",
        ),
        (
            ["15/08/07", "15/08/08", "15/08/09"],
            8,
            "dates read as year, month, day: only so the dates are evenly spaced",
        ),
        (["1/1/2015", "2/2/2015"], 1, "dates read as month, day, year: all orders give the same days"),
    ],
)
def test_day_and_month_by_evidence(cells: list[str], month: int, why: str) -> None:
    times = parse_times(pa.array(cells))
    assert times.time_ns.astype("M8[ns]").astype("M8[M]")[0] == np.datetime64(f"2015-{month:02}")
    assert times.notes[0] == why


@pytest.mark.parametrize(
    "cells",
    [
        ["1/2/2015", "1/3/2015"],
        ["03/04/2024", "05/06/2024"],
        ["01/02/2024"] * 5,
        [f"1/{at}/2024" for at in range(2, 11)],
    ],
)
def test_what_may_be_day_or_month_is_asked(cells: list[str]) -> None:
    """Days in a row, or months in a row: both are evenly spaced."""
    with pytest.raises(CellError, match=r"\(month, day, year\) or .* \(day, month, year\): the rows do not tell"):
        parse_times(pa.array(cells))
    assert parse_times(pa.array(cells), "DMY").notes[0] == "dates read as day, month, year, as chosen"


def test_short_years_with_words_for_months() -> None:
    days = parse_times(pa.array(["07-Aug-99", "10-Aug-99", "07-Aug-24"])).time_ns.astype("M8[ns]").astype("M8[D]")
    assert [str(day) for day in days] == ["1999-08-07", "1999-08-10", "2024-08-07"]
    months = parse_times(pa.array(["Dec-98", "Jan-99"])).time_ns.astype("M8[ns]").astype("M8[D]")
    assert [str(day) for day in months] == ["1998-12-01", "1999-01-01"]


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        ([f"24-Aug-{day:02}" for day in range(5, 17) if day not in (10, 11)], "2024-08-05"),
        (["07-Aug-24"], "2024-08-07"),
        (["07-Aug-99", "08-Aug-99"], "1999-08-07"),
        (["28-Dec-98", "04-Jan-99"], "1998-12-28"),
        (["Jan-98", "Feb-98", "Mar-98"], "1998-01-01"),
        (["Jan 2024", "Jan 2024", "Feb 2024", "Feb 2024"], "2024-01-01"),  # two symbols
        ([f"{day:02}/02/2024" for day in range(1, 10)], "2024-02-01"),  # every day, weekends too
    ],
)
def test_years_of_two_digits_and_even_days(cells: list[str], first: str) -> None:
    assert parse_times(pa.array(cells)).time_ns.astype("M8[ns]")[0] == np.datetime64(first)


@pytest.mark.parametrize(
    "cells",
    [
        ["01/02/2023", "01/03/2023", "01/04/2023"],  # days of January, or the first of three months
        ["24-Aug-07", "24-Aug-08", "24-Aug-09"],  # three days of 2024, or one day in three years
        ["24-Aug-09", "24-Aug-10", "24-Aug-11"],
        ["Jan-24", "Jan-25", "Jan-26"],  # days, or years
        ["Jan-24"],
    ],
)
def test_even_both_ways_is_asked(cells: list[str]) -> None:
    with pytest.raises(CellError, match="do not tell"):
        parse_times(pa.array(cells))


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2024-8-8 9:5", "2024-08-08T09:05"),
        ("2024/08/08 13.30.00", "2024-08-08T13:30"),
        ("20240808133000.123", "2024-08-08T13:30:00.123"),
        ("20240808133000123456", "2024-08-08T13:30:00.123456"),
        ("20240808 093000123456", "2024-08-08T09:30:00.123456"),
        ("2024-08-08T15:30:00+02:00[Europe/Paris]", "2024-08-08T13:30"),
        ("Donnerstag, 8. August 2024", "2024-08-08"),
        ("jeudi 8 août 2024", "2024-08-08"),
        ("mar 6 ago 2024", "2024-08-06"),
    ],
)
def test_further_spellings(cell: str, moment: str) -> None:
    assert parse_times(pa.array([cell])).time_ns.astype("M8[ns]")[0] == np.datetime64(moment)


def test_zones_are_noted_where_they_are_missing() -> None:
    assert parse_times(pa.array(["2015-08-24T13:05:06Z"])).notes == ()
    assert parse_times(pa.array(["2015-08-24T13:05:06"])).notes == ("times carry no zone: read as UTC",)
    mixed = parse_times(pa.array(["2015-08-24T13:05:06", "2015-08-24T15:05:06+02:00"]))
    assert mixed.time_ns.tolist() == [NOON, NOON]
    assert mixed.notes == ("times carry no zone: read as UTC",)


@pytest.mark.parametrize(
    ("cells", "row", "word"),
    [
        (["13/2/2015", "1/14/2015"], 1, "the other way round"),
        (["2/28/2015", "2/30/2015"], 1, "no such day"),
        (["2015-01-01", "2015-01-01 25:00"], 1, "no such day or time"),
        (["2015-01-01", "1/1/2015"], 1, "write all alike"),
        (["1723075200", "2015-01-01"], 1, "a time is needed"),
        (["1723075200", "99999999999999999999"], 1, "a time is needed"),
        (["1723075200", "50000000000"], 1, "no unit"),
        (["1723075200", "-1723075200"], 1, "no unit"),
        (["2015-01-01", ""], 1, "a time is needed"),
        (["noon"], 0, "a time is needed"),
    ],
)
def test_first_bad_time_is_named(cells: list[str], row: int, word: str) -> None:
    with pytest.raises(CellError, match=word) as caught:
        parse_times(pa.array(cells))
    assert caught.value.row == row


UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
MOMENTS = st.integers(65 * 10**7, 9 * 10**9 - 1)  # ns of 1974 and of 1990 alone are counts of Windows and of .NET


@given(st.lists(st.tuples(MOMENTS, st.integers(0, 10**9 - 1), st.sampled_from(sorted(UNITS))), min_size=1, max_size=20))
def test_epochs_of_mixed_units_are_exact(rows: list[tuple[int, int, str]]) -> None:
    """Every row in its own unit, fractions included, to the nanosecond."""
    cells, expected = [], []
    for second, nano, unit in rows:
        scale = UNITS[unit]
        moment = second * 10**9 + nano
        digits = len(str(scale)) - 1
        cells.append(f"{moment // scale}.{moment % scale:0{digits}}" if digits else str(moment))
        expected.append(moment)
    assert parse_times(pa.array(cells)).time_ns.tolist() == expected


def test_no_digit_of_a_fraction_is_lost_to_floats() -> None:
    times = parse_times(pa.array(["1723075200.123456789", "1723075200123.4567891234", "1723075200."]))
    assert times.time_ns.tolist() == [1723075200123456789, 1723075200123456789, 1723075200000000000]


@given(st.lists(st.datetimes(), min_size=1, max_size=10))
def test_dates_with_words_for_months(moments: list[object]) -> None:
    """Calendar arithmetic agrees with numpy's on every day that int64 nanoseconds can hold."""
    days = [np.datetime64(str(moment), "us") for moment in moments]
    days = [day for day in days if np.datetime64("1700-01-01") < day < np.datetime64("2260-01-01")]
    if days:
        cells = [f"{day.astype(object):%d-%b-%Y %H:%M:%S.%f}" for day in days]
        expected = [day.astype("M8[ns]").astype(np.int64) for day in days]
        assert parse_times(pa.array(cells)).time_ns.tolist() == expected


def test_wall_clocks_and_zones_are_kept() -> None:
    """Daily bars are paired by the date that is written, whatever the zone."""
    zoned = parse_times(pa.array(["2022-01-03 00:00:00-05:00", "2022-07-04 00:00:00-04:00"]))
    assert zoned.zoned
    assert not zoned.dates_only
    assert (zoned.time_ns - zoned.written_ns).tolist() == [5 * 3600 * 10**9, 4 * 3600 * 10**9]
    plain = parse_times(pa.array(["2022-01-03", "2022-01-04"]))
    assert plain.dates_only
    assert not plain.zoned
    assert plain.written_ns is plain.time_ns
    assert not parse_times(pa.array(["2022-01-03 00:00"])).dates_only
    assert parse_times(pa.array(["03/25/2022"])).dates_only


def test_blocks_are_one_column() -> None:
    reader = TimeReader()
    reader.add(pa.array(["1/2/2015", "2/2/2015"]))
    reader.add(pa.array(["25/2/2015"]))
    assert str(reader.finish().time_ns.astype("M8[ns]")[0]) == "2015-02-01T00:00:00.000000000"
    reader = TimeReader()
    reader.add(pa.array(["2015-02-01"]), pa.array(["9:30"]))
    reader.add(pa.array(["2015-02-02"]), pa.array(["9:xx"]))
    with pytest.raises(CellError) as caught:
        reader.finish()
    assert caught.value.row == 1


FIRST = dt.datetime(1971, 1, 1)  # noqa: DTZ001 (as files write it)
SPELLINGS = (
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%d %H:%M:%S,%f",
    "%Y-%m-%dD%H:%M:%S.%f000",
    "%Y.%m.%d %H:%M:%S.%f",
    "%Y/%m/%d %H:%M:%S.%f",
    "%Y%m%d %H%M%S%f",
    "%Y%m%d  %H:%M:%S.%f",
    "%Y%m%d-%H:%M:%S.%f",
    "%Y%m%dT%H%M%S.%fZ",
    "%Y%m%d%H%M%S%f",
    "%d.%m.%Y %H:%M:%S.%f",
    "%d-%b-%Y %H:%M:%S.%f",
    "%d%b%Y:%H:%M:%S.%f",
    "%b %d, %Y %I:%M:%S.%f %p",
    "%d %B %Y %H:%M:%S.%f UTC",
    "%a, %d %b %Y %H:%M:%S.%f GMT",
    "%Y年%m月%d日 %H:%M:%S.%f",
)


@given(
    st.lists(st.datetimes(FIRST, FIRST.replace(year=2069)), min_size=1, max_size=10),
    st.sampled_from(SPELLINGS),
    st.integers(1, 4),
)
def test_every_moment_comes_back_from_every_spelling(moments: list[dt.datetime], spelling: str, block: int) -> None:
    """Read whole or in blocks; an order of day and month that is not told is asked, never taken."""
    expected = [np.datetime64(moment, "ns").astype(np.int64) for moment in moments]
    reader = TimeReader()
    for start in range(0, len(moments), block):
        reader.add(pa.array([f"{moment:{spelling}}" for moment in moments[start : start + block]]))
    assert reader.finish().time_ns.tolist() == expected


@given(
    st.dates(dt.date(1990, 1, 1), dt.date(2028, 1, 1)),
    st.integers(1, 40),
    st.sampled_from([1, 7]),
    st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%y", "%m/%d/%y", "%y/%m/%d", "%d-%b-%y"]),
)
def test_even_days_are_read_rightly_or_asked(first: dt.date, count: int, step: int, spelling: str) -> None:
    """Days or weeks on end, in any order of day, month and year: the right days, or a question."""
    days = [first + dt.timedelta(days=step * at) for at in range(count)]
    asked = ""
    try:
        read = parse_times(pa.array([f"{day:{spelling}}" for day in days])).time_ns
    except CellError as error:
        asked = error.needed
    if asked:
        assert "do not tell" in asked
        assert count <= (29 if "%y" in spelling else 12)  # 01-01-01 to 29-01-01: days, or years on end
    else:
        assert read.astype("M8[ns]").astype("M8[D]").tolist() == days


def test_numbers_of_eight_digits_and_a_comma_are_no_dates() -> None:
    assert not any(map(looks_like_time, ("10000000,0", "20240808,5", "12345678,25", "10000000,1875")))
    assert all(map(looks_like_time, ("20240808,093000", "20240808,9:30", "20240808, 9:30", "20240808 093000")))
