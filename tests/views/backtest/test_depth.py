"""Fills in recorded books and recorded funding on the backtest page."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from alphastream.books import BookColumns, BookView, MarkColumns, QuoteColumns
from alphastream.feeds.market import FundingPayment, MarkPrice, Quote
from alphastream.instruments import InstrumentId
from alphastream.trading import BrokerRules
from alphastream.trading.broker.costs import PowerImpact
from pipelines import Pipeline
from tests.views.backtest.test_page import SHORT, shown
from tests.views.running import Running, replay, show_pipeline, words
from views.backtest.depth_page import other_rules


@dataclass(frozen=True)
class Recorded:
    """Books of one price a side around every trade, and two payments of each instrument, one without its mark."""

    pipeline: Pipeline
    quantity: float

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        ticks = self.pipeline.store.columns(name, from_ns, until_ns)
        bids, asks = (ticks.price[:, None] * (1.0 + side) for side in (-1e-5, 1e-5))
        waiting = np.full_like(bids, self.quantity)
        return BookColumns(ticks.time_ns, ticks.time_ns, bids, waiting, asks, waiting)

    def funding(self, name: str, from_ns: int, until_ns: int) -> tuple[FundingPayment, ...]:
        held = self.pipeline.store.coverage(name)
        assert held is not None
        at = (2 * held.first_ns + held.last_ns) // 3, (held.first_ns + 2 * held.last_ns) // 3
        first, second = (FundingPayment(InstrumentId.parse(name), when, 1e-2) for when in at)
        return first, FundingPayment(second.instrument, second.time_ns, 2e-2, 2_600.0)

    def quote(self, name: str) -> Quote | None:
        return None

    def book(self, name: str) -> BookView | None:
        return None

    def mark(self, name: str) -> MarkPrice | None:
        return None

    def quotes(self, name: str, from_ns: int, until_ns: int) -> QuoteColumns:
        return QuoteColumns.of([])

    def marks(self, name: str, from_ns: int, until_ns: int) -> MarkColumns:
        return MarkColumns.of([])


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with replay(tmp_path_factory.mktemp("var"), head_s=240) as found:
        yield found


@pytest.fixture(autouse=True)
def system(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Running:
    recorded = Recorded(pipeline, 1e6)
    seen = replace(pipeline, market=recorded, market_history=recorded)
    return show_pipeline(seen, monkeypatch)


def compared(test: AppTest) -> dict[str, dict[str, float]]:
    """What the comparison shows, by way of filling and figure."""
    frame = next(each.value for each in test.dataframe if "recorded depth" in each.value)
    assert list(frame) == ["figure", "half spread", "recorded depth"]
    return {name: dict(zip(frame["figure"], frame[name], strict=True)) for name in ("half spread", "recorded depth")}


def test_fills_side_by_side() -> None:
    test = shown(depth_comparison="true", **SHORT)
    found = compared(test)
    bps = "spread and impact, bps of what was traded"
    assert found["half spread"][bps] == pytest.approx(0.5, rel=0.01)
    assert found["recorded depth"][bps] == pytest.approx(0.1, rel=0.01), "half of a spread of 0.2 bps"
    assert found["recorded depth"]["fills"] > 0.0
    assert "Half spread: the next trade and 0.5 bps." in words(test)


def test_the_whole_run_in_recorded_books() -> None:
    test = shown(fill="recorded depth", depth_comparison="true", **SHORT)
    assert test.selectbox(key="fill").value == "recorded depth"
    assert "half_spread" not in {box.key for box in test.number_input}
    found = compared(test)["recorded depth"]
    assert found["impact"] == 0.0
    assert found["spread"] > 0.0


def test_a_thin_book_is_told(system: Running) -> None:
    thin = Recorded(system.pipeline, 1e-4)
    system.pipeline = replace(system.pipeline, market=thin)
    assert "because the recorded book did not hold them" in words(shown(fill="recorded depth", **SHORT))


def test_recorded_funding_asks_about_a_mark_that_nobody_knows() -> None:
    test = shown(funding_from="as recorded", **SHORT)
    said = words(test)
    assert "Payments: 2 of ETHUSDT, 2 of BTCUSDT." in said
    assert "The mark price of 2 funding payments is not known" in said
    test.checkbox(key="funding_without_mark").check().run()
    assert not test.exception
    assert "is not known" not in words(test)
    assert test.metric[0].label == "Net profit"


def test_funding_from_a_file(system: Running) -> None:
    test = shown(funding_from="file", **SHORT)
    assert "No file yet: no funding is charged." in words(test)
    test.file_uploader(key="funding_file").upload("funding.csv", b"time,symbol,rate,mark\nsoon,ETHUSDT,1e-4,2600\n")
    assert "Line 2 of the funding file: 'soon' is no time" in words(test.run())


def test_without_books_nothing_is_offered(system: Running, pipeline: Pipeline) -> None:
    system.pipeline = pipeline
    test = shown(**SHORT)
    assert not [toggle for toggle in test.toggle if toggle.key == "depth_comparison"]
    assert "recorded depth" not in test.selectbox(key="fill").options


def test_the_other_rules() -> None:
    model = BrokerRules(half_spread_bps=2.0, impact=PowerImpact(1.0), max_share=0.5)
    in_books = other_rules(model)
    assert (in_books.fill, in_books.half_spread_bps, in_books.max_share) == ("recorded_depth", 0.0, None)
    assert other_rules(in_books).half_spread_bps == 0.5
