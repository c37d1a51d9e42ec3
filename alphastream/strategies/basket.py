"""Strategies on one basket: wait for its z-score to go far and to come back, or hold against it all the time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from alphastream.bar_rows import BarsSpec
from alphastream.baskets import BasketSpec, basket_series, value_series
from alphastream.core.validation import require_integer, require_number
from alphastream.errors import ParameterError
from alphastream.estimators import ThresholdSignal, ZScore
from alphastream.graph import Node, Series
from alphastream.strategies.sizers import BasketSizer, FixedNotional
from alphastream.strategies.strategy import BarsColumns, Decision, Table, pair_table
from alphastream.strategies.threshold import ThresholdRule
from alphastream.trading.broker.account import Account
from alphastream.trading.broker.orders import Target


@dataclass(frozen=True, slots=True)
class BasketThreshold:
    """Bet on the return of a basket's z-score: long the spread (the weights as they are) below −entry, short above it.

    A position keeps the weights that it was opened with, unless it is rebalanced. All legs are one order.

    Parameters
    ----------
    basket : legs, bars, weights, and |z| of entry and exit.
    rule : stop, time stop, cool-down.
    sizer : how large a position is: ``FixedNotional`` and ``VolatilityTarget`` speak of the first leg, ``BetaNeutral``
        of all legs together, ``Units`` of units of the first leg.
    rebalance : follow weights and sizer on every bar while in a position.

    Examples
    --------
    >>> spec = BasketSpec(("EWA", "EWC", "IGE"), 86_400 * 10**9, "johansen", 250)
    >>> BasketThreshold(spec).name
    'basket EWA+EWC+IGE'
    """

    basket: BasketSpec
    _: KW_ONLY
    rule: ThresholdRule = field(default_factory=ThresholdRule)
    sizer: BasketSizer = field(default_factory=FixedNotional)
    rebalance: bool = False

    def __post_init__(self) -> None:
        self.signal()  # complains about thresholds that contradict each other
        if not hasattr(self.sizer, "basket_units"):
            raise ParameterError(f"{type(self.sizer).__name__} sizes pairs alone: a basket needs its basket_units")

    @property
    def name(self) -> str:
        """For example ``basket EWA+EWC+IGE``."""
        return f"basket {self.basket.name}"

    @property
    def pairs(self) -> tuple[BarsSpec, ...]:
        """The bars of all legs."""
        return (self.basket.bars,)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The legs, the first one first."""
        return self.basket.symbols

    def signal(self) -> ThresholdSignal:
        """The rule that turns z-scores into directions."""
        rule = self.rule
        return ThresholdSignal(self.basket.entry, self.basket.exit, rule.stop, rule.time_stop, rule.cool_down)

    def series(self, spec: BarsSpec) -> Mapping[str, Series]:
        """Return spread, z-score, weights, the direction they lead to, and what the sizer reads."""
        known = basket_series(self.basket)
        found = {name: known[name] for name in ("spread", "zscore", *self.basket.weight_columns)}
        found["direction"] = Node(self.signal(), (known["zscore"],))["position"]
        return {**found, **self.sizer.basket_series(self.basket)}

    def table(self, found: Sequence[BarsColumns], state: Any) -> tuple[Table, Any]:
        """Return the rows of the legs."""
        return pair_table(found[0], ("spread",), None if self.rebalance else "direction"), None

    def direction_at(self, row: Any) -> int:
        """Direction of a row."""
        return int(row.direction)

    def decide(self, row: Any, account: Account) -> Decision:
        """Follow the direction; without ``rebalance`` only when it changes."""
        direction = row.direction
        if direction == account.direction and not (direction and self.rebalance and account.round_trip):
            return None  # without a round trip of its own the account was not there when the position was opened
        if not direction:
            if math.isnan(row.zscore):
                return None  # the rule has not begun: a position of before a restart is not its to close yet
            return Target((0.0,) * len(self.symbols), 0, self._why_flat(row.zscore, account.direction))
        ratios = _ratios(self.basket, row)
        if ratios is None:
            return None
        first = self.sizer.basket_units(ratios, row, account, self.basket)
        if first is None:
            return None
        reason = "rebalance" if direction == account.direction else "long spread" if direction > 0 else "short spread"
        return Target(tuple(direction * first * ratio for ratio in ratios), int(direction), reason)

    def _why_flat(self, zscore: float, before: int) -> str:
        """Which of its ways out the rule took."""
        if self.rule.stop is not None and -zscore * before >= self.rule.stop:
            return "stop"
        return "exit" if zscore * before >= -self.basket.exit else "time stop"


@dataclass(frozen=True, slots=True)
class BasketLinear:
    """Hold −z spreads on every bar, z being the distance of the basket's value from its own moving average.

    E. P. Chan's linear mean reversion ("Algorithmic Trading", 2013, example 2.8): the weights of Johansen's first
    vector, given as "fixed", a look-back of the half-life, fills at the close that is decided on and no costs.

    Parameters
    ----------
    basket : legs, bars and weights; its entry and exit are not read.
    lookback : rows of the average and of the sample standard deviation.
    units : of the first leg for z of −1.

    Examples
    --------
    >>> spec = BasketSpec(("EWA", "EWC", "IGE"), 86_400 * 10**9, "fixed", price="price", weights=(1.0, -0.7, 0.1))
    >>> BasketLinear(spec, lookback=23).name
    'linear EWA+EWC+IGE'
    """

    basket: BasketSpec
    lookback: int
    _: KW_ONLY
    units: float = 1.0

    def __post_init__(self) -> None:
        require_integer("lookback", self.lookback, minimum=2)
        require_number("units", self.units, above=0.0)

    @property
    def name(self) -> str:
        """For example ``linear EWA+EWC+IGE``."""
        return f"linear {self.basket.name}"

    @property
    def pairs(self) -> tuple[BarsSpec, ...]:
        """The bars of all legs."""
        return (self.basket.bars,)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The legs, the first one first."""
        return self.basket.symbols

    def series(self, spec: BarsSpec) -> Mapping[str, Series]:
        """Return the value, its z-score, and the weights unless they are given."""
        value = value_series(self.basket)
        found = {"spread": value, "zscore": Node(ZScore(self.lookback), (value,))["zscore"]}
        if self.basket.method != "fixed":
            known = basket_series(self.basket)
            found |= {name: known[name] for name in self.basket.weight_columns}
        return found

    def table(self, found: Sequence[BarsColumns], state: Any) -> tuple[Table, Any]:
        """Return the rows of the legs."""
        return pair_table(found[0], ("spread",)), None

    def direction_at(self, row: Any) -> int:
        """0: a position of every size may be held."""
        return 0

    def decide(self, row: Any, account: Account) -> Decision:
        """Hold −z spreads; nothing changes while z is not known."""
        ratios = _ratios(self.basket, row)
        if ratios is None or not math.isfinite(row.zscore):
            return None
        return Target(tuple(-row.zscore * self.units * ratio for ratio in ratios), None, "linear")


def _ratios(spec: BasketSpec, row: Any) -> tuple[float, ...] | None:
    """Units of each leg against one of the first; None while weights are not known."""
    if spec.method == "fixed":
        weights = tuple(weight / spec.weights[0] for weight in spec.weights)
    else:
        weights = tuple(getattr(row, name) for name in spec.weight_columns)
    return spec.units(weights, row.marks) if all(map(math.isfinite, weights)) else None
