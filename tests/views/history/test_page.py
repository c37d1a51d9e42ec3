"""The history page, empty and full, with good files and bad ones."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import views.shared.elements
from tests.views.running import app, words
from tests.views.user_files import user_files

pytestmark = pytest.mark.usefixtures("replaying")
HISTORY = "views/history/page.py"


def original(rows: int = 900, header: str = " Timestamp , SYMBOL,Price , size") -> bytes:
    """Ticks in the original kind of file, spaces and mixed case in the header."""
    rng = np.random.default_rng(3)
    lines = [header]
    for i in range(rows):
        symbol, level = (("BTCUSDT", 60_000.0), ("ETHUSDT", 2_600.0))[i % 2]
        price = level * (1 + 1e-4 * rng.normal())
        lines.append(f"2024-08-08 00:{i // 120:02d}:{i % 120 / 2:06.3f},{symbol},{price:.2f},0.5")
    return "\n".join(lines).encode()


def packed(name: str, content: bytes, method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def upload(*files: tuple[str, bytes]) -> AppTest:
    test = app(HISTORY, source="Upload")
    for name, content in files:
        test.file_uploader[0].upload(name, content)
    return test.run()


def test_history_is_empty_without_a_file() -> None:
    test = app(HISTORY, source="Upload")
    assert not test.exception
    assert "No file yet" in words(test)


def test_broken_files_of_ones_own_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHASTREAM_USER", str(tmp_path / "user"))
    with user_files(tmp_path / "user", broken="from dataclasses import"):
        assert "broken.py, line 1: SyntaxError" in words(app(HISTORY, source="Upload"))


def test_bundled_recording_is_analysed() -> None:
    test = app(HISTORY, source="Upload")
    test.segmented_control(key="source").set_value("Bundled recording").run()
    assert not test.exception
    assert {metric.label for metric in test.metric} >= {"z-score", "Hedge ratio", "Engle-Granger p", "Half-life"}
    assert "13,399 ticks" in words(test)


def test_tests_are_shown_with_their_findings() -> None:
    test = app(HISTORY, source="Upload")
    test.segmented_control(key="source").set_value("Bundled recording").run()
    test.session_state["tests"] = True
    test.run()
    assert not test.exception
    table = next(frame.value for frame in test.dataframe if "finding" in frame.value)
    assert {"Engle-Granger", "KPSS"} <= {name.split(" ")[0] for name in table["test"]}
    assert table["finding"].str.len().gt(10).all()
    assert "Hayashi-Yoshida" in words(test)


def test_own_tape_is_analysed() -> None:
    app()  # the live page starts the feed
    test = app(HISTORY, source="Upload")
    test.segmented_control(key="source").set_value("This app's tape").run()
    assert not test.exception


def test_original_file_works() -> None:
    test = upload(("trades.csv", original()))
    assert not test.exception
    assert [error.value for error in test.error] == []
    assert "900 ticks" in words(test)
    assert {metric.label for metric in test.metric} >= {"z-score", "Signal"}


def test_two_files_one_symbol_each() -> None:
    lines = original().decode().splitlines()
    files = []
    for symbol in ("BTCUSDT", "ETHUSDT"):
        own = [lines[0], *(line for line in lines if symbol in line)]
        files.append((f"{symbol}.csv", "\n".join(own).encode()))
    test = upload(*files)
    assert not test.exception
    assert [error.value for error in test.error] == []
    assert test.metric


def test_wide_bars_and_zip() -> None:
    days = pd.date_range("2020-01-01", periods=300, tz="UTC")
    rng = np.random.default_rng(1)
    base = 100 + rng.normal(size=300).cumsum()
    frame = pd.DataFrame({"Date": days.strftime("%Y-%m-%d"), "Brent": base + 5, "WTI": base + rng.normal(size=300)})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("crude.csv", frame.to_csv(index=False))
    test = upload(("crude.zip", packed.getvalue()))
    assert not test.exception
    assert [error.value for error in test.error] == []
    assert "bars of 1d" in words(test)


BAD: list[tuple[str, bytes, tuple[str, ...]]] = [
    ("empty.csv", b"", ("empty.csv",)),
    ("columns.csv", b"foo,bar\n1,2\n3,4\n", ("columns.csv",)),
    (
        "text.csv",
        original(20).replace(b",0.5", b",0.5", 1) + b"\n2024-08-08 00:01:00,BTCUSDT,cheap,1",
        ("Line 22", "cheap"),
    ),
    ("negative.csv", original(20) + b"\n2024-08-08 00:01:00,BTCUSDT,-5,1", ("Line 22", "-5")),
    ("zero.csv", original(20) + b"\n2024-08-08 00:01:00,BTCUSDT,0,1", ("Line 22",)),
    ("page.csv", b"<!DOCTYPE html><html></html>", ("page.csv",)),
    ("cut.csv.gz", gzip.compress(original(200))[:-9], ("cut.csv.gz", "cut off or damaged")),
    ("lzma.zip", packed("a.csv", original(20), zipfile.ZIP_LZMA), ("lzma.zip", "packed with lzma")),
    ("half.txt", original(20).decode().encode("utf-16")[:-1], ("Line 21", "half a UTF-16 character")),
    ("bomb.csv.gz", gzip.compress(original(1) + b"\n" * 2**21), ("ore comes out of the file", "1.0 MB")),
    (
        "bare_ETHUSD.csv",
        b"1722470400,1,3,?,2\n1722474000,1,3,1,2\n1722477600,1,3,1,2\n",
        ("Line 1", "the cells do not tell"),
    ),
]


@pytest.mark.parametrize(("name", "content", "said"), BAD, ids=[row[0] for row in BAD])
def test_bad_files_are_one_clear_error(name: str, content: bytes, said: tuple[str, ...]) -> None:
    test = upload((name, content))
    assert not test.exception
    assert len(test.error) == 1
    title = str(getattr(test.error[0].proto, "title", ""))
    for part in said:
        assert part in test.error[0].value + title
    assert not (name in title and name in test.error[0].value)
    assert not test.metric


ONE: list[tuple[str, bytes, str]] = [
    ("one.csv", b"\n".join(line for line in original(200).splitlines() if b"ETH" not in line), "only BTCUSDT"),
    ("names.csv", b"time,price,a,a,a (2)\n1723075200,1,1,1,1\n", "only NAMES"),
]


@pytest.mark.parametrize(("name", "content", "said"), ONE, ids=[row[0] for row in ONE])
def test_the_first_of_two_files_is_no_mistake(name: str, content: bytes, said: str) -> None:
    test = upload((name, content))
    assert not test.exception
    assert not test.error
    assert said in test.info[0].value
    assert test.info[0].proto.title == "A pair needs two symbols"
    assert not test.metric


def test_symbols_of_other_years_are_no_pair() -> None:
    early, late = (
        b"Date,Close\n" + b"".join(b"%d-01-%02d,5\n" % (year, day) for day in range(1, 9)) for year in (2020, 2022)
    )
    test = upload(("YYY.csv", early), ("XXX.csv", late))
    assert test.error[0].proto.title == "The symbols have no time in common"
    assert "YYY ends 2020-01-08 00:00, before XXX begins" in test.error[0].value
    assert not test.metric


def test_unsorted_and_repeated_rows_are_noted() -> None:
    head, *lines = original(400).decode().splitlines()
    wild = "\n".join([head, *reversed(lines)])
    test = upload(("wild.csv", wild.encode()))
    assert not test.exception
    assert [error.value for error in test.error] == []
    assert "sorted" in words(test)


def daily(symbol: str, clock: str, seed: int = 1) -> tuple[str, bytes]:
    """Days of one symbol, stamped at a time of day."""
    days = pd.date_range("2022-01-01", periods=300).strftime(f"%Y-%m-%d {clock}")
    price = 100 + np.random.default_rng(seed).normal(size=300).cumsum()
    return f"{symbol}.csv", pd.DataFrame({"Date": days, "Close": price}).to_csv(index=False).encode()


def test_how_many_rows_have_both_legs_fresh_is_said() -> None:
    test = upload(daily("YYY", "00:00"), daily("XXX", "16:00", 2))
    assert not test.exception
    assert "300 of 300 rows have both legs fresh." in words(test)
    assert not test.warning


def test_legs_that_never_meet_are_warned_of() -> None:
    files: list[tuple[str, bytes]] = []
    for symbol, first in (("YYY", "2024-01-01 00:00"), ("XXX", "2024-01-01 00:05")):
        hours = pd.date_range(first, periods=300, freq="h").strftime("%Y-%m-%d %H:%M")
        price = 100 + np.random.default_rng(len(files)).normal(size=300).cumsum()
        files.append((f"{symbol}.csv", pd.DataFrame({"Date": hours, "Close": price}).to_csv(index=False).encode()))
    test = upload(*files)
    assert not test.exception
    said = test.warning[0].value + str(test.warning[0].proto)
    assert "0 of 599 rows have both legs fresh" in said
    assert "YYY at 2024-01-01 00:00, 2024-01-01 01:00, 2024-01-01 02:00" in said
    assert "XXX at 2024-01-01 00:05" in said


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], bytes]]:
    """What the page's buttons hand out, by their label."""
    files: dict[str, Callable[[], bytes]] = {}

    def offer(label: str, content: Callable[[], bytes], name: str, **more: object) -> None:
        files[label] = content

    monkeypatch.setattr(views.shared.elements, "offer_file", offer)
    return files


