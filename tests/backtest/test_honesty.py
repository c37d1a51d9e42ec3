"""A backtest must not find a profit where there is none, nor know what has not happened yet."""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import pytest

from alphastream.backtest import BarMarket, RunResult, TickMarket, backtest, backtests
from alphastream.core.types import Floats
from alphastream.pairs import PairSpec
from alphastream.performance import split_costs
from alphastream.portfolio import PositionConfig
from alphastream.strategies import (
    BetaNeutral,
    FixedNotional,
    InnovationThreshold,
    PositionOptimiser,
    Sizer,
    Strategy,
    Units,
    VolatilityTarget,
    ZScoreThreshold,
)
from alphastream.trading import BrokerRules, Fees, FillRule, FixedFunding, PowerImpact
from tests.backtest.markets import SECOND, Ticks, random_ticks

RUNS, ROWS = 60, 2_000
OLS = PairSpec("Y", "X", SECOND, window=60, entry=1.5)
KALMAN = PairSpec("Y", "X", SECOND, "kalman", window=60, entry=1.0, exit=0.2)
THIRD = PairSpec("Z", "X", SECOND, window=30)
CONFIG = PositionConfig(vola=16, corr=32, clip=3.5, shrink=0.5, aum=1e5, position_scale=10.0)
STRATEGIES: dict[str, Strategy] = {
    "z-score": ZScoreThreshold(OLS),
    "z-score, rebalanced": ZScoreThreshold(OLS, rebalance=True),
    "innovation": InnovationThreshold(KALMAN),
    "frozen": ZScoreThreshold(PairSpec("Y", "X", SECOND, "frozen", window=60, entry=1.5)),
    "optimiser": PositionOptimiser((OLS,), CONFIG),
}
FREE = Fees(0.0, 0.0)

each_strategy = pytest.mark.parametrize("name", STRATEGIES)


def t_ratio(profit: Floats) -> float:
    """Mean over its standard error, from the first profit or loss on; 0 where nothing was ever held."""
    began = np.flatnonzero(profit)
    profit = profit[began[0] :] if began.size else profit
    error = profit.std(ddof=1) / np.sqrt(profit.size) if began.size else 0.0
    return float(profit.mean() / error) if error > 0.0 else 0.0


