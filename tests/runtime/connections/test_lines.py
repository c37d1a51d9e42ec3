"""The next connection delivers before the one before goes."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from alphastream.feeds import FEEDS, Instrument, quiet
from alphastream.instruments import InstrumentId
from runtime.connections import lines
from runtime.connections.venue_feed import LiveFeed
from tests.runtime.connections.feed_runs import (
    Recorder,
    Scripted,
    States,
    exchange_with,
    running,
    scripted_feed,
    until,
)
from tools.exchange import Close24h, Drop, LocalExchange, Mute, RealTime, Refuse403, Stall

SYMBOLS = {
    venue: [InstrumentId(venue, symbol) for symbol in ("BTCUSDT", "ETHUSDT")]
    for venue in ("binance-usdm", "binance-spot")
}


ETH = "binance-usdm:ETHUSDT"


def feed_of(
    exchange: LocalExchange, venue: str = "binance-usdm", renew_s: float = 3_600.0, stall_s: float = 2.0
) -> LiveFeed:
    codec = FEEDS[venue].fresh(exchange.ws_url, exchange.rest_url)
    return LiveFeed(
        codec, SYMBOLS[venue], stall_s=stall_s, backoff_base_s=0.05, backoff_cap_s=0.2, renew_s=renew_s, seed=1
    )


@contextmanager
def spot_with(*faults: Close24h) -> Iterator[LocalExchange]:
    with LocalExchange(
        market="spot", pace=RealTime(speed=16), loop=True, already_played=2_000, faults=faults
    ) as exchange:
        yield exchange


def test_a_connection_of_age_is_replaced_without_a_moment_between(states: States) -> None:
    recorder = Recorder()
    with exchange_with() as exchange, running(feed_of(exchange, renew_s=0.3), recorder) as ingest:
        until(lambda: ingest.health.renewals >= 3)
        ticks = ingest.health.ticks
        until(lambda: ingest.health.ticks > ticks + 50)
        health = ingest.health
        assert health.reconnects == 0
        assert health.traffic.breaks == ()
        assert health.backfilled == 0
    assert recorder.complete
    assert states.reasons("backfilling") == states.reasons("stalled") == ""
    assert max(Counter((tick.symbol, tick.id) for tick in recorder.ticks).values()) == 1  # what both bring comes once


@pytest.mark.parametrize("notice_s", [0.0, 1.0])
def test_an_announced_end_is_obeyed(states: States, notice_s: float) -> None:
    recorder = Recorder()
    with (
        spot_with(Close24h(after=20, notice_s=notice_s)) as exchange,
        running(feed_of(exchange, "binance-spot"), recorder) as ingest,
    ):
        until(lambda: ingest.health.renewals == 1)
        ticks = ingest.health.ticks
        until(lambda: ingest.health.ticks > ticks + 50 and recorder.complete)
        assert ingest.health.reconnects == 0
        assert ingest.health.rejected == {}
    assert states.reasons("stalled") == ""


def test_where_no_next_connection_can_be_had_the_first_is_read_on(
    states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "RETRY_S", 0.2)
    recorder = Recorder()
    with exchange_with() as exchange, running(feed_of(exchange, renew_s=0.5), recorder) as ingest:
        until(lambda: ingest.health.state == "live")
        exchange.inject(Refuse403(on=("ws",), times=3))
        until(lambda: ingest.health.renewals >= 1)
        assert ingest.health.reconnects == 0
        assert recorder.complete
    assert states.reasons("blocked") == ""


def test_a_next_connection_that_brings_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "SILENT_S", 0.2)
    monkeypatch.setattr(lines, "RETRY_S", 0.1)
    trade = b'{"e":"aggTrade","a":7,"s":"BTCUSDT","p":"61800.30","q":"0.205","T":1723161256322,"m":false}'
    first, *following = scripts = [Scripted(message, 10**6) for message in (trade, b'{"result":null,"id":1}', trade)]
    waiting = iter(scripts)
    feed = scripted_feed(lambda timeout_s: next(waiting), renew_s=0.1)
    with running(feed, refill=False) as ingest:
        until(lambda: ingest.health.renewals == 1)
        assert first.closed
        assert following[0].closed
        assert not following[1].closed
        assert ingest.health.reconnects == 0


class Obedient(Scripted):
    """One that takes what is sent."""

    def send(self, payload: bytes) -> None:
        pass


def test_a_next_connection_that_takes_no_subscription_is_given_up() -> None:
    trade = b'{"e":"aggTrade","a":7,"s":"BTCUSDT","p":"61800.30","q":"0.205","T":1723161256322,"m":false}'
    first, following = Obedient(trade, 10**6), Scripted(b'{"result":null,"id":1}', 10**6)
    opened: list[Scripted] = []
    waiting = iter([first, following])

    def transport(timeout_s: float) -> Scripted:
        opened.append(next(waiting))
        return opened[-1]

    with running(scripted_feed(transport, renew_s=0.1), refill=False) as ingest:
        until(lambda: following in opened)
        ingest.add_symbol("SOLUSDT")
        until(lambda: following.closed)
        assert not first.closed
        assert (ingest.health.reconnects, ingest.health.renewals) == (0, 0)


def test_a_first_connection_that_breaks_is_followed_by_the_next_at_once() -> None:
    recorder = Recorder()
    with exchange_with(Drop(after=100)) as exchange, running(feed_of(exchange, renew_s=0.1), recorder) as ingest:
        until(lambda: ingest.health.ticks > 300 and recorder.complete)
        assert ingest.health.renewals >= 1


def test_an_instrument_that_loses_its_stream_is_told_and_gets_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LEAST_S": 0.5, "PAUSES": 5.0, "LEAST_TRADES": 10.0}.items():
        monkeypatch.setattr(quiet, name, value)
    monkeypatch.setattr(lines, "OVERLAP_S", 0.5)
    recorder = Recorder()
    with exchange_with(Mute(after=100, symbol="ETHUSDT")) as exchange, running(feed_of(exchange), recorder) as ingest:
        until(lambda: ETH in ingest.health.quiet)
        assert ingest.health.state in ("live", "backfilling")
        until(lambda: ingest.health.renewals == 1 and ingest.health.quiet == {})
        until(lambda: recorder.complete and ingest.health.backfilled > 0)
        assert ingest.health.reconnects == 0


def test_silence_of_those_that_trade_in_sessions_is_no_sign_of_trouble(
    states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"LEAST_S": 0.3, "PAUSES": 2.0, "LEAST_TRADES": 10.0, "OTHERS_S": 1e9}.items():
        monkeypatch.setattr(quiet, name, value)
    with exchange_with(Stall(after=40)) as exchange:
        feed = feed_of(exchange, stall_s=0.5)
        parse = feed._codec.parse_listing

        def parse_as_sessions(body: bytes) -> dict[str, Instrument]:
            return {name: msgspec.structs.replace(rules, has_sessions=True) for name, rules in parse(body).items()}

        monkeypatch.setattr(feed._codec, "parse_listing", parse_as_sessions)
        with running(feed) as ingest:
            until(lambda: ingest.health.ticks > 20)
            time.sleep(1.5)
            assert (ingest.health.state, ingest.health.quiet, ingest.health.reconnects) == ("live", {}, 0)
    assert states.reasons("stalled") == ""


def test_symbols_come_and_go_beside_renewals() -> None:
    recorder = Recorder()
    with exchange_with() as exchange, running(feed_of(exchange, renew_s=0.3), recorder) as ingest:
        until(lambda: ingest.health.renewals >= 1)
        ingest.remove_symbol("ETHUSDT")
        until(lambda: "binance-usdm:ETHUSDT" not in ingest.health.last_tick_ns)
        ingest.add_symbol("ETHUSDT")
        renewed = ingest.health.renewals
        until(lambda: "binance-usdm:ETHUSDT" in ingest.health.last_tick_ns and ingest.health.renewals > renewed + 1)
        until(lambda: recorder.complete)
        assert ingest.health.reconnects == 0
