"""A paper run that books what the venue pays and fills in recorded books: the same as the backtest with both."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from alphastream.backtest import Definition, TickMarket, backtest
from alphastream.backtest.parity import parity
from alphastream.books import BookColumns, BookView, MarkColumns, QuoteColumns
from alphastream.carry import recorded_funding
from alphastream.events import Tick
from alphastream.feeds.market import FundingPayment, MarkPrice, Quote
from alphastream.instruments import InstrumentId
from alphastream.strategies import Units, ZScoreThreshold
from alphastream.trading import BrokerRules, FixedLatency, VenueFunding
from runtime.paper import market_tape
from tests.backtest.test_live import START, tape
from tests.runtime.paper.paper_pipeline import SECOND, SPEC, Pipelines, TapePipeline, eventually, played, running, see
from tests.runtime.paper.paper_tape import before_and_after


@dataclass
class Recorded:
    """Books and payments that a test lets arrive."""

    books: dict[str, BookColumns] = field(default_factory=dict)
    paid: dict[str, list[FundingPayment]] = field(default_factory=dict)
    marked: MarkColumns = field(default_factory=lambda: MarkColumns.of([]))

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        return self.books.get(name, BookColumns.empty(1)).between(from_ns, until_ns)

    def funding(self, name: str, from_ns: int, until_ns: int) -> tuple[FundingPayment, ...]:
        return tuple(each for each in self.paid.get(name, []) if from_ns <= each.time_ns < until_ns)

    def marks(self, name: str, from_ns: int, until_ns: int) -> MarkColumns:
        return self.marked.between(from_ns, until_ns)

    def quotes(self, name: str, from_ns: int, until_ns: int) -> QuoteColumns:
        return QuoteColumns.of([])

    def quote(self, name: str) -> Quote | None:
        return None

    def book(self, name: str) -> BookView | None:
        return None

    def mark(self, name: str) -> MarkPrice | None:
        return None


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_tape, "LOOK_S", 0.0)


def payments(leg: str, marks: Sequence[float]) -> list[FundingPayment]:
    """One every 20 s, from 50 s on."""
    times = range(START + 50 * SECOND, START + 200 * SECOND, 20 * SECOND)
    return [
        FundingPayment(InstrumentId("binance-usdm", leg), when, 1e-3, mark)
        for when, mark in zip(times, marks, strict=False)
    ]


def books(ticks: Sequence[Tick], leg: str) -> BookColumns:
    """A book around every trade of a leg, with two levels a side."""
    own = [tick for tick in ticks if tick.symbol == leg]
    time_ns, price = np.array([tick.time_ns for tick in own]), np.array([[tick.price] for tick in own])
    sides = np.array([1e-5, 3e-5])
    waiting = np.tile([0.7, 9.0], (len(own), 1))
    return BookColumns(time_ns + 1, time_ns + 2, price * (1.0 - sides), waiting, price * (1.0 + sides), waiting)


RULES = BrokerRules(latency=FixedLatency(120_000_000), funding=VenueFunding())
DEFINITION = Definition(ZScoreThreshold(SPEC, sizer=Units(2.0)), RULES)
MARKS = {"ETH": [3_000.0 + i for i in range(8)], "BTC": [60_000.0 + 10.0 * i for i in range(8)]}


def test_books_what_the_venue_pays_also_over_a_restart(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    recorded = Recorded()
    pipeline.market_history = recorded
    half, pipelines = len(rest) // 2, Pipelines(live=pipeline)
    pipeline.feed(warm)
    with running(tmp_path / "paper", pipelines) as service:
        name = service.open(DEFINITION, "live")
        eventually(lambda: see(service, name).status == "running")
        pipeline.feed(rest[:half])
        recorded.paid = {leg: payments(leg, MARKS[leg]) for leg in MARKS}  # some are told after their time
        pipeline.feed(rest[half:])
        until_ns = rest[-1].time_ns // SECOND * SECOND - SECOND
        view = played(service, name, until_ns)
        eventually(lambda: len(see(service, name).funding) > 0)
        view = played(service, name, until_ns)
    known = {leg: [each for each in found if each.time_ns <= view.until_ns] for leg, found in recorded.paid.items()}
    columns = {leg: pipeline.store.columns(leg, view.warm_ns, view.until_ns) for leg in view.symbols}
    rules = replace(RULES, funding=recorded_funding(known))
    history = backtest(TickMarket(columns, view.until_ns), DEFINITION.strategy, rules, begin_ns=view.begin_ns)

    def in_order(found: Sequence[object]) -> list[object]:
        return sorted(found, key=repr)

    assert history.funding
    assert in_order(view.funding) == in_order(history.funding)
    compared = parity(view, pipeline.store, None, recorded)
    assert [each for each in compared.differences if each.what == "funding"] == []
    with running(tmp_path / "paper", pipelines) as service:
        again = see(service, name)
        eventually(lambda: see(service, name).status in ("running", "waiting"))
        assert in_order(again.funding) == in_order(view.funding), "nothing is paid twice"


def test_a_payment_whose_mark_nobody_knows_is_told_and_not_booked(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    nan = float("nan")
    recorded = Recorded(paid={leg: payments(leg, [nan] * 8) for leg in MARKS})
    first_ns = recorded.paid["ETH"][0].time_ns
    recorded.marked = MarkColumns.of([(first_ns - SECOND, first_ns - SECOND, 3_000.0, nan, nan, 0, 0)])
    pipeline.market_history = recorded
    pipeline.feed(warm)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        name = service.open(DEFINITION, "live")
        eventually(lambda: see(service, name).status == "running")
        pipeline.feed(rest)
        view = played(service, name, rest[-1].time_ns // SECOND * SECOND - SECOND)
        eventually(lambda: "14 funding payments of ETH, BTC are not booked" in see(service, name).unpaid)
    assert {payment.time_ns for payment in view.funding} <= {first_ns}, "that one has a recorded mark price"


def test_fills_in_recorded_books_as_the_backtest_does(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(5)
    warm, rest = before_and_after(ticks)
    recorded = Recorded({leg: books(ticks, leg) for leg in ("ETH", "BTC")})
    pipeline.market = recorded
    definition = replace(DEFINITION, rules=replace(RULES, fill="recorded_depth", funding=None))
    pipeline.feed(warm)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        name = service.open(definition, "live")
        eventually(lambda: see(service, name).status == "running")
        pipeline.feed(rest)
        view = played(service, name, rest[-1].time_ns // SECOND * SECOND - SECOND)
    compared = parity(view, pipeline.store, recorded)
    assert compared.history.fills
    assert list(view.fills) == [fill for fill in compared.history.fills if fill.time_ns < view.until_ns]
    assert {round(fill.spread_cost / (abs(fill.quantity) * fill.trade_price), 9) for fill in view.fills} == {1e-5}
