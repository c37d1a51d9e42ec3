"""The ingest thread against the local exchange: every fault gives the right state and reason, and is outlived."""

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from alphastream.errors import FeedBlocked, FeedError, ParameterError
from alphastream.events import Tick
from alphastream.feeds import FEEDS
from alphastream.feeds.feed import FeedContext
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.recordings import Recording, read_tape
from ingest import Feed, FeedState, Health, Ingest
from runtime.backoff import Backoff
from runtime.connections.replay_feed import ReplayFeed
from runtime.connections.transport import Transport
from runtime.connections.venue_feed import LiveFeed
from tools.exchange import (
    Close24h,
    Drop,
    Duplicate,
    Garbage,
    LocalExchange,
    PingFlood,
    RealTime,
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

SYMBOLS = ("BTCUSDT", "ETHUSDT")
BUNDLED = Path(__file__).parent.parent / "data" / "tape_usdm_20240808.parquet"
SECOND = 1_000_000_000


class Recorder:
    """Takes ticks as the store would: knows every id, and which are missing."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.runs: dict[str, IdRuns] = {}

    def take(self, ticks: list[Tick]) -> None:
        assert ticks
        assert threading.current_thread().name.startswith("ingest ")
        self.ticks += ticks
        for tick in ticks:
            self.runs.setdefault(tick.symbol, IdRuns()).add(tick.id)

    def gaps(self, symbol: str) -> list[tuple[int, int]]:
        return self.runs[symbol].gaps() if symbol in self.runs else []

    @property
    def complete(self) -> bool:
        return bool(self.runs) and not any(self.gaps(symbol) for symbol in self.runs)


def until(condition: Callable[[], object], seconds: float = 8.0) -> None:
    """Wait for something that must come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


def live_feed(exchange: LocalExchange, symbols: Sequence[str] = SYMBOLS, stall_s: float = 0.6) -> LiveFeed:
    codec = FEEDS["binance-usdm"].fresh(exchange.ws_url, exchange.rest_url)
    return LiveFeed(
        codec, symbols, stall_s=stall_s, backoff_base_s=0.05, backoff_cap_s=0.2, connect_timeout_s=1.0, seed=1
    )


@contextmanager
def exchange_with(*faults: Fault) -> Iterator[LocalExchange]:
    with LocalExchange(pace=RealTime(speed=16), loop=True, already_played=2_000, faults=faults) as exchange:
        yield exchange


@contextmanager
def running(feed: Feed, recorder: Recorder | None = None, *, refill: bool = True) -> Iterator[Ingest]:
    """Run a feed; whatever happened in between, it must stop within 2 s and leave no thread."""
    recorder = recorder or Recorder()
    ingest = Ingest(feed, recorder.take, recorder.gaps if refill else None)
    ingest.start()
    try:
        yield ingest
    finally:
        started = time.monotonic()
        ingest.stop()
        assert time.monotonic() - started < 2.0
        assert ingest.health.state == "stopped"
        until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("ingest")], 3.0)


