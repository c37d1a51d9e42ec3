"""The live feed of every venue that the local exchange speaks for: complete whatever happens on the way."""

import pytest

from alphastream.feeds import FEEDS
from alphastream.instruments import InstrumentId
from runtime.connections import lines
from tests.runtime.connections.feed_runs import Recorder, exchange_with, live_feed, running, until
from tools.exchange import Drop, Duplicate, Mute, Refuse429, Reorder, Silence, SkipIds, Stall
from tools.exchange.faults import Fault
from tools.exchange.protocols import PROTOCOLS

CONTIGUOUS = [venue for venue in PROTOCOLS if FEEDS[venue].completeness == "contiguous"]


def instruments(venue: str) -> list[InstrumentId]:
    """Bitcoin and ether, as the exchange has them."""
    return [InstrumentId(venue, PROTOCOLS[venue].spelt(symbol)) for symbol in ("BTCUSDT", "ETHUSDT")]


@pytest.mark.parametrize("venue", CONTIGUOUS)
@pytest.mark.parametrize(
    "fault",
    [Drop(after=20), Stall(after=20), Silence(after=20), SkipIds(after=20, count=50)],
    ids=lambda fault: type(fault).__name__,
)
def test_what_a_fault_loses_is_fetched_again(venue: str, fault: Fault) -> None:
    recorder, names = Recorder(), instruments(venue)
    with exchange_with(fault, market=venue) as exchange, running(live_feed(exchange, names), recorder) as ingest:
        until(lambda: (recorder.ticks and not recorder.complete) or ingest.health.reconnects, 20.0)
        until(lambda: ingest.health.state == "live" and recorder.complete and ingest.health.ticks > 150, 20.0)
        assert set(recorder.runs) == set(names)
        assert ingest.health.unfillable == ()
        assert ingest.health.rejected == {}
    seen = {(tick.symbol, tick.id): tick for tick in recorder.ticks}
    assert all(tick.price > 0 and tick.quantity > 0 for tick in seen.values())


@pytest.mark.parametrize("venue", PROTOCOLS)
@pytest.mark.parametrize(
    "fault", [Duplicate(after=20, count=30), Reorder(after=20, count=5)], ids=lambda fault: type(fault).__name__
)
def test_a_nuisance_changes_nothing(venue: str, fault: Fault) -> None:
    recorder = Recorder()
    with (
        exchange_with(fault, market=venue) as exchange,
        running(live_feed(exchange, instruments(venue)), recorder) as ingest,
    ):
        until(lambda: ingest.health.ticks > 200 and ingest.health.state == "live", 20.0)
        assert ingest.health.reconnects == 0


def test_a_trade_that_a_heartbeat_proves_is_missed_brings_another_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "OVERLAP_S", 0.5)
    recorder, (btc, eth) = Recorder(), instruments("coinbase")
    mute = Mute(after=20, symbol=btc.symbol)  # its stream is dead, its heartbeats go on, all else trades on
    with (
        exchange_with(mute, market="coinbase") as exchange,
        running(live_feed(exchange, [btc, eth], stall_s=30.0), recorder) as ingest,
    ):
        until(lambda: ingest.health.renewals == 1, 30.0)
        until(lambda: recorder.complete and ingest.health.state == "live" and ingest.health.backfilled > 0, 30.0)
        assert ingest.health.reconnects == 0
        assert ingest.health.unfillable == ()


def test_what_a_venue_tells_of_before_is_no_delay() -> None:
    recorder, names = Recorder(), instruments("coinbase")
    with exchange_with(market="coinbase") as exchange, running(live_feed(exchange, names), recorder) as ingest:
        until(lambda: ingest.health.ticks > 50, 20.0)
    told = [tick for tick in recorder.ticks if not tick.receive_ns]
    assert {tick.symbol for tick in told} == set(names)
    assert ingest.health.traffic.lag.total == ingest.health.ticks - len(told)


def test_a_product_that_is_not_listed_takes_no_other_along() -> None:
    """Coinbase refuses a subscription as a whole; where nobody could check the names, the others are carried."""
    names = [*instruments("coinbase"), InstrumentId("coinbase", "NIL-USD")]
    refusal = Refuse429(on=["rest"], times=None)
    with exchange_with(refusal, market="coinbase") as exchange, running(live_feed(exchange, names)) as ingest:
        until(lambda: set(ingest.health.last_tick_ns) == set(names[:2]), 20.0)
        assert ingest.health.rejected == {"error_reply": 1}
