"""How often the legs of an upload have a price of one bar."""

import numpy as np
import pandas as pd

from alphastream.uploads import Upload, combine, read
from alphastream.uploads.series import Meeting, common_bars, first_times, meeting, pair_rows


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
