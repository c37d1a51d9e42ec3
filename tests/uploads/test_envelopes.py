"""Recorded messages whose rows do not name their instrument: what stands around them does, or a question is asked."""

import json

import pytest

from alphastream.errors import UploadError
from alphastream.uploads import read
from alphastream.uploads.forms.json_envelopes import Instruments, naming_key

START_MS = 1_723_075_200_000


def lines(*messages: object) -> bytes:
    return "".join(json.dumps(message) + "\n" for message in messages).encode()


def htx(symbol: str, at: int, price: float) -> object:
    trade = {"id": at, "ts": START_MS + at, "tradeId": at, "amount": 0.1, "price": price, "direction": "buy"}
    return {"ch": f"market.{symbol}.trade.detail", "tick": {"id": 1, "ts": START_MS + at, "data": [trade]}}


def bitflyer(product: str, at: int, price: float) -> object:
    trade = {"id": at, "side": "BUY", "price": price, "size": 0.1, "exec_date": f"2024-08-08T00:00:00.{at:03}Z"}
    return {"params": {"channel": f"lightning_executions_{product}", "message": [trade]}}


def dydx(market: str, at: int, price: float) -> object:
    trade = {"id": f"x{at}", "size": "0.1", "price": str(price), "createdAt": f"2024-08-08T00:00:00.{at:03}Z"}
    return {"connection_id": "c", "message_id": at, "id": market, "channel": "v4", "contents": {"trades": [trade]}}


@pytest.mark.parametrize(
    ("message", "first", "second", "symbols"),
    [
        (htx, "btcusdt", "btcusdc", ["BTCUSDT", "BTCUSDC"]),
        (bitflyer, "BTC_JPY", "FX_BTC_JPY", ["BTCJPY", "FXBTCJPY"]),
        (dydx, "ETH-USD", "STETH-USD", ["ETHUSD", "STETHUSD"]),
    ],
)
@pytest.mark.parametrize("before", [0, 150])
def test_near_prices_of_two_instruments_stay_apart(
    message: object, first: str, second: str, symbols: list[str], before: int
) -> None:
    """Also where the second one comes later than what is looked at first."""
    assert callable(message)
    some = [message(first, at, 100 + at / 1000) for at in range(before)]
    both = [
        message(name, before + 2 * at + shift, 101 + at)
        for at in range(3)
        for shift, name in enumerate((first, second))
    ]
    upload = read("recorded.jsonl", lines(*some, *both))
    assert list(upload.symbols) == symbols
    assert upload.frames[symbols[1]]["price"].tolist() == [101.0, 102.0, 103.0]


def test_one_instrument_has_the_name_of_its_messages() -> None:
    upload = read("htx.jsonl", lines(*(htx("btcusdt", at, 100.0 + at) for at in range(3))))
    assert upload.symbols == ("BTCUSDT",)
    assert "symbols are what 'ch' of the messages says" in upload.notes
    coins = [{"channel": "trades", "data": [{"coin": "BTC", "px": "1.5", "sz": "1", "time": START_MS}]}] * 2
    assert read("recorded.jsonl", lines(*coins)).symbols == ("BTC",)


def test_connections_are_no_instruments() -> None:
    rows = [
        {"conn": f"c{at % 2}", "data": [{"ts": START_MS + at, "price": 100 + at / 10, "qty": 1}]} for at in range(6)
    ]
    assert read("BTCUSDT.jsonl", lines(*rows)).symbols == ("BTCUSDT",)


def bitfinex(kind: str, channel: int, at: int, price: float) -> object:
    return [channel, kind, [at, START_MS + at, -0.1, price]]


def test_bitfinex_tells_each_trade_twice() -> None:
    snapshot = [17, [[1, START_MS + 1, 0.1, 55000.0], [2, START_MS + 2, -0.1, 55000.5]]]
    told = {"event": "subscribed", "channel": "trades", "chanId": 17, "symbol": "tBTCUSD", "pair": "BTCUSD"}
    trades = [bitfinex(kind, 17, at, 55000.0 + at) for at in (3, 4) for kind in ("te", "tu")]
    upload = read("recorded.jsonl", lines(told, snapshot, *trades, [17, "hb"], bitfinex("tu", 17, 5, 55005.0)))
    assert upload.frames["BTCUSD"]["price"].tolist() == [55000.0, 55000.5, 55003.0, 55004.0, 55005.0]
    assert "2 repeated trade ids dropped" in upload.notes


def test_channels_of_bitfinex() -> None:
    told = [{"event": "subscribed", "chanId": 10 + at, "pair": f"BTC{name}"} for at, name in enumerate(("USD", "UST"))]
    trades = [bitfinex("te", 10 + at % 2, at, 55000.0 + at) for at in range(6)]
    assert read("a.jsonl", lines(*told, *trades)).symbols == ("BTCUSD", "BTCUST")
    assert read("a.jsonl", lines(*trades)).symbols == ("CHANNEL 10", "CHANNEL 11")
    one = [bitfinex("te", 10, at, 55000.0 + at) for at in range(150)]
    with pytest.raises(UploadError, match="CHANNEL 11 behind messages of CHANNEL 10") as caught:
        read("BTCUSD.jsonl", lines(*one, bitfinex("te", 11, 200, 55000.0)))
    assert caught.value.line == 151


def test_lists_without_names_in_messages_of_two_instruments() -> None:
    """OKX's candles: lists of values, and the instrument beside them."""
    candles = [
        {
            "arg": {"channel": "candle1m", "instId": name},
            "data": [[str(START_MS + 60_000 * at), *(str(price + at + step) for step in (0, 3, -2, 1)), "10"]],
        }
        for at in range(4)
        for name, price in (("BTC-USDT", 55000), ("BTC-USDC", 55010))
    ]
    upload = read("a.jsonl", lines(*candles))
    assert {name: frame["close"].iloc[-1] for name, frame in upload.frames.items()} == {
        "BTCUSDT": 55004.0,
        "BTCUSDC": 55014.0,
    }


def test_different_channels_never_become_one() -> None:
    of = Instruments("topic")
    assert [of({"topic": text}) for text in ("trades.BTC-USD", "v2.trades.BTC-USD", "trades.BTC-USD", "")] == [
        "BTC-USD",
        "v2.trades.BTC-USD",
        "BTC-USD",
        "",
    ]
    assert naming_key([{"topic": "a", "type": "x"}, {"topic": "a", "type": "y"}], whole=False) is None
    assert naming_key([], whole=False) is None


def test_the_makers_side_of_coinbase_behind_its_subscription() -> None:
    """The names of the channels were a column of the trades, and the side was read as the taker's."""
    told = {"type": "subscriptions", "channels": [{"name": "matches", "product_ids": ["BTC-USD"]}]}
    trades = [
        {
            "type": "match",
            "trade_id": at,
            "maker_order_id": "a",
            "taker_order_id": "b",
            "side": side,
            "size": "0.1",
            "price": "55100.00",
            "product_id": "BTC-USD",
            "time": f"2024-08-08T00:00:0{at}.028459Z",
        }
        for at, side in enumerate(("buy", "sell", "sell"))
    ]
    for before in ([], [told], [told, told]):
        frame = read("a.jsonl", lines(*before, *trades)).frames["BTCUSD"]
        assert frame["buyer_is_maker"].tolist() == [True, False, False]
    stamped = [f"{START_MS + at} {json.dumps(trade)}" for at, trade in enumerate(trades)]
    frame = read("a.txt", "\n".join(stamped).encode()).frames["BTCUSD"]
    assert frame["buyer_is_maker"].tolist() == [True, False, False]
