"""Several venues of the local exchange on one port: told apart by path, each with its own faults and tape."""

import itertools
import json
from dataclasses import replace

import msgspec
import pytest

import config
from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.feeds import FEEDS
from alphastream.instruments import InstrumentId
from tools.exchange import SPOT_TAPE_PATH, TAPE_PATH, USDM, Drop, Fault, LocalExchange, Refuse451, Stepped, Tape
from tools.exchange.__main__ import bundled_tape, faults_by_venue
from tools.exchange.client import BTC, connect, get, get_error, receive, tick
from tools.exchange.protocols import PROTOCOLS

SPOT_BTC = "/ws/btcusdt@aggTrade"
BOTH_VENUES = ("binance-usdm", "binance-spot")


def test_two_venues_deliver_at_once_and_are_told_apart_by_path(short_tape: Tape) -> None:
    with LocalExchange(short_tape, market=BOTH_VENUES, pace=Stepped()) as exchange:
        assert exchange.venues == BOTH_VENUES
        usdm, spot = (exchange.at(venue) for venue in BOTH_VENUES)
        with connect(exchange, BTC) as first, connect(exchange, f"/binance-spot{SPOT_BTC}") as second:
            usdm.step(20)
            spot.step(30)
            futures, spots = receive(first, usdm.sent["BTCUSDT"]), receive(second, spot.sent["BTCUSDT"])
            assert (usdm.played, spot.played, exchange.played) == (20, 30, 50)
            assert exchange.sent["BTCUSDT"] == len(futures) + len(spots)
            assert all("nq" in message for message in futures)
            assert all("M" in message for message in spots)
            assert len(get(exchange, "/fapi/v1/aggTrades?symbol=BTCUSDT")) == len(futures)
            assert len(get(exchange, "/binance-spot/api/v3/aggTrades?symbol=BTCUSDT")) == len(spots)
        assert usdm.requests == [f"GET {BTC}", "GET /fapi/v1/aggTrades?symbol=BTCUSDT"]
        assert exchange.requests[1] == f"GET /binance-spot{SPOT_BTC}"


def test_a_path_without_a_name_goes_to_a_venue_that_delivers_there(short_tape: Tape) -> None:
    with (
        LocalExchange(short_tape, market=BOTH_VENUES, pace=Stepped()) as exchange,
        connect(exchange, SPOT_BTC) as client,  # futures would acknowledge there and send nothing
    ):
        exchange.at("binance-spot").step(5)
        assert "M" in receive(client, 1)[0]
        assert "serverTime" in get(exchange, "/api/v3/time")
        assert get_error(exchange, "/api/v3/nothing")[0] == 404


def test_faults_strike_the_venue_they_were_given_for(short_tape: Tape) -> None:
    faults: dict[str, list[Fault]] = {"binance-usdm": [Refuse451()], "binance-spot": [Drop(after=2)]}
    with LocalExchange(short_tape, market=BOTH_VENUES, pace=Stepped(), faults=faults) as exchange:
        assert get_error(exchange, "/fapi/v1/time")[0] == 451
        assert get(exchange, "/api/v3/ping") == {}
        with connect(exchange, SPOT_BTC) as client:
            exchange.step(5)
            assert len(receive(client, 2)) == 2
            with pytest.raises(ConnectionResetError):
                client.recv()
        exchange.at("binance-usdm").heal()
        assert get(exchange, "/fapi/v1/ping") == {}
        exchange.at("binance-spot").inject(Refuse451(on=["rest"]))
        assert get_error(exchange, "/api/v3/ping")[0] == 451
        assert get(exchange, "/fapi/v1/ping") == {}


def test_each_venue_may_have_a_tape_and_limits_of_its_own() -> None:
    tapes = {"usdm": [tick(1, 10.0), tick(2, 11.0)], "spot": [tick(7, 20.5)]}
    limits = {"usdm": replace(USDM.limits, streams=1)}
    with LocalExchange(tapes, market=["usdm", "spot"], pace=Stepped(), limits=limits) as exchange:
        exchange.step(5)
        assert exchange.ended
        told = {venue: exchange.at(venue).last_trade("ABCUSDT") for venue in exchange.venues}
        assert {venue: trade and (trade.id, trade.price_text) for venue, trade in told.items()} == {
            "binance-usdm": (2, "11.0"),
            "binance-spot": (7, "20.5"),
        }


def test_the_settings_lead_the_application_to_each_venue(short_tape: Tape) -> None:
    with LocalExchange(short_tape, market=BOTH_VENUES, pace=Stepped()) as exchange:
        settings = config.load(exchange.settings)
        for venue in BOTH_VENUES:
            at = exchange.at(venue)
            assert (settings.ws_url_of(venue), settings.rest_url_of(venue)) == (at.ws_url, at.rest_url)


def test_a_fault_of_the_command_line_is_of_every_venue_or_of_the_one_it_names() -> None:
    texts = ["Drop(after=5)", "spot:Refuse451()"]
    assert faults_by_venue(texts, BOTH_VENUES) == {
        "binance-usdm": [Drop(after=5)],
        "binance-spot": [Drop(after=5), Refuse451()],
    }
    for text in ("Drop(after=5", "nowhere:Drop()", "spot:Flood()"):
        with pytest.raises(ParameterError):
            faults_by_venue([text], BOTH_VENUES)


