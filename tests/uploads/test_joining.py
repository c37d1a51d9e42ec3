"""Files of one symbol: continuations are joined, repetitions are kept once, and what disagrees is refused by name."""

import io
import zipfile
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.errors import UploadError
from alphastream.uploads import Upload, combine, read

START = pd.Timestamp("2024-01-31 20:00", tz="UTC")


def bars(name: str, start: str | pd.Timestamp, step: str, count: int, price: float = 100.0) -> Upload:
    """Bars whose prices follow from their times, in the layout of Binance."""
    times = pd.date_range(pd.Timestamp(start), periods=count, freq=step)
    rows = []
    for time in times:
        level = price + time.timestamp() / 3600 % 7
        rows.append(f"{time.timestamp() * 1000:.0f},{level},{level + 2},{level - 1},{level + 1},{level / 7:.3f}")
    return read(name, ("open_time,open,high,low,close,volume\n" + "\n".join(rows)).encode())


def ticks(name: str, rows: Sequence[int], ids: bool, first_id: int = 1) -> Upload:
    """Trades of some seconds: two in each, with ids by their order."""
    lines = [
        (f"{first_id + 2 * at + half}," if ids else "")
        + f"{1_706_731_200 + at},{100 + (7 * at + half) % 11},{half + 1}"
        for at in rows
        for half in (0, 1)
    ]
    return read(name, (("id," if ids else "") + "time,price,size\n" + "\n".join(lines)).encode())


def refused(*uploads: Upload) -> str:
    with pytest.raises(UploadError) as caught:
        combine(*uploads)
    return str(caught.value)


@pytest.mark.parametrize("step", ["1min", "1h", "1D", "7D"])
def test_continuations_join(step: str) -> None:
    first = bars("BTCUSDT-2024-01.csv", "2024-01-01", step, 30)
    second = bars("BTCUSDT-2024-02.csv", pd.Timestamp("2024-01-01") + 30 * pd.Timedelta(step), step, 30)
    for some in ((first, second), (second, first)):
        upload = combine(*some)
        assert len(upload.frames["BTCUSDT"]) == 60
        assert upload.frames["BTCUSDT"]["time_ns"].is_monotonic_increasing
        assert upload.interval_ns == pd.Timedelta(step).value


def test_months_are_one_length() -> None:
    first = bars("X_2022.csv", "2022-01-01", "MS", 12)
    assert len(combine(first, bars("X_2023.csv", "2023-01-01", "MS", 12)).frames["X"]) == 24


def test_days_around_weekends_are_one_length() -> None:
    """Friday and Monday alone are two daily bars, three days apart."""
    first = bars("X_1.csv", "2024-01-01", "B", 25)
    assert len(combine(first, bars("X_2.csv", "2024-02-09", "B", 2)).frames["X"]) == 27


def test_minutes_with_gaps_are_minutes() -> None:
    def some(name: str, offsets: Iterable[int]) -> Upload:
        lines = [f"{1_706_731_200 + 60 * at},{100 + at % 5}" for at in offsets]
        return read(name, ("time,close\n" + "\n".join(lines)).encode())

    sparse = np.flatnonzero(np.random.default_rng(3).random(3_000) < 0.2) + 500
    assert len(combine(some("X_1.csv", range(500)), some("X_2.csv", sparse)).frames["X"]) == 500 + len(sparse)


@pytest.mark.parametrize(
    ("step", "words"), [("1h", "1 hour"), ("5min", "5 minutes"), ("1D", "1 day"), ("2min", "2 min")]
)
@pytest.mark.parametrize("start", ["2024-01-01", "2024-01-20"])
@pytest.mark.parametrize("count", [2, 40])
def test_bars_of_two_lengths_are_asked_about(step: str, words: str, start: str, count: int) -> None:
    message = refused(
        bars("BTCUSDT-1m.csv", "2024-01-01 00:00:00", "1min", 50), bars("BTCUSDT-x.csv", start, step, count)
    )
    assert f"bars of 1 minute in BTCUSDT-1m.csv, and of {words}" in message
    assert "BTCUSDT-x.csv: which ones" in message


def test_an_archive_of_two_lengths_is_asked_about() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, step in (("BTCUSDT-1m.csv", 60), ("BTCUSDT-1h.csv", 3600)):
            rows = [f"{1_706_731_200 + step * at},{100 + at}" for at in range(9)]
            archive.writestr(name, "time,close\n" + "\n".join(rows))
    with pytest.raises(UploadError, match=r"BTCUSDT-1m\.csv, and of 1 hour in .*BTCUSDT-1h\.csv"):
        read("both.zip", packed.getvalue())


def test_bars_between_bars_are_of_another_source() -> None:
    message = refused(bars("X_1.csv", "2024-01-01 00:00", "1h", 9), bars("X_2.csv", "2024-01-01 00:30", "1h", 9))
    assert "a bar of X_2.csv starts 2024-01-01 00:30:00, between two bars of X_1.csv" in message