def table_of(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), parse_dates=["bar_start_utc", "bar_end_utc"])


def test_hours_and_days_are_paired_as_days_and_that_is_said(offered: dict[str, Callable[[], bytes]]) -> None:
    hours = pd.date_range("2022-01-01", periods=24 * 300, freq="h").strftime("%Y-%m-%d %H:%M")
    price = 100 + np.random.default_rng(5).normal(size=len(hours)).cumsum() / 10
    hourly = pd.DataFrame({"Date": hours, "Close": price}).to_csv(index=False).encode()
    test = upload(("YYY.csv", hourly), daily("XXX", "00:00", 2))
    assert not test.exception
    assert "1h: YYY; 1d: XXX. Results use bars of 1d or longer" in words(test)
    assert "7,500 bars: YYY 7,200, XXX 300" in words(test)
    assert "300 of 300 rows have both legs fresh." in words(test)
    tables = {label: table_of(make()) for label, make in offered.items()}
    assert set(tables) == {"Analytics as CSV", "YYY bars as CSV", "XXX bars as CSV"}
    for table in tables.values():
        assert len(table) == 300
        assert set(table["bar_end_utc"] - table["bar_start_utc"]) == {pd.Timedelta("1D")}
    np.testing.assert_allclose(tables["YYY bars as CSV"]["close"], price[23::24])
    assert tables["YYY bars as CSV"]["trades"].isna().all()  # nobody counted them
    analytics = tables["Analytics as CSV"]
    np.testing.assert_allclose(analytics["YYY.price"], price[23::24])


def test_months_give_a_result() -> None:
    files: list[tuple[str, bytes]] = []
    for symbol in ("YYY", "XXX"):
        months = pd.date_range("2000-01-01", periods=120, freq="MS").strftime("%Y-%m-%d")
        price = 100 + np.random.default_rng(len(files)).normal(size=120).cumsum()
        files.append((f"{symbol}.csv", pd.DataFrame({"Date": months, "Close": price}).to_csv(index=False).encode()))
    test = upload(*files)
    assert not test.exception
    assert [error.value for error in test.error] == []
    assert test.metric
