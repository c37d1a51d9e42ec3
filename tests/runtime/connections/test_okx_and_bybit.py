"""Live feeds of OKX and Bybit against the local exchange: what ids prove is proved, what they do not is not claimed."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alphastream.events import Tick
from alphastream.feeds import FEEDS
from alphastream.feeds.codec import Keepalive
from alphastream.feeds.okx import OkxCodec
from alphastream.instruments import InstrumentId
from ingest import Ingest
from runtime.connections import venue_feed
from runtime.connections.venue_feed import LiveFeed
from storage import Origin, TickStore
from tests.runtime.connections.feed_runs import Recorder, running, until
from tools.exchange import (
    Drop,
    Duplicate,
    Garbage,
    LocalExchange,
    RealTime,
    Refuse403,
    Refuse429,
    Reorder,
    Silence,
    SkipIds,
    Stall,
    Tape,
)
from tools.exchange.faults import Fault
from tools.exchange.protocols import PROTOCOLS

SWAPS = tuple(InstrumentId("okx", symbol) for symbol in ("BTC-USDT-SWAP", "ETH-USDT-SWAP"))
LINEAR = tuple(InstrumentId("bybit-linear", symbol) for symbol in ("BTCUSDT", "ETHUSDT"))


@contextmanager
def exchange_of(venue: str, *faults: Fault, speed: float = 16.0) -> Iterator[LocalExchange]:
    with LocalExchange(
        market=venue, pace=RealTime(speed=speed), loop=True, already_played=2_000, faults=faults
    ) as exchange:
        yield exchange


def feed_of(exchange: LocalExchange, symbols: Sequence[InstrumentId], **knobs: Any) -> LiveFeed:
    codec = FEEDS[symbols[0].venue].fresh(exchange.ws_url, exchange.rest_url)
    known = {"stall_s": 0.6, "backoff_base_s": 0.05, "backoff_cap_s": 0.2, "connect_timeout_s": 1.0, "seed": 1}
    return LiveFeed(codec, symbols, **(known | knobs))


def told(exchange: LocalExchange, symbol: str) -> dict[int, tuple[float, float, bool]]:
    """Price, quantity in units of base and side of all that was played, by the id on the tape."""
    playback = exchange.playback
    played = playback.of_symbol(symbol, 0, playback.count(symbol))
    return {trade.id: (float(trade.price_text), float(trade.quantity_text), trade.buyer_is_maker) for trade in played}


def as_told(tick: Tick) -> tuple[float, float, bool]:
    return tick.price, tick.quantity, tick.buyer_is_maker


@pytest.mark.parametrize(
    "fault",
    [
        Drop(after=20),
        Stall(after=20),
        Silence(after=20),
        SkipIds(after=20, count=250),
        Duplicate(after=20, count=30),
        Reorder(after=20, count=5),
        Garbage(after=20),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_okx_is_complete_after_every_fault_and_sizes_are_those_of_base(fault: Fault) -> None:
    recorder = Recorder()
    with exchange_of("okx", fault) as exchange:
        with running(feed_of(exchange, SWAPS), recorder) as ingest:
            until(lambda: ingest.health.ticks > 100)
            seen = ingest.health.ticks
            until(lambda: ingest.health.state == "live" and ingest.health.ticks > seen + 50 and recorder.complete)
            assert ingest.health.unfillable == ()
            assert "size_unknown" not in ingest.health.rejected
        for symbol in SWAPS:
            played = told(exchange, symbol.symbol)
            assert [as_told(tick) for tick in recorder.ticks if tick.symbol == symbol] == [
                played[tick.id] for tick in recorder.ticks if tick.symbol == symbol
            ]
        assert {*recorder.runs} == {*SWAPS}


def test_swaps_wait_for_the_listing_and_pairs_beside_them_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the list of instruments is refused at first, no trade has a wrong size, and none stays lost."""
    monkeypatch.setattr(venue_feed, "LIST_AGAIN_S", 0.2)
    btc, eth = InstrumentId("okx", "BTC-USDT-SWAP"), InstrumentId("okx", "ETH-USDT")
    tape = Tape.read().spelt({"BTCUSDT": btc.symbol, "ETHUSDT": eth.symbol}.__getitem__)
    recorder = Recorder()
    with LocalExchange(
        tape, market="okx", pace=RealTime(speed=16), loop=True, already_played=2_000, faults=[Refuse429(on=["rest"])]
    ) as exchange:
        with running(feed_of(exchange, (btc, eth)), recorder) as ingest:
            until(lambda: ingest.health.rejected.get("size_unknown", 0) > 50)
            assert {tick.symbol for tick in recorder.ticks} == {eth}
            exchange.heal()
            until(lambda: btc in recorder.runs and len(recorder.runs[btc]) > 100 and recorder.complete)
            assert ingest.instruments[btc].contract_size == 0.01
            assert ingest.health.reconnects == 0
        for symbol in (btc, eth):
            played = told(exchange, symbol.symbol)
            assert all(as_told(tick) == played[tick.id] for tick in recorder.ticks if tick.symbol == symbol)


