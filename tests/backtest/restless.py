"""A strategy that sends orders of every kind, as the time of a row decides, and answers what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphastream.graph import Series
from alphastream.pairs import PairSpec
from alphastream.strategies import Action, Decision, PairColumns, Table, pair_table
from alphastream.trading import Account, Cancel, Fill, OrderRequest, SpreadOrder, SpreadRequest, Target

SECOND = 10**9
SPEC = PairSpec("ETH", "BTC", SECOND)


@dataclass(frozen=True)
class Restless:
    """Up to two orders a row, whose prices lie on both sides of the market."""

    seed: int = 0
    pair: PairSpec = SPEC

    @property
    def name(self) -> str:
        return "restless"

    @property
    def pairs(self) -> tuple[PairSpec, ...]:
        return (self.pair,)

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.pair.y, self.pair.x

    def series(self, spec: PairSpec) -> Mapping[str, Series]:
        return {}

    def table(self, found: Sequence[PairColumns], state: Any) -> tuple[Table, Any]:
        return pair_table(found[0]), None

    def direction_at(self, row: Any) -> int:
        return 0

    def decide(self, row: Any, account: Account) -> Decision:
        rng = np.random.default_rng([self.seed, row.time_ns // SECOND])
        return [self._action(rng, row, account) for _ in range(int(rng.integers(0, 3)))]

    def _action(self, rng: np.random.Generator, row: Any, account: Account) -> Action:
        leg = int(rng.integers(0, 2))
        mark, side = row.marks[leg], float(rng.choice([-1.0, 1.0]))
        units = side * float(rng.integers(1, 5)) * (3.0 if leg == 0 else 0.2)
        near = mark * (1.0 - side * float(rng.integers(-3, 6)) * 1e-4)  # some are through the market
        over = mark * (1.0 + side * float(rng.integers(-1, 5)) * 1e-4)
        good_till_ns = None if rng.random() < 0.5 else row.time_ns + int(rng.integers(1, 8 * SECOND))
        force = rng.choice(["gtc", "gtc", "gtc", "ioc", "fok"])
        gap = mark * float(rng.integers(1, 8)) * 1e-4 * side
        match int(rng.integers(0, 9)):
            case 0:
                return OrderRequest(leg, units, time_in_force=force, take_profit=mark + gap, stop_loss=mark - gap)
            case 1:
                return OrderRequest(leg, units, "limit", limit=near, good_till_ns=good_till_ns, time_in_force=force)
            case 2:
                bracket = {"take_profit": over + gap, "stop_loss": over - gap}
                return OrderRequest(leg, units, "stop", stop=over, good_till_ns=good_till_ns, **bracket)
            case 3:
                return OrderRequest(leg, units, "stop_limit", stop=over, limit=over + 0.3 * gap)
            case 4:
                return OrderRequest(leg, -account.positions[leg] or units, "stop", stop=over, reduce_only=True)
            case 5:
                return Cancel() if rng.random() < 0.3 else Cancel(symbol=self.symbols[leg])
            case 6:
                return SpreadRequest((units, 0.0), (near if leg == 0 else None, None))
            case 7:
                return OrderRequest(leg, -2.0 * units, reduce_only=True)
            case _:
                return Target((units if leg == 0 else 0.0, 0.0), int(side))


@dataclass(frozen=True)
class Answering(Restless):
    """The same, which hears of orders and fills."""

    def on_fill(self, fill: Fill, account: Account) -> Decision:
        if fill.order % 3:
            return None
        other = self.symbols[fill.symbol == self.symbols[0]]
        price = fill.price * (1.001 if fill.quantity > 0.0 else 0.999)
        return [
            OrderRequest(fill.symbol, -fill.quantity, "limit", limit=price, reason="back"),
            OrderRequest(other, 0.01, good_till_ns=fill.time_ns + 2 * SECOND),
        ]

    def on_order(self, order: SpreadOrder, account: Account) -> Decision:
        if order.state == "cancelled" and order.id % 5 == 0 and len(account.open_orders) > 3:
            return Cancel(account.open_orders[0].id)
        return None
