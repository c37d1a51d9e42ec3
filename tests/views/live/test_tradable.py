"""The cards of what a pair could be traded at, and what they say where that cannot be known."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np
import pytest

from alphastream.bars import PairRows
from alphastream.books import BookColumns, BookView
from alphastream.events import Tick
from alphastream.feeds.codec import Instrument, WireSymbol
from alphastream.feeds.market import MarkPrice, Quote
from alphastream.instruments import InstrumentId
from alphastream.pairs import PairAnalytics, PairSpec, analyse
from views.component import Card
from views.live.tradable import Size, carry_frame, carry_of, tradable_cards

SECOND, HOUR = 10**9, 3_600 * 10**9
NOW = 1_723_132_800 * SECOND
Y, X = InstrumentId("binance-usdm", "ETHUSDT"), InstrumentId("binance-usdm", "BTCUSDT")
SPEC = PairSpec(Y, X, SECOND, window=20, price="price")


@dataclass
class Market:
    """What a test says the books and mark prices are."""

    books: dict[str, BookView] = field(default_factory=dict)
    marks: dict[str, MarkPrice] = field(default_factory=dict)

    def quote(self, name: str) -> Quote | None:
        return None

    def book(self, name: str) -> BookView | None:
        return self.books.get(name)

    def mark(self, name: str) -> MarkPrice | None:
        return self.marks.get(name)

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        return BookColumns.empty(1)


def book(mid: float, half: float, quantity: float = 1e6) -> BookView:
    bids, asks, waiting = np.array([mid - half]), np.array([mid + half]), np.array([quantity])
    return BookView(bids, waiting, asks, waiting, NOW - SECOND, NOW - SECOND, True, "")


def mark(name: InstrumentId, price: float, rate: float) -> MarkPrice:
    return MarkPrice(name, price, NOW, NOW, price / 1.001, rate, NOW + 2 * HOUR, 8 * HOUR)


def answer() -> PairAnalytics:
    rng = np.random.default_rng(8)
    count = 40
    x = 60_000.0 + np.cumsum(rng.normal(0.0, 5.0, count))
    y = 0.05 * x + rng.normal(0.0, 1.0, count)
    y[-1] += 5.0
    zeros, ones = np.zeros(count, np.int64), np.ones(count)
    rows = PairRows(NOW + (np.arange(count) + 1 - count) * SECOND, y, x, zeros, zeros, ones, ones)
    newest = [Tick(name, 1, float(prices[-1]), 1.0, NOW, NOW, False) for name, prices in ((Y, y), (X, x))]
    return replace(analyse(rows, SPEC), last_y=newest[0], last_x=newest[1])


ANSWER = answer()
LAST_Y, LAST_X = float(ANSWER.closed["y"][-1]), float(ANSWER.closed["x"][-1])
RULES: dict[str, Instrument] = {
    name: Instrument(WireSymbol(name.symbol), 0.1, 0.001, 1, 5.0, "TRADING", kind="perpetual") for name in (Y, X)
}
MARKET = Market({Y: book(LAST_Y, 0.1), X: book(LAST_X, 0.5)}, {Y: mark(Y, LAST_Y, 1e-4), X: mark(X, LAST_X, -2e-4)})


def by_id(market: Market | None, found: PairAnalytics | None = ANSWER, rules: Any = RULES) -> dict[str, Card]:
    cards = tradable_cards(found, SPEC, market, rules, NOW, Size(3_000.0, 5.0), "binance-usdm")
    return {card["id"]: card for card in cards}


def test_the_executable_z_is_under_that_of_the_last_trades() -> None:
    card = by_id(MARKET)["executable"]
    last = float(ANSWER.closed["zscore"][-1])
    assert last > 0.0
    assert card["sub"] == f"sell y, buy x; last trades {last:+.2f}"
    ratio, std = float(ANSWER.closed["hedge_ratio"][-1]), float(ANSWER.closed["spread_std"][-1])
    assert float(card["value"]) == pytest.approx(last - (0.1 + ratio * 0.5) / std, abs=0.006)


def test_the_edge_names_what_a_round_trip_costs() -> None:
    card = by_id(MARKET)["net-edge"]
    assert card["tone"] == "warn"
    assert "fees" in card["title"]
    assert card["value"].endswith("bps")
    free = tradable_cards(ANSWER, SPEC, MARKET, RULES, NOW, Size(3_000.0, 0.0))[1]
    assert float(free["value"].split()[0]) > float(card["value"].split()[0])


def test_the_carry_is_that_of_the_side_the_z_speaks_for() -> None:
    card = by_id(MARKET)["carry"]
    units = 3_000.0 / LAST_Y
    ratio = float(ANSWER.closed["hedge_ratio"][-1])
    payment = units * LAST_Y * 1e-4 + ratio * units * LAST_X * 2e-4  # short y at a positive rate, long x at a negative
    gross = units * LAST_Y + ratio * units * LAST_X
    assert card["value"] == f"{3.0 * payment / gross:+.4%}"
    assert card["sub"] == f"next {payment:+,.2f} in 2 h 0 min"
    assert card["tone"] == "ok"


@pytest.mark.parametrize(
    ("market", "said"),
    [
        (None, "no books or mark prices here"),
        (Market(), "no book of a leg"),
        (Market({Y: MARKET.books[Y], X: book(LAST_X, 0.5, 1e-6)}), "a book is too thin"),
        (
            Market({Y: replace(MARKET.books[Y], in_sequence=False, reason="lost"), X: MARKET.books[X]}),
            "out of sequence",
        ),
        (Market({Y: replace(MARKET.books[Y], receive_ns=NOW - HOUR), X: MARKET.books[X]}), "a book is old"),
    ],
)
def test_a_card_without_a_value_says_why(market: Market | None, said: str) -> None:
    cards = by_id(market)
    for name in ("executable", "net-edge"):
        assert cards[name]["value"] == "–"
        assert said in cards[name]["sub"]
    assert cards["carry"]["value"] == "–"


def test_no_carry_is_told_from_a_mark_price_that_is_old() -> None:
    old = msgspec.structs.replace(MARKET.marks[X], receive_ns=NOW - 61 * SECOND)
    card = by_id(Market(MARKET.books, {Y: MARKET.marks[Y], X: old}))["carry"]
    assert (card["value"], card["sub"]) == ("–", "no mark price of BTCUSDT for 61 s")


def test_before_a_leg_has_traded_no_side_is_named() -> None:
    cards = by_id(MARKET, replace(ANSWER, last_x=None))
    assert (cards["executable"]["value"], cards["executable"]["sub"]) == ("–", "no trade of a leg yet")


def test_before_there_is_a_model() -> None:
    assert {card["value"] for card in by_id(MARKET, None).values()} == {"–"}


def test_legs_that_pay_no_funding() -> None:
    spot = {name: msgspec.structs.replace(rules, kind="spot") for name, rules in RULES.items()}
    card = by_id(MARKET, rules=spot)["carry"]
    assert (card["value"], card["sub"]) == ("0", "neither leg pays funding")


def test_the_table_of_both_legs() -> None:
    held = carry_of(ANSWER, SPEC, MARKET, RULES, NOW, Size(3_000.0))
    assert not isinstance(held, str)
    frame = carry_frame(held, ANSWER, 10.0, 0.01, "binance-usdm")
    assert frame["leg"].tolist() == ["ETHUSDT", "BTCUSDT"]
    assert frame["basis_bps"].tolist() == pytest.approx([10.0, 10.0])
    assert frame["every_h"].tolist() == [8.0, 8.0]
    assert frame["liquidation"][0] == pytest.approx(LAST_Y * 1.1 / 1.01)
    assert frame["liquidation"][1] == pytest.approx(LAST_X * 0.9 / 0.99)
    assert frame["distance"].tolist() == pytest.approx([1.1 / 1.01 - 1.0, 1.0 - 0.9 / 0.99])
    assert math.isfinite(frame["payment"].sum())
