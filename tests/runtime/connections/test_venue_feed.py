"""The live feed against a local exchange that misbehaves in every way known, and against scripted connections."""

import socket
import time

import pytest
from msgspec.structs import replace

from alphastream.errors import FeedBlocked, ParameterError
from alphastream.feeds import FEEDS
from alphastream.instruments import InstrumentId
from alphastream.tape.id_ranges import IdRuns
from ingest import FeedState, Ingest
from runtime.backoff import Backoff
from runtime.connections.venue_feed import LiveFeed
from tests.runtime.connections.feed_runs import (
    BTC,
    ETH,
    SECOND,
    SYMBOLS,
    Recorder,
    Scripted,
    States,
    exchange_with,
    live_feed,
    running,
    scripted_feed,
    until,
)
from tools.exchange import (
    Close24h,
    Drop,
    Duplicate,
    Garbage,
    PingFlood,
    Refuse403,
    Refuse418,
    Refuse429,
    Refuse451,
    Reorder,
    Silence,
    SkipIds,
    SlowClose,
    Stall,
)
from tools.exchange.faults import Fault

BTCUSTD = InstrumentId("binance-usdm", "BTCUSTD")


def test_trades_arrive_complete_and_health_says_so(states: States) -> None:
    recorder = Recorder()
    with exchange_with() as exchange, running(live_feed(exchange), recorder) as ingest:
        assert ingest.health.last_tick_ns == {}
        until(lambda: ingest.health.ticks > 100)
        health = ingest.health
        assert (health.state, health.reason) == ("live", "trades arrive")
        assert set(health.last_tick_ns) == set(SYMBOLS)
        assert abs(health.last_tick_ns[BTC] - time.time_ns()) < 2 * SECOND
        assert health.clock_offset_ns is not None
        assert abs(health.clock_offset_ns) < SECOND
        assert ingest.instruments[BTC].status == "TRADING"
        assert (health.rejected, health.reconnects, health.failed_batches) == ({}, 0, 0)
        with pytest.raises(AttributeError):
            health.state = "stalled"  # type: ignore[misc]
        with pytest.raises(TypeError):
            health.last_tick_ns[BTC] = 0  # type: ignore[index]
    assert [state for state, _ in states.seen if state == "connecting"]
    assert recorder.complete
    assert all(tick.receive_ns >= tick.time_ns for tick in recorder.ticks if tick.receive_ns)