class Bybit:
    """A feed that fills a store of its venue."""

    def __init__(self, exchange: LocalExchange, path: Path, **knobs: Any) -> None:
        self.store = TickStore(path / "bybit.db", origin=Origin("bybit-linear", "here"))
        self.ingest = Ingest(feed_of(exchange, LINEAR, **knobs), self.store.append, self.store.gaps)

    def held(self, symbol: str) -> list[Tick]:
        self.store.flush()
        return self.store.window(symbol, 0, 2**62)

    def ends_with(self, symbol: str, played: Sequence[tuple[float, float, bool]]) -> bool:
        """Say whether what is held is the last that was played, trade by trade."""
        held = [as_told(tick) for tick in self.held(symbol)]
        return sorted(held) == sorted(played[-len(held) :])

    def __enter__(self) -> "Bybit":
        self.ingest.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ingest.stop()
        self.store.close()


@pytest.mark.parametrize(
    "fault",
    [
        Drop(after=200),
        Stall(after=200),
        SkipIds(after=200, count=40),
        Duplicate(after=20, count=30),
        Reorder(after=20, count=5),
        Garbage(after=20),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_bybit_claims_nothing_and_keeps_each_trade_once(fault: Fault, tmp_path: Path) -> None:
    with exchange_of("bybit-linear", fault) as exchange, Bybit(exchange, tmp_path) as bybit:
        until(lambda: bybit.ingest.health.ticks > 400)
        seen = bybit.ingest.health.ticks
        until(lambda: bybit.ingest.health.state == "live" and bybit.ingest.health.ticks > seen + 200)
        assert bybit.ingest.health.unfillable == ()
        for symbol in LINEAR:
            covered = bybit.store.coverage(symbol)
            assert covered is not None
            assert (covered.missing, covered.complete) == (None, False)
            assert bybit.store.gaps(symbol) == []
            held = bybit.held(symbol)
            played = [*told(exchange, symbol.symbol).values()]
            assert len(held) <= len(played)
            assert len({tick.id for tick in held}) == len(held)
        asked = [request for request in exchange.requests if "recent-trade" in request]
        connections = bybit.ingest.health.reconnects + 1
        assert len(asked) <= connections * len(LINEAR)


def test_bybit_gets_what_a_short_break_took_from_the_newest_page(tmp_path: Path) -> None:
    """Not claimed, but so: the exchange's trades of before the break and after it are all there."""

    def pages() -> int:
        return len([request for request in exchange.requests if "recent-trade" in request])

    with exchange_of("bybit-linear", speed=4.0) as exchange, Bybit(exchange, tmp_path) as bybit:
        until(lambda: pages() == 2, 12.0)
        exchange.inject(Drop())
        until(lambda: bybit.ingest.health.reconnects == 1 and pages() == 4, 12.0)
        exchange.close_market()
        for symbol in LINEAR:
            played = [*told(exchange, symbol.symbol).values()]
            until(partial(bybit.ends_with, symbol, played))
            held = bybit.held(symbol)
            assert len(held) > 900


def test_a_ban_of_bybits_rest_leaves_its_trades_alone(tmp_path: Path) -> None:
    with exchange_of("bybit-linear", Refuse403(on=["rest"])) as exchange, Bybit(exchange, tmp_path) as bybit:
        until(lambda: bybit.ingest.health.ticks > 300)
        until(lambda: "for 10 min (HTTP 403)" in bybit.ingest.health.reason)
        assert bybit.ingest.health.state == "live"


def test_a_renewed_connection_of_bybit_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with exchange_of("bybit-linear") as exchange, Bybit(exchange, tmp_path, renew_s=0.4) as bybit:
        until(lambda: bybit.ingest.health.renewals >= 3, 20.0)
        exchange.close_market()
        for symbol in LINEAR:
            until(partial(bybit.ends_with, symbol, [*told(exchange, symbol.symbol).values()]))
            assert len({tick.id for tick in bybit.held(symbol)}) == len(bybit.held(symbol)) > 50
        assert bybit.ingest.health.reconnects == 0


def test_a_venue_that_wants_to_hear_something_hears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """OKX ends a connection after 30 s of silence; here after one, and the feed speaks each 0.2 s."""
    monkeypatch.setattr(OkxCodec, "keepalive", Keepalive(b"ping", 0.2))
    limits = replace(PROTOCOLS["okx"].limits, silence_s=1.0)
    with (
        LocalExchange(
            market="okx", pace=RealTime(speed=16), loop=True, already_played=2_000, limits=limits
        ) as exchange,
        running(feed_of(exchange, SWAPS)) as ingest,
    ):
        until(lambda: ingest.health.state == "live")
        begun_s = time.monotonic()
        until(lambda: time.monotonic() - begun_s > 2.5)
        assert (ingest.health.reconnects, ingest.health.state) == (0, "live")
        assert ingest.health.rejected == {}  # the answer, "pong", is no trouble
