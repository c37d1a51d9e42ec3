"""What venues' streams mean by their letters, sides, kinds and times."""

import json

import pytest

from alphastream.errors import UploadError
from alphastream.uploads import Upload, read

START_MS = 1_723_075_200_000


def messages(*said: object, name: str = "recorded.jsonl") -> Upload:
    return read(name, "".join(json.dumps(message) + "\n" for message in said).encode())


def test_capitals_beside_small_letters() -> None:
    """Bybit: S is the side, s the symbol; Binance: L is the last trade's id, l the low."""
    trade = {
        "T": START_MS,
        "s": "BTCUSDT",
        "S": "Buy",
        "v": "0.5",
        "p": "55108.5",
        "L": "PlusTick",
        "i": "a",
        "BT": False,
    }
    frame = messages({"topic": "publicTrade.BTCUSDT", "data": [trade, trade | {"S": "Sell"}]}).frames["BTCUSDT"]
    assert frame["quantity"].tolist() == [0.5, 0.5]
    assert frame["buyer_is_maker"].tolist() == [False, True]


def kline(minute: int, close: int, finished: bool) -> object:
    bar = {"t": START_MS + 60_000 * minute, "T": START_MS + 60_000 * minute + 59_999, "s": "BTCUSDT", "i": "1m", "f": 1}
    bar |= {"L": 2, "o": "100", "c": str(close), "h": "110", "l": "99", "v": "10", "n": 5, "x": finished, "V": "5"}
    return {"stream": "btcusdt@kline_1m", "data": {"e": "kline", "E": START_MS, "s": "BTCUSDT", "k": bar}}


def test_unfinished_bars_are_skipped() -> None:
    upload = messages(kline(0, 101, False), kline(0, 102, True), kline(1, 103, False), kline(1, 104, True))
    assert upload.frames["BTCUSDT"]["close"].tolist() == [102.0, 104.0]
    assert upload.frames["BTCUSDT"]["low"].tolist() == [99.0, 99.0]
    assert "2 messages of bars that are not finished yet skipped" in upload.notes
    with pytest.raises(UploadError, match="no rows"):
        messages(kline(0, 101, False), kline(0, 102, False))


def test_the_price_of_kraken_comes_first() -> None:
    """Of two pairs the price leaps more than the amount; the layout says which is which."""
    trades = [
        [337, [[f"{price}.0", "0.1", f"172307520{at}.321597", "s", "l", ""]], "trade", pair]
        for at, (price, pair) in enumerate([(55108, "XBT/USD"), (2342, "ETH/USD"), (55109, "XBT/USD")])
    ]
    upload = messages(*trades)
    assert upload.frames["XBTUSD"]["price"].tolist() == [55108.0, 55109.0]
    assert upload.frames["ETHUSD"]["quantity"].tolist() == [0.1]


def test_asks_and_bids_of_upbits_trades() -> None:
    """Who sells, asks: ASK is a sale by the taker; in a column of another name they are a book's sides."""
    text = "market,timestamp,trade_price,trade_volume,{}\nKRW-BTC,1723075201123,78000000,0.01,{}\n"
    rows = text.format("ask_bid", "ASK") + "KRW-BTC,1723075202123,78010000,0.02,BID\n"
    assert read("a.csv", rows.encode()).frames["KRWBTC"]["buyer_is_maker"].tolist() == [True, False]
    with pytest.raises(UploadError, match="bid or ask"):
        read("a.csv", rows.replace("ask_bid", "side").encode())


def test_a_column_of_the_makers_side() -> None:
    text = "time,price,size,maker_side\n1723075200,2342.1,1,buy\n1723075201,2342.2,1,sell\n"
    upload = read("ETHUSD.csv", text.encode())
    assert upload.frames["ETHUSD"]["buyer_is_maker"].tolist() == [True, False]
    assert "the side is the resting order's ('maker_side'): the taker's is the other one" in upload.notes


def test_what_was_there_and_what_has_come_are_rows_of_one_kind() -> None:
    """BitMEX sends what was there before (partial), then each trade (insert); deletions are something else."""
    trade = {"symbol": "XBTUSD", "side": "Buy", "size": 100, "price": 55108.5}
    said = [
        {"table": "trade", "action": action, "data": [trade | {"timestamp": f"2024-08-08T00:00:0{at}.461Z"}]}
        for at, action in enumerate(("partial", "insert", "delete"))
    ]
    assert len(messages(*said[:2]).frames["XBTUSD"]) == 2
    with pytest.raises(UploadError, match="several kinds"):
        messages(*said)


def test_heartbeats_between_trades() -> None:
    trade = {"type": "match", "trade_id": 1, "side": "buy", "size": "1", "price": "5.5", "product_id": "BTC-USD"}
    beat = {"type": "heartbeat", "last_trade_id": 1, "product_id": "BTC-USD", "time": "2024-08-08T00:00:02Z"}
    upload = messages(trade | {"time": "2024-08-08T00:00:01Z"}, beat)
    assert len(upload.frames["BTCUSD"]) == 1
    assert "1 message without a price skipped" in upload.notes


def test_the_size_beside_a_sequence_number() -> None:
    """Polygon: s is the size, q a number of messages."""
    said = [{"ev": "T", "sym": "MSFT", "p": 400.5, "s": 10 - at, "t": START_MS + at, "q": at} for at in range(3)]
    assert messages(*said).frames["MSFT"]["quantity"].tolist() == [10.0, 9.0, 8.0]


TIMES = {
    "the same name with a unit": ("create_time,create_time_ms,price\n1723075200,1723075200064.5,1\n", 64_500_000),
    "microseconds": ("timestamp,microtimestamp,price\n1723075200,1723075200064001,1\n", 64_001_000),
    "a date and a clock": (
        "trade_date,trade_time,trade_timestamp,price\n2024-08-08,00:00:00,1723075200123,1\n",
        123_000_000,
    ),
    "received later": ("timestamp,received_ms,price\n1723075200,1723075200064,1\n", 0),
}


@pytest.mark.parametrize(("text", "fraction_ns"), TIMES.values(), ids=TIMES)
def test_times_that_are_cut_to_seconds(text: str, fraction_ns: int) -> None:
    (frame,) = read("BTCUSDT.csv", text.encode()).frames.values()
    assert frame["time_ns"].tolist() == [START_MS * 1_000_000 + fraction_ns]


def test_an_undefined_price_is_none() -> None:
    """Databento's 2^63 - 1: it was 9.2e18, and prices of the other rows were no billionths any more."""
    undefined = str(2**63 - 1)
    header = "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume\n"
    rows = f"1723075200000000000,33,1,118,{','.join([undefined] * 4)},0\n"
    rows += "1723075260000000000,33,1,118,5230250000000,5231000000000,5230000000000,5230750000000,120\n"
    upload = read("ES_1m.csv", (header + rows).encode())
    assert upload.frames["ES"]["close"].tolist() == [5230.75]
    assert "1 bar without any price (empty or zero) dropped" in upload.notes
    header = "ts_event,rtype,publisher_id,instrument_id,price,size,symbol\n"
    rows = f"1723075200000000000,195,1,118,{undefined},0,ESU4\n1723075260000000000,195,1,118,5230250000000,2,ESU4\n"
    upload = read("a.csv", (header + rows).encode())
    assert upload.frames["ESU4"]["price"].tolist() == [5230.25]
    assert "1 row without price and quantity dropped" in upload.notes
