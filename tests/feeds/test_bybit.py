"""The Bybit codec: constructed frames, numbers of trades, addresses, REST answers, refusals."""

import itertools
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alphastream.errors import FeedError, ParameterError
from alphastream.events import Tick
from alphastream.feeds import FEEDS, Codec, Instrument, WireSymbol
from alphastream.feeds.bybit.trade_ids import MAX_SEQ, MOST_KEPT, PLACES, TradeIds
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns
from tests.feeds.mutations import mutated

DATA = Path(__file__).parents[1] / "data" / "bybit"
BTC = InstrumentId("bybit-linear", "BTCUSDT")
SEQ = 549792210006
ROW: dict[str, Any] = {
    "T": 1672304486865,
    "s": "BTCUSDT",
    "S": "Sell",
    "v": "0.001",
    "p": "16578.50",
    "L": "PlusTick",
    "i": "20f43950-d8dd-5b31-9112-a178eb6023af",
    "BT": False,
    "RPI": False,
    "seq": SEQ,
}


def frame(*changes: dict[str, Any], topic: str = "publicTrade.BTCUSDT") -> bytes:
    rows = [ROW | each for each in changes or ({},)]
    return msgspec.json.encode({"topic": topic, "type": "snapshot", "ts": 1672304486868, "data": rows})


def answer(result: Any, code: int = 0, said: str = "OK") -> bytes:
    return msgspec.json.encode({"retCode": code, "retMsg": said, "result": result, "retExtInfo": {}, "time": 1})


def past(*rows: tuple[int, str], **changes: Any) -> bytes:
    """Build an answer of recent trades: seq and text id of each, newest first."""
    trade = {"symbol": "BTCUSDT", "price": "16618.49", "size": "0.00012", "side": "Buy", "time": "1672052955758",
             "isBlockTrade": False, "isRPITrade": True} | changes  # fmt: skip
    found = [{**trade, "execId": text, "seq": str(seq)} for seq, text in rows]
    return answer({"category": "linear", "list": found})


@pytest.fixture
def codec() -> Codec:
    return FEEDS["bybit-linear"].fresh()


