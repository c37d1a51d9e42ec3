"""Parquet and Arrow files give what they hold, to the digit, and damaged ones end in a sentence."""

import io
import zipfile
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from alphastream.errors import UploadError
from alphastream.uploads import inspect, read

TIMES = pd.date_range("2024-08-08 09:30", periods=300, freq="min", tz="America/New_York")
PRICES = np.round(100 + np.arange(300) / 7, 2)
BARS = pd.DataFrame({"open": PRICES, "high": PRICES + 1, "low": PRICES - 1, "close": PRICES + 0.5, "volume": 7})
TICKS = pd.DataFrame(
    {
        "time": pd.date_range("2024-08-08", periods=400, freq="123456789ns", tz="UTC"),
        "symbol": pd.Categorical(["BTC-USDT", "ETH-USDT"] * 200),
        "price": np.where(np.arange(400) % 2, 2_300.5, 55_000.25) + np.arange(400) / 8,
        "size": np.float32(0.1),
        "id": np.arange(400) + 9_007_199_254_740_993,
    }
)


def parquet(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream, row_group_size=70)
    return stream.getvalue()


def arrow(frame: pd.DataFrame, stream: bool) -> bytes:
    table, sink = pa.Table.from_pandas(frame), io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=50)
    return sink.getvalue()


FORMS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "ticks.parquet": parquet,
    "ticks.arrow": lambda frame: arrow(frame, stream=False),
    "stream.arrow": lambda frame: arrow(frame, stream=True),
}


@pytest.mark.parametrize("name", FORMS)
def test_trades_come_back_to_the_digit(name: str) -> None:
    upload = read(name, FORMS[name](TICKS))
    assert upload.symbols == ("BTCUSDT", "ETHUSDT")
    for symbol, frame in upload.frames.items():
        wanted = TICKS[TICKS["symbol"].str.replace("-", "") == symbol]
        assert frame["time_ns"].tolist() == wanted["time"].dt.as_unit("ns").astype("int64").tolist()
        assert frame["price"].tolist() == wanted["price"].tolist()
        assert frame["id"].tolist() == wanted["id"].tolist()
        assert set(frame["quantity"]) == {0.1}, "0.1 in 32 bits is 0.1"


def test_the_index_of_pandas_is_the_time() -> None:
    upload = read("AAPL.parquet", parquet(BARS.set_index(TIMES)))
    frame = upload.frames["AAPL"]
    assert pd.Timestamp(frame["time_ns"].iloc[0], tz="UTC") == TIMES[0]
    assert frame["close"].tolist() == (PRICES + 0.5).tolist()
    assert upload.interval_ns == 60 * 10**9


def test_empty_bars_and_single_precision() -> None:
    frame = BARS.astype("float32").assign(date=pd.date_range("2024-01-01", periods=300))
    frame.loc[5, ["open", "high", "low", "close"]] = np.nan
    upload = read("AAPL.parquet", parquet(frame))
    assert len(upload.frames["AAPL"]) == 299
    assert upload.frames["AAPL"]["open"].iloc[1] == PRICES[1], "100.14, not 100.13999938964844"
    assert "1 bar without any price (empty or zero) dropped" in upload.notes


def test_in_a_zip_and_looked_at() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("AAPL.parquet", parquet(BARS.set_index(TIMES)))
    assert read("bars.zip", stream.getvalue()).symbols == ("AAPL",)
    layout = inspect("AAPL.parquet", parquet(BARS.set_index(TIMES)))
    assert layout.problem is None
    assert layout.roles["time"].column == "time"


def test_a_bad_cell_is_named_by_its_row() -> None:
    frame = TICKS.assign(price=TICKS["price"].where(TICKS.index != 77, -1.0))
    with pytest.raises(UploadError, match="a price above zero is needed") as caught:
        read("ticks.parquet", parquet(frame))
    assert (caught.value.line, caught.value.column) == (78, "price")


@pytest.mark.parametrize("name", FORMS)
def test_damaged_files_end_in_a_sentence(name: str) -> None:
    whole = FORMS[name](TICKS)
    rng = np.random.default_rng(3)
    for at in rng.integers(8, len(whole), 40):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]):
            try:
                read(name, damaged)
            except UploadError:
                continue


def test_what_unpacks_to_too_much_is_refused() -> None:
    table = pa.table({"time": pa.array(np.zeros(3_000_000, dtype=np.int64)), "price": np.ones(3_000_000)})
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd", use_dictionary=False)
    with pytest.raises(UploadError, match="unpacks to"):
        read("bomb.parquet", stream.getvalue(), max_bytes=2**20)
