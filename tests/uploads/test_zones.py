"""Zones of every spelling, and the hours that a change of clocks leaves out or shows twice."""

from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.core.types import Ints
from alphastream.uploads.cells import CellError
from alphastream.uploads.times import parse_times
from alphastream.uploads.zones import ClockChangeError, ZoneError, to_utc, zone_of

NEW_YORK = ZoneInfo("America/New_York")


def _wall(*clocks: str, day: str = "2024-11-03") -> Ints:
    return np.array([f"{day}T{clock}" for clock in clocks], "M8[ns]").astype(np.int64)


def _hours(utc_ns: Ints) -> list[str]:
    return [str(moment)[11:16] for moment in utc_ns.astype("M8[ns]")]


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("Z", 0),
        ("UTC", 0),
        ("(UTC)", 0),
        ("+01", 1),
        ("+0530", 5.5),
        ("-04:00", -4),
        ("UTC+1", 1),
        ("GMT-0330", -3.5),
        ("GMT+0100 (CET)", 1),
        ("est", -5),
        ("EDT", -4),
        ("MESZ", 2),
        ("JST", 9),
    ],
)
def test_offsets_and_abbreviations(text: str, hours: float) -> None:
    assert zone_of(text) == hours * 3600


@pytest.mark.parametrize("text", ["CST", "IST", "BST", "AST", "Mars/Olympus", "America", "h30", "+25", "../etc/passwd"])
def test_what_no_zone_or_several_is_asked(text: str) -> None:
    with pytest.raises(ZoneError, match="offset from UTC"):
        zone_of(text)


def test_the_column_may_say_which_zone_an_abbreviation_is() -> None:
    assert zone_of("CST", ["CST", "CDT"]) == -6 * 3600
    assert zone_of("BST", ["GMT", "BST"]) == 3600


def test_a_place_and_its_summer_time() -> None:
    read = parse_times(pa.array(["2024-08-08 09:30:00 US/Eastern", "2024-12-02 09:30:00 US/Eastern"]))
    assert _hours(read.time_ns) == ["13:30", "14:30"]
    assert read.zoned
    assert read.notes == ("times of US/Eastern turned into UTC, summer time included",)
    assert parse_times(pa.array(["2024-08-08 09:30 EST"])).notes == ("EST read as UTC-05:00 throughout the year",)


@pytest.mark.parametrize(
    ("clocks", "utc"),
    [
        (("00:30", "01:00", "01:30", "01:00", "01:30", "02:00"), "04:30 05:00 05:30 06:00 06:30 07:00"),
        (("02:00", "01:30", "01:00", "01:30", "01:00", "00:30"), "07:00 06:30 06:00 05:30 05:00 04:30"),
        (("00:00", "01:00", "01:00", "02:00"), "04:00 05:00 06:00 07:00"),  # an hour a row
        (("00:59", "00:59", "01:00", "01:00", "01:59", "01:00", "02:00"), "04:59 04:59 05:00 05:00 05:59 06:00 07:00"),
    ],
)
def test_an_hour_that_exists_twice_is_told_apart_by_the_order_of_rows(clocks: tuple[str, ...], utc: str) -> None:
    assert _hours(to_utc(_wall(*clocks), NEW_YORK)) == utc.split()


def test_each_symbol_of_a_file_runs_through_the_hour_by_itself() -> None:
    one = _wall("00:30", "01:30", "01:00", "02:00")
    assert _hours(to_utc(np.concatenate([one, one]), NEW_YORK)) == ["04:30", "05:30", "06:00", "07:00"] * 2


@pytest.mark.parametrize("clocks", [("01:30",), ("00:30", "01:30", "02:30"), ("00:00", "01:00", "01:00")])
def test_what_the_rows_do_not_tell_is_asked(clocks: tuple[str, ...]) -> None:
    with pytest.raises(ClockChangeError, match="exists twice"):
        to_utc(_wall(*clocks), NEW_YORK)


def test_a_time_that_does_not_exist_is_named() -> None:
    with pytest.raises(CellError, match="does not exist in US/Eastern") as caught:
        parse_times(pa.array(["2024-03-10 01:30 US/Eastern", "2024-03-10 02:30 US/Eastern"]))
    assert caught.value.row == 1


@given(
    st.lists(st.integers(0, 2**31), min_size=1, max_size=20),
    st.sampled_from(["Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata", "Africa/Casablanca"]),
)
def test_places_agree_with_the_database(seconds: list[int], place: str) -> None:
    """Every moment comes back, but for hours that exist twice."""
    zone = ZoneInfo(place)
    moments = np.array(sorted(seconds), dtype="M8[s]")
    walls = [moment.item().replace(tzinfo=ZoneInfo("UTC")).astimezone(zone) for moment in moments]
    plain = [
        at for at, wall in enumerate(walls) if wall.replace(fold=0).utcoffset() == wall.replace(fold=1).utcoffset()
    ]
    naive = np.array([walls[at].replace(tzinfo=None) for at in plain], dtype="M8[ns]").astype(np.int64)
    assert to_utc(naive, zone).tolist() == moments[plain].astype("M8[ns]").astype(np.int64).tolist()
