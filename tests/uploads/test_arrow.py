"""Parquet and Arrow files give what they hold, to the digit, and damaged ones end in a sentence."""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from alphastream.errors import UploadError
from alphastream.uploads import inspect, read
from alphastream.uploads.containers import parts_of
from alphastream.uploads.forms import open_table
from alphastream.uploads.notes import Notes

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


def feather(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    pyarrow.feather.write_feather(frame, stream, compression="zstd")
    return stream.getvalue()


FORMS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "ticks.parquet": parquet,
    "ticks.arrow": lambda frame: arrow(frame, stream=False),
    "stream.arrow": lambda frame: arrow(frame, stream=True),
    "packed.feather": feather,
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
    assert str(caught.value).startswith("ticks.parquet, row 78, column 'price': "), "there are no lines in there"


@pytest.mark.parametrize("name", FORMS)
def test_damaged_files_end_in_a_sentence(name: str) -> None:
    whole = FORMS[name](TICKS)
    rng = np.random.default_rng(3)
    for at in rng.integers(8, len(whole), 150):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]):
            try:  # the form alone: what the text then says is judged as everywhere
                table = open_table(parts_of(name, damaged)[0])
                for _ in table.batches(table.columns, Notes()):
                    pass
            except UploadError:
                continue


def test_what_unpacks_to_too_much_is_refused() -> None:
    table = pa.table({"time": pa.array(np.zeros(3_000_000, dtype=np.int64)), "price": np.ones(3_000_000)})
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd", use_dictionary=False)
    with pytest.raises(UploadError, match="unpacks to"):
        read("bomb.parquet", stream.getvalue(), max_bytes=2**20)


def repeated(rows: int) -> pa.Table:
    """Equal rows: next to nothing in a file."""
    return pa.table({"time": pa.array(np.zeros(rows, dtype=np.int64)), "price": np.ones(rows)})


def test_rows_that_take_nothing_in_a_file_are_counted() -> None:
    stream = io.BytesIO()
    pq.write_table(repeated(3_000_000), stream)
    assert len(stream.getvalue()) < 2**20 / 32
    with pytest.raises(UploadError, match=r"unpacks to 22\.9 MB, at most 1\.0 MB"):
        read("bomb.parquet", stream.getvalue(), max_bytes=2**20)


def varint(number: int, length: int = 1) -> bytes:
    """A number as Thrift's compact protocol spells it, with as many bytes at least."""
    number, spelled = 2 * number, bytearray()
    while number or len(spelled) < length:
        spelled.append(number & 127 | 128)
        number >>= 7
    spelled[-1] &= 127
    return bytes(spelled)


def belittled(data: bytes) -> bytes:
    """A Parquet file whose end says that its columns unpack to a few bytes."""
    (length,) = struct.unpack("<I", data[-8:-4])
    pages, end = data[: -8 - length], data[-8 - length : -8]
    group = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0)
    sizes = [group.column(at).total_uncompressed_size for at in range(group.num_columns)]
    for size in (group.total_byte_size, *sizes):
        assert varint(size) in end
        end = end.replace(varint(size), varint(9, len(varint(size))))
    return pages + end + data[-8:]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [False, True])
def test_pages_are_counted_whatever_the_end_of_the_file_says(version: Literal["1.0", "2.0"], dictionary: bool) -> None:
    rows = 20
    texts = [f"{row}{'x' * 500_000}" for row in range(rows)]
    table = pa.table({"time": np.arange(rows) + 1_723_075_200, "symbol": texts, "price": np.ones(rows)})
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd", use_dictionary=dictionary, data_page_version=version)
    data = belittled(stream.getvalue())
    assert pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).total_byte_size == 9
    before = pa.total_allocated_bytes()
    with pytest.raises(UploadError, match=r"unpacks to 9\.5 MB, at most 1\.0 MB"):
        read("bomb.parquet", data, max_bytes=2**20)
    assert pa.total_allocated_bytes() - before < 2**20


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_packed_arrow_is_refused_before_it_is_unpacked(compression: Literal["lz4", "zstd"]) -> None:
    stream = io.BytesIO()
    pyarrow.feather.write_feather(repeated(3_000_000), stream, compression=compression)
    assert len(stream.getvalue()) < 2**20
    before = pa.total_allocated_bytes()
    with pytest.raises(UploadError, match=r"unpacks to .* MB, at most"):
        read("bomb.feather", stream.getvalue(), max_bytes=2**20)
    assert pa.total_allocated_bytes() - before < 2**20


