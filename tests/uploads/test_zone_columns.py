"""Zones that stand beside the times: in a column of their own, or around the rows of a JSON document."""

import json

import pandas as pd
import pytest

from alphastream.errors import UploadError
from alphastream.uploads import read

TRADES = """time,price,quantity,{name}
2024-08-08 09:30:00,100,1,{zone}
2024-08-08 09:31:00,101,2,{zone}
2024-08-08 09:31:07,101,2,{zone}
"""
BAR = {"open": "1", "high": "2", "low": "1", "close": "2", "volume": "3"}


def _first(text: str, file: str = "AAPL.csv") -> str:
    frame = next(iter(read(file, text.encode()).frames.values()))
    return str(pd.Timestamp(int(frame["time_ns"].iloc[0])))


@pytest.mark.parametrize(
    ("name", "zone", "hour"),
    [
        ("timezone", "America/New_York", 13),
        ("tz", "ET", 13),
        ("tz", "EST", 14),
        ("exchangeTimezoneName", "US/Eastern", 13),
        ("utc_offset", "-04:00", 13),
        ("utc_offset", "-4", 13),
        ("gmtoffset", "-14400", 13),
        ("gmtOffSetMilliseconds", "-14400000", 13),
        ("Time Zone", "UTC", 9),
        ("Zeitzone", "MESZ", 7),
        ("zone", "A", 9),  # no zone of times at all
    ],
)
def test_a_column_of_zones_is_that_of_the_times(name: str, zone: str, hour: int) -> None:
    assert _first(TRADES.format(name=name, zone=zone)) == f"2024-08-08 {hour:02}:30:00"


@pytest.mark.parametrize(
    ("name", "zone", "word"),
    [
        ("timezone", "CST", "means Chicago's and Shanghai's"),
        ("timezone", "Eastern Standard Time", "not known"),
        ("tz_offset", "240", "no offset"),  # minutes, and of JavaScript with the other sign
    ],
)
def test_a_zone_that_is_not_understood_is_asked(name: str, zone: str, word: str) -> None:
    with pytest.raises(UploadError, match=word) as caught:
        read("AAPL.csv", TRADES.format(name=name, zone=zone).encode())
    assert (caught.value.line, caught.value.column) == (2, name)


def test_rows_may_have_zones_of_their_own_and_none_may_lack_it() -> None:
    rows = "2024-08-08 13:30:00Z,1,Asia/Tokyo\n2024-08-08 09:30:01,2,US/Eastern\n2024-08-08 22:30:02,2,Asia/Tokyo\n"
    frame = read("AAPL.csv", ("time,price,tz\n" + rows).encode()).frames["AAPL"]
    assert (frame["time_ns"].diff().dropna() == 10**9).all()
    with pytest.raises(UploadError, match="zone of this time is needed") as caught:
        read("AAPL.csv", f"time,price,tz\n{rows}2024-08-08 09:30:03,2,\n".encode())
    assert caught.value.line == 5


@pytest.mark.parametrize(
    "text",
    [
        "t,price,timezone\n1723123800,1,nowhere\n1723123801,2,nowhere\n",
        "time_utc,price,gmtoffset\n2024-08-08 13:30:00,1,-14400\n2024-08-08 13:30:01,2,-14400\n",
        "RIC,Date-Time[G],GMT Offset,Price\nAAPL.O,2024-08-08 13:30:00,-4,1\nAAPL.O,2024-08-08 13:30:01,-4,2\n",
    ],
)
def test_times_that_are_utc_already_stay(text: str) -> None:
    assert _first(text) == "2024-08-08 13:30:00"


def test_a_date_alone_is_the_trading_day_of_its_place() -> None:
    text = "date,open,high,low,close,tz\n2024-08-08,1,2,1,2,Asia/Tokyo\n2024-08-09,1,2,1,2,Asia/Tokyo\n"
    assert _first(text) == "2024-08-08 00:00:00"


@pytest.mark.parametrize(
    "document",
    [
        {
            "meta": {"symbol": "AAPL", "exchange_timezone": "America/New_York"},
            "values": [{"datetime": f"2024-08-08 09:{minute}:00", **BAR} for minute in (30, 31)],
        },
        {
            "Meta Data": {"2. Symbol": "AAPL", "6. Time Zone": "US/Eastern"},
            "Time Series (1min)": {f"2024-08-08 09:{minute}:00": BAR for minute in (30, 31)},
        },
        {
            "meta": {"symbol": "AAPL", "gmtoffset": -14400, "exchangeTimezoneName": "America/New_York"},
            "timestamp": [1723123800, 1723123860],
            "indicators": {"quote": [{name: [value, value] for name, value in BAR.items()}]},
        },
        {
            "meta": {"symbol": "AAPL", "gmtoffset": -14400},
            "timestamp": ["2024-08-08 09:30:00", "2024-08-08 09:31:00"],
            "indicators": {"quote": [{name: [value, value] for name, value in BAR.items()}]},
        },
    ],
)
def test_what_stands_around_the_rows_of_json_is_their_zone(document: object) -> None:
    assert _first(json.dumps(document), "bars.json") == "2024-08-08 13:30:00"
