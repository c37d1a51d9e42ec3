"""Years, months, days, hours and minutes in columns of their own are one time together."""

import pandas as pd
import pytest

from alphastream.errors import UploadError
from alphastream.uploads import Upload, read


def _read(text: str, **options: dict[str, str | None]) -> Upload:
    return read("AAPL.csv", text.encode(), **options)  # type: ignore[arg-type]


def _times(upload: Upload) -> list[str]:
    return [str(pd.Timestamp(int(time))) for time in upload.frames["AAPL"]["time_ns"]]


@pytest.mark.parametrize(
    ("text", "kind", "times"),
    [
        (
            "year,month,day,open,high,low,close\n2024,8,7,1,2,1,2\n2024,8,8,1,2,1,2\n",
            "bars",
            ["2024-08-07", "2024-08-08"],
        ),
        (
            "YYYY,MM,DD,HH,MM,price,size\n2024,8,7,9,5,1,2\n2024,8,7,15,59,1,2\n",
            "ticks",
            ["2024-08-07 09:05", "2024-08-07 15:59"],
        ),
        (
            "date,hour,minute,price,size\n20240807,9,30,1,2\n20240807,9,31,1,2\n",
            "ticks",
            ["2024-08-07 09:30", "2024-08-07 09:31"],
        ),
        (
            "date,hour,open,high,low,close\n2024-08-07,9,1,2,1,2\n2024-08-07,10,1,2,1,2\n",
            "bars",
            ["2024-08-07 09:00", "2024-08-07 10:00"],
        ),
        (
            "Year,Month,Day,Time,price\n2024,8,7,09:30:00,1\n2024,8,7,09:31:00,1\n",
            "ticks",
            ["2024-08-07 09:30", "2024-08-07 09:31"],
        ),
        ("Day,Month,Year,close\n7,Aug,2024,1\n8,Aug,2024,2\n", "bars", ["2024-08-07", "2024-08-08"]),
        ("Year,Month,close\n2024.0,8.0,1\n2024.0,9.0,2\n", "bars", ["2024-08-01", "2024-09-01"]),
        (
            "Date,Hour,Minute,Second,price\n2024-08-07,9,30,1.5,1\n2024-08-07,9,30,12,1\n",
            "ticks",
            ["2024-08-07 09:30:01.5", "2024-08-07 09:30:12"],
        ),
        ("Jahr,Monat,Tag,Schluss\n2024,8,7,1\n2024,8,8,2\n", "bars", ["2024-08-07", "2024-08-08"]),
        (
            "timestamp,year,month,day,hour,price\n1723023000,2024,8,7,9,1\n1723023001,2024,8,7,9,1\n",
            "ticks",
            ["2024-08-07 09:30:00", "2024-08-07 09:30:01"],
        ),
    ],
)
def test_parts_are_put_together(text: str, kind: str, times: list[str]) -> None:
    upload = _read(text)
    assert upload.kind == kind
    assert _times(upload) == [str(pd.Timestamp(time)) for time in times]


@pytest.mark.parametrize(
    ("row", "word"), [("2024,2,30", "2024-02-30"), ("2024,,1", "2024--01"), ("2024,13,1", "2024-13-01")]
)
def test_a_part_that_makes_no_day_is_named_with_its_line(row: str, word: str) -> None:
    rows = "".join(f"2024,2,{day},1,2,1,2\n" for day in range(1, 29)) * 10
    with pytest.raises(UploadError, match=word) as caught:
        _read(f"year,month,day,open,high,low,close\n{rows}{row},1,2,1,2\n")
    assert caught.value.line == 282


def test_years_of_two_digits_and_days_without_a_year_are_asked() -> None:
    for names, row in (("yy,mm,dd", "24,2,28"), ("month,day", "2,28"), ("hour,minute", "9,30")):
        with pytest.raises(UploadError):
            _read(f"{names},close\n{row},1\n{row},2\n")


def test_another_time_that_a_person_chooses_is_read_alone() -> None:
    text = "year,month,day,stamp,price\n2024,8,7,2024-08-07 09:30:00,1\n2024,8,8,2024-08-08 09:31:00,1\n"
    assert _times(_read(text, mapping={"time": "stamp"})) == ["2024-08-07 09:30:00", "2024-08-08 09:31:00"]