@pytest.mark.parametrize("kind", ["linear", "spot"])
def test_every_trade_is_parsed_and_numbers_ascend(kind: str) -> None:
    codec = FEEDS[f"bybit-{kind}"].fresh()
    name = InstrumentId(codec.name, "BTCUSDT")
    frames = (DATA / f"{kind}.jsonl").read_bytes().splitlines()
    rows = [row for each in frames for row in msgspec.json.decode(each).get("data", [])]
    ticks = codec.parse_columns(frames, [5] * len(frames))[name].ticks(name)
    assert [(t.price, t.quantity, t.time_ns, t.receive_ns, t.buyer_is_maker, t.id // PLACES) for t in ticks] == [
        (float(r["p"]), float(r["v"]), r["T"] * 10**6, 5, r["S"] == "Sell", r["seq"]) for r in rows
    ]
    assert all(before.id < after.id < 2**53 for before, after in itertools.pairwise(ticks))
    assert codec.rejected == {}
    assert [tick for each in frames for tick in codec.fresh().parse(each, 5)] == ticks  # on another connection


def test_a_trade_exactly(codec: Codec) -> None:
    assert codec.parse(frame(), 9) == [Tick(BTC, SEQ * 4096, 16578.5, 0.001, 1_672_304_486_865_000_000, 9, True)]


def test_one_taker_order_over_two_messages_goes_on_with_its_places(codec: Codec) -> None:
    first = codec.parse(frame({"i": "a"}, {"i": "b"}))
    second = codec.parse(frame({"i": "c"}, {"i": "d", "seq": SEQ + 30}))
    assert [tick.id - SEQ * PLACES for tick in (*first, *second)] == [0, 1, 2, 30 * PLACES]


def test_a_trade_that_comes_again_has_the_number_it_had(codec: Codec) -> None:
    live = codec.parse(frame({"i": "a"}, {"i": "b"}, {"i": "c", "seq": SEQ + 1}))
    again = codec.parse(frame({"i": "b"}))  # from the connection that takes over
    fetched = codec.parse_past_trades(BTC, past((SEQ + 1, "c"), (SEQ, "a"), (SEQ, "b"), (SEQ - 9, "z")))
    assert again[0].id == live[1].id
    assert [tick.id for tick in fetched] == [(SEQ - 9) * PLACES, *(tick.id for tick in live)]
    assert fetched[0].receive_ns == 0


def test_after_a_restart_the_answer_has_the_numbers_of_the_stream(codec: Codec) -> None:
    live = codec.parse(frame({"i": "a"}, {"i": "b"}, {"i": "c", "seq": SEQ + 1}))
    restarted = codec.fresh()
    fetched = restarted.parse_past_trades(BTC, past((SEQ + 1, "c"), (SEQ, "b"), (SEQ, "a")))
    assert [tick.id for tick in fetched] == [tick.id for tick in live]


def test_a_full_answer_may_begin_in_the_middle_of_an_order() -> None:
    codec, name = FEEDS["bybit-spot"].fresh(), InstrumentId("bybit-spot", "BTCUSDT")
    rows = [(SEQ + 58 - place, f"t{place}") for place in range(58)] + [(SEQ, "y"), (SEQ, "x")]
    assert codec.page_limit == len(rows) == 60
    assert len(codec.parse_past_trades(name, past(*rows))) == 58
    assert len(codec.parse_past_trades(name, past(*rows[1:]))) == 59  # not full: it begins where the venue began
    streamed = codec.fresh()
    streamed.parse(frame({"i": "w"}, {"i": "x"}, {"i": "y"}))
    ids = [tick.id for tick in streamed.parse_past_trades(name, past(*rows))]
    assert ids[:2] == [SEQ * PLACES + 1, SEQ * PLACES + 2]


def test_numbers_have_their_limits() -> None:
    ids = TradeIds()
    assert TradeIds().of(MAX_SEQ - 1, "a") < 2**63
    for seq, text in ((MAX_SEQ, "a"), (-1, "a"), (5, "")):
        with pytest.raises((OverflowError, ValueError), match="seq"):
            ids.of(seq, text)
    for place in range(PLACES):
        ids.of(7, str(place))
    with pytest.raises(OverflowError, match="more than 4096 trades"):
        ids.of(7, "one more")
    assert ids.of(7, "4095") == 7 * PLACES + 4095
    for seq in range(8, 10 * MOST_KEPT):
        ids.of(seq, "a")
    assert len(ids._known) <= MOST_KEPT
    assert ids.knows(10 * MOST_KEPT - 1)


def test_one_absurd_seq_is_not_believed_and_a_second_one_beside_it_is(codec: Codec) -> None:
    def seqs(*wanted: int) -> list[int]:
        return [tick.id // PLACES for tick in codec.parse(frame(*({"seq": seq, "i": f"i{seq}"} for seq in wanted)))]

    assert seqs(SEQ, SEQ + 5) == [SEQ, SEQ + 5]
    assert seqs(10**15, SEQ + 9, 7, SEQ + 11) == [SEQ + 9, SEQ + 11]
    assert seqs(10**15) == []  # the same once more proves nothing
    assert codec.rejected == {"absurd": 3}
    assert seqs(2 * 10**15) == []
    assert seqs(2 * 10**15 + 4, 2 * 10**15 + 6) == [2 * 10**15 + 4, 2 * 10**15 + 6]


def test_block_trades_are_left_out_and_counted(codec: Codec) -> None:
    assert [tick.id // PLACES for tick in codec.parse(frame({"BT": True, "i": "x"}, {"seq": SEQ + 1}))] == [SEQ + 1]
    assert codec.parse_past_trades(BTC, past((SEQ, "a"), isBlockTrade=True)) == []
    assert codec.rejected == {"block_trade": 2}


@pytest.mark.parametrize(
    ("sent", "rejected"),
    [
        (b'{"success":true,"ret_msg":"","conn_id":"a","req_id":"1","op":"subscribe"}', {}),
        (b'{"success":true,"ret_msg":"pong","conn_id":"a","req_id":"","op":"ping"}', {}),
        (b'{"op":"pong","args":["1"],"conn_id":"a"}', {}),
        (b'{"success":false,"ret_msg":"error:handler not found","conn_id":"a","op":"subscribe"}', {"error_reply": 1}),
        (b"", {"not_json": 1}),
        (b"null", {"foreign": 1}),
        (frame(topic="tickers.BTCUSDT"), {"foreign": 1}),
        (frame({"p": "much"}), {"wrong_type": 1}),
        (frame({"S": "None"}), {"wrong_type": 1}),
        (frame({"seq": None}), {"wrong_type": 1}),
        (frame({"p": "0"}), {"absurd": 1}),
        (frame({"v": "NaN"}), {"absurd": 1}),
        (frame({"seq": 2**62}), {"absurd": 1}),
        (frame({"seq": -1}), {"absurd": 1}),
        (frame({"i": ""}), {"absurd": 1}),
        (frame({"T": 0}), {"absurd": 1}),
        (frame({"T": 2**60}), {"absurd": 1}),
        (frame({"s": " "}), {"absurd": 1}),
    ],
)
def test_what_is_no_trade_is_counted_by_kind(codec: Codec, sent: bytes, rejected: dict[str, int]) -> None:
    assert codec.parse(sent) == []
    assert codec.rejected == rejected


def test_one_bad_row_takes_no_other_along(codec: Codec) -> None:
    found = codec.parse(frame({"i": "a"}, {"v": "x"}, {"i": "b"}, {"p": "-1", "i": "c"}))
    assert [tick.id - SEQ * PLACES for tick in found] == [0, 1]
    assert codec.rejected == {"wrong_type": 1, "absurd": 1}


@pytest.mark.parametrize("kind", ["linear", "spot"])
def test_twenty_thousand_mutated_frames_never_raise(kind: str) -> None:
    codec = FEEDS[f"bybit-{kind}"].fresh()
    market = codec.market
    assert market is not None
    for sent in mutated((DATA / f"{kind}.jsonl").read_bytes().splitlines(), 10_000):
        assert TickColumns.of(codec.parse(sent, 1)).sound().all()
    frames = [each for each in (DATA / f"{kind}_market.jsonl").read_bytes().splitlines() if len(each) < 1_000]
    for sent in mutated(frames, 10_000, seed=2):
        for event in market.parse([sent], [1]):
            assert 0 < event.time_ns < 2**63
    assert sum(codec.rejected.values()) > 1_000
    assert sum(market.rejected.values()) > 1_000


def test_symbols_are_spelt_as_the_venue_does(codec: Codec) -> None:
    typed = ["btcusdt", " BTC/USDT", "btc-usdt", "BTCUSDT-26DEC25", "1000pepeusdt", "BTC-USDT-26DEC25"]
    assert [codec.spelt(text) for text in typed] == [
        "BTCUSDT", "BTCUSDT", "BTCUSDT", "BTCUSDT-26DEC25", "1000PEPEUSDT", "BTCUSDT-26DEC25",
    ]  # fmt: skip


def test_addresses_and_frames_to_send(codec: Codec) -> None:
    spot = FEEDS["bybit-spot"]
    name = InstrumentId("bybit-spot", "BTCUSDT")
    assert codec.stream_url([BTC]) == "wss://stream.bybit.com/v5/public/linear"
    assert spot.stream_url([name]) == "wss://stream.bybit.com/v5/public/spot"
    assert msgspec.json.decode(codec.opening([BTC, BTC])[0])["args"] == ["publicTrade.BTCUSDT"]
    many = [InstrumentId("bybit-spot", f"S{number}USDT") for number in range(25)]
    assert [len(msgspec.json.decode(each)["args"]) for each in spot.opening(many)] == [10, 10, 5]
    assert msgspec.json.decode(codec.unsubscribe([BTC], 7))["op"] == "unsubscribe"
    request = spot.past_trades(name, 5, 60, 0)
    assert request is not None
    assert request.url == "https://api.bybit.com/v5/market/recent-trade?category=spot&symbol=BTCUSDT&limit=60"
    assert codec.listing()[0].url.endswith("/v5/market/instruments-info?category=linear&limit=1000")
    assert codec.keepalive is not None
    assert (codec.keepalive.payload, codec.keepalive.every_s) == (b'{"op":"ping"}', 20.0)
    assert codec.completeness == "unknown"
    local = codec.fresh("ws://127.0.0.1:9/v5/public/linear", "http://127.0.0.1:9/")
    assert local.stream_url([BTC]) == "ws://127.0.0.1:9/v5/public/linear"
    assert local.server_time().url == "http://127.0.0.1:9/v5/market/time"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (InstrumentId("bybit-linear", "BTCUSD"), "inverse contract.*take BTCUSDT"),
        (InstrumentId("bybit-linear", "BTCUSDZ26"), "inverse contract"),
        (InstrumentId("bybit-linear", "BTC/USDT"), "cannot be a symbol"),
        (InstrumentId("bybit-spot", "BTCUSDT"), "is not of Bybit linear"),
    ],
)
def test_what_is_not_carried_is_refused_in_words(codec: Codec, name: InstrumentId, said: str) -> None:
    market = codec.market
    assert market is not None
    for ask in (
        lambda: codec.stream_url([name]),
        lambda: codec.subscribe([name], 1),
        lambda: codec.past_trades(name, 1, 1, 0),
        lambda: market.routes([name]),
        lambda: market.mark_request(name),
    ):
        with pytest.raises(ParameterError, match=said):
            ask()


def test_too_many_or_none_are_refused(codec: Codec) -> None:
    with pytest.raises(ParameterError, match="201 symbols given, one connection carries 200"):
        codec.stream_url([InstrumentId("bybit-linear", f"S{number}USDT") for number in range(201)])
    with pytest.raises(ParameterError, match="no symbol given"):
        codec.stream_url([])


def test_an_error_with_status_200_is_an_error(codec: Codec) -> None:
    for body in (answer({}, 10001, "params error"), b'{"retCode":10001,"retMsg":"params error"}'):
        for parse in (lambda b=body: codec.parse_past_trades(BTC, b), lambda b=body: codec.parse_listing(b)):
            with pytest.raises(FeedError, match=r"refused .*10001, params error"):
                parse()
    with pytest.raises(FeedError, match="trades of BTCUSDT, asked for ETHUSDT"):
        codec.parse_past_trades(InstrumentId("bybit-linear", "ETHUSDT"), past((SEQ, "a")))


def test_server_time(codec: Codec) -> None:
    clock = {"timeSecond": "1688639403", "timeNano": "1688639403423213947"}
    assert codec.parse_server_time(answer(clock)) == 1_688_639_403_423_213_947


def test_listings(codec: Codec) -> None:
    linear = {
        "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
        "quoteCoin": "USDT", "fundingInterval": 480, "priceFilter": {"tickSize": "0.10"},
        "lotSizeFilter": {"qtyStep": "0.001", "minOrderQty": "0.001", "minNotionalValue": "5"},
    }  # fmt: skip
    dated = {**linear, "symbol": "BTCUSDT-26DEC25", "contractType": "LinearFutures", "status": "PreLaunch"}
    found = codec.parse_listing(answer({"category": "linear", "list": [linear, dated], "nextPageCursor": ""}))
    assert found[BTC] == Instrument(
        WireSymbol("BTCUSDT"), 0.1, 0.001, 1, 5.0, "TRADING", False, "BTC", "USDT", "perpetual"
    )
    other = found[InstrumentId("bybit-linear", "BTCUSDT-26DEC25")]
    assert (other.kind, other.status) == ("future", "PreLaunch")
    spot = {
        "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "innovation": "0", "status": "Trading",
        "lotSizeFilter": {"basePrecision": "0.000001", "minOrderQty": "0.000048", "minOrderAmt": "1"},
        "priceFilter": {"tickSize": "0.01"},
    }  # fmt: skip
    pairs = FEEDS["bybit-spot"].fresh().parse_listing(answer({"category": "spot", "list": [spot]}))
    assert pairs == {
        "bybit-spot:BTCUSDT": Instrument(
            WireSymbol("BTCUSDT"), 0.01, 1e-6, 2, 1.0, "TRADING", False, "BTC", "USDT", "spot"
        )
    }
    with pytest.raises(FeedError, match="with 1 instruments and has more"):
        codec.parse_listing(answer({"list": [linear], "nextPageCursor": "first%3D"}))
    with pytest.raises(FeedError, match="a step that is no number"):
        codec.parse_listing(answer({"list": [{**linear, "priceFilter": {"tickSize": "fine"}}]}))
    with pytest.raises(FeedError, match="a name that cannot be"):
        codec.parse_listing(answer({"list": [{**linear, "symbol": ""}]}))


@pytest.mark.parametrize(
    ("status", "action", "wait_s", "said"),
    [
        (403, "banned", 600.0, "for 10 min .*HTTP 403.*asked too often, or is where Bybit serves nobody"),
        (451, "stop", 0.0, "location"),
        (429, "wait", 60.0, "too many requests"),
        (500, "retry", 0.0, "HTTP 500"),
    ],
)
def test_refusals_are_said_in_words(codec: Codec, status: int, action: str, wait_s: float, said: str) -> None:
    advice = codec.advise(status, {})
    assert (advice.action, advice.wait_s) == (action, wait_s)
    assert re.search(said, advice.reason)
