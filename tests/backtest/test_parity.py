"""The compiled path and the event path keep the same books."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.backtest import BarMarket, Market, TickMarket, backtest, pair_history, run_pair
from alphastream.bars import Bars
from alphastream.errors import ParameterError
from alphastream.pairs import PairSpec
from alphastream.strategies import (
    BetaNeutral,
    FixedNotional,
    InnovationThreshold,
    ThresholdRule,
    Units,
    VolatilityTarget,
    ZScoreThreshold,
)
from alphastream.trading import (
    BrokerRules,
    Contract,
    Fees,
    FixedFunding,
    FixedLatency,
    PowerImpact,
    RecordedFunding,
)
from tests.backtest.markets import SECOND, Ticks, random_market

CAPITAL = 10_000.0

markets = st.builds(
    lambda seed, rate, as_file: _market(seed, rate, as_file),
    st.integers(0, 2**32 - 1),
    st.sampled_from([(3.0, 1.0), (0.7, 4.0), (0.5, 0.5), (6.0, 6.0)]),
    st.booleans(),
)
sizers = st.sampled_from([Units(3.0), FixedNotional(1_000.0), BetaNeutral(2_000.0), VolatilityTarget(0.3, 1.5)])
exits = st.sampled_from([ThresholdRule(), ThresholdRule(stop=1.5, time_stop=6, cool_down=2)])
strategies = st.one_of(
    st.builds(
        lambda sizer, rule, rebalance, spread, price, model: ZScoreThreshold(
            PairSpec("Y", "X", SECOND, model, 6, price, entry=0.9, exit=0.2),
            sizer=sizer,
            rule=rule,
            rebalance=rebalance,
            spread=spread,
        ),
        sizers,
        exits,
        st.booleans(),
        st.sampled_from(["residual", "value"]),
        st.sampled_from(["log", "price"]),
        st.sampled_from(["ols", "tls", "frozen"]),
    ),
    st.builds(
        lambda sizer, rule, rebalance: InnovationThreshold(
            PairSpec("Y", "X", SECOND, "kalman", 3, entry=0.9, exit=0.2), sizer=sizer, rule=rule, rebalance=rebalance
        ),
        sizers,
        exits,
        st.booleans(),
    ),
)
funding = [None, FixedFunding(10.0, 7 * SECOND), FixedFunding(-3.0, SECOND // 2), RecordedFunding(
    {"X": ((21 * SECOND, 1e-3, 101.7), (39 * SECOND + 1, -2e-3)), "Y": ((21 * SECOND, 4e-3), (22 * SECOND, 1e-3, 99.9))}
)]  # fmt: skip
contracts: list[dict[str, Contract]] = [
    {},
    {"Y": Contract(lot=0.5, tick=0.05)},
    {"X": Contract(lot=4.0), "Y": Contract(lot=4.0)},
    {"Y": Contract(min_notional=60.0), "X": Contract(0.1, 0.01, 350.0)},
]
rules = st.builds(
    BrokerRules,
    fill=st.sampled_from(["next_trade", "next_open", "next_close", "same_close"]),
    latency=st.sampled_from([FixedLatency(0), FixedLatency(SECOND // 4), FixedLatency(2 * SECOND)]),
    fees=st.sampled_from([Fees(0.0), Fees(7.0)]),
    half_spread_bps=st.sampled_from([0.0, 3.0]),
    impact=st.sampled_from([PowerImpact(), PowerImpact(5.0), PowerImpact(2.0, 1.0)]),
    funding=st.sampled_from(funding),
    contracts=st.sampled_from(contracts),
)


def _market(seed: int, rates: tuple[float, float], as_file: bool) -> Market:
    found = random_market(seed, 60, rates)
    return BarMarket({leg: _as_in_a_file(found.bars(leg, SECOND)) for leg in "YX"}, SECOND) if as_file else found


def _as_in_a_file(bars: Bars) -> Bars:
    return Bars(
        bars.start_ns, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.trades,
        bars.start_ns, bars.start_ns + SECOND - 1,
    )  # fmt: skip


def same_books(market: Market, strategy: Any, rules: BrokerRules) -> int:
    """Compare both paths line by line, and return how many fills they have."""
    run = run_pair(pair_history(market, strategy.pair, rules), strategy, capital=CAPITAL)
    fast = run.result
    try:
        slow = backtest(market, strategy, rules, capital=CAPITAL)
    except ParameterError as error:  # said of bars whose orders miss their trades
        if "replaced before they met a trade" not in str(error):
            raise
        return 0
    np.testing.assert_array_equal(fast.time_ns, slow.time_ns)
    np.testing.assert_array_equal(fast.marks, slow.marks)
    for column in ("positions", "cash", "equity"):
        np.testing.assert_allclose(getattr(fast, column), getattr(slow, column), rtol=1e-9, atol=1e-9)
    assert [(fill.time_ns, fill.symbol, fill.round_trip, fill.maker) for fill in fast.fills] == [
        (fill.time_ns, fill.symbol, fill.round_trip, fill.maker) for fill in slow.fills
    ]
    amounts = ("quantity", "price", "trade_price", "fee", "spread_cost", "impact_cost")
    np.testing.assert_allclose(
        [[getattr(fill, name) for name in amounts] for fill in fast.fills],
        [[getattr(fill, name) for name in amounts] for fill in slow.fills],
        rtol=1e-9,
        atol=1e-9,
    )
    decided = {order.id: order.decided_ns for order in slow.orders}
    assert fast.time_ns[run.fills.row].tolist() == [decided[fill.order] for fill in slow.fills]
    assert [(paid.time_ns, paid.symbol, paid.round_trip) for paid in fast.funding] == [
        (paid.time_ns, paid.symbol, paid.round_trip) for paid in slow.funding
    ]
    np.testing.assert_allclose(
        [paid.amount for paid in fast.funding], [paid.amount for paid in slow.funding], rtol=1e-9, atol=1e-9
    )
    return len(slow.fills)


@settings(max_examples=200, deadline=None)
@given(markets, strategies, rules)
def test_both_paths_keep_the_same_books(market: Market, strategy: Any, rules: BrokerRules) -> None:
    same_books(market, strategy, rules)


@pytest.mark.parametrize("rebalance", [False, True])
@pytest.mark.parametrize("fill", ["next_trade", "next_open", "next_close", "same_close"])
def test_over_a_longer_tape_with_everything_charged(fill: Any, rebalance: bool) -> None:
    rules = BrokerRules(
        fill=fill,
        half_spread_bps=1.0,
        impact=PowerImpact(2.0),
        funding=FixedFunding(1.0, 60 * SECOND),
        contracts={"Y": Contract(0.01, 0.01, 5.0), "X": Contract(0.001, 0.001, 5.0)},
    )
    pair = PairSpec("Y", "X", SECOND, window=30, entry=1.2)
    strategy = ZScoreThreshold(pair, sizer=FixedNotional(1_000.0), rebalance=rebalance)
    assert same_books(random_market(9, 2_000), strategy, rules) > 200


def test_a_tape_that_goes_on_after_the_last_row() -> None:
    whole = random_market(4, 60)
    cut = TickMarket(whole.ticks, until_ns=30 * SECOND)
    strategy = ZScoreThreshold(PairSpec("Y", "X", SECOND, window=6, entry=0.5, exit=0.4), rebalance=True)
    assert same_books(cut, strategy, BrokerRules(latency=FixedLatency(2 * SECOND // 3))) > 5


def test_a_leg_that_falls_silent() -> None:
    found = random_market(4, 60)
    x = found.ticks["X"]
    early = x.time_ns < 25 * SECOND
    market = TickMarket({"Y": found.ticks["Y"], "X": Ticks(x.time_ns[early], x.price[early], x.quantity[early])})
    strategy = ZScoreThreshold(PairSpec("Y", "X", SECOND, window=6, entry=0.5, exit=0.4))
    for fill in ("next_trade", "next_open", "next_close", "same_close"):
        assert same_books(market, strategy, BrokerRules(fill=fill)) > 5


def test_bars_whose_orders_miss_their_trades_are_refused_in_words() -> None:
    bars = {symbol: _as_in_a_file(random_market(5, 300).bars(symbol, SECOND)) for symbol in ("Y", "X")}
    strategy = ZScoreThreshold(PairSpec("Y", "X", SECOND, window=20, entry=0.3, exit=0.0), rebalance=True)
    with pytest.raises(ParameterError, match="choose fill='next_open'"):
        backtest(BarMarket(bars, SECOND), strategy, BrokerRules())
    assert backtest(BarMarket(bars, SECOND), strategy, BrokerRules(fill="next_open")).fills


def test_bars_shorter_than_those_of_the_file_are_refused() -> None:
    bars = {symbol: random_market(5, 60).bars(symbol, 5 * SECOND) for symbol in ("Y", "X")}
    with pytest.raises(ParameterError, match="bars of 1s cannot be made of bars of 5s"):
        backtest(BarMarket(bars, 5 * SECOND), ZScoreThreshold(PairSpec("Y", "X", SECOND)))