def test_tapes_of_the_same_minutes_keep_their_distance_in_time(short_tape: Tape) -> None:
    tapes = {"binance-usdm": TAPE_PATH, "binance-spot": SPOT_TAPE_PATH}
    recorded = {venue: Tape.read(path).trades[0] for venue, path in tapes.items()}
    with LocalExchange(tapes, market=BOTH_VENUES, pace=Stepped(10**18)) as exchange:
        played = {venue: exchange.at(venue).step(1)[0] for venue in BOTH_VENUES}
        futures, spot = (played[venue].time_ns - recorded[venue].time_ns for venue in BOTH_VENUES)
        assert futures == spot
        assert min(trade.time_ns for trade in played.values()) == 10**18
        assert {venue: trade.price_text for venue, trade in played.items()} == {
            "binance-usdm": "61800.30",
            "binance-spot": "61837.63000000",
        }
    later = Tape([msgspec.structs.replace(trade, receive_ns=trade.receive_ns + 10**15) for trade in short_tape.trades])
    with LocalExchange({"usdm": short_tape, "spot": later}, market=BOTH_VENUES, pace=Stepped(10**18)) as exchange:
        assert {exchange.at(venue).step(1)[0].time_ns for venue in BOTH_VENUES} == {10**18}


def test_spot_is_listed_with_the_steps_it_trades_in() -> None:
    tapes = {"binance-usdm": TAPE_PATH, "binance-spot": SPOT_TAPE_PATH}
    with LocalExchange(tapes, market=BOTH_VENUES, pace=Stepped()) as exchange:
        steps = {}
        for venue, path in zip(BOTH_VENUES, ("/fapi/v1", "/api/v3"), strict=True):
            body = json.dumps(get(exchange, f"{path}/exchangeInfo")).encode()
            listed = FEEDS[venue].parse_listing(body)
            rules = [listed[f"{venue}:{symbol}"] for symbol in ("BTCUSDT", "ETHUSDT")]
            steps[venue] = [(each.tick_size, each.step_size) for each in rules]
    assert steps == {
        "binance-usdm": [(0.1, 0.001), (0.01, 0.001)],
        "binance-spot": [(0.01, 0.00001), (0.01, 0.0001)],
    }


def test_each_venue_of_the_command_line_has_a_tape_of_its_kind() -> None:
    assert [bundled_tape(venue) for venue in BOTH_VENUES] == [TAPE_PATH, SPOT_TAPE_PATH]


def test_the_exchange_speaks_for_every_venue_there_is() -> None:
    assert set(PROTOCOLS) == set(FEEDS)


def test_what_cannot_be_served_is_said(short_tape: Tape) -> None:
    with pytest.raises(ParameterError, match=r"market is 'binance'.* binance-spot"):
        LocalExchange(short_tape, market="binance")
    with pytest.raises(ParameterError, match="different"):
        LocalExchange(short_tape, market=["usdm", "binance-usdm"])
    with pytest.raises(ParameterError, match="no tape is given for binance-spot"):
        LocalExchange({"usdm": short_tape}, market=["usdm", "spot"])
    with pytest.raises(ParameterError, match="binance-us: not served here"):
        LocalExchange(short_tape, faults={"binance-us": [Drop()]})
    with pytest.raises(ParameterError, match="binance-us is not served here"):
        LocalExchange(short_tape).at("binance-us")


@pytest.mark.parametrize("venue", PROTOCOLS)
def test_the_codec_of_a_venue_reads_what_its_protocol_says(short_tape: Tape, venue: str) -> None:
    with LocalExchange(short_tape, market=venue, pace=Stepped()) as exchange:
        at = exchange.at(venue)
        codec = FEEDS[venue].fresh(at.ws_url, at.rest_url)
        instruments = [InstrumentId(venue, symbol) for symbol in exchange.symbols]
        assert [codec.spelt(instrument.symbol) for instrument in instruments] == list(exchange.symbols)
        listed = {  # first: some codecs learn from it what the sizes of trades mean
            name: rules
            for request in codec.listing()
            for name, rules in codec.parse_listing(
                json.dumps(get(exchange, request.url.removeprefix(exchange.rest_url))).encode()
            ).items()
        }
        path = codec.stream_url(instruments).removeprefix(exchange.ws_url)
        with connect(exchange, path) as client:
            openings = codec.opening(instruments)
            for opening in openings:
                client.send(opening)
            get(exchange, codec.server_time().url.removeprefix(exchange.rest_url))  # after what was sent was heard
            told = exchange.step(50)
            ticks: list[Tick] = []
            while len(ticks) < len(told):
                message = client.recv()
                ticks += codec.parse(message.encode() if isinstance(message, str) else message, 5)
        assert codec.rejected == {}
        told_of = [(f"{venue}:{trade.symbol}", trade.time_ns // 10**6, trade.buyer_is_maker) for trade in told]
        assert [(tick.symbol, tick.time_ns // 10**6, tick.buyer_is_maker) for tick in ticks] == told_of
        assert [tick.price for tick in ticks] == [float(trade.price_text) for trade in told]
        assert [tick.quantity for tick in ticks] == pytest.approx([float(trade.quantity_text) for trade in told])
        for instrument in instruments if codec.completeness == "contiguous" else ():
            own = [tick for tick in ticks if tick.symbol == instrument]
            assert all(after.id == before.id + 1 for before, after in itertools.pairwise(own))
            request = codec.past_trades(instrument, own[0].id, codec.page_limit, own[0].time_ns)
            assert request is not None
            body = json.dumps(get(exchange, request.url.removeprefix(exchange.rest_url))).encode()
            past = codec.parse_past_trades(instrument, body)[: len(own)]
            assert [(each.id, each.price) for each in past] == [(each.id, each.price) for each in own]
        assert set(instruments) <= set(listed)
        assert all(listed[instrument].status == "TRADING" for instrument in instruments)
