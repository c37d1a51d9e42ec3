"""The health page on the bundled recording, and what it says when something is wrong."""

from dataclasses import replace
from typing import Any

import pytest

import health
from alphastream.books import InstrumentMarketHealth, MarketHealth
from alphastream.events import Tick
from alphastream.feeds.traffic import Break
from storage import StoreHealth, TickStore
from tests.views.running import app, cards, words
from views.shared.system import get_system

pytestmark = pytest.mark.usefixtures("replaying")
PAGE = "views/health/page.py"


def test_a_recording_that_plays_is_said_to_be_well() -> None:
    app()
    test = app(PAGE)
    assert not test.exception
    assert "A recording is played." in words(test)
    assert cards(test)["State"] == "live"
    assert cards(test)["Missing on the tape"] == "0"
    tables = {str(frame.proto.alt): frame.value for frame in test.dataframe}
    assert {"BTCUSDT", "ETHUSDT"} <= set(tables["Instruments: what the tape holds and lacks"]["instrument"])
    assert "tick-writer" in set(tables["Threads of the process"]["thread"])
    assert "received → on the disk" in set(tables["How long ticks take"]["hop"])
    counts = tables["Counts since the start"].set_index("what")["now"]
    assert counts["kept in the file"] == "168 h"
    assert "nothing is missing" in words(test)


def test_a_hole_has_its_ids_and_what_becomes_of_it() -> None:
    app()
    pipeline = get_system().pipeline
    assert pipeline is not None
    at_ns = pipeline.lines[0].ingest.now_ns()
    pipeline.lines[0].store.append(Tick("XRPUSDT", number, 1.0, 1.0, at_ns + number, 0, False) for number in (1, 2, 9))
    test = app(PAGE)
    assert not test.exception
    (holes,) = (frame.value for frame in test.dataframe if frame.proto.alt == "Missing ranges of ids")
    row = holes.set_index("instrument").loc["XRPUSDT"]
    assert (row["first id"], row["last id"], row["missing"], row["state"]) == (3, 8, 6, "open")
    assert row["after (UTC)"].value == at_ns + 2
    assert row["before (UTC)"].value == at_ns + 9


def test_what_is_wrong_stands_at_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    app()
    told: Any = vars(TickStore)["health"]

    def failing(store: TickStore) -> StoreHealth:
        found: StoreHealth = told.fget(store)
        return replace(found, last_error="*no* room on the disk")

    monkeypatch.setattr(TickStore, "health", property(failing))
    test = app(PAGE)
    assert not test.exception
    assert "ticks cannot be saved: *no* room on the disk" in words(test)
    assert "A recording is played." not in words(test)


def test_an_instrument_that_is_quiet_says_since_when(monkeypatch: pytest.MonkeyPatch) -> None:
    app()
    pipeline = get_system().pipeline
    assert pipeline is not None
    since_ns = pipeline.lines[0].ingest.now_ns() - 90 * 10**9
    symbol = pipeline.symbols[0]
    monkeypatch.setattr(pipeline.lines[0].ingest.stats, "quiet", {symbol: since_ns})
    test = app(PAGE)
    assert not test.exception
    (table,) = (frame.value for frame in test.dataframe if "tape holds and lacks" in frame.proto.alt)
    assert [at.value for at in table["quiet since (UTC)"].dropna()] == [since_ns]


def test_two_venues_stand_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    app()
    report = health.report_of(get_system())
    both = replace(report, pipelines=(*report.pipelines, replace(report.pipelines[0], venue="binance-spot")))
    monkeypatch.setattr(health, "report_of", lambda _: both)
    test = app(PAGE)
    assert not test.exception
    assert sum("tape holds and lacks" in frame.proto.alt for frame in test.dataframe) == 2


def test_breaks_of_two_live_venues_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    app()
    report = health.report_of(get_system())
    (shown,) = report.pipelines
    traffic = replace(shown.feed.traffic, breaks=(Break(shown.now_ns, "closed by the venue", "connecting", 1, 2.0),))
    live = replace(shown, kind="live", feed=replace(shown.feed, traffic=traffic))
    both = replace(report, asked="live", pipelines=(live, replace(live, venue="binance-spot")))
    monkeypatch.setattr(health, "report_of", lambda _: both)
    test = app(PAGE)
    assert not test.exception
    assert sum(str(frame.proto.alt).startswith("Breaks") for frame in test.dataframe) == 2
    headings = {each.value for each in test.subheader}
    assert {f"Breaks of the connection, live {venue}" for venue in ("binance-usdm", "binance-spot")} <= headings


def test_who_records_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    app()
    report = health.report_of(get_system())
    (shown,) = report.pipelines
    for follows, words_ in ((True, "Another process records live trades"), (False, "Live trades are recorded.")):
        live = replace(report, asked="live", pipelines=(replace(shown, kind="live", follows=follows),))
        monkeypatch.setattr(health, "report_of", lambda _, live=live: live)
        test = app(PAGE)
        assert not test.exception
        assert words_ in words(test)


def test_without_any_feed_the_page_still_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    app()
    system = get_system()
    monkeypatch.setattr(type(system), "pipeline", None)
    monkeypatch.setattr(type(system), "pipeline_of", lambda *_: None)
    monkeypatch.setattr(system, "_failure", "the file is in use")
    test = app(PAGE)
    assert not test.exception
    assert "there is no feed: the file is in use" in words(test)
    assert health.report_of(system).pipelines == ()


def test_books_say_whether_they_are_in_sequence_and_what_proves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app()
    system = get_system()
    found = health.report_of(system)
    now_ns = found.pipelines[0].now_ns
    books = {
        "binance-usdm:BTCUSDT": InstrumentMarketHealth(True, "", 0, 70, now_ns, now_ns - 2 * 10**9, 0),
        "binance-usdm:ETHUSDT": InstrumentMarketHealth(False, "updates are missing between 1 and 5", 3, 9, 0, 0, 0),
    }
    market = MarketHealth("Binance", "live", "updates arrive", 0, "sequence", books, {}, 2, 0, 40)
    live = replace(found.pipelines[0], kind="live", market=market)
    monkeypatch.setattr(health, "report_of", lambda _: replace(found, pipelines=(live,)))
    test = app(PAGE)
    assert not test.exception
    assert "none is missing" in words(test)
    (frame,) = (frame.value for frame in test.dataframe if str(frame.proto.alt).startswith("Books"))
    assert list(frame["book"]) == ["in sequence", "updates are missing between 1 and 5"]
    assert frame["book, s ago"].iloc[0] == 2.0
    assert frame["mark, s ago"].isna().all()
    outage = replace(live, market=None, outage="another file is there")
    monkeypatch.setattr(health, "report_of", lambda _: replace(found, pipelines=(outage,)))
    assert "No books are received: another file is there" in words(app(PAGE))
