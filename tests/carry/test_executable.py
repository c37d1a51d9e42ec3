"""Prices one would get in two lopsided books, by hand and to the cent."""

import math
from dataclasses import replace

import numpy as np
import pytest

from alphastream.bars import PairRows
from alphastream.books import BookView
from alphastream.carry import Executable, Fit, executable, fit_of
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.graph import Price
from alphastream.pairs import PairSpec, analyse

SECOND = 10**9
NOW = 1_000 * SECOND


def book(bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> BookView:
    def sides(levels: list[tuple[float, float]]) -> tuple[Floats, Floats]:
        return np.array([price for price, _ in levels]), np.array([quantity for _, quantity in levels])

    return BookView(*sides(bids), *sides(asks), NOW - SECOND, NOW - SECOND, True, "")


# The asks of y are thin, its bids are not; with x it is the other way round. Mids are 100 and 50.
OF_Y = book([(99.9, 50.0)], [(100.1, 6.0), (100.6, 3.0), (102.0, 5.0)])
OF_X = book([(49.95, 4.0), (49.75, 20.0)], [(50.05, 100.0)])
LOG = Fit(100.0, 50.0, 0.5, 0.01, 0.0, 0.005, "log")
PLAIN = Fit(100.0, 50.0, 1.5, 0.4, 0.0, 0.2, "price")


def found(
    fit: Fit,
    notional: float = 1_000.0,
    fee_bps: float = 5.0,
    exit_z: float = 0.5,
    y: BookView | None = OF_Y,
    x: BookView | None = OF_X,
) -> Executable:
    return executable(
        fit, (100.0, 50.0), (y, x), ("Y", "X"), notional=notional, fee_bps=fee_bps, exit_z=exit_z, now_ns=NOW
    )


def test_ratios_of_prices_to_the_cent() -> None:
    got = found(PLAIN)
    # 10 units of y and 15 of x. y: sold at 99.9; bought 6 x 100.1 + 3 x 100.6 + 1 x 102 = 1004.40.
    # x: sold 4 x 49.95 + 11 x 49.75 = 747.05; bought at 50.05 = 750.75.
    assert got.last_zscore == pytest.approx(2.0)
    assert got.short is not None
    assert got.long is not None
    assert (got.short.y, got.short.x) == pytest.approx((99.9, 50.05))
    assert (got.long.y, got.long.x) == pytest.approx((100.44, 747.05 / 15.0))
    assert got.short.fees == got.long.fees == pytest.approx((999.0 + 1004.40 + 747.05 + 750.75) * 5e-4)
    assert got.short.spread_cost == pytest.approx(10 * 0.2 + 15 * 0.1)
    assert got.short.impact_cost == pytest.approx((1004.40 - 1001.00) + (749.25 - 747.05))
    # Spread at the prices of selling: 0.4 + (99.9 - 100) - 1.5 x (50.05 - 50) = 0.225
    assert got.short.zscore == pytest.approx(0.225 / 0.2)
    assert got.long.zscore == pytest.approx((0.4 + 0.44 - 1.5 * (747.05 / 15.0 - 50.0)) / 0.2)
    # To the exit at 0.1 the spread falls 0.125 for 10 units; closing costs 4.40 in y and 2.95 in x beside the fees.
    assert got.short.edge == pytest.approx(1.25 - 4.40 - 2.95 - got.short.fees)
    assert got.short.cost == pytest.approx(got.short.fees + 3.5 + 5.6)
    assert got.short.round_trip_z == pytest.approx(got.short.cost / 10.0 / 0.2)
    assert got.rich is got.short
    assert got.why == ""


def test_ratios_of_logs() -> None:
    got = found(LOG)
    # 1,000 of y are 10 units, 500 of x are 10 units.
    assert got.short is not None
    expected = 0.01 + math.log(99.9 / 100.0) - 0.5 * math.log(50.05 / 50.0)
    assert got.short.zscore == pytest.approx(expected / 0.005)
    sold_x = (4 * 49.95 + 6 * 49.75) / 10.0
    fees = (999.0 + 1004.40 + 10 * sold_x + 500.5) * 5e-4
    assert got.short.fees == pytest.approx(fees)
    closing = 4.40 + 10 * (50.0 - sold_x)
    assert got.short.edge == pytest.approx((expected - 0.0025) * 1_000.0 - closing - fees)
    assert got.short.bps(got.short.cost) == pytest.approx(got.short.cost * 10.0)


def test_the_edge_is_what_a_round_trip_through_the_books_earns() -> None:
    """The same by its cash: sell the spread now, buy it back at these books moved to the exit."""
    got = found(PLAIN, exit_z=0.5).short
    assert got is not None
    cash = 10 * got.y - 15 * got.x - (10 * got.y + 15 * got.x) * 5e-4
    moved = (0.225 - 0.1) + (0.4 - 0.225)  # the mids' spread from 0.4 to the exit at 0.1
    back_y, back_x = 100.44 - moved, 747.05 / 15.0
    cash += -10 * back_y + 15 * back_x - (10 * 100.44 + 15 * back_x) * 5e-4
    paid_by_mids = 10 * moved - got.edge
    assert cash == pytest.approx(10 * moved - (got.spread_cost + got.impact_cost + got.fees))
    assert paid_by_mids == pytest.approx(got.cost)


def test_a_negative_ratio_buys_both_legs() -> None:
    got = found(replace(PLAIN, hedge_ratio=-1.5))
    assert got.long is not None
    assert (got.long.y, got.long.x) == pytest.approx((100.44, 50.05))


@pytest.mark.parametrize(
    ("y", "x", "notional", "said"),
    [
        (None, OF_X, 1_000.0, "No book of Y is kept."),
        (
            OF_Y,
            replace(OF_X, in_sequence=False, reason="updates are missing"),
            1_000.0,
            "X is not in sequence: updates",
        ),
        (replace(OF_Y, receive_ns=NOW - 11 * SECOND), OF_X, 1_000.0, "The book of Y has not changed for 11 s."),
        (book([], [(1.0, 1.0)]), OF_X, 1_000.0, "empty side"),
        (OF_Y, OF_X, 1_500.0, "The book of Y is too thin: its offers hold 14 of 15."),
        (OF_Y, OF_X, 1_400.0, ""),
    ],
)
def test_where_it_cannot_be_had_it_is_said(y: BookView | None, x: BookView | None, notional: float, said: str) -> None:
    got = found(PLAIN, notional, y=y, x=x)
    assert said in got.why
    assert (got.long is None) == (got.short is None) == bool(said)
    assert got.last_zscore == pytest.approx(2.0)


def test_a_size_is_needed() -> None:
    with pytest.raises(ParameterError, match="notional of leg y"):
        found(PLAIN, 0.0)


def test_the_model_of_the_newest_closed_bar() -> None:
    rng = np.random.default_rng(3)
    count = 60
    x = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 1e-3, count)))
    y = 2.0 * x * np.exp(rng.normal(0.0, 1e-3, count))
    ends = (np.arange(count) + 1) * SECOND
    zeros, ones = np.zeros(count, np.int64), np.ones(count)
    rows = PairRows(ends, y, x, zeros, zeros, ones, ones)
    prices: tuple[Price, ...] = ("log", "price")
    for price in prices:
        answer = analyse(rows, PairSpec("Y", "X", SECOND, window=20, price=price))
        fit = fit_of(answer)
        assert fit is not None
        assert fit.zscore(float(y[-1]), float(x[-1])) == pytest.approx(float(answer.closed["zscore"][-1]))
    young = PairRows(ends[:5], y[:5], x[:5], zeros[:5], zeros[:5], ones[:5], ones[:5])
    assert fit_of(analyse(young, PairSpec("Y", "X", SECOND, window=20))) is None
