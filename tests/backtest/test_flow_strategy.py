"""A strategy on the flow of a leg: history at once and trades as they come decide alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from alphastream.backtest import TickMarket, backtest
from alphastream.backtest.live import LiveRun
from alphastream.graph import Node, Series
from alphastream.microstructure import VPIN, CumulativeDelta, FlowImbalance, KyleLambda
from alphastream.pairs import PairSpec
from alphastream.strategies import PairColumns, Table, pair_table
from alphastream.tape.columns import TickColumns
from alphastream.trading import BrokerRules, FixedLatency
from alphastream.trading.broker.account import Account
from alphastream.trading.broker.orders import Target
from tests.backtest.test_live import play, split
from tests.windows.tapes import recorded

SECOND = 10**9
ETH, BTC = "ETHUSDT", "BTCUSDT"
SPEC = PairSpec(ETH, BTC, SECOND)


@dataclass(frozen=True, slots=True)
class FollowTheFlow:
    """Hold one unit of the dependent leg on the side that takers are on."""

    pair: PairSpec

    @property
    def name(self) -> str:
        return "flow"

    @property
    def pairs(self) -> tuple[PairSpec, ...]:
        return (self.pair,)

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.pair.y, self.pair.x

    def series(self, spec: PairSpec) -> Mapping[str, Series]:
        source = spec.source
        sides = source["y_buy_volume"], source["y_sell_volume"]
        delta = Node(CumulativeDelta(), sides)
        return {
            "imbalance": Node(FlowImbalance(20), sides)["imbalance"],
            "vpin": Node(VPIN(20.0, 10), sides)["vpin"],
            "impact": Node(KyleLambda(60), (source["y_price"], delta["signed_volume"]))["price_impact"],
        }

    def table(self, found: Sequence[PairColumns], state: Any) -> tuple[Table, Any]:
        return pair_table(found[0]), None

    def direction_at(self, row: Any) -> int:
        return int(np.sign(row.imbalance)) if row.vpin > 0.3 and row.impact > 0.0 else 0

    def decide(self, row: Any, account: Account) -> Target | None:
        direction = self.direction_at(row)
        return None if direction == account.direction else Target((float(direction), 0.0), direction, "flow")


def market(until_ns: int | None = None) -> TickMarket:
    return TickMarket({symbol: by_time(symbol) for symbol in (ETH, BTC)}, until_ns)


def by_time(symbol: str) -> TickColumns:
    ticks = recorded(symbol)
    return ticks.rows(np.argsort(ticks.time_ns, kind="stable"))


@pytest.mark.parametrize("cuts", [range(0, 14_000, 500), [*range(0, 14_000, 700), 3_001, 3_002]])
def test_live_equals_history(cuts: Sequence[int]) -> None:
    ticks = [tick for symbol in (ETH, BTC) for tick in by_time(symbol).ticks(symbol)]
    ticks.sort(key=lambda tick: tick.time_ns)
    begin_ns = ticks[0].time_ns // SECOND * SECOND + 40 * SECOND
    strategy, rules = FollowTheFlow(SPEC), BrokerRules(latency=FixedLatency(100_000_000))
    run = LiveRun(strategy, rules)
    run.warm_up({symbol: by_time(symbol).rows(by_time(symbol).time_ns < begin_ns) for symbol in (ETH, BTC)}, begin_ns)
    play(run, split([tick for tick in ticks if tick.time_ns >= begin_ns], cuts))
    history = backtest(market(run.until_ns), strategy, rules, begin_ns=begin_ns)
    assert len(history.fills) > 5
    assert run.simulation.account.fills == [fill for fill in history.fills if fill.time_ns <= run.until_ns]


def test_bought_and_sold_are_the_volume_of_the_rows() -> None:
    rows = market().rows(ETH, BTC, SECOND)
    trades = by_time(ETH)
    bought = trades.quantity[~trades.buyer_is_maker].sum()
    assert np.nansum(rows.y_buy_volume) == pytest.approx(bought, rel=0.01)  # rows begin once both legs have a price
    assert (rows.y_buy_volume <= rows.y_volume + 1e-9).all()
    assert (rows.y_buy_volume[rows.y_trades == 0] == 0.0).all()


def test_without_the_takers_sides_flow_is_undefined() -> None:
    @dataclass(frozen=True)
    class Arrays:
        time_ns: Any
        price: Any
        quantity: Any

    unknown = {symbol: Arrays(*(getattr(by_time(symbol), name) for name in ("time_ns", "price", "quantity")))
               for symbol in (ETH, BTC)}  # fmt: skip
    assert np.isnan(TickMarket(unknown).rows(ETH, BTC, SECOND).y_buy_volume[5:20]).all()
    assert not backtest(TickMarket(unknown), FollowTheFlow(SPEC), BrokerRules()).fills