class States:
    """Every state an Ingest went through, with its reason."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[FeedState, str]] = []
        report = Ingest.report

        def spy(ingest: Ingest, state: FeedState, reason: str, next_attempt_ns: int | None = None) -> None:
            report(ingest, state, reason, next_attempt_ns)
            self.seen.append((state, reason))

        monkeypatch.setattr(Ingest, "report", spy)

    def reasons(self, state: FeedState) -> str:
        return "\n".join(reason for seen, reason in self.seen if seen == state)


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> States:
    return States(monkeypatch)


def test_trades_arrive_complete_and_health_says_so(states: States) -> None:
    recorder = Recorder()
    with exchange_with() as exchange, running(live_feed(exchange), recorder) as ingest:
        assert ingest.health.last_tick_ns == {}
        until(lambda: ingest.health.ticks > 100)
        health = ingest.health
        assert (health.state, health.reason) == ("live", "trades arrive")
        assert set(health.last_tick_ns) == set(SYMBOLS)
        assert abs(health.last_tick_ns["BTCUSDT"] - time.time_ns()) < 2 * SECOND
        assert health.clock_offset_ns is not None
        assert abs(health.clock_offset_ns) < SECOND
        assert ingest.instruments["BTCUSDT"].status == "TRADING"
        assert (health.rejected, health.reconnects, health.failed_batches) == ({}, 0, 0)
        with pytest.raises(AttributeError):
            health.state = "stalled"  # type: ignore[misc]
        with pytest.raises(TypeError):
            health.last_tick_ns["BTCUSDT"] = 0  # type: ignore[index]
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


def test_a_refused_location_is_final() -> None:
    with exchange_with(Refuse451()) as exchange, running(live_feed(exchange)) as ingest:
        until(lambda: ingest.health.state == "blocked")
        assert "refuses this computer's location (HTTP 451)" in ingest.health.reason
        assert ingest.health.next_attempt_ns is None
        asked = len(exchange.requests)
        time.sleep(0.6)
        assert len(exchange.requests) == asked


@pytest.mark.parametrize(
    ("fault", "state", "reason", "wait_s"),
    [
        (Refuse451(on=("ws",)), "blocked", "location", None),
        (Refuse418(on=("ws",), retry_after_s=120), "blocked", "banned this address for 2 min", 120),
        (Refuse403(on=("ws",)), "blocked", "firewall", 300),
        (Refuse429(on=("ws",), retry_after_s=30), "connecting", "asks to wait 30 s", 30),
    ],
    ids=["451", "418", "403", "429"],
)
def test_a_refused_connection(fault: Fault, state: FeedState, reason: str, wait_s: float | None) -> None:
    with exchange_with(fault) as exchange, running(live_feed(exchange)) as ingest:
        until(lambda: reason in ingest.health.reason)
        health = ingest.health
        assert health.state == state
        if wait_s is None:
            assert health.next_attempt_ns is None
        else:
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
        until(lambda: "cannot be fetched now: Binance USDⓈ-M Futures asks to wait 1 s" in states.reasons("backfilling"))
        assert ingest.instruments == {}
        until(lambda: ingest.health.state == "live" and recorder.complete)
        assert ingest.health.reconnects == 0


def test_an_unlisted_symbol_is_refused_with_close_matches_and_the_others_go_on() -> None:
    with exchange_with() as exchange, running(live_feed(exchange, ["BTCUSTD", "ETHUSDT"])) as ingest:
        until(lambda: ingest.health.state == "live")
        assert ingest.health.symbols == ("ETHUSDT",)
        assert "does not list BTCUSTD: did you mean BTCUSDT" in ingest.health.refused["BTCUSTD"]
        assert "BTCUSTD" in ingest.health.reason
        with pytest.raises(FeedBlocked, match="does not list ETHUSD: did you mean ETHUSDT"):
            ingest.add_symbol("ETHUSD")


def test_only_unlisted_symbols_block_until_a_listed_one_is_added() -> None:
    with exchange_with() as exchange, running(live_feed(exchange, ["BTCUSTD"])) as ingest:
        until(lambda: ingest.health.state == "blocked")
        assert "does not list BTCUSTD" in ingest.health.reason
        ingest.add_symbol("BTCUSDT")
        ingest.remove_symbol("BTCUSTD")
        until(lambda: ingest.health.state == "live")
        assert ingest.health.refused == {}


def test_symbols_come_and_go_on_the_open_connection() -> None:
    with exchange_with() as exchange, running(live_feed(exchange, ["ETHUSDT"])) as ingest:
        until(lambda: ingest.health.state == "live")
        ingest.add_symbol("BTCUSDT")
        until(lambda: "BTCUSDT" in ingest.health.last_tick_ns)
        ingest.remove_symbol("ETHUSDT")
        until(lambda: "ETHUSDT" not in ingest.health.last_tick_ns)
        sent = exchange.sent["ETHUSDT"]
        ticks = ingest.health.ticks
        until(lambda: ingest.health.ticks > ticks + 50)
        assert exchange.sent["ETHUSDT"] == sent
        assert ingest.health.symbols == ("BTCUSDT",)
        assert ingest.health.reconnects == 0


def test_a_recorder_that_fails_is_named_and_served_on(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    broken = threading.Event()
    broken.set()

    def take(ticks: list[Tick]) -> None:
        if broken.is_set():
            raise OSError("disk full")
        recorder.take(ticks)

    with exchange_with() as exchange:
        ingest = Ingest(live_feed(exchange), take, recorder.gaps)
        ingest.start()
        until(lambda: ingest.health.failed_batches > 5)
        assert "the recorder did not take the last ticks (OSError: disk full)" in ingest.health.reason
        assert ingest.health.ticks == 0
        broken.clear()
        until(lambda: ingest.health.ticks > 50)
        assert "disk full" not in ingest.health.reason
        assert ingest.health.failed_batches > 5
        ingest.stop()
    assert sum("did not take" in record.message for record in caplog.records) == 1


def test_a_recorder_that_does_not_know_its_gaps_does_not_end_the_feed() -> None:
    def gaps(symbol: str) -> list[tuple[int, int]]:
        raise OSError(f"{symbol}: file is gone")

    with exchange_with() as exchange:
        ingest = Ingest(live_feed(exchange), Recorder().take, gaps)
        ingest.start()
        until(lambda: "does not know its gaps" in ingest.health.reason or ingest.health.ticks > 100)
        ticks = ingest.health.ticks
        until(lambda: ingest.health.ticks > ticks + 50)
        ingest.stop()


def test_a_connection_carries_no_more_than_200_symbols() -> None:
    names = [f"S{number}" for number in range(200)]
    feed = LiveFeed(FEEDS["binance-usdm"], names)
    feed.add(names[0])
    with pytest.raises(ParameterError, match="201 symbols"):
        feed.add("BTCUSDT")
    assert len(feed.symbols) == 200


def test_trades_older_than_the_venue_keeps_are_given_up_once() -> None:
    recorder = Recorder()
    firsts = {"BTCUSDT": 3_000_000_001, "ETHUSDT": 2_000_000_001}  # where the venue's memory begins
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


class Scripted:
    """A Transport that repeats a message, and fails after so many."""

    def __init__(self, message: bytes, count: int) -> None:
        self._message = message
        self._left = count
        self._aborted = threading.Event()

    def open(self, url: str) -> None:
        if not self._left:
            raise FeedError("no way")

    def recv(self, timeout_s: float) -> bytes | None:
        if timeout_s == 0.0:
            return None
        if self._aborted.wait(0.01) or not self._left:
            raise FeedError("the connection was lost")
        self._left -= 1
        return self._message

    def send(self, payload: bytes) -> None:
        raise FeedError("nobody listens")

    def abort(self) -> None:
        self._aborted.set()

    def close(self) -> None:
        self._aborted.set()


def scripted_feed(transport: Callable[[float], Transport], **knobs: Any) -> LiveFeed:
    """A feed over scripted connections, whose REST nobody answers."""
    codec = FEEDS["binance-usdm"].fresh("ws://127.0.0.1:9", "http://127.0.0.1:9")
    return LiveFeed(codec, SYMBOLS, transport=transport, seed=5, **knobs)


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


@pytest.fixture(scope="module")
def tape() -> Recording:
    return read_tape(BUNDLED)


def test_a_replay_begins_with_its_head_and_says_what_it_is(tape: Recording) -> None:
    recorder = Recorder()
    feed = ReplayFeed(tape, head_s=30.0)
    with running(feed, recorder) as ingest:
        until(lambda: ingest.health.ticks > 700)
        health: Health = ingest.health
        assert health.state == "live"
        assert health.reason.startswith("Replay of Binance USDⓈ-M Futures, recorded 2024-08-08")
        assert set(health.last_tick_ns) == set(SYMBOLS)
        assert abs(ingest.now_ns() - time.time_ns()) < SECOND
        assert recorder.ticks[0].time_ns < ingest.now_ns() - 29 * SECOND
        assert max(health.last_tick_ns.values()) <= ingest.now_ns()
        assert ingest.instruments == {}
    assert recorder.complete


def test_a_fast_replay_lives_in_its_own_time(tape: Recording) -> None:
    recorder = Recorder()
    with running(ReplayFeed(tape, 1_000.0), recorder) as ingest:
        started_ns = ingest.now_ns()
        until(lambda: ingest.health.ticks > 15_000)  # beyond the end of the tape
        assert ingest.now_ns() - started_ns > 300 * SECOND
        assert max(ingest.health.last_tick_ns.values()) <= ingest.now_ns()
    assert recorder.complete


def test_as_fast_as_possible_and_to_its_end(tape: Recording) -> None:
    recorder = Recorder()
    with running(ReplayFeed(tape, math.inf, loop=False), recorder) as ingest:
        until(lambda: ingest.health.reason == "the tape has ended")
        assert ingest.health.state == "stopped"
        assert ingest.now_ns() == recorder.ticks[-1].receive_ns
    assert len(recorder.ticks) == len(tape)


def test_a_replay_step_by_step(tape: Recording) -> None:
    recorder = Recorder()
    feed = ReplayFeed(tape, 0.0)
    with running(feed, recorder) as ingest:
        time.sleep(0.1)
        assert ingest.health.ticks == 0
        feed.step(3)
        until(lambda: ingest.health.ticks == 3)
        feed.step()
        until(lambda: ingest.health.ticks == 4)
        assert ingest.now_ns() == recorder.ticks[-1].receive_ns


def test_a_replay_of_some_symbols(tape: Recording) -> None:
    recorder = Recorder()
    with running(ReplayFeed(tape, 100.0, symbols=["ETHUSDT", "SOLUSDT"]), recorder) as ingest:
        until(lambda: ingest.health.ticks > 20)
        assert ingest.health.symbols == ("ETHUSDT",)
        assert "SOLUSDT is not on the tape" in ingest.health.reason
        with pytest.raises(FeedBlocked, match="it holds BTCUSDT, ETHUSDT"):
            ingest.add_symbol("SOLUSDT")
        assert set(recorder.runs) == {"ETHUSDT"}
        ingest.add_symbol("BTCUSDT")
        until(lambda: "BTCUSDT" in recorder.runs)
    with running(ReplayFeed(tape, symbols=["SOLUSDT"])) as ingest:
        until(lambda: ingest.health.state == "blocked")


@pytest.mark.parametrize("speed", [-1.0, math.nan])
def test_a_speed_that_is_none_is_refused(tape: Recording, speed: float) -> None:
    with pytest.raises(ParameterError, match="speed is"):
        ReplayFeed(tape, speed)


def test_after_stop_nothing_is_delivered_and_a_second_stop_is_harmless(tape: Recording) -> None:
    recorder = Recorder()
    ingest = Ingest(ReplayFeed(tape, math.inf), recorder.take)
    assert ingest.health.state == "stopped"
    ingest.start()
    until(lambda: recorder.ticks)
    ingest.stop()
    count = len(recorder.ticks)
    ingest.stop()
    time.sleep(0.05)
    assert len(recorder.ticks) == count


def test_a_defect_of_the_feed_is_said_and_the_feed_begins_again(
    tape: Recording, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ingest.RESTART_S", (0.3, 0.6))
    feed = ReplayFeed(tape, 50.0)
    play, failures = feed.run, [ZeroDivisionError("a defect"), ZeroDivisionError("another")]

    def run(context: FeedContext) -> None:
        if failures:
            raise failures.pop(0)
        play(context)

    monkeypatch.setattr(feed, "run", run)
    with running(feed) as ingest:
        until(lambda: "ended by a defect (ZeroDivisionError: a defect), begins again" in ingest.health.reason)
        assert ingest.health.state == "connecting"
        assert ingest.health.next_attempt_ns is not None
        until(lambda: ingest.health.state == "live" and ingest.health.ticks > 0)
    assert caplog.text.count("ended by a defect") == 2
