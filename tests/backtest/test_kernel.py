"""The compiled books against books kept in plain Python, one event after the other.

One file although it is long: the plain books stand beside every test that needs them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.backtest import backtest, kernel, vectorised
from alphastream.backtest.compiled_run import VectorisedRun
from alphastream.backtest.market import LegTrades, TickMarket
from alphastream.backtest.pair_history import PairHistory, pair_history, ready
from alphastream.backtest.pair_series import PairSeries
from alphastream.backtest.vectorised import keep_books, run_pair, terms_of
from alphastream.backtest.walking import all_statistics
from alphastream.bars import PairRows
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.pairs import PairSpec
from alphastream.performance import drawdown, moments, returns
from alphastream.strategies import BetaNeutral, FixedNotional, ThresholdRule, Units, VolatilityTarget, ZScoreThreshold
from alphastream.trading.broker.costs import (
    BrokerRules,
    Contract,
    Fees,
    FillRule,
    FixedFunding,
    FixedLatency,
    PowerImpact,
    RecordedFunding,
)
from alphastream.trading.broker.margin import Margin
from tests.backtest.histories import SYMBOLS, bands, history, prices, rows_of

RULES: tuple[FillRule, ...] = ("next_trade", "next_open", "next_close", "same_close")
CAPITAL = 1_000.0
TIGHT = [Margin(limit, 0.995 / limit, 50.0) for limit in (0.045, 0.062, 0.08)]  # random prices refuse and liquidate
NO_TRADES = LegTrades(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))
FUNDING, CLOSE, ROW, TRADE = range(4)  # order of what happens at one moment


@dataclass
class Case:
    """A history with everything that decides about orders."""

    rows: PairRows
    tapes: tuple[LegTrades, LegTrades]
    direction: list[float]
    ratio: list[float]
    leverage: list[float]
    strategy: ZScoreThreshold
    rules: BrokerRules

    def ready(self) -> PairHistory:
        return ready(self.rows, self.tapes, SYMBOLS, self.rules)

    def run(self) -> VectorisedRun:
        columns = [np.array(values) for values in (self.direction, self.ratio, self.leverage)]
        if not isinstance(self.strategy.sizer, VolatilityTarget):
            columns[2] = np.empty(0)
        series = PairSeries(np.full(len(self.rows), np.nan), columns[1], columns[2])
        return keep_books(self.ready(), self.strategy, series, CAPITAL, columns[0])


@dataclass
class PlainBooks:
    """Cash, positions and open orders; each event is handed over in its turn.

    ``ended`` is the row at whose prices the margin did not do any more.
    """

    case: Case
    cash: float = CAPITAL
    held: list[float] = field(default_factory=lambda: [0.0, 0.0])
    direction: float = 0.0
    orders: dict[int, tuple[int, int, float]] = field(default_factory=dict)  # leg: row, eligible from, target
    fills: list[tuple[int, int, int, float, float, float, float]] = field(default_factory=list)
    seen: list[tuple[int, float, float, float]] = field(default_factory=list)  # time, cash, positions
    ended: int | None = None

    def run(self) -> None:
        rows, rules = self.case.rows, self.case.rules
        marks, volumes = (rows.y, rows.x), (rows.y_volume, rows.x_volume)
        events: list[tuple[int, int, int, int, float]] = []  # time, kind, leg, row, price or rate
        events += [(int(end), ROW, 0, t, 0.0) for t, end in enumerate(rows.end_ns)]
        for leg in range(2):
            if rules.fill in ("next_close", "same_close"):
                closes = [(int(rows.end_ns[t]), marks[leg][t]) for t in range(len(rows)) if volumes[leg][t] > 0.0]
                events += [(when, CLOSE, leg, -1, price) for when, price in closes]
            else:
                tape = self.case.tapes[leg]
                pairs = zip(tape.time_ns.tolist(), tape.price.tolist(), strict=True)
                events += [(when, TRADE, leg, -1, price) for when, price in pairs]
            assert isinstance(rules.funding, RecordedFunding)
            events += [(row[0], FUNDING, leg, i, row[1]) for i, row in enumerate(rules.funding.rates[SYMBOLS[leg]])]
        for when, kind, leg, t, value in sorted(events, key=lambda event: event[:3]):
            if kind == ROW:
                self.decide(t)
            elif kind == FUNDING:
                known = np.flatnonzero(rows.end_ns <= when)
                if len(known) and when <= rows.end_ns[-1]:
                    assert isinstance(rules.funding, RecordedFunding)
                    recorded = rules.funding.rates[SYMBOLS[leg]][t][2:]
                    self.cash -= self.held[leg] * (recorded[0] if recorded else marks[leg][known[-1]]) * value
            else:
                self.meet(leg, when, value)
            self.seen.append((when, self.cash, self.held[0], self.held[1]))

    def decide(self, t: int) -> None:
        case, direction = self.case, self.case.direction[t]
        marks = float(case.rows.y[t]), float(case.rows.x[t])
        if self.cash < 0.0 and not any(self.held):
            self.fills[-1] = (*self.fills[-1][:6], self.fills[-1][6] + self.cash)
            self.cash = 0.0
        if self.ended is not None:
            return
        if case.rules.margin.excess(self.cash, self.held, marks) <= 0.0:
            self.ended, self.direction = t, 0.0
            self.order(t, [0.0, 0.0])
            return
        if direction == self.direction and not (case.strategy.rebalance and direction):
            return
        wanted = self.sized(t, direction)
        if wanted is None:
            return
        goals = [case.rules.contract(symbol).rounded(units) for symbol, units in zip(SYMBOLS, wanted, strict=True)]
        turns, self.direction = direction != self.direction, direction
        worth = [units * mark for units, mark in zip(self.held, marks, strict=True)]
        asked, gross = sum(abs(goal) * mark for goal, mark in zip(goals, marks, strict=True)), sum(map(abs, worth))
        if asked > gross and asked > case.rules.margin.max_leverage * (self.cash + sum(worth)):
            goals = [0.0, 0.0] if turns else list(self.held)
        self.order(t, goals)

    def order(self, t: int, goals: Sequence[float]) -> None:
        case, self.orders = self.case, {}
        end_ns = int(case.rows.end_ns[t])
        latency = case.rules.latency.delay_ns("", end_ns) if case.rules.fill == "next_trade" else 0
        from_ns = end_ns + 1 if case.rules.fill == "next_close" else end_ns + latency
        for leg in range(2):
            if goals[leg] != self.held[leg]:
                self.orders[leg] = (t, from_ns, goals[leg])
                volume = (case.rows.y_volume, case.rows.x_volume)[leg][t]
                if case.rules.fill == "same_close" and volume > 0.0:
                    self.meet(leg, end_ns, float((case.rows.y, case.rows.x)[leg][t]))

    def sized(self, t: int, direction: float) -> tuple[float, float] | None:
        case, ratio = self.case, self.case.ratio[t]
        y, x = float(case.rows.y[t]), float(case.rows.x[t])
        if not direction:
            return 0.0, 0.0
        if case.strategy.pair.price == "log":
            ratio = ratio * (y / x)
        match case.strategy.sizer:
            case Units(quantity):
                units = quantity
            case FixedNotional(notional):
                units = notional / y
            case BetaNeutral(gross):
                units = gross / (y + abs(ratio) * x)
            case _:
                equity = self.cash + (self.held[0] * y + self.held[1] * x)
                units = max(equity, 0.0) * case.leverage[t] / y
        wanted = direction * units, direction * (-ratio * units)
        return wanted if all(map(math.isfinite, wanted)) else None

    def meet(self, leg: int, when: int, trade: float) -> None:
        if leg not in self.orders or when < self.orders[leg][1]:
            return
        t, _, target = self.orders.pop(leg)
        rules, rows = self.case.rules, self.case.rows
        quantity = target - self.held[leg]
        impact = rules.impact.impact_bps(quantity, float((rows.y_volume, rows.x_volume)[leg][t]))
        price = trade * (1.0 + math.copysign((rules.half_spread_bps + impact) * 1e-4, quantity))
        price = rules.contract(SYMBOLS[leg]).worsened(price, quantity > 0.0)
        extra_bps = 0.0 if self.ended is None else rules.margin.liquidation_fee_bps
        fee = abs(quantity) * price * (rules.fees.fee_bps(maker=False) + extra_bps) * 1e-4
        self.cash -= quantity * price + fee
        self.held[leg] = target
        self.fills.append((t, leg, when, quantity, trade, price, fee))

    def at(self, end_ns: int) -> tuple[float, float, float]:
        """Cash and positions when a row's end is over."""
        before = [(cash, y, x) for when, cash, y, x in self.seen if when <= end_ns]
        return before[-1]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length = draw(st.integers(1, 30))
    rule = draw(st.sampled_from(RULES))
    ends = np.cumsum(rng.integers(1, 4, length)) * 10
    y, x = 10.0 + rng.random(length), 5.0 + rng.random(length)
    volumes = rng.random((2, length)) * (rng.random((2, length)) < draw(st.sampled_from([0.2, 0.6, 1.0])))
    rows = PairRows(ends, y, x, 0 * ends, 0 * ends, volumes[0], volumes[1], ends, ends)
    tapes = []
    for leg, mark in enumerate((y, x)):
        if rule in ("next_close", "same_close"):
            traded = volumes[leg] > 0.0
            tapes.append(LegTrades(ends[traded], mark[traded], volumes[leg][traded]))
        else:  # times of trades fall on ends of rows quite often
            times = np.sort(rng.integers(0, ends[-1] // 5 + 3, draw(st.integers(0, 2 * length)))) * 5
            tapes.append(LegTrades(times, mark[rng.integers(0, length, len(times))], np.ones(len(times))))
    ratio = rng.normal(0.5, 0.6, length)
    ratio[rng.random(length) < 0.2] = np.nan
    held = np.repeat(rng.integers(-1, 2, length), rng.integers(1, 5, length))[:length]
    funding = {s: tuple((int(t) * 5, 1e-2) for t in np.unique(rng.integers(0, ends[-1] // 5 + 2, 4))) for s in SYMBOLS}
    with_marks = {s: tuple((when, rate, 17.5) for when, rate in rows) for s, rows in funding.items()}
    lot, tick = draw(st.sampled_from([(0.0, 0.0), (0.3, 0.0), (0.1, 0.25)]))
    rules = BrokerRules(
        fill=rule,
        latency=FixedLatency(draw(st.sampled_from([0, 1, 5, 25]))),
        fees=Fees(draw(st.sampled_from([0.0, 7.0]))),
        half_spread_bps=draw(st.sampled_from([0.0, 3.0])),
        impact=PowerImpact(draw(st.sampled_from([0.0, 2.0])), 0.5),
        funding=RecordedFunding(draw(st.sampled_from([funding, with_marks, dict.fromkeys(SYMBOLS, ())]))),
        contracts={symbol: Contract(lot, tick) for symbol in SYMBOLS},
        margin=draw(st.sampled_from([Margin(), *TIGHT])),
    )
    sizer: Any = draw(st.sampled_from([Units(3.0), FixedNotional(40.0), BetaNeutral(60.0), VolatilityTarget()]))
    pair = PairSpec(*SYMBOLS, 10, "ols", 5, draw(st.sampled_from(["log", "price"])))
    strategy = ZScoreThreshold(pair, sizer=sizer, rebalance=draw(st.booleans()))
    leverage = (rng.random(length) / 10.0).tolist()
    return Case(rows, (tapes[0], tapes[1]), held.astype(float).tolist(), ratio.tolist(), leverage, strategy, rules)


@settings(max_examples=300)
@given(case=cases())
def test_the_books_are_those_of_plain_python(case: Case) -> None:
    plain, run = PlainBooks(case), case.run()
    plain.run()
    expected = np.array([plain.at(int(end)) for end in case.rows.end_ns])
    np.testing.assert_allclose(run.cash, expected[:, 0], rtol=1e-11)
    np.testing.assert_allclose(run.positions, expected[:, 1:], rtol=1e-12)
    marks = np.column_stack((case.rows.y, case.rows.x))
    equity = np.maximum(expected[:, 0] + (expected[:, 1:] * marks).sum(axis=1), 0.0)
    np.testing.assert_allclose(run.equity, equity, rtol=1e-11)
    ended_ns = None if plain.ended is None else int(case.rows.end_ns[plain.ended])
    assert (None if run.ended is None else run.ended.time_ns) == ended_ns
    within = [fill for fill in plain.fills if fill[2] <= case.rows.end_ns[-1]]
    assert whole_fills(run) == pytest.approx(np.array(within).reshape(-1, 7), rel=1e-9, abs=1e-12)


def whole_fills(run: VectorisedRun) -> Floats:
    """Fills in the order of time, those in two parts put together: row, leg, time, quantity, prices, fee."""
    table = run.fills
    found: dict[tuple[int, int], tuple[Any, ...]] = {}
    for at in range(len(table)):
        key = (int(table.row[at]), int(table.leg[at]))
        numbers = (table.quantity[at], table.fee[at])
        if key in found:
            assert found[key][2] == table.time_ns[at]
            numbers = (found[key][3] + numbers[0], found[key][6] + numbers[1])
        found[key] = (*key, table.time_ns[at], numbers[0], table.trade_price[at], table.price[at], numbers[1])
    return np.array(list(found.values())).reshape(-1, 7)


@settings(max_examples=100)
@given(case=cases())
def test_costs_are_what_was_paid_beside_the_market(case: Case) -> None:
    fills = case.run().fills
    slip = (fills.price - fills.trade_price) * fills.quantity
    np.testing.assert_allclose(slip, fills.spread_cost + fills.impact_cost, atol=1e-9)
    assert (fills.fee >= 0.0).all()
    assert (slip >= -1e-9).all()


@settings(max_examples=100)
@given(case=cases())
def test_a_round_trip_of_a_leg_ends_flat_before_the_next_begins(case: Case) -> None:
    fills = case.run().fills
    for leg in range(2):
        mine = fills.leg == leg
        assert (np.diff(fills.round_trip[mine]) >= 0).all()
        for round_trip in np.unique(fills.round_trip[mine])[:-1]:
            assert fills.quantity[mine & (fills.round_trip == round_trip)].sum() == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=100)
@given(case=cases())
def test_the_statistics_are_those_of_the_series(case: Case) -> None:
    run, terms = case.run(), terms_of(case.strategy, case.rules, CAPITAL)
    columns = np.array([case.direction]), np.array(case.ratio), np.array(case.leverage)
    (out,) = all_statistics(*columns, case.ready().market, terms)
    np.testing.assert_array_equal(out, run.numbers)
    assert out[kernel.FINAL] == run.equity[-1]
    assert out[kernel.N_TRADES] == run.trades == len(np.unique(run.fills.round_trip))
    assert out[kernel.DRAWDOWN] == pytest.approx(drawdown(run.equity).min(), rel=1e-9, abs=1e-15)
    assert out[kernel.MEAN_EQUITY] == pytest.approx(run.equity.mean(), rel=1e-12)
    traded = float(np.abs(run.fills.quantity * run.fills.price).sum())
    assert out[kernel.NOTIONAL_TRADED] == pytest.approx(traded, rel=1e-12)
    assert out[kernel.ROWS] == len(run.equity) - 1
    assert (out[kernel.END_ROW] >= 0.0) == (run.ended is not None)
    if run.ended is not None:
        assert np.isnan(out[[kernel.MEAN, kernel.STD, kernel.SKEW, kernel.KURTOSIS]]).all()
    elif len(run.equity) > 2:
        found = moments(returns(run.equity))
        got = out[[kernel.MEAN, kernel.STD, kernel.SKEW, kernel.KURTOSIS]]
        expected = (found.mean, found.std, found.skew, found.kurtosis)
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-12)


@settings(max_examples=100)
@given(case=cases(), piece=st.integers(1, 7))
def test_books_are_the_same_whatever_the_pieces(case: Case, piece: int) -> None:
    whole = case.run()
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(vectorised, "PIECE", piece)
        parts = case.run()
    np.testing.assert_allclose(parts.numbers, whole.numbers, rtol=1e-9, atol=1e-15)  # sums are rounded elsewhere
    assert parts.final_equity == whole.final_equity
    for name in ("lines", "moves", "payments", "positions", "cash", "equity"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name), name)
    assert (parts.ended, parts.trades, parts.refusal) == (whole.ended, whole.trades, whole.refusal)


@pytest.mark.parametrize("rule", RULES)
def test_a_leg_that_never_trades_is_never_filled(rule: FillRule) -> None:
    ends = np.arange(1, 6, dtype=np.int64) * 10
    price, none = np.full(5, 10.0), np.zeros(5)
    rows = PairRows(ends, price, price, 0 * ends, 0 * ends, price, none, ends, 0 * ends)
    tape = LegTrades(ends, price, price)
    rules = BrokerRules(fill=rule, latency=FixedLatency(0))
    found = ready(rows, (tape, NO_TRADES), SYMBOLS, rules)
    series = PairSeries(none, np.ones(5), np.empty(0))
    run = keep_books(found, bands(), series, CAPITAL, np.array([0.0, 1.0, 1.0, 0.0, 0.0]))
    assert not run.positions[:, 1].any()
    assert run.positions[:, 0].tolist() == ([0, 0, 10, 10, 0] if rule == "next_close" else [0, 10, 10, 0, 0])


def test_a_ratio_that_is_missing_is_waited_for() -> None:
    y, x = prices(6)
    series = PairSeries(np.zeros(6), np.array([1.0, np.nan, np.nan, 0.5, np.nan, np.nan]), np.empty(0))
    found = history(y, x, BrokerRules(fill="next_open"))
    run = keep_books(found, bands(), series, CAPITAL, np.array([0.0, 1.0, 1.0, 1.0, 1.0, 0.0]))
    assert run.fills.row.tolist() == [3, 3]
    assert run.positions[:, 1].tolist() == [0.0, 0.0, 0.0, -5.0, -5.0, -5.0]


def statistics_of(found: PairHistory, direction: Floats, capital: float) -> Floats:
    """Of ten units of y alone."""
    terms, no_ratio = terms_of(bands(), found.rules, capital), np.zeros(len(found))
    (out,) = all_statistics(direction.reshape(1, -1), no_ratio, np.empty(0), found.market, terms)
    numbers: Floats = out
    return numbers


def test_after_ruin_there_are_no_moments() -> None:
    """Bought ten at 10 with 50: at 4 nothing is left; what comes back after the closing is somebody else's."""
    y, x = np.array([10.0, 10.0, 10.0, 4.0, 40.0]), np.ones(5)
    out = statistics_of(history(y, x, BrokerRules(fill="next_open", fees=Fees(0.0))), np.ones(5), 50.0)
    assert out[kernel.END_ROW] == 3.0
    assert out[kernel.FINAL] == pytest.approx(50.0 + 10.0 * (22.0 - 10.0) - 2.75)  # closed at the next open, with a fee
    assert np.isnan(out[[kernel.MEAN, kernel.STD, kernel.SKEW, kernel.KURTOSIS]]).all()


def test_an_account_at_its_end_keeps_what_it_has() -> None:
    y = np.array([10.0, 10.0, 10.0, 5.5, 5.2, 5.0, 90.0, 1.0])
    found = history(y, np.ones(8), BrokerRules(fill="next_open", fees=Fees(0.0)))
    out = statistics_of(found, np.array([1.0, 1.0, 1.0, 1.0, -1.0, 0.0, 1.0, -1.0]), 45.5)
    series = PairSeries(np.zeros(8), np.zeros(8), np.empty(0))
    run = keep_books(found, bands(), series, 45.5, np.array([1.0, 1.0, 1.0, 1.0, -1.0, 0.0, 1.0, -1.0]))
    assert run.ended is not None
    assert run.ended.is_liquidation
    assert run.ended.time_ns == found.rows.end_ns[3]
    assert run.ended.equity == pytest.approx(0.5)
    assert run.fills.row.tolist() == [0, 3]
    assert run.equity[4:].tolist() == [0.0] * 4
    assert (out[kernel.FINAL], out[kernel.DRAWDOWN]) == (0.0, -1.0)
    assert out[kernel.MEAN_EQUITY] == pytest.approx(run.equity.mean())


@dataclass(frozen=True)
class Uneven:
    """Latency that differs from row to row."""

    delays: dict[int, int]

    def delay_ns(self, symbol: str, decided_ns: int) -> int:
        return self.delays[decided_ns]


def test_a_later_order_may_be_quicker_than_an_earlier_one() -> None:
    ends, trades = np.arange(1, 9, dtype=np.int64) * 10, np.arange(0, 100, 7, dtype=np.int64)
    delays = dict(zip(ends.tolist(), (50, 0, 30, 0, 3, 3, 90, 0), strict=True))
    price, tape = np.ones(8), LegTrades(trades, trades.astype(np.float64), trades.astype(np.float64))
    rows = PairRows(ends, price, price, 0 * ends, 0 * ends, price, price, ends, ends)
    market = ready(rows, (tape, tape), SYMBOLS, BrokerRules(latency=Uneven(delays))).market
    for t, end in enumerate(ends.tolist()):
        later = trades[trades >= end + delays[end]]
        for leg in range(2):
            row, when = market.times[t, kernel.FILL_ROW + leg], market.times[t, kernel.FILL_TIME + leg]
            assert when == (later[0] if len(later) else kernel.NEVER)
            assert row == (np.searchsorted(ends, later[0]) if len(later) else 8)
            met = market.prices[t, kernel.FILL_PRICE + leg]
            assert math.isnan(met) if not len(later) else met == later[0]


@dataclass
class Ticks:
    time_ns: Any
    price: Any
    quantity: Any


def ticks(seed: int, counts: tuple[int, int] = (300, 500), walk: float = 0.0) -> TickMarket:
    """Two legs that trade now and then, around a relation that may walk away."""
    rng = np.random.default_rng(seed)
    when = [np.sort(rng.integers(0, 400 * 10**9, count)) for count in counts]
    x = 4.0 + np.cumsum(rng.normal(0.0, 2e-3, counts[1]))
    y = 1.0 + 0.8 * np.interp(when[0], when[1], x) + rng.normal(0.0, 3e-3, counts[0])
    y += np.cumsum(rng.normal(0.0, walk, counts[0])) if walk else 0.0
    legs = [Ticks(at, np.exp(log), rng.random(len(at))) for at, log in zip(when, (y, x), strict=True)]
    return TickMarket(dict(zip(SYMBOLS, legs, strict=True)))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("rebalance", [False, True])
@pytest.mark.parametrize("sizer", [FixedNotional(1_000.0), VolatilityTarget(0.1)])
def test_the_event_path_has_the_same_result(rule: FillRule, rebalance: bool, sizer: Any) -> None:
    pair = PairSpec(*SYMBOLS, 10**9, "ols", 20, "log", 1.5, 0.5)
    strategy = ZScoreThreshold(pair, sizer=sizer, rebalance=rebalance, rule=ThresholdRule(3.0, 10, 2))
    rules = BrokerRules(
        fill=rule,
        half_spread_bps=1.0,
        impact=PowerImpact(2.0),
        funding=FixedFunding(1.0, 7 * 10**9),
        contracts={"Y": Contract(0.01, 1e-4, 5.0), "X": Contract(0.01)},
    )
    for seed in range(3):
        market = ticks(seed)
        expected = backtest(market, strategy, rules)
        run = run_pair(pair_history(market, pair, rules), strategy)
        found = run.result
        np.testing.assert_allclose(found.equity, expected.equity, rtol=1e-12)
        np.testing.assert_allclose(found.positions, expected.positions, rtol=1e-12, atol=1e-12)
        within = [fill for fill in expected.fills if fill.time_ns <= expected.time_ns[-1]]
        assert len(within) > 20
        assert [(f.time_ns, f.symbol, f.round_trip) for f in found.fills] == [
            (f.time_ns, f.symbol, f.round_trip) for f in within
        ]
        for mine, theirs in zip(found.fills, within, strict=True):
            numbers = [(f.quantity, f.price, f.fee, f.spread_cost, f.impact_cost) for f in (mine, theirs)]
            assert numbers[0] == pytest.approx(numbers[1], rel=1e-9, abs=1e-12)
        assert [(p.time_ns, p.symbol, p.round_trip) for p in found.funding] == [
            (p.time_ns, p.symbol, p.round_trip) for p in expected.funding
        ]
        assert [p.amount for p in found.funding] == pytest.approx([p.amount for p in expected.funding])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("rebalance", [False, True])
@pytest.mark.parametrize("funded", [False, True])
def test_the_event_path_ends_at_the_same_row(rule: FillRule, rebalance: bool, funded: bool) -> None:
    """Leverage near the limit on legs that part: turns are refused, accounts are liquidated, in both alike."""
    pair = PairSpec(*SYMBOLS, 10**9, "ols", 20, "log", 1.0, 0.0)
    funding = FixedFunding(1.0, 7 * 10**9) if funded else None
    rules = BrokerRules(fill=rule, funding=funding, margin=Margin(4.0, 0.22, 100.0))
    ended = refused = 0
    for seed in range(10):
        strategy = ZScoreThreshold(pair, sizer=FixedNotional(1_700.0 + 100.0 * seed), rebalance=rebalance)
        market = ticks(seed, walk=0.05)
        expected = backtest(market, strategy, rules, capital=CAPITAL)
        found = run_pair(pair_history(market, pair, rules), strategy, capital=CAPITAL)
        assert (found.ended is None) == (expected.ended is None)
        if found.ended is not None and expected.ended is not None:
            assert found.ended.time_ns == expected.ended.time_ns
            assert found.ended.symbols == expected.ended.symbols
            assert found.ended.equity == pytest.approx(expected.ended.equity, rel=1e-9, abs=1e-9)
        np.testing.assert_allclose(found.positions, expected.positions, rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(found.cash, expected.cash, rtol=1e-11, atol=1e-9)
        np.testing.assert_allclose(found.equity, expected.equity, rtol=1e-11, atol=1e-9)
        assert found.equity.min() >= 0.0
        ended += expected.ended is not None
        reasons = [order.reason for order in expected.orders if order.state == "rejected"]
        assert (found.refused == len(reasons)) or rebalance
        assert found.refusal == (reasons[0] if reasons else None)
        refused += bool(reasons)
    assert ended >= 2
    assert refused >= 2


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (BrokerRules(max_share=0.5), "the compiled path has no max_share: leave that out, or use backtest"),
        (BrokerRules(timeout_ns=5), "no timeout_ns"),
    ],
)
def test_rules_that_only_the_event_path_has(rules: BrokerRules, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        history(*prices(5), rules)


def test_rows_and_tapes_that_cannot_be() -> None:
    y, x = prices(5)
    with pytest.raises(ParameterError, match="Y has a price that is no number"):
        history(np.where(np.arange(5) == 2, np.nan, y), x, BrokerRules())
    with pytest.raises(ParameterError, match="no row has a price of both Y and X"):
        ready(rows_of(y[:0], x[:0]), (NO_TRADES, NO_TRADES), SYMBOLS, BrokerRules())
    found = history(y, x, BrokerRules())
    with pytest.raises(ParameterError, match="capital is 0"):
        run_pair(found, bands(), capital=0.0)
    back = LegTrades(found.rows.end_ns[::-1].copy(), y, y)
    with pytest.raises(ParameterError, match="trades of Y are not in order of time"):
        ready(found.rows, (back, back), SYMBOLS, BrokerRules())
