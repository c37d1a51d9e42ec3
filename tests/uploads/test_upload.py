"""What happens to rows: written in any dialect and read again they are the same; repetitions are counted."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.errors import UploadError
from alphastream.uploads import combine, read
from alphastream.uploads.forms.separated import BLOCK_BYTES
from tests.uploads.test_formats import check_shape

PRICES = st.floats(1e-8, 1e8, allow_nan=False)
AMOUNTS = st.floats(0, 1e8, allow_nan=False)
START = 1_600_000_000


@dataclass(frozen=True)
class Dialect:
    """A way of writing a table."""

    delimiter: str
    decimal: str
    header: bool
    end: str
    encoding: str
    time: str

    def write(self, frame: pd.DataFrame) -> bytes:
        """The table as a program of this habit would save it."""
        text = frame.map(lambda value: repr(value).replace(".", self.decimal) if isinstance(value, float) else value)
        text["time"] = [self._time(value) for value in frame["time"]]
        buffer = io.StringIO()
        text.to_csv(buffer, index=False, header=self.header, sep=self.delimiter, lineterminator=self.end)
        return buffer.getvalue().encode(self.encoding)

    def _time(self, time_ns: int) -> str:
        if self.time == "iso":
            return str(np.datetime64(time_ns, "ns")) + "Z"
        return str(time_ns // {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[self.time])


DIALECTS = st.builds(
    Dialect,
    delimiter=st.sampled_from(",;\t|"),
    decimal=st.just("."),
    header=st.just(True),  # without one, numbers must move like prices: test_headerless
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    time=st.sampled_from(["s", "ms", "us", "ns", "iso"]),
) | st.builds(
    Dialect,
    delimiter=st.sampled_from(";\t"),
    decimal=st.just(","),
    header=st.just(True),
    end=st.just("\r\n"),
    encoding=st.just("utf-8-sig"),
    time=st.just("iso"),
)


@st.composite
def tick_tables(draw: Any) -> pd.DataFrame:
    count = draw(st.integers(1, 12))
    seconds = sorted(draw(st.lists(st.integers(0, 50), min_size=count, max_size=count)))
    return pd.DataFrame(
        {
            "time": [(START + second) * 10**9 for second in seconds],
            "symbol": draw(st.lists(st.sampled_from(["BTCUSDT", "ETHUSDT"]), min_size=count, max_size=count)),
            "price": draw(st.lists(PRICES, min_size=count, max_size=count)),
            "size": draw(st.lists(AMOUNTS, min_size=count, max_size=count)),
        }
    )


@given(tick_tables(), DIALECTS)
@settings(deadline=None, max_examples=50)
def test_ticks_survive_every_dialect(table: pd.DataFrame, dialect: Dialect) -> None:
    upload = read("some.csv", dialect.write(table))
    check_shape(upload)
    assert set(upload.frames) == set(table["symbol"])
    for symbol, frame in upload.frames.items():
        wanted = table[table["symbol"] == symbol]
        assert frame["time_ns"].tolist() == wanted["time"].tolist()
        assert frame["price"].tolist() == wanted["price"].tolist()
        assert frame["quantity"].tolist() == wanted["size"].tolist()


@st.composite
def bar_tables(draw: Any) -> pd.DataFrame:
    count = draw(st.integers(1, 10))
    rows = []
    for at in range(count):
        low, first, last, high = sorted(draw(st.lists(PRICES, min_size=4, max_size=4)))
        opens, closes = draw(st.permutations([first, last]))
        rows.append(((START + 3600 * at) * 10**9, opens, high, low, closes, draw(AMOUNTS)))
    return pd.DataFrame(rows, columns=["time", "open", "high", "low", "close", "volume"])


@given(bar_tables(), DIALECTS, st.booleans())
@settings(deadline=None, max_examples=50)
def test_bars_survive_every_dialect(table: pd.DataFrame, dialect: Dialect, newest_first: bool) -> None:
    upload = read("BTCUSDT_1h.csv", dialect.write(table[::-1] if newest_first else table))
    check_shape(upload)
    frame = upload.frames["BTCUSDT"].rename(columns={"time_ns": "time"})
    pd.testing.assert_frame_equal(frame, table, check_exact=True)
    assert upload.interval_ns == (3600 * 10**9 if len(table) > 1 else None)
    assert ("rows were newest first: sorted" in upload.notes) == (newest_first and len(table) > 1)


@given(st.lists(st.lists(PRICES | st.none(), min_size=3, max_size=3), min_size=3, max_size=10))
@settings(deadline=None, max_examples=50)
def test_empty_prices_of_wide_files_are_counted(rows: list[list[float | None]]) -> None:
    rows = [[1.0, 2.0, 3.0], *rows, [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    table = pd.DataFrame(rows, columns=["AAA", "BBB", "CCC"], dtype=float)
    table.insert(0, "date", [f"2024-01-{at:02}" for at in range(1, len(rows) + 1)])
    upload = read("wide.csv", table.to_csv(index=False).encode())
    for symbol in ("AAA", "BBB", "CCC"):
        assert upload.frames[symbol]["close"].tolist() == table[symbol].dropna().tolist()
    empty = sum(cell is None for row in rows for cell in row)
    assert [note for note in upload.notes if "empty price" in note] == (
        [f"{empty} empty price{'s: no bars' if empty > 1 else ': no bar'} there"] if empty else []
    )


AGG = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"


@given(st.permutations(range(10)), st.lists(st.integers(0, 9), max_size=5))
@settings(deadline=None, max_examples=50)
def test_ids_sort_and_drop_repetitions(order: list[int], again: list[int]) -> None:
    """Several trades share a millisecond; whatever the order of the rows, each comes out once, by time and id."""
    rows = [f"{1000 + at},{50 + at},1.5,1,1,{START * 1000 + at // 4},{at % 2 == 0}\n" for at in range(10)]
    upload = read("BTCUSDT.csv", (AGG + "".join(rows[at] for at in [*order, *again])).encode())
    assert upload.frames["BTCUSDT"]["id"].tolist() == list(range(1000, 1010))
    assert upload.frames["BTCUSDT"]["price"].tolist() == [50.0 + at for at in range(10)]
    dropped = [note for note in upload.notes if "repeated trade id" in note]
    assert dropped == ([f"{len(again)} repeated trade id{'s' * (len(again) != 1)} dropped"] if again else [])


def test_equal_trades_without_ids_are_kept_and_counted() -> None:
    row = "2024-08-08 00:00:00,BTCUSDT,55108.7,0.004\n"
    upload = read("a.csv", ("timestamp,symbol,price,size\n" + row * 3 + row.replace("0.004", "0.005")).encode())
    assert len(upload.frames["BTCUSDT"]) == 4
    assert any(note.startswith("2 trades equal another") for note in upload.notes)


def test_ticks_of_one_moment_keep_the_order_of_time() -> None:
    """In a file that is newest first, of two rows with one time the lower one is the older."""
    rows = ["2024-08-08 00:00:01,3", "2024-08-08 00:00:00,2", "2024-08-08 00:00:00,1"]
    upload = read("BTC.csv", ("time,price\n" + "\n".join(rows)).encode())
    assert upload.frames["BTC"]["price"].tolist() == [1.0, 2.0, 3.0]


def test_repeated_bars_are_dropped_and_counted() -> None:
    rows = ["1722470400,10,12,9,11,1", "1722470400,10,12,9,11,1", "1722474000,10,12,9,11,1", "1722474000,10,12,9,11,2"]
    upload = read("BTC.csv", ("time,open,high,low,close,volume\n" + "\n".join(rows)).encode())
    assert upload.frames["BTC"]["volume"].tolist() == [1.0, 2.0]
    assert "1 repeated bar dropped" in upload.notes
    assert "1 bar was given twice with different values: the last one in the file is kept" in upload.notes


def test_two_files_become_a_pair() -> None:
    bars = b"time,open,high,low,close,volume\n1722474000,10,12,9,11,1\n1722470400,10,12,9,11,1\n"
    pair = combine(read("Binance_BTCUSDT_1h.csv", bars), read("kraken ETHUSD_60.csv", bars))
    assert pair.symbols == ("BTCUSDT", "ETHUSD")
    assert pair.files == ("Binance_BTCUSDT_1h.csv", "kraken ETHUSD_60.csv")
    assert "Binance_BTCUSDT_1h.csv: rows were newest first: sorted" in pair.notes
    assert pair.interval_ns == 3600 * 10**9


def test_two_days_of_one_symbol_are_joined() -> None:
    rows = [f"{at},5{at},1,1,1,{START * 1000 + at},true\n" for at in range(6)]
    days = [read(f"BTCUSDT-{day}.csv", (AGG + "".join(part)).encode()) for day, part in ((2, rows[2:]), (1, rows[:4]))]
    both = combine(*days)
    assert both.frames["BTCUSDT"]["id"].tolist() == list(range(6))
    assert "2 trades that two files have are kept once" in both.notes


def test_large_files_come_in_several_blocks() -> None:
    """More bytes than the reader takes at once: rows, order, and the line of a late fault stay what they are."""
    count = 300_000
    at = np.arange(count)
    symbol = np.where(at % 5, "btcusdt", "ETHUSDT")
    table = pd.DataFrame({"ts": (START + at // 3) * 10**9, "symbol": symbol, "price": 1 + at / 8})
    data = table.to_csv(index=False).encode()
    assert len(data) > BLOCK_BYTES
    upload = read("big.csv", data)
    assert {symbol: len(frame) for symbol, frame in upload.frames.items()} == {"ETHUSDT": 60_000, "BTCUSDT": 240_000}
    assert upload.frames["ETHUSDT"]["price"].tolist() == (1 + at[at % 5 == 0] / 8).tolist()
    with pytest.raises(UploadError, match="'12x': a number is needed") as caught:
        read("big.csv", data + b"1700000000000000000,BTCUSDT,12x\n")
    assert caught.value.line == count + 2
