"""Alert rules: when a number of a pair, or the silence of a feed, is worth telling. No clock, no disk, no thread.

A rule reads one measure, fires when it is beyond its level, and fires again only after the measure has come back past
the clear level (hysteresis) and the cool-down is over. Series and tests are those of closed bars; a bar that is still
forming never decides. The age of a leg and the silence of a feed are counted to now: without trades no bar closes.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

from alphastream.alerts.measures import MEASURES, SHARED
from alphastream.alerts.sentences import number, pair_name, unit_text
from alphastream.core.units import SECOND
from alphastream.errors import ParameterError
from alphastream.graph import Price
from alphastream.instruments import InstrumentId
from alphastream.pairs import PairSpec, nodes_of

When = Literal["above", "below", "outside"]

MAX_NAME: Final = 80
MAX_COOL_DOWN_S: Final = 7 * 86_400.0
MAX_CHANNELS: Final = 10
MAX_WINDOW: Final = 20_000
WITHOUT_PAIR: Final = frozenset(name for name, measure in MEASURES.items() if measure.kind in ("feed", "arbitrage"))
"""Measures that are of no pair."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing worth telling.

    Parameters
    ----------
    id : stays the same when the rule is edited.
    name : for people.
    measure : a key of ``MEASURES``.
    when, level : fires at ``value >= level`` (above), ``value <= level`` (below) or ``|value| >= level`` (outside).
    clear : fires again only after the value was at this or further back; ``outside`` also after it changed its sign.
    spec : the pair; None for a rule about the feed or about edges between venues.
    cool_down_s : fires at most once in this time. A value that is still beyond the level afterwards fires then.
    on : whether it is evaluated.
    channels : names of the webhooks that are told.
    told : whether who made it was told how often it fires by chance; rules on one-look p-values need that.
    asset : of a rule about edges between venues; empty for whichever has the largest.
    for_s : fires only once every value of so many seconds was beyond the level.
    home : the file of a measure that somebody registered; "" of AlphaStream's own.
    parameters : what such a measure is made with.

    Raises
    ------
    ParameterError
        Naming the field, what it holds and what it needs.
    """

    id: str
    name: str
    measure: str
    when: When
    level: float
    clear: float
    spec: PairSpec | None = None
    cool_down_s: float = 60.0
    on: bool = True
    channels: tuple[str, ...] = ()
    told: bool = False
    asset: str = ""
    for_s: float = 0.0
    home: str = ""
    parameters: dict[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not self.id:
            raise ParameterError("a rule needs an id that stays when it is edited")
        if not 1 <= len(self.name) <= MAX_NAME or not self.name.isprintable():
            raise ParameterError(f"the name is {self.name!r}: needs 1 to {MAX_NAME} printable characters")
        if self.measure not in MEASURES and not self.home:  # one of a file that is not loaded now waits for it
            raise ParameterError(f"it watches {self.measure!r}: choose one of {', '.join(MEASURES)}")
        if not 0 <= self.cool_down_s <= MAX_COOL_DOWN_S:
            raise ParameterError(f"the cool-down is {self.cool_down_s:g} s: needs 0 to {MAX_COOL_DOWN_S:g}")
        if not 0 <= self.for_s <= MAX_COOL_DOWN_S:
            raise ParameterError(f"it has to last {self.for_s:g} s: needs 0 to {MAX_COOL_DOWN_S:g}")
        if self.asset and (self.measure != "arbitrage" or len(self.asset) > MAX_NAME or not self.asset.isprintable()):
            raise ParameterError(
                f"the asset is {self.asset!r}: only a rule about edges between venues has one, such as BTC/USDT"
            )
        if len(self.channels) > MAX_CHANNELS:
            raise ParameterError(f"{len(self.channels)} webhooks: a rule tells at most {MAX_CHANNELS}")
        _check_levels(self)
        if (self.spec is None) != (self.measure in WITHOUT_PAIR):
            raise ParameterError(f"{self.measure!r} {'needs a' if self.spec is None else 'is of no'} pair")
        if self.spec is not None:
            _check_spec(self.spec)

    def is_beyond(self, value: float) -> bool:
        """Whether a value is at its level or beyond; False for NaN."""
        return self.distance(value) <= 0

    def is_clear(self, value: float, side: int = 0) -> bool:
        """Whether a value has come back; ``side`` is the sign of the value that fired. False for NaN."""
        if self.when == "above":
            return value <= self.clear
        if self.when == "below":
            return value >= self.clear
        return abs(value) <= self.clear or value * side < 0

    def distance(self, value: float) -> float:
        """How far a value is from its level; zero or negative at it or beyond, NaN for NaN."""
        if self.when == "above":
            return self.level - value
        if self.when == "below":
            return value - self.level
        return self.level - abs(value)

    def watches_as(self, other: "Rule") -> bool:
        """Whether both fire at the same values, so that the state of one is that of the other."""
        mine, others = (
            (of.measure, of.parameters, of.spec, of.asset, of.when, of.level, of.clear, of.for_s)
            for of in (self, other)
        )
        return mine == others

    @property
    def condition(self) -> str:
        """For example ``above 2``; ``outside ±2``; ``above 0.1 % for 5 s``."""
        sign = "±" if self.when == "outside" else ""
        lasting = f" for {number(self.for_s)} s" if self.for_s else ""
        return f"{self.when} {sign}{number(self.level)}{unit_text(self.measure)}{lasting}"

    @property
    def subject(self) -> str:
        """What it is about: the pair with its bars and model, the feed, or an asset."""
        if self.spec is not None:
            return pair_name(self.spec)
        return "feed" if self.measure == "feed" else self.asset or "any asset"


def clear_within(when: When, level: float, clear: float, usual: tuple[float, float]) -> float:
    """Where a rule may fire again: ``clear`` where it lies on the right side of the level, else in proportion.

    Parameters
    ----------
    usual : level and clear of a rule of this kind; their distance is scaled to ``level``.

    Examples
    --------
    >>> clear_within("outside", 0.3, 1.0, (2.0, 1.0)), clear_within("outside", 3.0, 1.0, (2.0, 1.0))
    (0.15, 1.0)
    >>> clear_within("below", 60_000.0, 50_500.0, (50_500.0, 50_000.0))
    60594.05940594059
    """
    if _clears(when, level, clear):
        return clear
    gap = abs(usual[0] - usual[1]) or 1.0
    gap *= abs(level / usual[0]) if level and usual[0] else 1.0
    if when == "outside":
        return max(level - gap, level / 2.0, 0.0)
    return level - gap if when == "above" else level + gap


def _clears(when: When, level: float, clear: float) -> bool:
    if when == "above":
        return clear < level
    return clear > level if when == "below" else 0.0 <= clear < level


def _check_levels(rule: Rule) -> None:
    if rule.when not in get_args(When):
        raise ParameterError(f"a rule fires {rule.when!r}: choose one of {', '.join(get_args(When))}")
    if not (math.isfinite(rule.level) and math.isfinite(rule.clear)):
        raise ParameterError(f"the level is {rule.level:g}, it re-arms at {rule.clear:g}: both must be finite numbers")
    level, clear = f"{rule.level:.8g}", f"{rule.clear:.8g}"
    if rule.measure in SHARED and not (rule.when == "above" and rule.level > 1):
        raise ParameterError(
            f"it fires {rule.when} {level}: evidence fires above its level, and 1 day would be an alarm a day: set more"
        )
    if _clears(rule.when, rule.level, rule.clear):
        return
    if rule.when == "outside":
        if rule.level <= 0:
            raise ParameterError(f"it fires outside ±{level}: give a level above 0")
        raise ParameterError(f"it fires outside ±{level} and re-arms within ±{clear}: re-arm from 0 to below {level}")
    side = "below" if rule.when == "above" else "above"
    raise ParameterError(f"it fires {rule.when} {level} and re-arms at {clear}: re-arm {side} {level}")


def _check_spec(spec: PairSpec) -> None:
    """Refuse here what would otherwise stop the engine for everybody."""
    for leg in (spec.y, spec.x):
        InstrumentId.parse(leg, default_venue="any")  # a name without a venue is one of a library's user
    if spec.interval_ns < 1:
        raise ParameterError(f"bars of {spec.interval_ns} ns: a bar needs a positive length")
    if spec.window > MAX_WINDOW:
        raise ParameterError(f"the window is {spec.window} bars: at most {MAX_WINDOW}")
    if spec.price not in get_args(Price):
        raise ParameterError(f"prices are {spec.price!r}: choose one of {', '.join(get_args(Price))}")
    nodes_of(spec)  # the estimators check windows and thresholds themselves


@dataclass(frozen=True, slots=True)
class RuleState:
    """What a rule has to remember.

    Parameters
    ----------
    armed : False from firing until the value has come back.
    fired_ns : when it fired last, 0 for never.
    side : sign of the value that fired.
    beyond_ns : time of the first of the values in a row that were beyond the level, 0 where the last one was not; of
        rules that want them to last.
    """

    armed: bool = True
    fired_ns: int = 0
    side: int = 0
    beyond_ns: int = 0

    def cools_until_ns(self, rule: Rule) -> int:
        """When the cool-down ends; 0 where it never fired."""
        return self.fired_ns + round(rule.cool_down_s * SECOND) if self.fired_ns else 0


def step(rule: Rule, state: RuleState, value: float, now_ns: int, data_ns: int = 0) -> tuple[RuleState, bool]:
    """Take one value into account; the next state, and whether the rule fires. NaN only ends what was to last.

    Parameters
    ----------
    data_ns : the value's own time, for rules that want it to last.
    """
    armed = state.armed or rule.is_clear(value, state.side)
    beyond_ns = state.beyond_ns
    if rule.for_s:
        beyond_ns = (beyond_ns or data_ns) if rule.is_beyond(value) else 0
    has_lasted = not rule.for_s or data_ns - beyond_ns >= rule.for_s * SECOND
    cooled = not state.fired_ns <= now_ns < state.cools_until_ns(rule)  # a clock set back ends it as well
    if armed and cooled and has_lasted and rule.is_beyond(value):
        return RuleState(False, now_ns, -1 if value < 0 else 1, beyond_ns), True
    if armed == state.armed and beyond_ns == state.beyond_ns:
        return state, False
    return replace(state, armed=armed, beyond_ns=beyond_ns), False
