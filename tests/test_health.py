"""The report of a running system, what counts as trouble, and holes with their times."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import health
from alphastream.books.health import MarketHealth, MarketState, MarketStoreHealth
from alphastream.core.units import SECOND
from alphastream.events import Tick
from alphastream.feeds.backfill import Unfillable
from alphastream.instruments import InstrumentId
from health import DURABLE_LAG_S, GRACE_S, PipelineReport, Report, holes, report_of, troubles
from runtime.bus.publisher import PublisherHealth
from system import System
from tests.test_system import eventually, running, settings
from tools.exchange import LocalExchange, Rate, Refuse451


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of a system that replays, once its tape holds something, between two batches of trades."""
    with running(System(settings(tmp_path_factory.mktemp("health"), FEED="replay"))) as system:
        found: list[Report] = []

        def is_at_rest() -> bool:
            found[:] = [report_of(system)]
            (pipeline,) = found[0].pipelines
            tapes = [(one.held and one.held.last_ns, one.last_tick_ns) for one in pipeline.instruments]
            return pipeline.store.written > 0 and all(held == delivered for held, delivered in tapes)

        eventually(is_at_rest)
        return found[0]


def with_feed(report: Report, **changes: Any) -> Report:
    (pipeline,) = report.pipelines
    return replace(report, pipelines=(replace(pipeline, feed=replace(pipeline.feed, **changes)),))


def with_store(report: Report, **changes: Any) -> Report:
    (pipeline,) = report.pipelines
    return replace(report, pipelines=(replace(pipeline, store=replace(pipeline.store, **changes)),))


def test_a_replay_is_well_and_its_instruments_are_those_of_the_tape(replayed: Report) -> None:
    assert troubles(replayed) == ()
    (pipeline,) = replayed.pipelines
    assert {one.name for one in pipeline.instruments} >= {"BTCUSDT", "ETHUSDT"}
    for one in pipeline.instruments:
        assert one.held is not None
        assert one.held.ticks == one.delivered > 0
        assert one.gaps == ()
        assert one.last_tick_ns == one.held.last_ns
    assert sum(one.delivered for one in pipeline.instruments) == pipeline.feed.ticks
    assert pipeline.file.size
    assert "tick-writer" in {task.name for task in replayed.threads}


def test_a_feed_without_trades_is_trouble_only_after_a_while(replayed: Report) -> None:
    now_ns = replayed.pipelines[0].now_ns
    lately, long_ago = now_ns - SECOND, now_ns - int((GRACE_S + 1) * SECOND)
    assert not troubles(with_feed(replayed, state="stalled", since_ns=lately))
    assert not troubles(with_feed(replayed, state="backfilling", since_ns=long_ago))
    (words,) = troubles(with_feed(replayed, state="stalled", since_ns=long_ago, reason="no trade for 20 s"))
    assert words == "the replay feed is stalled: no trade for 20 s"
    assert troubles(with_feed(replayed, state="connecting", since_ns=lately, ticks=0)), "it never was live"
    assert troubles(with_feed(replayed, state="blocked", since_ns=lately)), "nobody connects again soon"


def test_only_what_was_asked_for_counts(replayed: Report) -> None:
    assert not troubles(replace(replayed, asked="auto")), "the recording is what auto falls back to"
    (words,) = troubles(replace(replayed, asked="live", failure="the file is in use"))
    assert words == "there is no feed: the file is in use"
    assert troubles(replace(replayed, pipelines=()))


def test_a_disk_that_fails_or_is_slow_is_trouble(replayed: Report) -> None:
    assert troubles(with_store(replayed, last_error="no room")) == ("ticks cannot be saved: no room",)
    assert not troubles(with_store(replayed, durable_lag_s=DURABLE_LAG_S))
    (words,) = troubles(with_store(replayed, durable_lag_s=DURABLE_LAG_S + 5))
    assert words == "a tick of the replay feed has waited 15 s for the disk, more than 10 s"


def test_books_that_do_not_come_or_are_not_kept_are_trouble(replayed: Report) -> None:
    (pipeline,) = replayed.pipelines

    def told(state: MarketState, waited_s: float, **changes: Any) -> tuple[str, ...]:
        since_ns = pipeline.now_ns - int(waited_s * SECOND)
        market = MarketHealth("A venue", state, "no answer", since_ns, "sequence", {}, {}, 0, 0, 0)
        return troubles(replace(replayed, pipelines=(replace(pipeline, market=market, **changes),)))

    assert told("live", 600.0) == told("connecting", GRACE_S - 1.0) == ()
    assert told("stalled", GRACE_S + 1.0) == ("the books of binance-usdm are stalled: no answer",)
    assert told("live", 0.0, kept=MarketStoreHealth(1, 0, 0, 0, "no room", ())) == (
        "books of binance-usdm cannot be saved: no room",
    )
    assert told("live", 0.0, kept=MarketStoreHealth(1, 0, 0, 0, None, (), 0, "no bucket")) == (
        "old books of binance-usdm stay in their file, which grows: no bucket",
    )
    assert told("live", 0.0, outage="a file is in the way") == (
        "no books of binance-usdm are received: a file is in the way",
    )


