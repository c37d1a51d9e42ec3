"""History through events: which trade an order meets, the books at every row, and what no input can break."""

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.backtest import BarMarket, Market, RunResult, TickMarket, backtest, backtests
from alphastream.errors import ParameterError
from alphastream.pairs import PairSpec
from alphastream.performance import round_trips
from alphastream.strategies import Decision, Units, ZScoreThreshold
from alphastream.trading import (
    Account,
    BrokerRules,
    Contract,
    Fees,
    FillRule,
    FixedFunding,
    FixedLatency,
    PowerImpact,
    RecordedFunding,
    SpreadRequest,
    Target,
)
from tests.backtest.markets import PAIR, SECOND, Scripted, bars, random_market, ticks

FREE = Fees(0.0, 0.0)
ENTER = Target((1.0, -1.0), 1)


def met(market: Market, row: int, interval_s: int = 1, **rules: Any) -> list[tuple[str, float, float]]:
    """What a market order decided on a row is filled at: leg, seconds, price; by leg, then by time."""
    script: list[Decision] = [*[None] * row, ENTER]
    strategy = Scripted(script, PairSpec("Y", "X", interval_s * SECOND))
    result = backtest(market, strategy, BrokerRules(**{"fees": FREE, "latency": FixedLatency(0), **rules}))
    fills = [(fill.symbol, fill.time_ns / SECOND, fill.price) for fill in result.fills]
    return sorted(fills, key=lambda fill: (fill[0] == "X", fill[1]))


# ---- fill rules on ticks ---------------------------------------------------------------------------------------

TAPE = TickMarket(
    {
        # bars of Y: [0, 1), [1, 2), [3, 4), [4, 5); the trade at 1.0 belongs to the second
        "Y": ticks((0.2, 100.0), (0.9, 101.0), (1.0, 102.0), (1.3, 103.0), (3.5, 104.0), (3.9, 105.0), (4.2, 106.0)),
        "X": ticks((0.5, 50.0), (2.5, 51.0), (4.5, 52.0), (4.9, 53.0)),
    }
)


