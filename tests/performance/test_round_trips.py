"""Round trips and costs against tables made by hand, and against cash that was kept beside them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.errors import ParameterError
from alphastream.performance import (
    CostSplit,
    RoundTrip,
    RoundTripLeg,
    break_even_cost_bps,
    round_trip_statistics,
    round_trips,
    split_costs,
    traded_notional,
    turnover,
)
from tests.performance.books import HOUR_NS, Fill, Payment, fill, run

LONG_SPREAD = (
    Fill(10, "Y", 2.0, 100.0, 101.0, 0.5, 1.5, 0.5, 1),
    Fill(13, "X", -4.0, 50.0, 49.0, 0.25, 4.0, 0.0, 1),
    Fill(20, "Y", 1.0, 106.0, 107.0, 0.5, 1.0, 0.0, 1),
    Fill(50, "Y", -3.0, 110.0, 109.0, 0.75, 3.0, 0.0, 1),
    Fill(52, "X", 4.0, 51.0, 52.0, 0.25, 4.0, 0.0, 1),
)


def test_a_trip_by_hand() -> None:
    (round_trip,) = round_trips(LONG_SPREAD, [Payment(-3.0, 1), Payment(1.0, 1)], {}, lead="Y")
    assert (round_trip.number, round_trip.direction, round_trip.opened_ns, round_trip.closed_ns) == (1, 1, 10, 52)
    assert (round_trip.holding_ns, round_trip.leg_gap_ns) == (42, 3)
    y, x = round_trip.legs["Y"], round_trip.legs["X"]
    assert list(round_trip.legs) == ["Y", "X"]
    assert y == RoundTripLeg(quantity=3.0, entry_price=103.0, exit_price=109.0, left=0.0)
    assert x == RoundTripLeg(quantity=-4.0, entry_price=49.0, exit_price=52.0, left=0.0)
    # y: 330 − 200 − 106 = 24; x: 200 − 204 = −4
    assert round_trip.split == CostSplit(gross=20.0, fees=2.25, spread=13.5, impact=0.5, funding=-2.0)
    assert round_trip.net == pytest.approx(1.75)
    assert round_trip.entry_notional == 200.0 + 200.0 + 106.0
    assert round_trip.return_on_notional == pytest.approx(1.75 / 506.0)


def test_an_open_trip_is_worth_its_marks() -> None:
    (round_trip,) = round_trips(LONG_SPREAD[:4], [], {"X": 48.0}, lead="Y")
    assert round_trip.closed_ns is None
    assert round_trip.holding_ns is None
    assert round_trip.split.gross == pytest.approx(24.0 + 4.0 * 2.0)
    assert round_trip.legs["X"].left == -4.0
    assert math.isnan(round_trip.legs["X"].exit_price)
    with pytest.raises(ParameterError, match="no mark of X"):
        round_trips(LONG_SPREAD[:4], [], {"Y": 100.0}, lead="Y")


def test_direction_is_that_of_the_leading_symbol() -> None:
    short = [fill(1, "X", 2.0, 10.0, 1), fill(2, "Y", -1.0, 20.0, 1), fill(3, "X", -2.0, 10.0, 1)]
    assert round_trips(short, [], {"Y": 20.0}, lead="Y")[0].direction == -1
    assert round_trips(short, [], {"Y": 20.0})[0].direction == 1
    assert round_trips(short[::2], [], {}, lead="Y")[0].direction == 0
    assert round_trips(short[::2], [], {}, lead="Y")[0].leg_gap_ns is None


def test_what_rounding_leaves_is_no_position() -> None:
    parts = [fill(1, "Y", 0.1, 10.0, 1), fill(2, "Y", 0.2, 10.0, 1), fill(3, "Y", -0.3, 11.0, 1)]
    (round_trip,) = round_trips(parts, [], {})
    assert round_trip.closed_ns == 3
    assert round_trip.net == pytest.approx(0.3)


def test_funding_of_no_trip() -> None:
    with pytest.raises(ParameterError, match="funding of round trip 2"):
        round_trips(LONG_SPREAD, [Payment(1.0, 2)], {})


def made(*profits: float) -> tuple[RoundTrip, ...]:
    """Round trips one after the other with these net profits, each longer than the one before."""
    fills = []
    for number, profit in enumerate(profits):
        fills.append(fill(number * 100, "Y", 1.0, 50.0, number))
        fills.append(fill(number * 100 + 10 + number, "Y", -1.0, 50.0 + profit, number))
    return round_trips(fills, [], {})


def test_statistics_by_hand() -> None:
    found = round_trip_statistics(made(3.0, -1.0, -2.0, 0.0, -1.0, 9.0))
    assert (found.closed, found.still_open, found.hit_rate) == (6, 0, 2 / 6)
    assert (found.mean_win, found.median_win) == (6.0, 6.0)
    assert found.mean_loss == pytest.approx(-4.0 / 3.0)
    assert found.median_loss == -1.0
    assert found.profit_factor == 3.0
    assert (found.mean_holding_ns, found.longest_holding_ns) == (12.5, 15)
    assert found.longest_losing_streak == 2
    assert round_trip_statistics(made(-1.0, -1.0, -1.0)).longest_losing_streak == 3


def test_statistics_of_nothing() -> None:
    found = round_trip_statistics(())
    assert (found.closed, found.still_open, found.longest_holding_ns, found.longest_losing_streak) == (0, 0, None, 0)
    undefined = (found.hit_rate, found.mean_win, found.median_loss, found.profit_factor, found.mean_holding_ns)
    assert all(math.isnan(value) for value in undefined)
    assert math.isnan(round_trip_statistics(made(1.0)).profit_factor)


def test_open_trips_are_counted_apart() -> None:
    trips = made(1.0, -1.0) + round_trips([fill(900, "Y", 1.0, 50.0, 9)], [], {"Y": 10.0})
    found = round_trip_statistics(trips)
    assert (found.closed, found.still_open, found.mean_loss) == (2, 1, -1.0)


@given(st.integers(0, 2**32), st.booleans())
def test_trips_add_up_to_the_change_of_equity(seed: int, close: bool) -> None:
    done = run(seed, rows=80, close=close)
    trips = round_trips(done.fills, done.funding, done.last_marks, "ETHUSDT")
    gained = done.equity[-1] - done.capital
    assert math.fsum(round_trip.net for round_trip in trips) == pytest.approx(gained, abs=1e-6)
    assert all(round_trip.closed_ns is not None for round_trip in trips) or not close


@given(st.integers(0, 2**32))
def test_costs_add_up(seed: int) -> None:
    done = run(seed, rows=80)
    whole = split_costs(done.fills, done.funding, done.last_marks)
    assert whole.gross - whole.fees - whole.spread - whole.impact + whole.funding == pytest.approx(whole.net)
    assert whole.net == pytest.approx(done.equity[-1] - done.capital, abs=1e-6)
    trips = round_trips(done.fills, done.funding, done.last_marks)
    for part in ("gross", "fees", "spread", "impact", "funding"):
        assert getattr(whole, part) == pytest.approx(math.fsum(getattr(t.split, part) for t in trips), abs=1e-6)


def test_break_even_is_the_rate_that_leaves_nothing() -> None:
    trades = [(1.0, 100.0), (-0.5, 104.0), (-0.5, 98.0)]
    free = [fill(t, "Y", quantity, price, 1) for t, (quantity, price) in enumerate(trades)]
    rate = break_even_cost_bps(split_costs(free, [Payment(0.5, 1)], {}), traded_notional(free))
    assert rate == pytest.approx(1.5 / 201.0 * 1e4)
    # fill() charges 1.5 times its cost in spread and impact, and a fee of a tenth of it on top of the price
    charged = [fill(t, "Y", quantity, price, 1, rate / 1.5e4) for t, (quantity, price) in enumerate(trades)]
    split = split_costs(charged, [Payment(0.5, 1)], {})
    assert split.net + split.fees == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(break_even_cost_bps(split_costs([], [], {}), 0.0))


def test_turnover_by_hand() -> None:
    trades = [fill(1, "Y", 2.0, 100.0, 1), fill(2, "Y", -2.0, 110.0, 1)]
    year = int(365.25 * 24) * HOUR_NS
    found = turnover(trades, [0, year // 2], [100.0, 110.0])
    assert (found.traded, found.ratio) == (420.0, 4.0)
    assert found.per_year == pytest.approx(8.0)
    assert math.isnan(turnover(trades, [0], [100.0]).per_year)
    assert math.isnan(turnover(trades, [0, 1], [100.0, -100.0]).ratio)
