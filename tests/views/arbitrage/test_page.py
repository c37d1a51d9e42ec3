"""The arbitrage page: without venues, with two that a test plays, and what a visitor may change."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import config
from alphastream.arbitrage import Assumptions, lead_lag
from alphastream.core.units import SECOND
from calibration.lead_lag import Quoted
from runtime.arbitrage.costs_file import Costs, fee_key
from runtime.arbitrage.service import ArbitrageService
from runtime.stores.signal_store import SignalStore
from tests.arbitrage.recorded import FUTURES, SPOT
from tests.runtime.arbitrage.test_service import CHEAP, begin, lines_at, run
from tests.runtime.arbitrage.venues import Clock, RecordedLine
from tests.views.running import Running, page_of, show_to_pages, words
from views.arbitrage import tables


@pytest.fixture
def clock() -> Clock:
    return Clock(begin())


@pytest.fixture
def lines(clock: Clock) -> list[RecordedLine]:
    return lines_at(clock)


@pytest.fixture
def system(
    tmp_path: Path, clock: Clock, lines: list[RecordedLine], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    service = ArbitrageService(tmp_path, SignalStore(tmp_path / "arbitrage.db"), lambda: lines, clock)
    found = Running(
        arbitrage=service,
        pipeline=SimpleNamespace(venue="binance-usdm"),
        pipeline_of=lambda kind: None,
        settings=config.load({}),
        failure=None,
    )
    show_to_pages(found, monkeypatch)
    yield found
    service.stop()


def test_with_one_venue_it_says_what_to_do(system: Running, lines: list[RecordedLine]) -> None:
    del lines[1]
    test = page_of("arbitrage")
    said = words(test)
    assert "Known at one venue: BTC/USDT" in said
    assert "ALPHASTREAM_VENUE=binance-usdm,binance-spot" in said
    assert "A recording plays now" in said
    assert "None yet: after all assumed costs nothing has paid for certain." in said
    assert not test.dataframe


def test_edges_come_by_themselves_once_there_are_some(system: Running, clock: Clock) -> None:
    test = page_of("arbitrage")
    assert "An asset needs two instruments" in words(test)
    run(system.arbitrage, clock, 1)
    test.run()
    assert not test.exception
    assert "An asset needs two instruments" not in words(test)
    assert test.dataframe[0].proto.alt == "Edges between venues now, the largest sure one first"


def test_edges_episodes_and_their_file(system: Running, clock: Clock) -> None:
    system.arbitrage.costs = CHEAP
    signals = run(system.arbitrage, clock, 40)
    test = page_of("arbitrage")
    edges, episodes, legs = (each.value for each in test.dataframe)
    assert set(zip(edges["buy"], edges["sell"], strict=True)) == {(FUTURES, SPOT), (SPOT, FUTURES)}
    assert (edges["net"] - edges["error"] - edges["sure"]).abs().max() < 1e-12
    assert (edges["error"] >= 0).all()
    assert edges["sure"].is_monotonic_decreasing
    assert len(episodes) == len(signals) + len(system.arbitrage.assets()[0].open)
    assert legs["fee"].tolist() == [2.0, 2.0]
    assert "Cannot be told yet" in words(test)
    rows = list(csv.DictReader(io.StringIO(tables.signals_csv(system.arbitrage.signals(10_000)).decode())))
    assert len(rows) == len(signals) >= 10
    assert list(rows[0])[:6] == ["exchange_a", "exchange_b", "asset", "profit_pct", "volume_usd", "timestamp"]


def test_published_fees_let_nothing_pay(system: Running, clock: Clock) -> None:
    assert run(system.arbitrage, clock, 40) == []
    test = page_of("arbitrage")
    assert "None yet" in words(test)
    assert (test.dataframe[0].value["net"] < 0).all()
    assert "as published in" in words(test)


def test_other_costs_are_assumed_from_then_on(system: Running, clock: Clock) -> None:
    run(system.arbitrage, clock, 3)
    test = page_of("arbitrage")
    boxes = {box.label: box for box in test.number_input}
    boxes[next(label for label in boxes if "usdm" in label)].set_value(1.5)
    boxes["Transfer, bps"].set_value(0.0)
    next(button for button in test.button if button.label == "Assume these").click()
    test.run()
    assert not test.exception
    assert "The new costs hold from now on." in words(test)
    key = fee_key("binance-usdm", is_perpetual=False)
    assert system.arbitrage.costs == Costs({key: 1.5}, Assumptions(transfer_bps=0.0))
    assert "An asset needs two instruments" not in words(test)  # not even before the next look
    run(system.arbitrage, clock, 1)
    fees = page_of("arbitrage").dataframe[-1].value["fee"].tolist()
    assert fees == [1.5, 10.0]


def test_nothing_of_its_form_is_in_the_session_of_other_pages(system: Running, clock: Clock) -> None:
    run(system.arbitrage, clock, 1)
    test = page_of("arbitrage")
    assert all(box.key is not None and box.key.startswith("arbitrage_") for box in test.number_input)
    assert not test.query_params


def test_trades_in_the_place_of_quotes_are_named(system: Running, clock: Clock, lines: list[RecordedLine]) -> None:
    lines[0].market = None
    run(system.arbitrage, clock, 1)
    assert "Nobody quoted these" in words(page_of("arbitrage"))


def test_troubles_are_told(system: Running, clock: Clock, lines: list[RecordedLine]) -> None:
    lines[0].ingest.state = "blocked"
    run(system.arbitrage, clock, 1)
    system.arbitrage.outage = "it broke"
    system.arbitrage.failure = "no room"
    test = page_of("arbitrage")
    assert "it broke" in words(test)
    assert "no room" in words(test)
    assert test.dataframe[-1].value["state"].tolist() == ["blocked: as recorded", "quotes hold"]
    assert test.dataframe[0].value["net"].isna().all()


def test_a_lead_in_words() -> None:
    prices = Quoted(50).draw(np.random.default_rng(1))
    grid = {"max_lag_ns": SECOND // 5, "step_ns": SECOND // 200}
    lead = lead_lag(*prices, **grid)
    assert tables.lead_words(lead, "a:X", "b:X").startswith(
        "b:X follows: its moves come between +37 and +58 ms after those of a:X (95 %"
    )
    unsure = lead_lag(*prices, **grid, error_ns=SECOND // 10)
    assert tables.lead_words(unsure, "a:X", "b:X").startswith("No lead can be told of b:X: its moves come between −")
