"""The OKX codec: recorded and constructed frames, contracts, addresses, REST answers."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from alphastream.errors import FeedError, ParameterError
from alphastream.events import Tick
from alphastream.feeds import FEEDS, Codec, Instrument, WireSymbol
from alphastream.feeds.market import MarketCodec, Quote
from alphastream.feeds.okx.contracts import Contract
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns
from tests.feeds.mutations import mutated
from tests.feeds.okx_frames import (
    BTC,
    LISTED,
    LISTING,
    ROW,
    SWAP,
    answer,
    book,
    funding,
    index,
    mark,
    push,
    quote,
    trade,
)

RECORDED = Path(__file__).parents[1] / "data" / "okx"


@pytest.fixture
def codec() -> Codec:
    return FEEDS["okx"].fresh(rest_url="http://127.0.0.1:1")  # its contracts are nobody else's


@pytest.fixture
def market(codec: Codec) -> MarketCodec:
    codec.parse_listing(LISTING)
    assert codec.market is not None
    return codec.market


def test_every_recorded_trade_is_parsed_and_ids_have_no_hole(codec: Codec) -> None:
    frames = (RECORDED / "trades.jsonl").read_bytes().splitlines()
    rows = [row for frame in frames for row in msgspec.json.decode(frame)["data"]]
    columns = codec.parse_columns(frames, range(1, len(frames) + 1))[BTC]
    assert columns.ticks(BTC) == [
        Tick(BTC, int(r["tradeId"]), float(r["px"]), float(r["sz"]), int(r["ts"]) * 10**6, at, r["side"] == "sell")
        for at, r in enumerate(rows, 1)
    ]
    assert (columns.id[1:] - columns.id[:-1] == 1).all()
    assert codec.rejected == {}


def test_a_swap_is_counted_in_units_of_base_and_not_at_all_before_its_contract_is_known(codec: Codec) -> None:
    assert codec.parse(trade()) == []
    assert codec.parse_columns([trade()], [1]) == {}
    assert codec.rejected == {"size_unknown": 2}
    with pytest.raises(FeedError, match="what a contract of BTC-USDT-SWAP is worth"):
        codec.parse_past_trades(SWAP, answer(ROW))
    codec.parse_listing(LISTING)
    assert codec.parse(trade(), 5) == [Tick(SWAP, 130639474, 42219.9, 0.03, 1_630_048_897_897_000_000, 5, True)]
    assert codec.parse(trade(sz="0.07", side="buy"))[0].quantity == 0.0007
    assert codec.parse_past_trades(SWAP, answer(ROW))[0].quantity == 0.03
    assert codec.rejected == {"size_unknown": 2}


def test_a_listing_teaches_all_codecs_of_one_address(codec: Codec) -> None:
    twin, elsewhere = codec.fresh(), codec.fresh(rest_url="http://127.0.0.1:2")
    codec.parse_listing(LISTING)
    assert len(twin.parse(trade())) == 1
    assert elsewhere.parse(trade()) == []


@pytest.mark.parametrize("contracts", [1, 3, 7, 0.1, 0.07, 1234.56, 99999.99])
@pytest.mark.parametrize(("size", "multiplier"), [("0.01", "1"), ("0.1", "1"), ("1000", "1"), ("0.0001", "10")])
def test_contracts_times_size_is_the_decimal_product(contracts: float, size: str, multiplier: str) -> None:
    contract = Contract.of(size, multiplier)
    exact = float(Decimal(str(contracts)) * Decimal(size) * Decimal(multiplier))
    assert round(contracts * contract.size, contract.decimals) == exact


@pytest.mark.parametrize("size", ["", "0", "-1", "NaN", "Infinity", "many"])
def test_a_contract_that_cannot_be_is_not_learnt(codec: Codec, size: str) -> None:
    codec.parse_listing(answer({**LISTED, "ctVal": size}))
    assert codec.parse(trade()) == []


@pytest.mark.parametrize(
    ("frame", "rejected"),
    [
        (b"pong", {}),
        (b'{"event":"subscribe","arg":{"channel":"trades-all","instId":"BTC-USDT"},"connId":"a4d3ae55"}', {}),
        (b'{"event":"channel-conn-count","channel":"trades-all","connCount":"1","connId":"a"}', {}),
        (b'{"event":"error","code":"60018","msg":"wrong channel"}', {"error_reply": 1}),
        (b"", {"not_json": 1}),
        (b"ping", {"not_json": 1}),
        (b"[]", {"foreign": 1}),
        (push("trades", "BTC-USDT", ROW), {"foreign": 1}),
        (trade(px="much"), {"wrong_type": 1}),
        (trade(side="both"), {"wrong_type": 1}),
        (trade(px="0", instId="BTC-USDT"), {"absurd": 1}),
        (trade(sz="NaN", instId="BTC-USDT"), {"absurd": 1}),
        (trade(tradeId="9" * 25, instId="BTC-USDT"), {"absurd": 1}),
        (trade(ts="0", instId="BTC-USDT"), {"absurd": 1}),
        (trade(ts="9" * 19, instId="BTC-USDT"), {"absurd": 1}),
        (trade(instId=" "), {"absurd": 1}),
    ],
)
def test_what_is_no_trade_is_counted_by_kind(codec: Codec, frame: bytes, rejected: dict[str, int]) -> None:
    assert codec.parse(frame) == []
    assert codec.rejected == rejected


def test_one_bad_row_takes_no_other_along(codec: Codec) -> None:
    rows = [{**ROW, "instId": "BTC-USDT"}, {"tradeId": "x"}, {**ROW, "instId": "BTC-USDT", "tradeId": "130639475"}]
    frame = msgspec.json.encode({"arg": {"channel": "trades-all", "instId": "BTC-USDT"}, "data": rows})
    assert [tick.id for tick in codec.parse(frame)] == [130639474, 130639475]
    assert codec.rejected == {"wrong_type": 1}


def test_an_announced_upgrade_is_the_end_of_a_connection(codec: Codec, market: MarketCodec) -> None:
    notice = b'{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade."}'
    assert codec.parse(notice) == []
    assert market.parse([notice], [1]) == []
    assert (codec.endings, market.endings, codec.rejected, market.rejected) == (1, 1, {}, {})


def test_twenty_thousand_mutated_frames_never_raise(codec: Codec, market: MarketCodec) -> None:
    trades = [trade(), trade(instId="BTC-USDT"), *(RECORDED / "trades.jsonl").read_bytes().splitlines()[:5]]
    for frame in mutated(trades, 10_000):
        before = sum(codec.rejected.values()) + codec.endings
        ticks = codec.parse(frame, 1)
        assert TickColumns.of(ticks).sound().all()
        assert ticks or sum(codec.rejected.values()) + codec.endings >= before
    books = [book(), quote(), mark(), index(), funding()]
    for frame in mutated(books, 10_000):
        for event in market.parse([frame], [1]):
            assert 0 < event.time_ns < 2**63
            if isinstance(event, Quote):
                assert min(event.bid, event.ask, event.bid_quantity, event.ask_quantity) > 0


def test_symbols_are_spelt_as_the_venue_does(codec: Codec) -> None:
    typed = ["btcusdt", " BTC/USDT", "btc-usdt-swap", "BTCUSDTSWAP", "ethbtc", "DOGE_USDC", "USDT", "xyz"]
    assert [codec.spelt(text) for text in typed] == [
        "BTC-USDT", "BTC-USDT", "BTC-USDT-SWAP", "BTC-USDT-SWAP", "ETH-BTC", "DOGE-USDC", "USDT", "XYZ",
    ]  # fmt: skip


def test_addresses_and_frames_to_send() -> None:
    codec = FEEDS["okx"]
    assert codec.stream_url([BTC, SWAP]) == "wss://ws.okx.com:8443/ws/v5/business"
    (opening,) = codec.opening([BTC, SWAP, BTC])
    assert msgspec.json.decode(opening) == {
        "id": "1",
        "op": "subscribe",
        "args": [
            {"channel": "trades-all", "instId": "BTC-USDT"},
            {"channel": "trades-all", "instId": "BTC-USDT-SWAP"},
        ],
    }
    assert msgspec.json.decode(codec.unsubscribe([BTC], 7))["op"] == "unsubscribe"
    assert [request.url for request in codec.listing()] == [
        "https://www.okx.com/api/v5/public/instruments?instType=SPOT",
        "https://www.okx.com/api/v5/public/instruments?instType=SWAP",
    ]
    past = codec.past_trades(BTC, 1_001, 100, 0)
    assert past is not None
    assert past.url == ("https://www.okx.com/api/v5/market/history-trades?instId=BTC-USDT&type=1&after=1101&limit=100")
    assert codec.keepalive is not None
    assert (codec.keepalive.payload, codec.keepalive.every_s < 30) == (b"ping", True)


def test_a_region_has_its_own_hosts() -> None:
    codec = FEEDS["okx"].fresh("wss://wseea.okx.com:8443/ws/v5/public", "https://eea.okx.com/api/v5/")
    assert codec.stream_url([BTC]) == "wss://wseea.okx.com:8443/ws/v5/business"
    assert codec.server_time().url == "https://eea.okx.com/api/v5/public/time"
    assert codec.market is not None
    (route,) = codec.market.routes([BTC])
    assert route.url == "wss://wseea.okx.com:8443/ws/v5/public"


@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("BTC-USD-SWAP", "inverse contract.*take BTC-USDT-SWAP or BTC-USDT"),
        ("BTC-USDT-261225", "no spot pair and no swap"),
        ("BTC-USD-261225-50000-C", "no spot pair"),
        ("BTCUSDT", "needs a name such as BTC-USDT"),
        ("BTC-US T", "no spot pair"),
    ],
)
def test_what_is_not_carried_is_refused_in_words(codec: Codec, market: MarketCodec, symbol: str, said: str) -> None:
    wanted = InstrumentId("okx", symbol)
    for ask in (
        lambda: codec.stream_url([wanted]),
        lambda: codec.opening([wanted]),
        lambda: codec.past_trades(wanted, 1, 1, 0),
        lambda: market.routes([wanted]),
        lambda: market.snapshot(wanted),
    ):
        with pytest.raises(ParameterError, match=said):
            ask()


def test_an_instrument_of_another_venue_and_too_many_are_refused(codec: Codec) -> None:
    with pytest.raises(ParameterError, match="is not of OKX"):
        codec.stream_url([InstrumentId("binance-spot", "BTC-USDT")])
    with pytest.raises(ParameterError, match="101 symbols given, one connection carries 100"):
        codec.stream_url([InstrumentId("okx", f"S{number}-USDT") for number in range(101)])
    with pytest.raises(ParameterError, match="no symbol given"):
        codec.stream_url([])


def test_past_trades_come_newest_first_and_leave_oldest_first(codec: Codec) -> None:
    rows = [{**ROW, "instId": "BTC-USDT", "tradeId": str(number)} for number in (9, 8, 7)]
    ticks = codec.parse_past_trades(BTC, answer(*rows))
    assert [(tick.id, tick.receive_ns) for tick in ticks] == [(7, 0), (8, 0), (9, 0)]
    assert codec.parse_past_trades(BTC, answer()) == []
    with pytest.raises(FeedError, match="trades of BTC-USDT, asked for ETH-USDT"):
        codec.parse_past_trades(InstrumentId("okx", "ETH-USDT"), answer(*rows))


@pytest.mark.parametrize(
    "body",
    [answer(code="51001", msg="Instrument ID doesn't exist"), b'{"code":"51001","msg":"Instrument ID doesn\'t exist"}'],
)
def test_an_error_with_status_200_is_an_error(codec: Codec, body: bytes) -> None:
    for parse in (lambda: codec.parse_past_trades(BTC, body), lambda: codec.parse_listing(body)):
        with pytest.raises(FeedError, match=r"OKX refused .*51001, Instrument ID doesn't exist"):
            parse()


def test_server_time(codec: Codec) -> None:
    assert codec.parse_server_time(answer({"ts": "1597026383085"})) == 1_597_026_383_085_000_000
    with pytest.raises(FeedError, match="with 0 times"):
        codec.parse_server_time(answer())


def test_the_listing_of_pairs_and_swaps(codec: Codec) -> None:
    spot = {
        "instId": "BTC-USDT", "instType": "SPOT", "baseCcy": "BTC", "quoteCcy": "USDT", "tickSz": "0.1",
        "lotSz": "0.00000001", "minSz": "0.00001", "state": "live", "ctVal": "", "ctMult": "", "ctType": "",
    }  # fmt: skip
    inverse = {**LISTED, "instId": "BTC-USD-SWAP", "ctType": "inverse", "ctVal": "100", "settleCcy": "BTC"}
    suspended = {**spot, "instId": "OLD-USDT", "state": "suspend"}
    announced = {**LISTED, "instId": "NEW-USDT-SWAP", "state": "preopen", "ctVal": "", "tickSz": ""}
    listed = codec.parse_listing(answer(spot, LISTED, inverse, suspended, announced))
    assert listed[BTC] == Instrument(
        WireSymbol("BTC-USDT"), 0.1, 1e-8, 1, 0.0, "TRADING", base="BTC", quote="USDT", kind="spot"
    )
    assert listed[SWAP] == Instrument(
        WireSymbol("BTC-USDT-SWAP"), 0.1, 0.0001, 1, 0.0, "TRADING", False, "BTC", "USDT", "perpetual", 0.01
    )
    statuses = {listed[name].symbol: listed[name].status for name in list(listed)[2:]}
    assert statuses == {"BTC-USD-SWAP": "INVERSE", "OLD-USDT": "suspend", "NEW-USDT-SWAP": "preopen"}
    assert codec.parse(trade(instId="BTC-USD-SWAP")) == []
    with pytest.raises(FeedError, match="a name that cannot be"):
        codec.parse_listing(answer({**spot, "instId": ""}))


@pytest.mark.parametrize(("status", "action"), [(451, "stop"), (429, "wait"), (403, "banned"), (500, "retry")])
def test_refusals_are_said_in_words(codec: Codec, status: int, action: str) -> None:
    advice = codec.advise(status, {})
    assert advice.action == action
    assert "OKX" in advice.reason