@pytest.mark.parametrize(
    ("fault", "state", "reason"),
    [
        (Drop(after=20), "connecting", "the connection was lost"),
        (Close24h(after=20), "connecting", "the venue closed the connection (code 1001)"),
        (Garbage(after=20, kinds=["raw"]), "connecting", "the connection was lost"),
        (Stall(after=20), "stalled", "no trade for 0.6 s although the connection is open"),
        (Silence(after=20), "stalled", "no trade for 0.6 s although the connection is open"),
        (SkipIds(after=20, count=50), "backfilling", "trades arrive; fetching"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_fault_is_named_outlived_and_its_loss_refetched(
    states: States, fault: Fault, state: FeedState, reason: str
) -> None:
    recorder = Recorder()
    with exchange_with(fault) as exchange, running(live_feed(exchange), recorder) as ingest:
        until(lambda: reason in states.reasons(state))
        lost_at = ingest.health.ticks
        until(lambda: ingest.health.state == "live" and ingest.health.ticks > lost_at + 50 and recorder.complete)
        assert ingest.health.reconnects == (not isinstance(fault, SkipIds))
        assert ingest.health.next_attempt_ns is None
        assert ingest.health.unfillable == ()
        if not isinstance(fault, Drop | Close24h | Garbage):  # the exchange may lose nothing in these
            assert ingest.health.backfilled > 0


@pytest.mark.parametrize(
    "fault",
    [Duplicate(after=20, count=30), Reorder(after=20, count=5), Garbage(after=20), SlowClose(), PingFlood()],
    ids=lambda fault: type(fault).__name__,
)
def test_a_nuisance_changes_nothing(states: States, fault: Fault) -> None:
    recorder = Recorder()
    with exchange_with(fault) as exchange, running(live_feed(exchange), recorder) as ingest:
        until(lambda: ingest.health.ticks > 200)
        assert ingest.health.state == "live"
        assert ingest.health.reconnects == 0
        assert recorder.complete
        if isinstance(fault, Garbage):
            assert {"not_json", "foreign", "wrong_type"} <= set(ingest.health.rejected)
    assert states.reasons("backfilling") == ""


@pytest.mark.parametrize("fault", [PingFlood(), SlowClose()], ids=["PingFlood", "SlowClose"])
def test_the_watchdog_is_not_starved(states: States, fault: Fault) -> None:
    with exchange_with(fault, Stall(after=20)) as exchange, running(live_feed(exchange)) as ingest:
        until(lambda: "no trade for 0.6 s" in states.reasons("stalled"))
        until(lambda: ingest.health.state == "live")


def test_an_acknowledgement_is_no_sign_of_life(states: States) -> None:
    with exchange_with(Stall(times=None)) as exchange, running(live_feed(exchange)) as ingest:
        until(lambda: ingest.health.reconnects >= 2)
        assert ingest.health.ticks == 0
        assert states.reasons("live") == ""
        assert ingest.health.state == "stalled"
        exchange.heal()
        until(lambda: ingest.health.state == "live")


def test_a_refused_location_is_asked_again_in_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    with exchange_with(Refuse451()) as exchange, running(live_feed(exchange)) as ingest:
        until(lambda: ingest.health.state == "blocked")
        assert "refuses this computer's location (HTTP 451)" in ingest.health.reason
        assert "it is asked again in an hour" in ingest.health.reason
        assert ingest.health.next_attempt_ns is not None
        asked = len(exchange.requests)
        time.sleep(0.6)
        assert len(exchange.requests) == asked
    monkeypatch.setattr("runtime.connections.failures.REFUSED_PLACE_S", 0.1)
    with exchange_with(Refuse451(times=3)) as exchange, running(live_feed(exchange)) as ingest:
        until(lambda: ingest.health.state == "live")
        assert ingest.instruments, "REST is asked again too"


@pytest.mark.parametrize(
    ("fault", "state", "reason", "wait_s"),
    [
        (Refuse451(on=("ws",)), "blocked", "location", 3_600),
        (Refuse418(on=("ws",), retry_after_s=120), "blocked", "banned this address for 2 min", 120),
        (Refuse403(on=("ws",)), "blocked", "firewall", 300),
        (Refuse429(on=("ws",), retry_after_s=30), "connecting", "asks to wait 30 s", 30),
    ],
    ids=["451", "418", "403", "429"],
)
def test_a_refused_connection(fault: Fault, state: FeedState, reason: str, wait_s: float) -> None:
    with exchange_with(fault) as exchange, running(live_feed(exchange)) as ingest:
        until(lambda: reason in ingest.health.reason)
        health = ingest.health
        assert health.state == state
        assert health.next_attempt_ns is not None
        assert abs(health.next_attempt_ns - time.time_ns() - wait_s * SECOND) < 2 * SECOND


def test_after_retry_after_trades_arrive() -> None:
    fault = Refuse429(on=("ws",), retry_after_s=1, times=1)
    with exchange_with(fault) as exchange, running(live_feed(exchange)) as ingest:
        until(lambda: ingest.health.next_attempt_ns is not None)
        asked = time.monotonic()
        until(lambda: ingest.health.state == "live")
        assert time.monotonic() - asked > 0.8


def test_without_rest_the_stream_starts_and_gaps_wait(states: States) -> None:
    recorder = Recorder()
    faults = (Refuse429(on=("rest",), times=3, retry_after_s=1), SkipIds(after=20, count=10))
    with exchange_with(*faults) as exchange, running(live_feed(exchange), recorder) as ingest:
        until(lambda: "cannot be fetched now: Binance USDS-M Futures asks to wait 1 s" in states.reasons("backfilling"))
        assert ingest.instruments == {}
        until(lambda: ingest.health.state == "live" and recorder.complete)
        assert ingest.health.reconnects == 0


def test_an_unlisted_symbol_is_refused_with_close_matches_and_the_others_go_on() -> None:
    with exchange_with() as exchange, running(live_feed(exchange, [BTCUSTD, ETH])) as ingest:
        until(lambda: ingest.health.state == "live")
        assert ingest.health.symbols == (ETH,)
        assert "does not list BTCUSTD: did you mean BTCUSDT" in ingest.health.refused[BTCUSTD]
        assert "BTCUSTD" in ingest.health.reason
        with pytest.raises(FeedBlocked, match="does not list ETHUSD: did you mean ETHUSDT"):
            ingest.add_symbol("ETHUSD")
        with pytest.raises(FeedBlocked, match="does not list binance-spot:ETHUSDT: did you mean ETHUSDT"):
            ingest.add_symbol("binance-spot:ETHUSDT")


def test_one_that_trades_again_is_carried_when_it_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.connections.venue_feed.LIST_AGAIN_S", 0.0)
    with exchange_with() as exchange:
        feed = live_feed(exchange, [BTC])
        with running(feed) as ingest:
            until(lambda: ingest.health.state == "live")
            feed._instruments = {BTC: feed.instruments[BTC], ETH: replace(feed.instruments[ETH], status="BREAK")}
            with pytest.raises(FeedBlocked, match=r"ETHUSDT does not trade at .* \(status BREAK\).*asked for anew"):
                ingest.add_symbol("ETHUSDT")
            until(lambda: feed.instruments[ETH].status == "TRADING")
            ingest.add_symbol("ETHUSDT")
            until(lambda: ETH in ingest.health.last_tick_ns)
            assert ingest.health.reconnects == 0


def test_only_unlisted_symbols_block_until_a_listed_one_is_added() -> None:
    with exchange_with() as exchange, running(live_feed(exchange, [BTCUSTD])) as ingest:
        until(lambda: ingest.health.state == "blocked")
        assert "does not list BTCUSTD" in ingest.health.reason
        ingest.add_symbol("BTCUSDT")
        ingest.remove_symbol("BTCUSTD")
        until(lambda: ingest.health.state == "live")
        assert ingest.health.refused == {}


def test_symbols_come_and_go_on_the_open_connection() -> None:
    with exchange_with() as exchange, running(live_feed(exchange, [ETH])) as ingest:
        until(lambda: ingest.health.state == "live")
        ingest.add_symbol("BTCUSDT")  # a bare symbol is one of the feed's venue
        until(lambda: BTC in ingest.health.last_tick_ns)
        ingest.remove_symbol(ETH)
        until(lambda: ETH not in ingest.health.last_tick_ns)
        sent = exchange.sent["ETHUSDT"]
        ticks = ingest.health.ticks
        until(lambda: ingest.health.ticks > ticks + 50)
        assert exchange.sent["ETHUSDT"] == sent
        assert ingest.health.symbols == (BTC,)
        assert ingest.health.reconnects == 0


def test_a_connection_carries_no_more_than_200_symbols() -> None:
    names = [InstrumentId("binance-usdm", f"S{number}") for number in range(200)]
    feed = LiveFeed(FEEDS["binance-usdm"], names)
    feed.add(names[0])
    with pytest.raises(ParameterError, match="201 symbols"):
        feed.add(BTC)
    assert len(feed.symbols) == 200


def test_trades_older_than_the_venue_keeps_are_given_up_once() -> None:
    recorder = Recorder()
    firsts = {BTC: 3_000_000_001, ETH: 2_000_000_001}  # where the venue's memory begins
    for symbol, first in firsts.items():
        recorder.runs[symbol] = IdRuns([(first - 5_000_000, first - 4_999_990)])  # recorded long ago
    with exchange_with() as exchange, running(live_feed(exchange), recorder) as ingest:
        until(lambda: len(ingest.health.unfillable) == 2 and ingest.health.state == "live")
        assert {(lost.symbol, lost.last + 1) for lost in ingest.health.unfillable} == set(firsts.items())
        assert {lost.reason for lost in ingest.health.unfillable} == {"the venue no longer keeps them"}
        assert {symbol: recorder.gaps(symbol)[0][1] + 1 for symbol in firsts} == firsts  # the rest was filled
        pages = sum("aggTrades" in request for request in exchange.requests)
        assert pages <= 6  # not ten thousand
        ticks = ingest.health.ticks
        until(lambda: ingest.health.ticks > ticks + 50)
        assert sum("aggTrades" in request for request in exchange.requests) == pages


@pytest.mark.parametrize("deaf_to", ["rest", "ws"])
def test_stop_does_not_wait_for_a_peer_that_never_answers(deaf_to: str) -> None:
    with socket.socket() as deaf, exchange_with() as exchange:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        rest_url = f"http://{address}" if deaf_to == "rest" else exchange.rest_url
        feed = LiveFeed(FEEDS["binance-usdm"].fresh(f"ws://{address}", rest_url), SYMBOLS, connect_timeout_s=30.0)
        waiting_for = {"rest": "asking", "ws": "connecting to"}[deaf_to]
        with running(feed) as ingest:
            until(lambda: ingest.health.reason.startswith(waiting_for))
            time.sleep(0.2)


def test_nobody_there_is_said_in_words(states: States) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        codec = FEEDS["binance-usdm"].fresh(f"ws://{address}", f"http://{address}")
        feed = LiveFeed(codec, SYMBOLS, backoff_base_s=0.05, backoff_cap_s=0.1)
        with running(feed):
            until(lambda: states.reasons("connecting").count(f"{address} cannot be reached") > 3)


def test_messages_that_are_no_trades_are_no_sign_of_life(states: States) -> None:
    acknowledged = b'{"result":null,"id":1}'
    feed = scripted_feed(lambda timeout_s: Scripted(acknowledged, 10**9), stall_s=0.2, backoff_base_s=0.05)
    with running(feed) as ingest:
        until(lambda: ingest.health.state == "stalled")
        assert time.time_ns() - ingest.health.last_message_ns < SECOND
        until(lambda: "; connected to" in states.reasons("stalled"))
    assert states.reasons("live") == ""


def test_waits_grow_until_a_connection_was_stable(monkeypatch: pytest.MonkeyPatch) -> None:
    trade = b'{"e":"aggTrade","a":7,"s":"BTCUSDT","p":"61800.30","q":"0.205","T":1723161256322,"m":false}'
    counts = [0] * 10 + [20] + [0] * 1_000  # the eleventh connection carries trades
    waits: list[float] = []
    wait = Ingest.wait

    def spy(ingest: Ingest, seconds: float | None) -> None:
        waits.append(seconds or 0.0)
        wait(ingest, 0.0 if len(waits) < 20 else seconds)

    monkeypatch.setattr(Ingest, "wait", spy)
    attempts = iter(counts)
    feed = scripted_feed(
        lambda timeout_s: Scripted(trade, next(attempts)), backoff_base_s=0.5, backoff_cap_s=16.0, stable_s=0.1
    )
    with running(feed):
        until(lambda: len(waits) >= 20)
    same = Backoff(0.5, 16.0, seed=5)
    expected = [same.next_s() for _ in range(10)]
    same.reset()
    expected += [same.next_s() for _ in range(10)]
    assert waits[:20] == expected
    assert max(waits[:10]) > 4.0
    assert waits[10] <= 0.5