def test_a_bus_that_takes_nothing_is_trouble_after_a_while(replayed: Report) -> None:
    (pipeline,) = replayed.pipelines

    def told(trouble: str, failing_s: float) -> tuple[str, ...]:
        sink = PublisherHealth("nats://host:4222", 5, 0.1, trouble, failing_s)
        return troubles(replace(replayed, pipelines=(replace(pipeline, published=(sink,)),)))

    assert told("", 0.0) == told("no server answers", GRACE_S - 1.0) == ()
    assert told("no server answers", GRACE_S + 1.0) == (
        "trades of binance-usdm do not go to nats://host:4222: no server answers",
    )


def test_auto_reports_both_feeds_and_is_well_while_it_replays(tmp_path: Path) -> None:
    with (
        LocalExchange(faults=[Refuse451()]) as exchange,
        running(System(settings(tmp_path, exchange))) as system,
    ):
        eventually(lambda: len(report_of(system).pipelines) == 2)
        found = report_of(system)
        assert [each.kind for each in found.pipelines] == ["replay", "live"]
        eventually(lambda: not troubles(report_of(system)))
        asked_live = replace(report_of(system), asked="live")
        assert any("451" in words for words in troubles(asked_live))


def test_live_counts_are_those_of_the_store(tmp_path: Path) -> None:
    with LocalExchange(pace=Rate(500), loop=True) as exchange, running(System(settings(tmp_path, exchange))) as system:
        eventually(lambda: bool((found := report_of(system).pipelines) and found[0].feed.ticks > 200))
        pipeline = system.pipeline
        assert pipeline is not None
        pipeline.lines[0].ingest.stop()
        pipeline.lines[0].store.flush()
        found = report_of(system).pipelines[0]
        assert isinstance(found, PipelineReport)
        for one in found.instruments:
            assert one.held == pipeline.store.coverage(one.symbol)
            assert one.venue == "binance-usdm"
        assert found.store.written == sum(one.delivered for one in found.instruments) == found.store.durable_lags.total


def test_a_second_process_says_that_it_follows(tmp_path: Path) -> None:
    with LocalExchange(pace=Rate(500), loop=True) as exchange, running(System(settings(tmp_path, exchange))) as first:
        eventually(lambda: bool((found := report_of(first).pipelines) and found[0].store.written > 100))
        with running(System(settings(tmp_path, exchange))) as second:
            eventually(lambda: bool((found := report_of(second).pipelines) and found[0].feed.state == "live"))
            assert [each.follows for each in report_of(second).pipelines] == [True]
            assert troubles(report_of(second)) == ()
            held = report_of(second).pipelines[0].instruments[0].held
            assert held is not None
        assert [each.follows for each in report_of(first).pipelines] == [False]


def test_holes_say_what_becomes_of_them_and_between_which_times(tmp_path: Path) -> None:
    with running(System(settings(tmp_path, FEED="replay"))) as system:
        pipeline = system.pipeline
        assert pipeline is not None
        eventually(lambda: pipeline.lines[0].ingest.health.ticks > 0)
        held = pipeline.store.last("BTCUSDT")
        assert held is not None
        pipeline.lines[0].ingest.stop()
        at_ns = held.time_ns
        later = [Tick("XRPUSDT", number, 1.0, 1.0, at_ns + number, 0, False) for number in (1, 2, 6, 7, 30)]
        pipeline.lines[0].store.append(later)
        name = InstrumentId("binance-usdm", "XRPUSDT")
        newest, oldest = holes(pipeline, name)
        assert (newest.first_id, newest.last_id, newest.from_ns, newest.to_ns) == (8, 29, at_ns + 7, at_ns + 30)
        assert (oldest.first_id, oldest.last_id, oldest.from_ns, oldest.to_ns) == (3, 5, at_ns + 2, at_ns + 6)
        assert (oldest.state, oldest.reason) == ("open", "the recording lacks them")
        assert holes(pipeline, name, newest=1) == [newest]
        stats = pipeline.lines[0].ingest.stats
        stats.unfillable = (Unfillable(name, 4, 5, "the venue no longer keeps them"),)
        found = holes(pipeline, name)
        assert (found[1].state, found[1].reason) == ("lost", "the venue no longer keeps them")
        assert found[0].state == "open"
        pipeline.lines[0].store.close()
        assert health.holes(pipeline, name)[0].from_ns is None, "a file that cannot be read hides no hole"
