"""Strategies on one pair that wait for its z-score to go far and to come back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal, TypeAlias

from alphastream.errors import ParameterError
from alphastream.estimators import HedgedValue, KalmanHedge, ThresholdSignal, ZScore
from alphastream.graph import Node, Series
from alphastream.pairs import PairSpec, series_of, traded_zscore
from alphastream.strategies.sizers import FixedNotional, Sizer
from alphastream.strategies.strategy import Decision, PairColumns, Table, pair_table
from alphastream.trading.broker.account import Account
from alphastream.trading.broker.orders import Target

Spread: TypeAlias = Literal["residual", "value"]


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """When to leave, beside the pair's entry and exit; see ``ThresholdSignal``.

    Parameters
    ----------
    stop : |z| against the position that closes it, above the entry; None for none.
    time_stop : bars after which a position is closed; None for none.
    cool_down : bars after either of them without a new position.
    """

    stop: float | None = None
    time_stop: int | None = None
    cool_down: int = 0


@dataclass(frozen=True, slots=True)
class _OnePair:
    """What both strategies share: a direction from a z-score, and the legs that it means."""

    pair: PairSpec
    _: KW_ONLY
    rule: ThresholdRule = ThresholdRule()
    sizer: Sizer = field(default_factory=FixedNotional)
    rebalance: bool = False

    def __post_init__(self) -> None:
        self.signal()  # complains about thresholds that contradict each other

    @property
    def pairs(self) -> tuple[PairSpec, ...]:
        """The one pair."""
        return (self.pair,)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The dependent leg, then its hedge."""
        return self.pair.y, self.pair.x

    def signal(self) -> ThresholdSignal:
        """The rule that turns z-scores into directions."""
        rule = self.rule
        return ThresholdSignal(self.pair.entry, self.pair.exit, rule.stop, rule.time_stop, rule.cool_down)

    def series(self, spec: PairSpec) -> Mapping[str, Series]:
        """Return spread, z-score, hedge ratio, the direction they lead to, and what the sizer reads."""
        found = dict(self._hedge())
        found["direction"] = Node(self.signal(), (found["zscore"],))["position"]
        return {**found, **self.sizer.series(spec)}

    def _hedge(self) -> Mapping[str, Series]:
        """Spread, z-score and hedge ratio."""
        raise NotImplementedError

    def table(self, found: Sequence[PairColumns], state: Any) -> tuple[Table, Any]:
        """Return the rows of the pair."""
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
            return Target((0.0, 0.0), 0, self._why_flat(row.zscore, account.direction))
        y, x = row.marks
        ratio = row.hedge_ratio * (y / x) if self.pair.price == "log" else row.hedge_ratio
        if not math.isfinite(ratio):
            return None
        size = self.sizer.units(ratio, row, account, self.pair)
        if size is None:
            return None
        reason = "rebalance" if direction == account.direction else "long spread" if direction > 0 else "short spread"
        return Target((direction * size[0], direction * size[1]), int(direction), reason)

    def _why_flat(self, zscore: float, before: int) -> str:
        """Which of its ways out the rule took."""
        if self.rule.stop is not None and -zscore * before >= self.rule.stop:
            return "stop"
        return "exit" if zscore * before >= -self.pair.exit else "time stop"


@dataclass(frozen=True, slots=True)
class ZScoreThreshold(_OnePair):
    """Bet on the return of a rolling z-score.

    Parameters
    ----------
    pair : legs, bars, model and window of the hedge ratio, and |z| of entry and exit.
    rule : stop, time stop, cool-down.
    sizer : how large a position is.
    rebalance : follow the hedge ratio on every bar while in a position; otherwise it is kept as it was at the entry.
    spread : "residual" is y − intercept − hedge_ratio·x; "value" leaves the intercept in, as of a portfolio's price.

    Examples
    --------
    E. P. Chan's Bollinger bands ("Algorithmic Trading", 2013, chapter 3), one unit of the spread, rebalanced:

    >>> from alphastream.strategies import Units
    >>> pair = PairSpec("USO", "GLD", 86_400 * 10**9, "ols", 20, "price", entry=1.0, exit=0.0)
    >>> bands = ZScoreThreshold(pair, sizer=Units(1.0), rebalance=True, spread="value")
    >>> bands.name
    'z-score USO/GLD'
    """

    _: KW_ONLY
    spread: Spread = "residual"

    @property
    def name(self) -> str:
        """For example ``z-score ETHUSDT/BTCUSDT``."""
        return f"z-score {self.pair.y}/{self.pair.x}"

    def _hedge(self) -> Mapping[str, Series]:
        known = series_of(self.pair)
        if self.spread == "residual":
            return _traded(self.pair)
        legs = self.pair.source["x"], self.pair.source["y"]
        value = Node(HedgedValue(), (*legs, known["hedge_ratio"]))["value"]
        zscore = Node(ZScore(self.pair.window), (value,))["zscore"]
        return {"spread": value, "zscore": zscore, "hedge_ratio": known["hedge_ratio"]}


@dataclass(frozen=True, slots=True)
class InnovationThreshold(_OnePair):
    """Bet on the return of a filter's innovation, measured in its own standard deviation.

    Parameters
    ----------
    pair, rule, sizer, rebalance : as for ``ZScoreThreshold``.
    model : a Kalman filter with variances in the units of the legs; None for the discounted regression of the pair,
        with which this is a ``ZScoreThreshold``.

    Examples
    --------
    E. P. Chan's filter ("Algorithmic Trading", 2013, chapter 3), in and out at one standard deviation:

    >>> from alphastream.strategies import Units
    >>> pair = PairSpec("EWC", "EWA", 86_400 * 10**9, "kalman", price="price", entry=1.0, exit=1.0)
    >>> filtered = InnovationThreshold(pair, model=KalmanHedge(1e-4, 1e-3), sizer=Units(1.0), rebalance=True)
    >>> filtered.name
    'innovation EWC/EWA'
    """

    _: KW_ONLY
    model: KalmanHedge | None = None

    def __post_init__(self) -> None:
        if self.pair.model != "kalman":
            raise ParameterError(f"model of the pair is {self.pair.model!r}: an innovation needs 'kalman'")
        super(InnovationThreshold, self).__post_init__()

    @property
    def name(self) -> str:
        """For example ``innovation ETHUSDT/BTCUSDT``."""
        return f"innovation {self.pair.y}/{self.pair.x}"

    def _hedge(self) -> Mapping[str, Series]:
        if self.model is None:
            return _traded(self.pair)
        legs = self.pair.source["x"], self.pair.source["y"]
        node = Node(self.model, legs)
        return {"spread": node["forecast_error"], "zscore": node["zscore"], "hedge_ratio": node["hedge_ratio"]}


def _traded(pair: PairSpec) -> Mapping[str, Series]:
    """Spread, z-score and hedge ratio of a pair's own model; no z-score before it is settled."""
    known = series_of(pair)
    return {"spread": known["spread"], "zscore": traded_zscore(pair), "hedge_ratio": known["hedge_ratio"]}
