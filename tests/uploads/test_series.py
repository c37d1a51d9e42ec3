"""How often the legs of an upload have a price of one bar."""

import numpy as np
import pandas as pd
import pytest

from alphastream.core.types import Ints
from alphastream.errors import ParameterError
from alphastream.uploads import Upload, combine, read
from alphastream.uploads.series import (
    Meeting,
    bar_ends,
    bars_of,
    bars_together,
    common_bars,
    first_times,
    meeting,
    pair_rows,
    price_panel,
    spacings,
)

HOUR, DAY = 3_600 * 10**9, 86_400 * 10**9


def hourly(symbol: str, first: str, count: int, gap: int | None = None) -> Upload:
    """Closes of hours, one of them missing."""
    frame = pd.DataFrame({"Date": pd.date_range(first, periods=count, freq="h"), "Close": np.arange(1.0, count + 1)})
    return read(f"{symbol}.csv", frame.drop(index=[] if gap is None else [gap]).to_csv(index=False).encode())


def met(upload: Upload) -> Meeting:
    rows = pair_rows(upload, "YYY", "XXX", None)
    found = meeting(rows.y_trades, rows.x_trades)
    assert found == Meeting(int(np.count_nonzero(rows.both_traded)), len(rows))
    return found


def test_a_price_that_is_carried_forward_is_not_fresh() -> None:
    upload = combine(hourly("YYY", "2024-01-01", 10), hourly("XXX", "2024-01-01", 10, gap=4))
    assert met(upload) == common_bars(upload, ["YYY", "XXX"]) == Meeting(9, 10)
    assert not met(upload).seldom


def test_bars_at_other_minutes_never_meet() -> None:
    upload = combine(hourly("YYY", "2024-01-01", 10), hourly("XXX", "2024-01-01 00:05:00", 10))
    assert met(upload) == Meeting(0, 19)
    assert common_bars(upload, ["YYY", "XXX"]) == Meeting(0, 20)
    assert met(upload).seldom
    assert first_times(upload, "XXX") == "XXX at 2024-01-01 00:05, 2024-01-01 01:05, 2024-01-01 02:05"


def test_the_start_of_a_bar_is_its_time_where_its_end_is_named_as_well() -> None:
    lines = ["bar_end_utc,bar_start_utc,symbol,open,high,low,close,volume,trades"]
    lines += [
        f"2024-01-01T0{hour + 1}:00:00.000000+0000,2024-01-01T0{hour}:00:00.000000+0000,BTCUSDT,2,3,1,2,5,7"
        for hour in range(4)
    ]
    upload = read("BTCUSDT-1h-bars.csv", "\n".join(lines).encode())
    assert first_times(upload, "BTCUSDT") == "BTCUSDT at 2024-01-01 00:00, 2024-01-01 01:00, 2024-01-01 02:00"


# ---- bars of different lengths -----------------------------------------------------------------------------------


def closes(symbol: str, times: pd.DatetimeIndex) -> Upload:
    """Bars whose closes count up from 1."""
    frame = pd.DataFrame({"Date": times.strftime("%Y-%m-%d %H:%M"), "Close": np.arange(1.0, len(times) + 1)})
    return read(f"{symbol}.csv", frame.to_csv(index=False).encode())


def in_words(time_ns: Ints) -> list[str]:
    return [str(time) for time in pd.to_datetime(time_ns).strftime("%m-%d %H:%M")]


def test_hours_become_the_longer_bars_they_are_paired_with() -> None:
    longer = pd.date_range("2024-01-01 02:00", periods=6, freq="4h").delete(3)  # at no multiple of 4 h, one missing
    upload = combine(closes("HHH", pd.date_range("2024-01-01", periods=24, freq="h")), closes("LLL", longer))
    assert spacings(upload) == {HOUR: ("HHH",), 4 * HOUR: ("LLL",)}
    bars, length_ns = bars_together(upload, ("HHH", "LLL"), HOUR)
    assert length_ns == 4 * HOUR
    assert bars["HHH"].start_ns.tolist() == bars["LLL"].start_ns.tolist()
    assert bars["HHH"].open.tolist() == bars["HHH"].low.tolist() == [3.0, 7.0, 11.0, 19.0, 23.0]
    assert bars["HHH"].close.tolist() == bars["HHH"].high.tolist() == [6.0, 10.0, 14.0, 22.0, 24.0]
    rows = pair_rows(upload, "HHH", "LLL", HOUR)
    assert meeting(rows.y_trades, rows.x_trades) == common_bars(upload, ("HHH", "LLL")) == Meeting(5, 5)
    assert (rows.end_ns - bars["LLL"].start_ns).tolist() == [4 * HOUR] * 5
    assert rows.y.tolist() == [6.0, 10.0, 14.0, 22.0, 24.0]
    assert rows.x.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert price_panel(upload, None)["HHH"].tolist() == rows.y.tolist()


def test_a_symbol_s_bars_are_as_long_as_its_own_whatever_others_are() -> None:
    upload = combine(
        closes("HHH", pd.date_range("2024-01-01", periods=48, freq="h")),
        closes("DDD", pd.date_range("2024-01-01", periods=10, freq="D")),
    )
    assert set(bars_of(upload, "HHH", None).last_ns - bars_of(upload, "HHH", None).start_ns) == {HOUR}
    assert len(bars_of(upload, "HHH", 2 * HOUR)) == 24
    with pytest.raises(ParameterError, match="DDD has bars of 86400 s, which cannot become bars of 3600 s"):
        bars_of(upload, "DDD", HOUR)
    bars, length_ns = bars_together(upload, ("HHH", "DDD"), 2 * DAY)
    assert length_ns == 2 * DAY
    assert bars["HHH"].close.tolist() == [24.0, 48.0]  # 2024-01-01 begins no two days since 1970
    assert bars["DDD"].close.tolist() == [1.0, 3.0, 5.0, 7.0, 9.0, 10.0]


def test_minutes_without_trades_do_not_make_bars_longer() -> None:
    minutes = pd.date_range("2024-01-01", periods=600, freq="min")[np.random.default_rng(1).random(600) < 0.3]
    upload = closes("THIN", minutes)
    assert upload.interval_ns == 60 * 10**9
    hours = pd.DatetimeIndex(
        [f"2024-01-0{day} {hour}" for day in (1, 2, 3, 4) for hour in ("09:30", "10:00", "11:00", "12:00")]
    )
    assert closes("SESSION", hours).interval_ns == HOUR


def test_a_bar_ends_where_the_next_one_begins_at_the_latest() -> None:
    months = closes("MMM", pd.date_range("2024-01-01", periods=6, freq="MS"))
    bars = bars_of(months, "MMM", None)
    assert months.interval_ns == 31 * DAY
    assert in_words(bar_ends(bars.start_ns, 31 * DAY)) == [
        "02-01 00:00",
        "03-01 00:00",
        "04-01 00:00",
        "05-01 00:00",
        "06-01 00:00",
        "07-02 00:00",
    ]
