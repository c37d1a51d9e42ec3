"""The Binance codec: recorded frames, damaged frames, addresses, REST answers, refusals."""

import logging
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.errors import FeedError, ParameterError
from alphastream.events import Tick
from alphastream.feeds import FEEDS, Codec, Instrument, WireSymbol
from alphastream.feeds.answers import advise
from alphastream.feeds.listing import suggest
from alphastream.instruments import InstrumentId


def usdm(symbol: str) -> InstrumentId:
    return InstrumentId("binance-usdm", symbol)


RECORDED = Path(__file__).parents[1] / "data" / "binance"
LIVE_FRAME = (
    b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1790526539033,"a":3466782974,"s":"BTCUSDT",'
    b'"p":"84551.10","q":"0.030","nq":"0.030","f":8123344783,"l":8123344783,"T":1790526538883,"m":true,"st":1}}'
)
TRADE: dict[str, Any] = msgspec.json.decode(LIVE_FRAME)["data"]
TICK = Tick("binance-usdm:BTCUSDT", 3466782974, 84551.1, 0.03, 1_790_526_538_883_000_000, 5, True)


BTC, ETH = usdm("BTCUSDT"), usdm("ETHUSDT")


@pytest.fixture
def codec() -> Codec:
    return FEEDS["binance-usdm"].fresh()


def encode(**changes: Any) -> bytes:
    return msgspec.json.encode({"stream": "btcusdt@aggTrade", "data": {**TRADE, **changes}})


def test_the_registry_has_three_address_books() -> None:
    assert {name: feed.name for name, feed in FEEDS.items()} == {name: name for name in FEEDS}
    assert FEEDS["binance-usdm"].stream_url([BTC, ETH]) == (
        "wss://fstream.binance.com/market/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade"
    )
    assert FEEDS["binance-spot"].stream_url([InstrumentId("binance-spot", "BTCUSDT")]) == (
        "wss://data-stream.binance.vision/stream?streams=btcusdt@aggTrade"
    )
    assert FEEDS["binance-us"].stream_url([InstrumentId("binance-us", "BTCUSDT")]) == (
        "wss://stream.binance.us:9443/stream?streams=btcusdt@aggTrade"
    )


@pytest.mark.parametrize("venue", ["usdm", "spot", "us"])
def test_every_recorded_trade_is_parsed_and_nothing_else(venue: str) -> None:
    codec = FEEDS[f"binance-{venue}"].fresh()
    frames = (RECORDED / f"{venue}.jsonl").read_bytes().splitlines()
    trades = [data for frame in frames if (data := msgspec.json.decode(frame)["data"]).get("e") == "aggTrade"]
    ticks = [tick for frame in frames for tick in codec.parse(frame, 1)]
    assert len(trades) >= 2
    assert [(t.symbol, t.id, t.price, t.quantity, t.time_ns, t.buyer_is_maker) for t in ticks] == [
        (InstrumentId(codec.name, d["s"]), d["a"], float(d["p"]), float(d["q"]), d["T"] * 1_000_000, d["m"])
        for d in trades
    ]
    assert codec.rejected == {"foreign": len(frames) - len(trades)}


@pytest.mark.parametrize(
    "frame",
    [
        LIVE_FRAME,
        msgspec.json.encode(TRADE),
        msgspec.json.encode(dict(reversed(TRADE.items()))),
        msgspec.json.encode({"data": TRADE, "stream": "x", "new": [1, {"a": None}]}),
        msgspec.json.encode([TRADE]),
        msgspec.json.encode({"stream": "x", "data": [TRADE]}),
        encode(unheard_of={"a": [1, 2]}),
    ],
    ids=["as recorded", "unwrapped", "other order", "other order around", "list", "list wrapped", "more keys"],
)
def test_a_trade_in_any_lawful_shape(codec: Codec, frame: bytes) -> None:
    assert codec.parse(frame, 5) == [TICK]
    assert codec.rejected == {}


