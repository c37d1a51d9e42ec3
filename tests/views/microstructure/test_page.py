"""The microstructure page on the bundled recording."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from alphastream.books import VenueMarkets
from alphastream.instruments import InstrumentId
from alphastream.streaming.leg_flows import LegFlows
from alphastream.tape.columns import empty
from tests.views.microstructure.legs import MadeMarket, made_book
from tests.views.running import app, cards, page_of, words
from views.shared.system import get_system

pytestmark = pytest.mark.usefixtures("replaying")
PAGE = "views/microstructure/page.py"


def test_both_legs_stand_side_by_side_and_a_recording_has_no_book() -> None:
    app()
    test = app(PAGE)
    assert not test.exception
    assert [title.value for title in test.title] == ["Microstructure"]
    assert [name.value for name in test.subheader] == ["ETHUSDT", "BTCUSDT", "ETHUSDT", "BTCUSDT"]
    assert words(test).count("The recording holds trades and no book") == 2
    assert "None of this says what the price will do." in words(test)
    assert len(test.dataframe) == 2
    assert "Recorded trades, not live ones" in "".join(each.value for each in test.caption)


def test_controls_stand_in_the_address() -> None:
    test = page_of("microstructure", y="BTCUSDT", x="ETHUSDT", flow_window="60", large_prints="5 %", interval="5s")
    assert [name.value for name in test.subheader][:2] == ["BTCUSDT", "ETHUSDT"]
    assert test.selectbox(key="flow_window").value == 60
    assert test.selectbox(key="large_prints").value == "5 %"


def test_two_equal_legs_are_refused_in_words() -> None:
    test = page_of("microstructure", y="BTCUSDT", x="BTCUSDT")
    assert "Both legs are BTCUSDT" in words(test)


def test_a_symbol_that_is_not_recorded_is_refused_in_words() -> None:
    test = page_of("microstructure", y="XRPUSDT", x="BTCUSDT")
    assert "cannot be followed" in "".join(str(each.proto) for each in test.error)


@pytest.fixture
def with_books(request: pytest.FixtureRequest) -> Iterator[None]:
    """The recording's pipeline with a made book of one leg beside it, and a reason why the other has none."""
    app()
    system = get_system()
    pipeline = system.pipeline
    assert pipeline is not None
    now_ns = pipeline.now_ns()
    eth = InstrumentId("binance-usdm", "ETHUSDT")
    ticks = pipeline.store.columns(eth, 0, now_ns)
    market = MadeMarket({eth: made_book(ticks)}, "Levels were missed: a snapshot is asked for")
    flows = LegFlows(pipeline.store, market, pipeline.now_ns, time.monotonic)
    system._replay = replace(pipeline, market=VenueMarkets({eth.venue: market}, {}), flows=flows)
    yield
    system._replay = pipeline


def test_bars_whose_trades_are_not_on_the_tape_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    app()
    test = app(PAGE)
    pipeline = get_system().pipeline
    assert pipeline is not None
    monkeypatch.setattr(type(pipeline.store), "columns", lambda *_: empty())
    test.run()
    assert not test.exception
    assert "No trade of these bars is on the tape now." in words(test)


@pytest.mark.usefixtures("with_books")
def test_a_leg_with_a_book_shows_its_liquidity_and_the_other_says_why_not() -> None:
    test = app(PAGE)
    assert not test.exception
    assert "mean of" in str([metric.delta for metric in test.metric])
    assert set(cards(test)) == {"Effective spread", "Spread back", "90% of the depth back"}


@pytest.mark.usefixtures("with_books")
def test_why_there_is_no_book_of_a_live_leg(monkeypatch: pytest.MonkeyPatch) -> None:
    system = get_system()
    assert system.pipeline is not None
    monkeypatch.setattr(system, "_replay", replace(system.pipeline, kind="live"))
    test = app(PAGE)
    assert not test.exception
    assert "Levels were missed: a snapshot is asked for. Until then" in words(test)
    market = MadeMarket({})
    monkeypatch.setattr(
        system, "_replay", replace(system.pipeline, kind="live", market=VenueMarkets({"binance-usdm": market}, {}))
    )
    assert "this venue's cannot be had" in words(app(PAGE))
    monkeypatch.setattr(system, "_replay", replace(system.pipeline, kind="live", market=None))
    assert "No book is kept here" in words(app(PAGE))