def test_bars_that_both_files_have_are_kept_once() -> None:
    first, second = bars("X_1.csv", "2024-01-01", "1h", 30), bars("X_2.csv", "2024-01-01 20:00", "1h", 30)
    upload = combine(second, first, second)
    pd.testing.assert_frame_equal(upload.frames["X"], bars("X.csv", "2024-01-01", "1h", 50).frames["X"])
    assert "40 bars that two files have are kept once" in upload.notes


def test_bars_that_disagree_name_both_files_and_the_time() -> None:
    first, second = bars("X_1.csv", "2024-01-01", "1h", 30), bars("X_2.csv", "2024-01-02 00:00", "1h", 30, 100.5)
    seen = "X: 6 bars are not the same in X_1.csv and X_2.csv: first at 2024-01-02 00:00:00, with close 102 and 102.5"
    assert seen in refused(first, second)


def unfinished(upload: Upload) -> Upload:
    """The newest bar as it was half way."""
    frame = upload.frames["X"].copy()
    newest = np.arange(len(frame)) == len(frame) - 1
    for column in ("high", "close", "volume"):
        frame[column] -= 0.1 * newest
    return Upload(upload.files, upload.kind, {"X": frame}, (), upload.interval_ns)


def test_a_newest_bar_that_the_next_file_finishes() -> None:
    first, second = unfinished(bars("X_1.csv", "2024-01-01", "1h", 3)), bars("X_2.csv", "2024-01-01 02:00", "1h", 3)
    whole = bars("X.csv", "2024-01-01", "1h", 5).frames["X"]
    for some in ((first, second), (second, first)):
        upload = combine(*some)
        pd.testing.assert_frame_equal(upload.frames["X"], whole)
        assert "the newest bar of X_1.csv was unfinished: that of X_2.csv is kept" in upload.notes


def test_a_changed_bar_that_is_not_the_newest_is_refused() -> None:
    first = bars("X_1.csv", "2024-01-01", "1h", 5)
    frame = first.frames["X"].copy()
    frame["volume"] += np.arange(5) == 2
    other = Upload(("X_2.csv",), "bars", {"X": frame}, (), first.interval_ns)
    assert "a bar is not the same in X_1.csv and X_2.csv: first at 2024-01-01 02:00:00" in refused(first, other)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 30), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=60)
def test_trades_of_overlapping_files_come_once(first: int, second: int, gap: int, ids: bool, swapped: bool) -> None:
    """Two stretches of one tape, apart, touching or overlapping: their union, each trade once."""
    one, other = range(first), range(gap, gap + second)
    uploads = [ticks("X_1.csv", one, ids), ticks("X_2.csv", other, ids)]
    upload = combine(*(uploads[::-1] if swapped else uploads))
    whole = ticks("X.csv", sorted({*one, *other}), ids).frames["X"]
    names = [str(name) for name in whole]
    found = upload.frames["X"].sort_values(names, ignore_index=True)
    pd.testing.assert_frame_equal(found, whole.sort_values(names, ignore_index=True))


def test_two_venues_trades_do_not_mingle() -> None:
    for ids in (True, False):
        message = refused(ticks("X_1.csv", range(20), ids), ticks("X_2.csv", range(5, 30, 2), ids, 70_001))
        assert "X_1.csv" in message
        assert "X_2.csv" in message
        assert "2024-01-31 20:00:" in message


def test_one_id_with_two_prices_is_refused() -> None:
    other = read("X_2.csv", b"id,time,price,size\n5,1706731202,250,1\n99,1706731290,101,1\n")
    assert "a trade of one id is not the same in X_1.csv and X_2.csv" in refused(
        ticks("X_1.csv", range(20), True), other
    )


def test_trades_that_part_a_moment_between_files_are_all_kept() -> None:
    rows = [f"2024-08-08 00:00:0{at // 2},{100 + at},1" for at in range(8)]
    text = "time,price,size\n"
    both = combine(*(read("X.csv", (text + "\n".join(some)).encode()) for some in (rows[:3], rows[3:])))
    assert both.frames["X"]["price"].tolist() == [100.0 + at for at in range(8)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("BTCUSDT_240927-1h-2024-08.csv", "BTCUSDT_241227-1h-2024-09.csv"),
        ("BTC-27SEP24.csv", "BTC-27DEC24.csv"),
        ("BTCUSD_PERP-1h-2024-08.csv", "BTCUSD_240927-1h-2024-09.csv"),
    ],
)
def test_contracts_are_symbols_of_their_own(one: str, other: str) -> None:
    upload = combine(bars(one, "2024-08-01", "1h", 9), bars(other, "2024-09-01", "1h", 9))
    assert len(upload.symbols) == 2
    assert {len(frame) for frame in upload.frames.values()} == {9}


def test_days_in_names_of_files_are_no_contracts() -> None:
    """Thursday and Friday, each with its own rows."""
    days = [bars(f"BTCUSDT_2408{day:02}.csv", f"2024-08-{day:02}", "1h", 24) for day in (8, 9)]
    assert combine(*days).symbols == ("BTCUSDT",)