def test_a_long_text_in_many_rows_is_cut_before_it_is_repeated() -> None:
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, dtype=np.int8)), pa.array(["x" * 2**20]))
    table = pa.table({"time": np.arange(100_000) + 1_723_075_200, "symbol": text, "price": np.ones(100_000)})
    for name, write in (("long.parquet", pq.write_table), ("long.feather", pyarrow.feather.write_feather)):
        stream = io.BytesIO()
        write(table, stream)
        layout = inspect(name, stream.getvalue())
        assert len(layout.preview["symbol"].iloc[0]) == 1_000


def test_types_become_text_that_says_them() -> None:
    columns = {
        "day": pa.array([date(2024, 8, 8), None]),
        "local": pa.array([1_723_111_800_123_456_789] * 2, pa.timestamp("ns", "+05:30")),
        "clock": pa.array([34_200_000, 34_200_001], pa.time32("ms")),
        "single": pa.array([9.74, 1e-8], pa.float32()),
        "double": pa.array([0.1 + 0.2, None]),
        "money": pa.array([Decimal("12.3400"), Decimal("-0.0001")]),
        "large": pa.array([9_223_372_036_854_775_807, 1_000_000_000_000_000_001]),
        "truth": pa.array([True, None]),
        "code": pa.array([7203, 7203]).dictionary_encode(),
        "bytes": pa.array([b"BTC", b"ETH"]),
        "levels": pa.array([[1.0, 2.0], [3.0]]),
    }
    wanted = {
        "day": ("2024-08-08", ""),
        "local": ("2024-08-08 15:40:00.123456789+0530",) * 2,
        "clock": ("09:30:00.000", "09:30:00.001"),
        "single": ("9.74", "1e-8"),
        "double": ("0.30000000000000004", ""),
        "money": ("12.3400", "-0.0001"),
        "large": ("9223372036854775807", "1000000000000000001"),
        "truth": ("true", ""),
        "code": ("7203", "7203"),
        "bytes": ("BTC", "ETH"),
    }
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    table = open_table(parts_of("all.parquet", stream.getvalue())[0])
    notes = Notes()
    (batch,) = table.batches(table.columns, notes)
    assert {name: tuple(cells.to_pylist()) for name, cells in batch.items()} == wanted
    assert list(zip(*table.rows, strict=True)) == list(wanted.values())
    assert notes.sentences() == ("columns that hold no single values left out: 'levels'",)


def test_a_missing_column_is_no_fault_of_a_row() -> None:
    with pytest.raises(UploadError) as caught:
        read("AAPL.parquet", parquet(BARS[["open", "volume"]]))
    assert caught.value.line is None


def test_old_feather_says_what_to_do() -> None:
    with pytest.raises(UploadError, match="Feather file of version 1: write it again as version 2"):
        read("old.feather", b"FEA1" + bytes(40))


def test_packed_again_and_cancelled() -> None:
    data = parquet(BARS.set_index(TIMES))
    assert read("AAPL.parquet.gz", gzip.compress(data)).symbols == ("AAPL",)

    class Cancelled(Exception):
        pass

    class Stopped(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if size not in (4, 16):
                raise Cancelled
            return super().read(size)

    with pytest.raises(Cancelled):
        read("AAPL.parquet", Stopped(data))