def test_one_bad_event_of_a_list_does_not_take_the_others_along(codec: Codec) -> None:
    frame = msgspec.json.encode([TRADE, {**TRADE, "p": "none"}, {**TRADE, "a": 1}, {"e": "kline"}])
    assert [tick.id for tick in codec.parse(frame)] == [TRADE["a"], 1]
    assert codec.rejected == {"wrong_type": 1, "foreign": 1}


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b"", "not_json"),
        (b"\xff\xfe\x00", "not_json"),
        (LIVE_FRAME[:-20], "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"null", "foreign"),
        (b"[]", "foreign"),
        (b"17", "foreign"),
        (b'{"stream":"x","data":null}', "foreign"),
        (encode(e="trade"), "foreign"),
        (encode(p=None), "wrong_type"),
        (encode(p="12,5"), "wrong_type"),
        (encode(a="many"), "wrong_type"),
        (encode(s=["BTCUSDT"]), "wrong_type"),
        (encode(m="perhaps"), "wrong_type"),
        (b'{"e":"aggTrade"}', "wrong_type"),
        (encode(p="NaN"), "absurd"),
        (encode(p="inf"), "absurd"),
        (encode(p="0"), "absurd"),
        (encode(p="-1"), "absurd"),
        (encode(q="nan"), "absurd"),
        (encode(q="0.000"), "absurd"),
        (encode(q=-2.0), "absurd"),
        (encode(a=-1), "absurd"),
        (encode(a=2**63), "absurd"),
        (encode(T=0), "absurd"),
        (encode(T=2**62), "absurd"),
        (encode(s=""), "absurd"),
        (b'{"code":2,"msg":"Invalid request","id":3}', "error_reply"),
        (b'{"error":{"code":2,"msg":"Invalid request"},"id":3}', "error_reply"),
    ],
)
def test_what_is_no_trade_is_counted_by_kind(codec: Codec, frame: bytes, kind: str) -> None:
    assert codec.parse(frame) == []
    assert codec.rejected == {kind: 1}


def test_an_acknowledgement_is_neither_trade_nor_trouble(codec: Codec) -> None:
    assert codec.parse(b'{"result":null,"id":1}') == []
    assert codec.parse(b'{"result":["btcusdt@aggTrade"],"id":2}') == []
    assert codec.rejected == {}


@pytest.mark.parametrize(
    "frame", [b'{"e":"serverShutdown","E":1}', b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}']
)
def test_the_announced_end_of_a_connection_is_counted_for_itself(codec: Codec, frame: bytes) -> None:
    assert codec.parse_columns([LIVE_FRAME, frame], [1, 2]).keys() == {BTC}
    assert (codec.endings, codec.rejected) == (1, {})