def walks() -> Iterator[TickMarket]:
    """Two independent walks that trade three times in each bar."""
    rng = np.random.default_rng(20_261_121)
    times = (np.arange(ROWS)[:, None] * SECOND + np.array([1, 4, 8]) * (SECOND // 10)).ravel()
    for _ in range(RUNS):
        paths = 100.0 * np.exp(1e-3 * np.cumsum(rng.normal(0.0, np.sqrt(1 / 3), (2, 3 * ROWS)), axis=1))
        yield TickMarket({leg: Ticks(times, path, np.ones(3 * ROWS)) for leg, path in zip("YX", paths, strict=True)})


@lru_cache
def results(fill: FillRule) -> dict[str, list[RunResult]]:
    """Every strategy over every market, free of charge."""
    found: dict[str, list[RunResult]] = {name: [] for name in STRATEGIES}
    rules = BrokerRules(fill=fill, fees=FREE)
    for market in walks():
        for name, result in zip(STRATEGIES, backtests(market, list(STRATEGIES.values()), rules), strict=True):
            found[name].append(result)
    return found


@each_strategy
@pytest.mark.parametrize("fill", ["next_open", "next_trade"])
def test_independent_walks_earn_nothing(name: str, fill: FillRule) -> None:
    """The mean of 60 t-ratios has a standard error of 0.13."""
    ratios = np.array([t_ratio(np.diff(result.equity)) for result in results(fill)[name]])
    assert np.mean([len(result.fills) for result in results(fill)[name]]) > 40
    assert ratios.std(ddof=1) == pytest.approx(1.0, abs=0.3)
    assert ratios.mean() == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize("name", ["z-score", "z-score, rebalanced"])
def test_the_profit_of_a_spread_whose_ratio_moves_is_the_contrast(name: str) -> None:
    """Position times the change of the shown spread, on the very same decisions."""
    ratios = []
    for result in results("next_open")[name]:
        change = np.diff(result.observed["spread"])
        ratios.append(t_ratio(np.nan_to_num(result.observed["direction"][:-1] * change)))
    assert np.mean(ratios) > 2.0


@each_strategy
def test_costs_are_what_lies_between_free_and_paid(name: str) -> None:
    """The same trades free of charge, less fees, spread, impact and funding: exactly, from the fills themselves."""
    rules = BrokerRules(
        fill="next_open",
        fees=Fees(4.0, 4.0),
        half_spread_bps=1.0,
        impact=PowerImpact(0.01),
        funding=FixedFunding(0.3, 100 * SECOND),
    )
    gained = []
    for market, free in zip(walks(), results("next_open")[name][:12], strict=False):
        paid = backtest(market, STRATEGIES[name], rules)
        marks = dict(zip(paid.symbols, paid.marks[-1].tolist(), strict=True))
        split = split_costs(paid.fills, paid.funding, marks)
        assert split.fees > 0.0
        assert split.spread > 0.0
        assert split.impact > 0.0
        assert paid.equity[-1] - paid.capital == pytest.approx(split.net, abs=1e-6)
        assert split.gross == pytest.approx(free.equity[-1] - free.capital, abs=1e-6)  # sizes do not look at the cash
        np.testing.assert_array_equal(paid.positions, free.positions)
        gained.append(split.net - split.gross - split.funding)
    assert np.mean(gained) < 0.0


# ---- nothing looks ahead ---------------------------------------------------------------------------------------

SECONDS, CUT = 300, 200
SHORT, FILTER = PairSpec("Y", "X", SECOND, window=20, entry=1.0), PairSpec("Y", "X", SECOND, "kalman", 5, entry=0.8)
SIZERS: list[Sizer] = [Units(2.0), FixedNotional(), BetaNeutral(), VolatilityTarget()]
MANY: dict[str, Strategy] = {
    **{f"z-score, {type(sizer).__name__}": ZScoreThreshold(SHORT, sizer=sizer) for sizer in SIZERS},
    **{f"rebalanced, {type(sizer).__name__}": ZScoreThreshold(SHORT, sizer=sizer, rebalance=True) for sizer in SIZERS},
    **{f"innovation, {type(sizer).__name__}": InnovationThreshold(FILTER, sizer=sizer) for sizer in SIZERS},
    "z-score, value": ZScoreThreshold(SHORT, spread="value"),
    "optimiser": PositionOptimiser((SHORT, THIRD), CONFIG),
}


def tape(seed: int) -> dict[str, Ticks]:
    rng = np.random.default_rng(seed)
    return {leg: random_ticks(rng, rate * SECONDS, SECONDS) for leg, rate in (("Y", 3), ("X", 2), ("Z", 1))}


def as_ticks(now: dict[str, Ticks], then: dict[str, Ticks] | None) -> TickMarket:
    """One tape up to the cut, another from there on, or none."""
    joined = {}
    for leg, early in now.items():
        keep = int(np.searchsorted(early.time_ns, CUT * SECOND))
        parts = [(early.time_ns[:keep], early.price[:keep], early.quantity[:keep])]
        if then is not None:
            late = then[leg]
            rest = int(np.searchsorted(late.time_ns, CUT * SECOND))
            parts.append((late.time_ns[rest:], late.price[rest:] * 3.0, late.quantity[rest:]))
        joined[leg] = Ticks(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return TickMarket(joined)


def as_bars(now: dict[str, Ticks], then: dict[str, Ticks] | None) -> BarMarket:
    """The same as a file of bars."""
    market = as_ticks(now, then)
    return BarMarket({leg: market.bars(leg, SECOND) for leg in now}, SECOND)


@pytest.mark.parametrize(
    ("make", "fill"),
    [
        (as_ticks, "next_trade"),
        (as_ticks, "next_open"),
        (as_ticks, "next_close"),
        (as_ticks, "same_close"),
        (as_bars, "next_open"),
    ],
)
@pytest.mark.parametrize("name", MANY)
def test_what_comes_later_changes_nothing_before_it(
    name: str, make: Callable[..., TickMarket | BarMarket], fill: FillRule
) -> None:
    """The tape ends at the cut, goes on, or goes on as something else at three times the price."""
    rules = BrokerRules(fill=fill, half_spread_bps=1.0, impact=PowerImpact(0.1), funding=FixedFunding(1.0, 60 * SECOND))
    now = tape(1)
    prefix, other, noise = (backtest(make(now, then), MANY[name], rules) for then in (None, now, tape(2)))
    rows = len(prefix)
    at_close = fill in ("next_close", "same_close")
    cut_ns = (
        CUT * SECOND + at_close
    )  # a trade at the cut came after the last row of the prefix, a close there before it
    told = rows if at_close else rows - 1
    assert len(prefix.fills) > 20
    assert noise.equity[-1] != other.equity[-1]
    for result in (other, noise):
        assert len(result) > rows
        for column in ("positions", "cash", "equity"):
            np.testing.assert_array_equal(getattr(result, column)[:told], getattr(prefix, column)[:told])
        for column in ("time_ns", "marks"):
            np.testing.assert_array_equal(getattr(result, column)[:rows], getattr(prefix, column))
        for column, values in prefix.observed.items():
            np.testing.assert_array_equal(result.observed[column][:rows], values)
        assert [fill for fill in result.fills if fill.time_ns < cut_ns] == list(prefix.fills)
        assert [paid for paid in result.funding if paid.time_ns < cut_ns] == list(prefix.funding)
        for before, after in zip(prefix.orders, result.orders, strict=False):
            assert (before.decided_ns, before.reason, before.round_trip) == (
                after.decided_ns,
                after.reason,
                after.round_trip,
            )
            assert [(leg.symbol, leg.quantity) for leg in before.legs] == [
                (leg.symbol, leg.quantity) for leg in after.legs
            ]
