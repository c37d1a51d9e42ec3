"""Feeds that run against the local exchange or a script, and what a test sees of them."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from alphastream.errors import FeedError
from alphastream.events import Tick
from alphastream.feeds import FEEDS
from alphastream.instruments import InstrumentId
from alphastream.tape.id_ranges import IdRuns
from ingest import Feed, FeedState, Ingest
from runtime.connections.transport import Transport
from runtime.connections.venue_feed import LiveFeed
from tools.exchange import (
    LocalExchange,
    RealTime,
)
from tools.exchange.faults import Fault
from tools.exchange.handle import Handle

BTC, ETH, SOL = (InstrumentId("binance-usdm", symbol) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"))
SYMBOLS = (BTC, ETH)
BUNDLED = Path(__file__).parents[3] / "data" / "tape_usdm_20240808.parquet"
SECOND = 1_000_000_000


class Recorder:
    """Takes ticks as the store would: knows every id, and which are missing."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.runs: dict[str, IdRuns] = {}

    def take(self, ticks: Sequence[Tick]) -> None:
        assert ticks
        assert threading.current_thread().name.startswith("ingest ")
        self.ticks += ticks
        for tick in ticks:
            self.runs.setdefault(tick.symbol, IdRuns()).add(tick.id)

    def gaps(self, symbol: str) -> list[tuple[int, int]]:
        return self.runs[symbol].gaps() if symbol in self.runs else []

    def time_before(self, symbol: str, first: int) -> int:
        return max((tick.time_ns for tick in self.ticks if tick.symbol == symbol and tick.id < first), default=0)

    @property
    def complete(self) -> bool:
        return bool(self.runs) and not any(self.gaps(symbol) for symbol in self.runs)


def until(condition: Callable[[], object], seconds: float = 8.0) -> None:
    """Wait for something that must come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


def live_feed(exchange: Handle, symbols: Sequence[InstrumentId] = SYMBOLS, stall_s: float = 0.6) -> LiveFeed:
    codec = FEEDS[symbols[0].venue].fresh(exchange.ws_url, exchange.rest_url)
    return LiveFeed(
        codec, symbols, stall_s=stall_s, backoff_base_s=0.05, backoff_cap_s=0.2, connect_timeout_s=1.0, seed=1
    )


@contextmanager
def exchange_with(*faults: Fault, market: str = "binance-usdm") -> Iterator[LocalExchange]:
    pace = RealTime(speed=16)
    with LocalExchange(pace=pace, loop=True, already_played=2_000, faults=faults, market=market) as exchange:
        yield exchange


@contextmanager
def running(feed: Feed, recorder: Recorder | None = None, *, refill: bool = True) -> Iterator[Ingest]:
    """Run a feed; whatever happened in between, it must stop within 2 s and leave no thread."""
    recorder = recorder or Recorder()
    ingest = Ingest(feed, recorder.take, recorder.gaps if refill else None, recorder.time_before)
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


class Scripted:
    """A Transport that repeats a message, and fails after so many."""

    title = "a script"

    def __init__(self, message: bytes, count: int) -> None:
        self._message = message
        self._left = count
        self._aborted = threading.Event()
        self.closed = False

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

    def recv_many(self, timeout_s: float) -> tuple[list[bytes], list[int]]:
        message = self.recv(timeout_s)
        return ([], []) if message is None else ([message], [time.time_ns()])

    def send(self, payload: bytes) -> None:
        raise FeedError("nobody listens")

    def abort(self) -> None:
        self._aborted.set()

    def close(self) -> None:
        self._aborted.set()
        self.closed = True


def scripted_feed(transport: Callable[[float], Transport], **knobs: Any) -> LiveFeed:
    """A feed over scripted connections, whose REST nobody answers."""
    codec = FEEDS["binance-usdm"].fresh("ws://127.0.0.1:9", "http://127.0.0.1:9")
    return LiveFeed(codec, SYMBOLS, transport=transport, seed=5, **knobs)