def test_a_kind_is_logged_once(codec: Codec, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            codec.parse(b"garbage")
            codec.parse(encode(p="-1"))
    assert codec.rejected == {"not_json": 50, "absurd": 50}
    assert [record.args[1] for record in caplog.records if isinstance(record.args, tuple)] == ["not_json", "absurd"]


def sane(tick: Tick) -> bool:
    numbers = (tick.price, tick.quantity)
    return (
        all(math.isfinite(number) and number > 0 for number in numbers)
        and 0 <= tick.id < 2**63
        and 0 < tick.time_ns < 2**63
        and bool(tick.symbol)
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("aggTrade"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("esapqTmfl") | st.text(), inner),
    max_leaves=12,
)


@given(st.binary(max_size=200))
def test_no_bytes_raise(noise: bytes) -> None:
    codec = FEEDS["binance-usdm"].fresh()
    assert all(sane(tick) for tick in codec.parse(noise))


@given(st.integers(0, len(LIVE_FRAME)), st.integers(0, len(LIVE_FRAME)), st.binary(max_size=6))
def test_a_damaged_frame_gives_a_sane_tick_or_is_counted(start: int, stop: int, patch: bytes) -> None:
    codec = FEEDS["binance-usdm"].fresh()
    ticks = codec.parse(LIVE_FRAME[:start] + patch + LIVE_FRAME[max(start, stop) :])
    assert all(sane(tick) for tick in ticks)
    assert len(ticks) + sum(codec.rejected.values()) == 1


@given(JSON, st.dictionaries(st.sampled_from("esapqTm"), JSON, max_size=3))
def test_no_json_raises(message: Any, changes: dict[str, Any]) -> None:
    codec = FEEDS["binance-usdm"].fresh()
    for frame in (message, {**TRADE, **changes}, {"stream": "x", "data": message}, [message, TRADE]):
        assert all(sane(tick) for tick in codec.parse(msgspec.json.encode(frame)))


def test_fresh_has_its_own_counters_and_addresses() -> None:
    codec = FEEDS["binance-usdm"].fresh("ws://127.0.0.1:9000/", "http://127.0.0.1:9001")
    codec.parse(b"garbage")
    assert FEEDS["binance-usdm"].rejected == {}
    assert codec.stream_url([BTC]) == "ws://127.0.0.1:9000/market/stream?streams=btcusdt@aggTrade"
    assert codec.server_time().url == "http://127.0.0.1:9001/fapi/v1/time"
    again = codec.fresh("wss://relay.example/market/stream")
    assert again.stream_url([usdm("X")]) == "wss://relay.example/market/stream?streams=x@aggTrade"
    assert again.server_time().url == "http://127.0.0.1:9001/fapi/v1/time"


def test_control_frames(codec: Codec) -> None:
    assert msgspec.json.decode(codec.subscribe([BTC, ETH, BTC], 7)) == {
        "method": "SUBSCRIBE",
        "params": ["btcusdt@aggTrade", "ethusdt@aggTrade"],
        "id": 7,
    }
    assert msgspec.json.decode(codec.unsubscribe([BTC], 8))["method"] == "UNSUBSCRIBE"


def test_a_name_that_is_not_ascii_is_escaped(codec: Codec) -> None:
    assert codec.stream_url([usdm("币USDT")]).endswith("?streams=%E5%B8%81usdt@aggTrade")


def test_more_than_200_streams_are_refused_in_words(codec: Codec) -> None:
    codec.stream_url([usdm(f"S{number}") for number in range(200)])
    with pytest.raises(ParameterError, match="201 symbols given, one connection carries 200"):
        codec.stream_url([usdm(f"S{number}") for number in range(201)])


@pytest.mark.parametrize("symbols", [[], ["BTC/USDT"], ["BTC USDT"], ["A@B"], ["A&B"], ["BTCUSDT", "X:Y"]])
def test_what_cannot_be_a_symbol_is_refused(codec: Codec, symbols: list[str]) -> None:
    with pytest.raises(ParameterError):
        codec.stream_url([usdm(symbol) for symbol in symbols])


def test_a_name_of_another_venue_never_goes_out(codec: Codec) -> None:
    spot = InstrumentId("binance-spot", "BTCUSDT")
    refused = "binance-spot:BTCUSDT is not of Binance USDS-M Futures: needs a name such as binance-usdm:BTCUSDT"
    for ask in (
        lambda: codec.stream_url([BTC, spot]),
        lambda: codec.subscribe([spot], 1),
        lambda: codec.unsubscribe([spot], 1),
        lambda: codec.past_trades(spot, 1, 1, 0),
    ):
        with pytest.raises(ParameterError, match=refused):
            ask()


def test_ticks_of_a_symbol_share_one_name_and_names_do_not_pile_up(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert codec.parse(LIVE_FRAME)[0].symbol is codec.parse(LIVE_FRAME)[0].symbol
    monkeypatch.setattr("alphastream.feeds.names.MAX_NAMES", 10)
    assert [codec.parse(encode(s=f"S{number}"))[0].symbol for number in range(50)] == [
        usdm(f"S{number}") for number in range(50)
    ]
    assert codec.parse(encode(s="A\nB")) == codec.parse(encode(s="S" * 65)) == []
    assert codec.rejected == {"absurd": 2}


@pytest.mark.parametrize(("name", "weight"), [("binance-usdm", 20), ("binance-spot", 4)])
def test_requests_know_their_weight(name: str, weight: int) -> None:
    request = FEEDS[name].past_trades(InstrumentId(name, "BTCUSDT"), 3_000_000_001, 500, 0)
    assert request is not None
    assert request.url.endswith("/aggTrades?symbol=BTCUSDT&fromId=3000000001&limit=500")
    assert request.weight == weight
    assert "/exchangeInfo" in FEEDS[name].listing()[0].url


def test_rest_trades(codec: Codec) -> None:
    row = {key: TRADE[key] for key in "apqflTm"}
    body = msgspec.json.encode([{**row, "a": 9}, row | {"a": 8, "M": True}, {**row, "a": 7, "q": "0"}])
    ticks = codec.parse_past_trades(BTC, body)
    assert [(tick.symbol, tick.id, tick.receive_ns) for tick in ticks] == [(BTC, 8, 0), (BTC, 9, 0)]
    assert codec.rejected == {"absurd": 1}


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"code":-1121,"msg":"Invalid symbol."}', b'[{"a":1}]'])
def test_a_wrong_rest_body_is_one_clear_error(codec: Codec, body: bytes) -> None:
    with pytest.raises(FeedError, match="answered aggTrades with"):
        codec.parse_past_trades(BTC, body)
    with pytest.raises(FeedError, match="answered exchangeInfo with"):
        codec.parse_listing(body)
    with pytest.raises(FeedError, match="answered time with"):
        codec.parse_server_time(body)


def test_server_time(codec: Codec) -> None:
    assert codec.parse_server_time(b'{"serverTime":1499827319559}') == 1_499_827_319_559_000_000


def test_exchange_info_of_futures_and_spot(codec: Codec) -> None:
    futures = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "pricePrecision": 2,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "261.10"},
            {"filterType": "LOT_SIZE", "stepSize": "0.001"},
            {"filterType": "MIN_NOTIONAL", "notional": "100"},
        ],
    }
    spot = {
        "symbol": "NKNUSDT",
        "status": "BREAK",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.00010000"},
            {"filterType": "LOT_SIZE", "stepSize": "1.00000000"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
            {"filterType": "ICEBERG_PARTS", "limit": 10},
        ],
    }
    listed = codec.parse_listing(msgspec.json.encode({"symbols": [futures, spot, {"symbol": "NEW"}]}))
    assert listed[BTC] == Instrument(WireSymbol("BTCUSDT"), 0.1, 0.001, 1, 100.0, "TRADING")
    assert listed[usdm("NKNUSDT")] == Instrument(WireSymbol("NKNUSDT"), 0.0001, 1.0, 4, 5.0, "BREAK")
    assert listed[usdm("NEW")] == Instrument(WireSymbol("NEW"), 0.0, 0.0, 0, 0.0, "TRADING")
    metal = {"symbol": "XAUUSDT", "contractType": "TRADIFI_PERPETUAL"}
    listed = codec.parse_listing(msgspec.json.encode({"symbols": [{**futures, "contractType": "PERPETUAL"}, metal]}))
    assert {symbol: rules.has_sessions for symbol, rules in listed.items()} == {BTC: False, usdm("XAUUSDT"): True}
    broken = {"symbol": "X", "filters": [{"filterType": "PRICE_FILTER", "tickSize": "fine"}]}
    with pytest.raises(FeedError, match="no number"):
        codec.parse_listing(msgspec.json.encode({"symbols": [broken]}))
    with pytest.raises(FeedError, match="a name that cannot be"):
        codec.parse_listing(msgspec.json.encode({"symbols": [{"symbol": ""}]}))