@pytest.mark.parametrize(
    ("row", "rules", "expected"),
    [
        (0, {}, [("Y", 1.0, 102.0), ("X", 2.5, 51.0)]),
        (0, {"latency": FixedLatency(SECOND // 4)}, [("Y", 1.3, 103.0), ("X", 2.5, 51.0)]),
        (0, {"latency": FixedLatency(3 * SECOND)}, [("Y", 4.2, 106.0), ("X", 4.5, 52.0)]),
        (0, {"fill": "next_open"}, [("Y", 1.0, 102.0), ("X", 2.5, 51.0)]),
        (0, {"fill": "next_close"}, [("Y", 2.0, 103.0), ("X", 3.0, 51.0)]),
        (0, {"fill": "same_close"}, [("Y", 1.0, 101.0), ("X", 1.0, 50.0)]),
        # X does not trade in the bar that ends at 2, nor Y in the next one
        (1, {}, [("Y", 3.5, 104.0), ("X", 2.5, 51.0)]),
        (1, {"fill": "next_open"}, [("Y", 3.5, 104.0), ("X", 2.5, 51.0)]),
        (1, {"fill": "next_close"}, [("Y", 4.0, 105.0), ("X", 3.0, 51.0)]),
        (1, {"fill": "same_close"}, [("Y", 2.0, 103.0), ("X", 3.0, 51.0)]),
        # an open is met whatever the latency is: the rule is for those who do not model one
        (3, {"latency": FixedLatency(SECOND // 4)}, [("X", 4.5, 52.0)]),
        (3, {"fill": "next_open", "latency": FixedLatency(SECOND // 4)}, [("Y", 4.2, 106.0), ("X", 4.5, 52.0)]),
        # nothing comes after the last row
        (4, {}, []),
        (4, {"fill": "next_close"}, []),
        (4, {"fill": "same_close"}, [("Y", 5.0, 106.0), ("X", 5.0, 53.0)]),
    ],
)
def test_orders_meet_the_trade_of_their_rule(row: int, rules: Any, expected: Any) -> None:
    assert met(TAPE, row, **rules) == expected


def test_what_is_filled_at_the_end_of_a_row_belongs_to_it() -> None:
    """Both orders are decided at 1 s; one meets the trade at 1.0, the other the close at 2.0."""
    at_once, at_close = (
        backtest(TAPE, Scripted([ENTER]), BrokerRules(fees=FREE, latency=FixedLatency(0), fill=rule))
        for rule in ("next_trade", "next_close")
    )
    assert at_once.positions[:, 0].tolist() == [1.0, 1.0, 1.0, 1.0, 1.0]
    assert at_close.positions[:, 0].tolist() == [0.0, 1.0, 1.0, 1.0, 1.0]


def test_a_close_is_met_before_the_row_that_ends_there_is_decided_on() -> None:
    strategy = Scripted([ENTER])
    backtest(TAPE, strategy, BrokerRules(fill="next_close"))
    assert [positions[0] for _, _, _, positions, _, _ in strategy.seen] == [0.0, 1.0, 1.0, 1.0, 1.0]


def test_trades_after_the_last_row_belong_to_no_row() -> None:
    cut = TickMarket(TAPE.ticks, until_ns=2 * SECOND)
    rules = BrokerRules(timeout_ns=SECOND // 2)
    result = backtest(cut, Scripted([None, ENTER]), rules)
    assert (len(result), result.fills) == (2, ())
    assert [order.state for order in result.orders] == ["open"]


# ---- fill rules on bars ----------------------------------------------------------------------------------------


def file_of_bars(volume: float = 1.0) -> BarMarket:
    s = SECOND
    return BarMarket(
        {
            "Y": bars([0, 10 * s, 30 * s, 40 * s], [100, 102, 104, 106], [101, 103, 105, 107], 10 * s, volume),
            "X": bars([0, 20 * s, 40 * s], [50, 52, 54], [51, 53, 55], 10 * s, volume),
        },
        10 * s,
    )


@pytest.mark.parametrize(
    ("row", "rules", "expected"),
    [
        (0, {}, [("Y", 10.0, 102.0), ("X", 20.0, 52.0)]),
        (0, {"latency": FixedLatency(SECOND // 4)}, [("Y", 30.0, 104.0), ("X", 20.0, 52.0)]),
        (0, {"fill": "next_open", "latency": FixedLatency(SECOND)}, [("Y", 10.0, 102.0), ("X", 20.0, 52.0)]),
        (0, {"fill": "next_close"}, [("Y", 20.0, 103.0), ("X", 30.0, 53.0)]),
        (0, {"fill": "same_close"}, [("Y", 10.0, 101.0), ("X", 10.0, 51.0)]),
        (1, {"fill": "same_close"}, [("Y", 20.0, 103.0), ("X", 30.0, 53.0)]),
        (1, {"fill": "next_open"}, [("Y", 30.0, 104.0), ("X", 20.0, 52.0)]),
    ],
)
@pytest.mark.parametrize("volume", [1.0, 0.0, float("nan")])
def test_bars_of_a_file_are_met_at_their_open_or_close(row: int, rules: Any, expected: Any, volume: float) -> None:
    assert met(file_of_bars(volume), row, interval_s=10, **rules) == expected


def test_longer_bars_are_decided_on_and_shorter_ones_met() -> None:
    """Rows end at 20, 40 and 60 s; the finest bar that begins after 20.25 s is that at 30 s."""
    late = FixedLatency(SECOND // 4)
    assert met(file_of_bars(), 0, interval_s=20, latency=late) == [("Y", 30.0, 104.0), ("X", 40.0, 54.0)]
    assert met(file_of_bars(), 0, interval_s=20, fill="next_open") == [("Y", 20.0, 104.0), ("X", 20.0, 52.0)]
    assert met(file_of_bars(), 0, interval_s=20, fill="next_close") == [("Y", 40.0, 105.0), ("X", 40.0, 53.0)]


# ---- runs ------------------------------------------------------------------------------------------------------


def test_a_symbol_that_is_not_there_is_named() -> None:
    with pytest.raises(ParameterError, match="X is not in the data: it has Y"):
        backtest(TickMarket({"Y": TAPE.ticks["Y"]}), Scripted([]))


def test_a_market_without_a_common_row_is_refused_in_words() -> None:
    with pytest.raises(ParameterError, match="script has 0 rows and none to decide on: Y, X must both have a price"):
        backtest(TickMarket(TAPE.ticks, until_ns=1), Scripted([]))


def test_what_a_strategy_raises_comes_out() -> None:
    class Broken(Scripted):
        def decide(self, row: Any, account: Account) -> Decision:
            raise ZeroDivisionError("what now")

    with pytest.raises(ZeroDivisionError, match="what now"):
        backtest(TAPE, Broken([]))


def test_a_backtest_runs_where_a_loop_is_running() -> None:
    async def cell() -> RunResult:
        return backtest(TAPE, Scripted([ENTER]))

    assert same_log(asyncio.run(cell()), backtest(TAPE, Scripted([ENTER])))


def test_a_run_tells_how_far_it_is_and_ends_where_nobody_wants_it() -> None:
    market, strategy = random_market(3, 300), ZScoreThreshold(PAIR)
    every_row = BrokerRules(timeout_ns=3_600 * SECOND)
    told: list[tuple[int, int]] = []
    result = backtest(market, strategy, every_row, progress=lambda done, total: told.append((done, total)))
    assert same_log(result, backtest(market, strategy, every_row))
    assert told == [(64 * n - 1, len(result)) for n in range(1, len(result) // 64 + 1)]
    assert told

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backtest(market, strategy, every_row, progress=stop)


def test_strategies_side_by_side_do_as_they_do_alone() -> None:
    market = random_market(3, 400)
    spec = PairSpec("Y", "X", SECOND, window=20, entry=1.0)
    strategies = [ZScoreThreshold(spec, sizer=Units(size), rebalance=size > 1.0) for size in (1.0, 2.0)]
    together = backtests(market, strategies)
    for strategy, result in zip(strategies, together, strict=True):
        assert len(result.fills) > 10
        assert same_log(result, backtest(market, strategy))


@pytest.mark.parametrize("fill", ["next_trade", "next_open", "next_close", "same_close"])
@pytest.mark.parametrize("lot", [0.0, 0.1])
def test_rows_that_nothing_can_be_decided_on_are_left_out_and_change_nothing(fill: FillRule, lot: float) -> None:
    sizes: dict[str, Any] = {"contracts": {"Y": Contract(lot), "X": Contract(lot)}, "fill": fill, "max_share": 0.5}
    strategy = ZScoreThreshold(PairSpec("Y", "X", SECOND, window=20, entry=1.0), sizer=Units(10.0))
    for seed in range(5):
        market = random_market(seed, 400, rates=(3.0, 0.6))
        few = backtest(market, strategy, BrokerRules(**sizes))
        never = FixedFunding(0.0, 10**18)  # funding wants the marks of all rows
        every = backtest(market, strategy, BrokerRules(**sizes, funding=never))
        assert few.fills
        assert same_log(few, every)


def test_observed_series_stand_beside_the_rows() -> None:
    market = random_market(3, 100)
    result = backtest(market, Scripted([]), observe={"price of x": PAIR.source["x"]})
    np.testing.assert_allclose(np.exp(result.observed["price of x"]), result.marks[:, 1], rtol=1e-14)


@pytest.mark.parametrize("rebalance", [False, True])
def test_a_run_that_begins_later_does_not_join_a_position(rebalance: bool) -> None:
    market = random_market(3, 400)
    strategy = ZScoreThreshold(PairSpec("Y", "X", SECOND, window=20, entry=1.0), rebalance=rebalance)
    whole = backtest(market, strategy)
    direction = whole.observed["direction"]
    held = int(np.flatnonzero((direction[100:-1] != 0.0) & (direction[100:-1] == direction[101:]))[0]) + 100
    begun = backtest(market, strategy, begin_ns=int(whole.time_ns[held]))
    np.testing.assert_array_equal(begun.observed["zscore"], whole.observed["zscore"][held + 1 :])
    change = held + int(np.flatnonzero(np.diff(direction[held:]))[0]) + 1
    first = next(order for order in begun.orders)
    assert first.decided_ns >= whole.time_ns[change]
    assert first.round_trip == 1


# ---- no input breaks the books ---------------------------------------------------------------------------------

quantity = st.sampled_from([0.0, 0.0, 1.0, -1.0, 2.5, -3.75, 10.0, 1e-3])
decision = st.one_of(
    st.none(),
    st.builds(Target, st.tuples(quantity, quantity), st.sampled_from([None, -1, 0, 1])),
    st.builds(
        SpreadRequest,
        st.tuples(quantity, quantity),
        limits=st.sampled_from([None, (100.0, None), (99.9, 100.1)]),
        direction=st.sampled_from([None, -1, 0, 1]),
        timeout_ns=st.sampled_from([None, SECOND]),
        on_timeout=st.sampled_from([None, "match"]),
    ),
)
rules = st.builds(
    BrokerRules,
    fill=st.sampled_from(["next_trade", "next_open", "next_close", "same_close"]),
    latency=st.sampled_from([FixedLatency(0), FixedLatency(SECOND // 4), FixedLatency(2 * SECOND)]),
    fees=st.sampled_from([FREE, Fees(7.0, -1.0)]),
    half_spread_bps=st.sampled_from([0.0, 3.0]),
    impact=st.sampled_from([PowerImpact(), PowerImpact(5.0)]),
    funding=st.sampled_from(
        [None, FixedFunding(10.0, 7 * SECOND), RecordedFunding({"X": ((5 * SECOND, 1e-3), (9 * SECOND + 1, -2e-3))})]
    ),
    max_share=st.sampled_from([None, 0.3, 1.0]),
    timeout_ns=st.sampled_from([None, SECOND // 2, 3 * SECOND]),
    on_timeout=st.sampled_from(["unwind", "match", "keep"]),
    contracts=st.sampled_from([{}, {"Y": Contract(0.5, 0.01, 120.0)}, {"Y": Contract(0.1), "X": Contract(tick=0.05)}]),
)


def same_log(one: RunResult, other: RunResult) -> bool:
    columns = ("positions", "cash", "equity")
    return (
        one.orders == other.orders
        and one.fills == other.fills
        and one.funding == other.funding
        and all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in columns)
    )


def close(value: Any, expected: Any, size: float) -> None:
    np.testing.assert_allclose(value, expected, rtol=0.0, atol=1e-9 * size)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(decision, min_size=5, max_size=30), rules)
def test_the_books_balance_at_every_event(seed: int, script: list[Decision], rules: BrokerRules) -> None:
    market = random_market(seed, 30)
    strategy = Scripted(script)
    result = backtest(market, strategy, rules)
    traded = 1.0 + sum(abs(fill.quantity) * fill.price for fill in result.fills)
    for account, row, cash, positions, fills, payments in strategy.seen:  # inside the handler of each row
        made = account.fills[:fills]
        spent = sum(fill.quantity * fill.price + fill.fee for fill in made)
        close(cash, account.capital - spent + sum(paid.amount for paid in account.funding[:payments]), traded)
        for symbol, held in zip(account.symbols, positions, strict=True):
            close(held, sum(fill.quantity for fill in made if fill.symbol == symbol), traded)
        assert all(fill.time_ns <= row.time_ns for fill in made)
    for row, end_ns in enumerate(result.time_ns.tolist()):  # and in the result
        made = [fill for fill in result.fills if fill.time_ns <= end_ns]
        paid = sum(payment.amount for payment in result.funding if payment.time_ns <= end_ns)
        close(result.cash[row], result.capital - sum(f.quantity * f.price + f.fee for f in made) + paid, traded)
        for leg, symbol in enumerate(result.symbols):
            close(result.positions[row, leg], sum(f.quantity for f in made if f.symbol == symbol), traded)
        close(result.equity[row], result.cash[row] + result.positions[row] @ result.marks[row], traded)
    assert all(fill.time_ns <= result.time_ns[-1] for fill in result.fills)
    assert same_log(result, backtest(market, Scripted(script), rules))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(decision, min_size=5, max_size=30), rules)
def test_every_fill_is_a_trade_that_came_after_its_order(seed: int, script: list[Decision], rules: BrokerRules) -> None:
    market = random_market(seed, 30)
    result = backtest(market, Scripted(script), rules)
    tapes = {symbol: market.tape(symbol, rules.fill, SECOND) for symbol in result.symbols}
    for order in result.orders:
        for leg in order.legs:
            own = [fill for fill in result.fills if (fill.order, fill.symbol) == (order.id, leg.symbol)]
            close(sum(fill.quantity for fill in own), leg.filled, 10.0)
            assert abs(leg.filled) <= abs(leg.quantity)
            assert all(fill.quantity * leg.quantity > 0.0 for fill in own)
            assert (leg.state == "filled") == (leg.filled == leg.quantity)
            for fill in own:
                if rules.fill == "same_close":
                    assert fill.time_ns >= order.decided_ns
                else:
                    assert fill.time_ns >= leg.eligible_ns >= order.decided_ns
        assert (order.state in ("filled", "unwound")) >= (all(leg.state == "filled" for leg in order.legs))
        if order.state == "unwound":
            assert result.orders[order.id].unwinds == order.id
    for fill in result.fills:
        tape = tapes[fill.symbol]
        there = np.flatnonzero(tape.time_ns == fill.time_ns)
        side = np.sign(fill.quantity)
        if fill.maker:
            assert (side * tape.price[there] < side * fill.price).any()
        else:
            assert fill.trade_price in tape.price[there]
            assert side * (fill.price - fill.trade_price) >= 0.0
        close(side * (fill.price - fill.trade_price) * abs(fill.quantity), fill.spread_cost + fill.impact_cost, 1e3)
    if rules.max_share is not None and rules.fill != "same_close":  # one close serves a new order and the one before
        for symbol, tape in tapes.items():
            for time_ns in {fill.time_ns for fill in result.fills if fill.symbol == symbol}:
                taken = sum(abs(f.quantity) for f in result.fills if (f.symbol, f.time_ns) == (symbol, time_ns))
                assert taken <= rules.max_share * tape.quantity[tape.time_ns == time_ns].sum() * (1 + 1e-9)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(decision, min_size=5, max_size=30), rules)
def test_round_trips_add_up_to_the_profit(seed: int, script: list[Decision], rules: BrokerRules) -> None:
    result = backtest(random_market(seed, 30), Scripted(script), rules)
    marks = dict(zip(result.symbols, result.marks[-1].tolist(), strict=True))
    trips = round_trips(result.fills, result.funding, marks)
    traded = 1.0 + sum(abs(fill.quantity) * fill.price for fill in result.fills)
    close(sum(round_trip.net for round_trip in trips), result.equity[-1] - result.capital, traded)


sized = st.builds(
    lambda side, size: Target((side * size, -2.0 * side * size), side), st.sampled_from([-1, 0, 1]), st.integers(1, 3)
)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.one_of(st.none(), sized), min_size=5, max_size=30), rules)
def test_a_leg_never_changes_sides_within_a_round_trip(seed: int, script: list[Decision], rules: BrokerRules) -> None:
    patient = replace(rules, timeout_ns=None)  # what is unwound goes back to where its first leg came from
    result = backtest(random_market(seed, 30), Scripted(script), patient)
    by_leg: dict[tuple[int, str], list[float]] = {}
    for fill in result.fills:
        by_leg.setdefault((fill.round_trip, fill.symbol), []).append(fill.quantity)
    for quantities in by_leg.values():
        assert (np.cumsum(quantities) * np.sign(quantities[0]) > -1e-9).all()
