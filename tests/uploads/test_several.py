"""Several instruments in one file without a column that says so are asked about, never merged."""

import numpy as np
import pytest

from alphastream.errors import UploadError
from alphastream.uploads import combine, read
from alphastream.uploads.several import LEAP, leaps

DAYS = [f"2024-08-{day:02}" for day in range(1, 21)]


def bars(prices: dict[str, float], column: str = "venue_key", times: list[str] = DAYS) -> bytes:
    """Rows of several instruments, day by day."""
    rows = [
        f"{day},{price + at},{price + at + 1},{price + at - 1},{price + at},{name}"
        for at, day in enumerate(times)
        for name, price in prices.items()
    ]
    return (f"date,open,high,low,close,{column}\n" + "\n".join(rows) + "\n").encode()


def refused(data: bytes, name: str = "X.csv") -> UploadError:
    with pytest.raises(UploadError) as caught:
        read(name, data)
    return caught.value


def test_bars_that_share_their_times_name_the_column_that_tells_them_apart() -> None:
    error = refused(bars({"k1": 100.0, "k2": 101.0}))
    assert "20 of 40 bars have the time of another bar, and other prices (100 in line 2, then 101)" in str(error)
    assert "column 'venue_key' ('k1', 'k2')" in str(error)
    assert "choose it as symbol" in str(error)
    assert error.line == 3
    upload = read("X.csv", bars({"k1": 100.0, "k2": 101.0}), {"symbol": "venue_key"})
    assert {symbol: len(frame) for symbol, frame in upload.frames.items()} == {"K1": 20, "K2": 20}


def test_a_column_that_does_not_tell_them_apart_is_not_offered() -> None:
    error = refused(bars({"a": 100.0, "b": 101.0}).replace(b",a\n", b",same\n").replace(b",b\n", b",same\n"))
    assert "no column tells them apart: keep the rows of one" in str(error)


def test_two_instruments_at_one_date_are_asked_about_too() -> None:
    assert "1 of 2 bars" in str(refused(bars({"k1": 100.0, "k2": 101.0}, times=DAYS[:1])))


def test_a_newest_bar_that_was_still_open_is_corrected() -> None:
    rows = bars({"k": 100.0}).decode().splitlines()
    again = rows[-1].replace("119.0,k", "119.5,k")
    upload = read("X.csv", "\n".join([*rows, again]).encode())
    assert upload.frames["X"]["close"].iloc[-1] == 119.5
    assert "1 bar was given twice with different values: the last one in the file is kept" in upload.notes
    far = rows[-1].replace("120.0,118.0,119.0", "260.0,118.0,250.0")
    assert "1 of 21 bars" in str(refused("\n".join([*rows, far]).encode()))


def test_files_of_two_instruments_with_one_name_are_not_joined() -> None:
    one, other = read("X.csv", bars({"k": 100.0})), read("Y.csv", bars({"k": 300.0}), symbol="X")
    with pytest.raises(
        UploadError, match=r"X: 20 bars are not the same in X.csv and Y.csv: .*Give each file its symbol"
    ):
        combine(one, other)
    assert len(combine(one, one).frames["X"]) == 20


def test_trades_of_two_instruments_leap_to_and_fro() -> None:
    rows = [
        f"{1_723_075_200_000 + at},{64_000 + at if at % 2 else 3_200 + at},0.1,{'p1' if at % 2 else 'p2'},n"
        for at in range(50)
    ]
    error = refused(("time,price,size,product_key,note\n" + "\n".join(rows)).encode())
    assert "the price leaps by half or more in 49 of 50 rows" in str(error)
    assert "column 'product_key' ('p2', 'p1')" in str(error)
    assert "note" not in str(error)


def test_leaps() -> None:
    walk = np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.02, 5_000)))
    assert leaps(walk) == 0
    bad = walk.copy()
    bad[100] *= 50
    assert leaps(bad) == 0, "one bad tick is no second instrument"
    assert leaps(np.array([1.0, 1.0 * np.exp(LEAP) * 1.01, 2.5, 5.0])) == 0, "a price that only rises is one"
    assert leaps(np.where(np.arange(20) % 2, 10.0, 100.0)) == 19


@pytest.mark.parametrize("nothing", ["null", "NaN", "", "0.0", "0", "-", "N/A"])
def test_bars_without_any_price_are_dropped_and_counted(nothing: str) -> None:
    rows = bars({"k": 100.0}).decode().splitlines()
    rows[3] = f"2024-08-03,{nothing},{nothing},{nothing},{nothing},k"
    rows[7] = f"2024-08-07,{nothing},{nothing},{nothing},{nothing},k"
    upload = read("X.csv", "\n".join(rows).encode())
    assert len(upload.frames["X"]) == 18
    assert "2 bars without any price (empty or zero) dropped" in upload.notes


def test_half_a_bar_is_refused() -> None:
    rows = bars({"k": 100.0}).decode().splitlines()
    rows[3] = "2024-08-03,100,101,,102,k"
    error = refused("\n".join(rows).encode())
    assert (error.line, error.column) == (4, "low")
    assert "the cell is empty: a price above zero is needed" in str(error)


def test_rows_without_price_and_quantity_are_dropped() -> None:
    data = b"time,price,size\n2024-08-08 10:00:00,1.5,2\n2024-08-08 10:00:01,,\n2024-08-08 10:00:02,1.6,1\n"
    upload = read("X.csv", data)
    assert upload.frames["X"]["price"].tolist() == [1.5, 1.6]
    assert "1 row without price and quantity dropped" in upload.notes
    assert refused(data.replace(b"1.6,1", b",1")).column == "price"


@pytest.mark.parametrize("name", ["exchange", "venue", "market"])
@pytest.mark.parametrize("sorted_by", ["time", "venue"])
def test_two_venues_of_one_symbol_are_asked_about(name: str, sorted_by: str) -> None:
    rows = [
        (f"{1_723_075_200 + at}", venue, f"{55_000 + at + (venue == 'coinbase')}")
        for at in range(300)
        for venue in ("binance", "coinbase")
    ]
    rows.sort(key=lambda row: row[sorted_by == "venue"])
    data = f"time,{name},symbol,price\n" + "\n".join(f"{at},{venue},BTC-USD,{price}" for at, venue, price in rows)
    with pytest.raises(UploadError, match=f"column '{name}' .'binance', 'coinbase'. names several venues"):
        read("trades.csv", data.encode())
    apart = data.replace("coinbase,BTC-USD", "coinbase,ETH-USD")
    assert {symbol: len(frame) for symbol, frame in read("trades.csv", apart.encode()).frames.items()} == {
        "BTCUSD": 300,
        "ETHUSD": 300,
    }