@pytest.mark.parametrize(
    ("status", "headers", "action", "wait_s", "said"),
    [
        (451, {"Retry-After": "5"}, "stop", 0, "location"),
        (418, {"retry-after": "7200"}, "banned", 7_200, "banned this address for 2 h"),
        (418, {}, "banned", 120, "HTTP 418"),
        (418, {"Retry-After": "99999999"}, "banned", 259_200, "72 h"),
        (429, {"RETRY-AFTER": "7"}, "wait", 7, "asks to wait 7 s"),
        (429, {"Retry-After": "soon"}, "wait", 60, "HTTP 429"),
        (429, {"Retry-After": "-3"}, "wait", 60, "HTTP 429"),
        (429, {"Retry-After": "nan"}, "wait", 60, "HTTP 429"),
        (403, {}, "banned", 300, "firewall"),
        (503, {"Retry-After": "5"}, "retry", 0, "HTTP 503"),
        (404, {}, "retry", 0, "HTTP 404"),
    ],
)
def test_refusals(status: int, headers: dict[str, str], action: str, wait_s: float, said: str) -> None:
    advice = advise("Binance spot", status, headers)
    assert (advice.action, advice.wait_s) == (action, wait_s)
    assert said in advice.reason


def test_close_matches_for_a_wrong_symbol() -> None:
    listed = ["BTCUSDT", "ETHUSDT", "BTCUSDC", "SOLUSDT"]
    assert suggest("BTCUST", listed)[0] == "BTCUSDT"
    assert suggest("eth-usdt", listed)[0] == "ETHUSDT"
    assert suggest("QQQQQQ", listed) == []
