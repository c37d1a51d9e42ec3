"""What stands in a published file, and what is refused of it."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from alphastream.core.units import MS, SECOND
from alphastream.errors import UploadError
from alphastream.history.published import recognise
from alphastream.history.published_rows import Arrays, blocks_of, part_of
from tests.history_files.archive import (
    AGG_TRADES,
    BOOK_TICKER,
    DAY_MS,
    FUNDING,
    KLINES,
    START_MS,
    TRADES,
    futures_trades,
    publish,
    spot,
    spot_trades,
    um,
)

DAY = "2024-08-08"


def rows(path: Path, lines: Iterable[str]) -> Arrays:
    """The rows of a file of these lines, all blocks together."""
    file = recognise(publish(path, lines))
    with path.open("rb") as stream:
        blocks = [block.columns for block in blocks_of(file, part_of(file, stream))]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]} if blocks else {}


def test_futures_have_a_header_or_none(tmp_path: Path) -> None:
    lines = futures_trades(range(100, 400))
    path = um(tmp_path, "daily", "aggTrades", "BTCUSDT", DAY)
    bare, headed = rows(path, lines), rows(path, [AGG_TRADES, *lines])
    assert bare.keys() == {"id", "price", "quantity", "buyer_is_maker", "time_ns"}
    for name, column in bare.items():
        assert np.array_equal(column, headed[name])
    assert bare["id"].tolist() == list(range(100, 400))
    assert bare["price"][5] == 60_000 + 105 % 70 / 10
    assert bare["time_ns"][:2].tolist() == [START_MS * MS, (START_MS + 500) * MS]
    assert bare["buyer_is_maker"][:4].tolist() == [True, True, False, True]


def test_spot_is_in_microseconds_since_2025(tmp_path: Path) -> None:
    start_us = 1_735_689_600_010_866
    path = spot(tmp_path, "daily", "aggTrades", "BTCUSDT", "2025-01-01")
    found = rows(path, spot_trades(range(7, 50), start_us))
    assert found["time_ns"][:2].tolist() == [start_us * 1_000, (start_us + 1_000_001) * 1_000]
    assert found["buyer_is_maker"][:3].tolist() == [True, False, True]
    assert found["quantity"][0] == 8e-5


def test_single_trades_of_both_markets(tmp_path: Path) -> None:
    line = f"51175358,17.80180000,5.69000000,101.29224200,{START_MS},"
    future = rows(um(tmp_path, "daily", "trades", "LINKUSDT", DAY), [TRADES, f"{line}true"])
    market = rows(spot(tmp_path, "daily", "trades", "LINKUSDT", DAY), [f"{line}True,True"])
    assert {name: column.tolist() for name, column in future.items()} == {
        "id": [51175358],
        "price": [17.8018],
        "quantity": [5.69],
        "time_ns": [START_MS * MS],
        "buyer_is_maker": [True],
    }
    assert {name: column.tolist() for name, column in market.items()} == {
        name: column.tolist() for name, column in future.items()
    }


def test_klines_keep_what_takers_bought_and_leave_minutes_without_a_trade(tmp_path: Path) -> None:
    lines = [
        f"{START_MS},10.0,12.0,9.0,11.0,5.5,{START_MS + 59_999},60.5,13,2.5,27.5,0",
        f"{START_MS + 60_000},11.0,11.0,11.0,11.0,0.0,{START_MS + 119_999},0.0,0,0.0,0.0,0",
    ]
    found = rows(um(tmp_path, "daily", "klines", "BTCUSDT", DAY, "1m"), [KLINES, *lines])
    bar = ("open", "high", "low", "close", "volume", "trades", "buy_volume", "time_ns")
    assert [found[name].tolist() for name in bar] == [[10], [12], [9], [11], [5.5], [13], [2.5], [START_MS * MS]]


def test_quotes_belong_to_the_day_in_which_they_were_sent(tmp_path: Path) -> None:
    path = um(tmp_path, "daily", "bookTicker", "BTCUSDT", DAY)
    lines = [f"1,10.1,2,10.2,3,{START_MS - 2},{START_MS + 1}", f"2,10.1,2,10.3,4,{START_MS},{START_MS + 3}"]
    found = rows(path, [BOOK_TICKER, *lines])
    assert found["time_ns"].tolist() == [(START_MS - 2) * MS, START_MS * MS]
    assert [found[name].tolist() for name in ("bid", "bid_quantity", "ask", "ask_quantity")] == [
        *([10.1, 10.1], [2.0, 2.0], [10.2, 10.3], [3.0, 4.0])
    ]


def test_funding(tmp_path: Path) -> None:
    path = um(tmp_path, "monthly", "fundingRate", "BTCUSDT", "2024-08")
    found = rows(path, [FUNDING, f"{START_MS + 8},8,0.00010000", f"{START_MS + DAY_MS // 3},8,-0.00002500"])
    assert found["rate"].tolist() == [1e-4, -2.5e-5]
    assert found["time_ns"].tolist() == [(START_MS + 8) * MS, START_MS * MS + 8 * 3_600 * SECOND]


def test_rows_without_a_price_or_a_quantity_are_counted_and_left_out(tmp_path: Path) -> None:
    lines = futures_trades(range(3))
    lines[1:1] = [f"9,0.0,0.000,-1,-1,{START_MS},true", f"8,5.0,0.000,1,1,{START_MS},true"]
    file = recognise(publish(um(tmp_path, "daily", "aggTrades", "BTCUSDT", DAY), lines))
    with file.path.open("rb") as stream:
        (block,) = blocks_of(file, part_of(file, stream))
    assert block.left_out == 2
    assert block.columns["id"].tolist() == [0, 1, 2]


def test_a_day_without_trades_is_an_empty_file(tmp_path: Path) -> None:
    assert rows(um(tmp_path, "daily", "aggTrades", "BTCUSDT", DAY), []) == {}
    headed = rows(um(tmp_path, "daily", "aggTrades", "BTCUSDT", DAY), [AGG_TRADES])
    assert all(len(column) == 0 for column in headed.values())


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["1,2,3"], "its first line has 3 columns .* of binance-usdm have 7: id, price, quantity, first_id, last_id"),
        (spot_trades([1, 2], START_MS * 1000), "has 8 columns .*; so many have those of spot"),
        (
            [AGG_TRADES.replace("price", "colour"), *futures_trades([1])],
            r"first line has 7 columns \(agg_trade_id,.col",
        ),
        ([AGG_TRADES, *futures_trades([1]), "2,3"], r"not the columns of aggTrades .*Expected 7 columns, got 2"),
        ([AGG_TRADES, f"1,cheap,0.1,1,1,{START_MS},true"], "not the columns of aggTrades .*invalid value 'cheap'"),
        ([AGG_TRADES, f"1,,0.1,1,1,{START_MS},true"], "not the columns of aggTrades .*invalid value ''"),
        ([AGG_TRADES, "1,5.0,0.1,1,1,12,true"], "line 2: '12' is no time"),
        (
            futures_trades([1, 2, 3], START_MS + DAY_MS - 700),
            "line 3: 2024-08-09T00:00:00.300 UTC lies outside the day",
        ),
        (
            [AGG_TRADES, *futures_trades([1], START_MS - 1)],
            "line 2: 2024-08-07T23:59:59.999 UTC lies outside the day 20",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(tmp_path: Path, lines: list[str], told: str) -> None:
    path = um(tmp_path, "daily", "aggTrades", "BTCUSDT", DAY)
    with pytest.raises(UploadError, match=told) as raised:
        rows(path, lines)
    assert str(raised.value).startswith(path.name)
    assert "\n" not in str(raised.value)


def test_bars_of_mark_prices_are_known_by_their_missing_volume(tmp_path: Path) -> None:
    line = f"{START_MS},10.0,12.0,9.0,11.0,0,{START_MS + 59_999},0,60,0,0,0"
    with pytest.raises(UploadError, match="look like bars of mark or index prices, not of trades"):
        rows(um(tmp_path, "daily", "klines", "BTCUSDT", DAY, "1m"), [line])


def test_a_zip_of_two_files_is_refused(tmp_path: Path) -> None:
    path = publish(um(tmp_path, "daily", "aggTrades", "BTCUSDT", DAY), futures_trades([1]))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.csv", "1,2,3\n")
    with (
        path.open("rb") as stream,
        pytest.raises(UploadError, match="the zip holds 2 files: a published one holds one"),
    ):
        part_of(recognise(path), stream)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04 and no more"])
def test_what_only_is_called_a_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = um(tmp_path, "daily", "aggTrades", "BTCUSDT", DAY)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with path.open("rb") as stream, pytest.raises(UploadError, match="this is no zip, or only its beginning"):
        part_of(recognise(path), stream)
