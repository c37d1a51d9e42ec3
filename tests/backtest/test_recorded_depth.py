"""Orders that are filled in recorded books: to the cent, in part where they are thin, and told."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alphastream.backtest import BarMarket, TickMarket, backtest, book_tapes, pair_history
from alphastream.backtest.market import Market
from alphastream.books import BookColumns
from alphastream.errors import ParameterError
from alphastream.trading import BrokerRules, Contract, Fees, FixedLatency, Target
from alphastream.trading.broker.costs import PowerImpact
from tests.backtest.markets import PAIR, SECOND, Sampled, Scripted, bars, ticks

NAN = float("nan")
RULES = BrokerRules(fill="recorded_depth", latency=FixedLatency(SECOND // 4), fees=Fees(5.0))
# Bids are thick, asks are thin and far apart; the last row is a moment at which the book was not known.
Y_BOOK: list[tuple[float, list[tuple[float, float]], list[tuple[float, float]]]] = [
    (0.5, [(99.9, 50.0)], [(100.1, 50.0)]),
    (1.3, [(99.90, 40.0), (99.80, 40.0)], [(100.10, 1.5), (100.40, 1.0), (101.00, 2.0)]),
    (2.3, [(99.95, 2.0), (99.00, 0.5)], [(100.05, 9.0)]),
    (2.6, [], []),
    (3.4, [(98.00, 0.75), (97.50, 5.0)], [(100.05, 9.0)]),
]
X_BOOK: list[tuple[float, list[tuple[float, float]], list[tuple[float, float]]]] = [
    (1.25, [(49.98, 3.0), (49.90, 1.0)], [(50.02, 100.0)]),
    (2.3, [(49.98, 100.0)], [(50.04, 8.0)]),
]


def columns(rows: list[tuple[float, list[tuple[float, float]], list[tuple[float, float]]]]) -> BookColumns:
    sides = [np.full((4, len(rows), 3), NAN)]
    for t, (_, bids, asks) in enumerate(rows):
        for place, levels in ((0, bids), (2, asks)):
            for level, (price, quantity) in enumerate(levels):
                sides[0][place, t, level], sides[0][place + 1, t, level] = price, quantity
    times = np.array([round(when * SECOND) for when, _, _ in rows])
    return BookColumns(times, times + 1_000, *sides[0])


@pytest.fixture
def market() -> TickMarket:
    trades = [(second + 0.9, 100.0) for second in range(5)]
    x = [(second + 0.9, 50.0) for second in range(5)]
    return TickMarket(
        {"Y": ticks(*trades), "X": ticks(*x)}, books=Sampled({"Y": columns(Y_BOOK), "X": columns(X_BOOK)})
    )


def run(market: Market, script: list[Any], rules: BrokerRules = RULES) -> Any:
    return backtest(market, Scripted(script), rules, capital=10_000.0)


def test_a_lopsided_book_to_the_cent(market: TickMarket) -> None:
    result = run(market, [Target((4.0, -3.5), 1)])
    y, x = sorted(result.fills, key=lambda fill: fill.symbol, reverse=True)
    # 1.5 at 100.10, 1 at 100.40 and 1.5 at 101.00 are 402.05; the mid is 100.00
    assert (y.time_ns, y.quantity) == (round(1.3 * SECOND), 4.0), "the first sample 0.25 s after the bar's end"
    assert y.quantity * y.price == pytest.approx(402.05, abs=1e-9)
    assert y.fee == pytest.approx(0.201025, abs=1e-9)
    assert (y.trade_price, y.spread_cost, y.impact_cost) == pytest.approx((100.0, 0.40, 1.65), abs=1e-9)
    # 3 at 49.98 and 0.5 at 49.90 are 174.89; the mid is 50.00
    assert (x.time_ns, x.quantity) == (round(1.25 * SECOND), -3.5)
    assert -x.quantity * x.price == pytest.approx(174.89, abs=1e-9)
    assert (x.trade_price, x.spread_cost, x.impact_cost) == pytest.approx((50.0, 0.07, 0.04), abs=1e-9)
    assert result.cash[-1] == pytest.approx(10_000.0 - 402.05 + 174.89 - (402.05 + 174.89) * 5e-4, abs=1e-9)
    assert result.orders[0].state == "filled"


def test_what_the_book_does_not_hold_is_not_filled_and_told(market: TickMarket) -> None:
    result = run(market, [Target((5.0, -3.5), 1)])
    order = result.orders[0]
    assert result.positions[-1].tolist() == [4.5, -3.5]
    assert [leg.state for leg in order.legs] == ["cancelled", "filled"]
    assert order.state == "cancelled"
    assert order.reason == "the book of Y held 4.5 of 5"


def test_a_position_that_must_go_waits_for_more(market: TickMarket) -> None:
    result = run(market, [Target((4.0, 0.0), 1), Target((0.0, 0.0), 0)])
    sold = [(fill.time_ns, fill.quantity, round(fill.price, 6)) for fill in result.fills if fill.quantity < 0.0]
    # 2 at 99.95, 0.5 at 99.00; then nothing is known; then 0.75 at 98.00 and 0.75 at 97.50
    assert sold == [(round(2.3 * SECOND), -2.5, 99.76), (round(3.4 * SECOND), -1.5, 97.75)]
    assert result.positions[-1].tolist() == [0.0, 0.0]
    assert result.orders[-1].state == "filled"


def test_lots_are_kept(market: TickMarket) -> None:
    result = run(market, [Target((5.0, 0.0), 1)], replace(RULES, contracts={"Y": Contract(lot=0.4)}))
    (bought,) = result.fills
    assert bought.quantity == pytest.approx(4.4)
    assert bought.quantity * bought.price == pytest.approx(150.15 + 100.40 + 1.9 * 101.0)


def test_no_book_and_no_side() -> None:
    trades = [(second + 0.9, 100.0) for second in range(5)]
    bare = TickMarket({"Y": ticks(*trades), "X": ticks(*trades)})
    with pytest.raises(ParameterError, match="no books were recorded beside"):
        run(bare, [None])
    with pytest.raises(ParameterError, match="no book of X was recorded when an order came"):
        run(TickMarket(bare.ticks, books=Sampled({"Y": columns(Y_BOOK)})), [Target((1.0, -1.0), 1)])
    one_sided = columns([(1.3, [], [(100.0, 5.0)])])
    both = TickMarket(bare.ticks, books=Sampled({"Y": one_sided, "X": one_sided}))
    result = run(both, [Target((1.0, -1.0), 1)])
    assert [(fill.symbol, fill.price, fill.spread_cost) for fill in result.fills] == [("Y", 100.0, 0.0)]
    assert "the book of X held 0 of 1" in result.orders[0].reason
    file = BarMarket({leg: bars(range(0, 5 * SECOND, SECOND), [1.0] * 5, [1.0] * 5, SECOND) for leg in "YX"}, SECOND)
    with pytest.raises(ParameterError, match="no books were recorded beside"):
        run(file, [None])


def test_stretches_are_read_only_where_an_order_waits(market: TickMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    script = [Target((4.0, -3.5), 1), Target((0.0, 0.0), 0)]
    whole = run(market, script)
    monkeypatch.setattr(book_tapes, "STRETCH_NS", SECOND // 7)
    assert isinstance(market.books, Sampled)
    market.books.asked.clear()
    assert run(market, script).fills == whole.fills
    asked = market.books.asked
    assert max(until_ns - from_ns for _, from_ns, until_ns in asked) <= SECOND // 7
    assert min(from_ns for _, from_ns, _ in asked) >= SECOND + SECOND // 4, "nothing before the first order"


def test_the_compiled_path_refuses_in_words(market: TickMarket) -> None:
    with pytest.raises(ParameterError, match="no fill at recorded depth"):
        pair_history(market, PAIR, RULES)


@pytest.mark.parametrize("more", [{"half_spread_bps": 1.0}, {"impact": PowerImpact(1.0)}, {"max_share": 0.5}])
def test_a_book_has_its_own_spread(more: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="leave out half_spread_bps"):
        replace(RULES, **more)
