"""Alert rules: when a number of a pair, or the silence of a feed, is worth telling. No clock, no disk, no thread.

A rule reads one measure, fires when it is beyond its level, and fires again only after the measure has come back past
the clear level (hysteresis) and the cool-down is over. Series and tests are those of closed bars; a bar that is still
forming never decides. The age of a leg and the silence of a feed are counted to now: without trades no bar closes.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

from alphastream.core.units import SECOND
from alphastream.errors import ParameterError
from alphastream.feeds.feed import Health
from alphastream.graph import Price, interval_name
from alphastream.pairs import MODELS, PairAnalytics, PairSpec, nodes_of

When = Literal["above", "below", "outside"]

MAX_NAME: Final = 80
MAX_COOL_DOWN_S: Final = 7 * 86_400.0
MAX_CHANNELS: Final = 10
MAX_WINDOW: Final = 20_000
MAX_ROWS: Final = 1_000  # closed rows one evaluation catches up on at most
_SYMBOL = re.compile(r"[A-Z0-9_]{2,32}")


@dataclass(frozen=True, slots=True)
class Measure:
    """A number a rule can watch.

    Parameters
    ----------
    label : as a sentence says it, with {y} and {x} for the legs.
    kind : ``column`` of the closed bars, ``test`` on the newest closed bars, ``age`` of a leg, ``feed``.
    source : the column, the field of ``Cointegration``, or the leg.
    unit : behind the number; empty where it has none.
    """

    label: str
    kind: Literal["column", "test", "age", "feed"]
    source: str = ""
    unit: str = ""


MEASURES: Final[dict[str, Measure]] = {
    "zscore": Measure("z-score", "column", "zscore"),
    "spread": Measure("spread", "column", "spread"),
    "hedge_ratio": Measure("hedge ratio", "column", "hedge_ratio"),
    "correlation": Measure("correlation of returns", "column", "correlation"),
    "half_life": Measure("half-life", "test", "half_life_bars", "bars"),
    "pvalue": Measure("cointegration p-value", "test", "pvalue"),
    "half_life_window": Measure("half-life over the window", "column", "half_life", "bars"),
    "pvalue_window": Measure("cointegration p-value over the window", "column", "pvalue"),
    "position": Measure("signal", "column", "position"),
    "intercept": Measure("intercept", "column", "intercept"),
    "forecast_error": Measure("forecast error", "column", "forecast_error"),
    "spread_mean": Measure("mean of the spread", "column", "spread_mean"),
    "spread_std": Measure("standard deviation of the spread", "column", "spread_std"),
    "price_y": Measure("price of {y}", "column", "y"),
    "price_x": Measure("price of {x}", "column", "x"),
    "volume_y": Measure("volume of {y} in a bar", "column", "y_volume"),
    "volume_x": Measure("volume of {x} in a bar", "column", "x_volume"),
    "age_y": Measure("time since the last trade of {y}", "age", "y", "s"),
    "age_x": Measure("time since the last trade of {x}", "age", "x", "s"),
    "feed": Measure("time since any trade", "feed", "", "s"),
}


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
    spec : the pair; None for a rule about the feed.
    cool_down_s : fires at most once in this time. A value that is still beyond the level afterwards fires then.
    on : whether it is evaluated.
    channels : names of the webhooks that are told.

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

    def __post_init__(self) -> None:
        if not self.id:
            raise ParameterError("a rule needs an id that stays when it is edited")
        if not 1 <= len(self.name) <= MAX_NAME or not self.name.isprintable():
            raise ParameterError(f"name={self.name!r}: needs 1 to {MAX_NAME} printable characters")
        if self.measure not in MEASURES:
            raise ParameterError(f"measure={self.measure!r}: choose one of {', '.join(MEASURES)}")
        if not 0 <= self.cool_down_s <= MAX_COOL_DOWN_S:
            raise ParameterError(f"cool_down_s={self.cool_down_s:g}: needs 0 to {MAX_COOL_DOWN_S:g} seconds")
        if len(self.channels) > MAX_CHANNELS:
            raise ParameterError(f"{len(self.channels)} webhooks: a rule tells at most {MAX_CHANNELS}")
        _check_levels(self)
        if (self.spec is None) != (self.measure == "feed"):
            raise ParameterError(
                f"measure={self.measure!r} needs a pair" if self.spec is None else "a rule about the feed has no pair"
            )
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
        return (self.measure, self.spec, self.when, self.level, self.clear) == (
            *(other.measure, other.spec, other.when, other.level, other.clear),
        )

    @property
    def condition(self) -> str:
        """For example ``above 2``; ``outside ±2``."""
        sign = "±" if self.when == "outside" else ""
        return f"{self.when} {sign}{number(self.level)}{_unit(self.measure)}"

    @property
    def subject(self) -> str:
        """What it is about: the pair with its bars and model, or the feed."""
        return "feed" if self.spec is None else pair_name(self.spec)


def _check_levels(rule: Rule) -> None:
    if rule.when not in get_args(When):
        raise ParameterError(f"when={rule.when!r}: choose one of {', '.join(get_args(When))}")
    if not (math.isfinite(rule.level) and math.isfinite(rule.clear)):
        raise ParameterError(f"level={rule.level:g} and clear={rule.clear:g}: both must be finite numbers")
    seen = f"clear={rule.clear:g} with level={rule.level:g}"
    if rule.when == "above" and not rule.clear < rule.level:
        raise ParameterError(f"{seen}: a rule that fires above needs a clear level below it")
    if rule.when == "below" and not rule.clear > rule.level:
        raise ParameterError(f"{seen}: a rule that fires below needs a clear level above it")
    if rule.when == "outside" and not 0 <= rule.clear < rule.level:
        raise ParameterError(f"{seen}: a rule that fires outside needs a clear level from 0 to below its level")


def _check_spec(spec: PairSpec) -> None:
    """Refuse here what would otherwise stop the engine for everybody."""
    for leg in (spec.y, spec.x):
        if not _SYMBOL.fullmatch(leg):
            raise ParameterError(f"symbol {leg!r}: needs 2 to 32 capital letters and digits")
    if spec.interval_ns < 1:
        raise ParameterError(f"interval_ns={spec.interval_ns}: a bar needs a positive length")
    if spec.window > MAX_WINDOW:
        raise ParameterError(f"window={spec.window}: needs at most {MAX_WINDOW} bars")
    if spec.price not in get_args(Price):
        raise ParameterError(f"price={spec.price!r}: choose one of {', '.join(get_args(Price))}")
    nodes_of(spec)  # the estimators check windows and thresholds themselves


@dataclass(frozen=True, slots=True)
class RuleState:
    """What a rule has to remember.

    Parameters
    ----------
    armed : False from firing until the value has come back.
    fired_ns : when it fired last, 0 for never.
    side : sign of the value that fired.
    """

    armed: bool = True
    fired_ns: int = 0
    side: int = 0

    def cools_until_ns(self, rule: Rule) -> int:
        """When the cool-down ends; 0 where it never fired."""
        return self.fired_ns + round(rule.cool_down_s * SECOND) if self.fired_ns else 0


def step(rule: Rule, state: RuleState, value: float, now_ns: int) -> tuple[RuleState, bool]:
    """Take one value into account; the next state, and whether the rule fires. NaN changes nothing."""
    armed = state.armed or rule.is_clear(value, state.side)
    cooled = not state.fired_ns <= now_ns < state.cools_until_ns(rule)  # a clock set back ends it as well
    if armed and cooled and rule.is_beyond(value):
        return RuleState(False, now_ns, -1 if value < 0 else 1), True
    return (state if armed == state.armed else replace(state, armed=armed)), False


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What rules are evaluated on, at one moment.

    Parameters
    ----------
    answer_for : the newest answer for a pair, None before the first; asking keeps the pair computed.
    now_ns : the time the trades live in, UTC ns.
    feed, feed_now_ns : the feed that rules about the feed watch, and the time it lives in.
    symbols, follow : what is carried, and how to ask for more; ``follow`` raises AlphaStreamError where it cannot be.
    recorded : whether the trades are a recording that plays.
    """

    answer_for: Callable[[PairSpec], PairAnalytics | None]
    now_ns: int
    feed: Health
    feed_now_ns: int
    symbols: tuple[str, ...]
    follow: Callable[[str], object]
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """Values of a measure, oldest first, each with the end of its bar (or the moment it was read), UTC ns.

    Where there is none, or the newest is NaN, ``missing`` says why.
    """

    values: tuple[tuple[int, float], ...]
    missing: str = ""


def read_pair(rule: Rule, answer: PairAnalytics | None, now_ns: int, seen_ns: int) -> Observation:
    """Every value since ``seen_ns`` that a closed bar decided; at least the newest, only that one where it is 0."""
    measure = MEASURES[rule.measure]
    if measure.kind == "age":
        return _age(answer, measure.source, now_ns)
    if answer is None or not len(answer.closed["time_ns"]):
        return Observation((), "no bar has closed yet")
    ends = answer.closed["time_ns"]
    newest_ns = int(ends[-1])
    if measure.kind == "test":
        test = answer.cointegration
        return _observation(
            [(newest_ns, float(getattr(test, measure.source)))], test.refusal or "the test has no result"
        )
    column = answer.closed[measure.source]
    first = len(ends) - 1
    if 0 < seen_ns < newest_ns:
        first = max(int(ends.searchsorted(seen_ns, side="right")), len(ends) - MAX_ROWS)
    rows = list(zip(ends[first:].tolist(), column[first:].tolist(), strict=True))
    return _observation(rows, _why_undefined(answer))


def read_feed(feed: Health, now_ns: int, begun_ns: int) -> Observation:
    """Seconds since the newest trade of any symbol; before the first one, since ``begun_ns``."""
    newest_ns = max(begun_ns, *feed.last_tick_ns.values(), 0)
    return Observation(((now_ns, max(0.0, (now_ns - newest_ns) / SECOND)),))


def _age(answer: PairAnalytics | None, leg: str, now_ns: int) -> Observation:
    tick = None if answer is None else answer.last_y if leg == "y" else answer.last_x
    if tick is None:
        return Observation((), "the leg has not traded yet")
    return Observation(((now_ns, max(0.0, (now_ns - tick.time_ns) / SECOND)),))


def _observation(rows: list[tuple[int, float]], why: str) -> Observation:
    return Observation(tuple(rows), why if math.isnan(rows[-1][1]) else "")


def _why_undefined(answer: PairAnalytics) -> str:
    progress = answer.calibrating
    if progress is not None:
        return f"calibrating: {progress.what} {progress.have}/{progress.needed}"
    return "undefined on the last closed bar"


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that fired.

    Parameters
    ----------
    time_ns : when it fired, UTC ns.
    rule_id, rule : id and name of the rule.
    measure, value, level : what was measured. The value is infinite for a half-life of a spread that does not revert.
    sentence : all of it in words.
    data_ns : end of the bar that decided.
    recorded : whether the trades were a recording.
    channels : webhooks that are told.
    """

    time_ns: int
    rule_id: str
    rule: str
    measure: str
    value: float
    level: float
    sentence: str
    data_ns: int
    recorded: bool = False
    channels: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Tells alerts apart."""
        return f"{self.rule_id}-{self.time_ns}"

    def facts(self) -> dict[str, Any]:
        """What a program wants to know, for JSON; an infinite value is None."""
        return {
            "id": self.id,
            "time": iso(self.time_ns),
            "rule": self.rule,
            "measure": self.measure,
            "value": self.value if math.isfinite(self.value) else None,
            "level": self.level,
            "bar_end": iso(self.data_ns),
            "recorded": self.recorded,
        }

    def note(self) -> Mapping[str, Any]:
        """What a page shows as a toast."""
        return {
            "id": self.id,
            "time_ms": self.time_ns // 10**6,
            "title": self.rule,
            "text": self.sentence,
            "tone": "warn",
        }


def alert_of(rule: Rule, value: float, data_ns: int, context: RuleContext, time_ns: int) -> Alert:
    """Put a rule that fires into words."""
    measure = MEASURES[rule.measure]
    if rule.spec is None:
        feed = context.feed
        sentence = f"No trade for {value:.0f} s (level {number(rule.level)} s). {feed.feed} is {feed.state}. "
        sentence += feed.reason.rstrip(".") + "."
    else:
        where = "" if measure.kind == "age" else f" on the bar that closed at {clock(data_ns)}"
        label = measure_name(rule.measure, rule.spec)
        sentence = f"{rule.subject}: {label} is {number(value)}{_unit(rule.measure)} ({rule.condition}){where}."
        if context.recorded:
            sentence += " Recorded trades, not live ones."
    return Alert(
        time_ns,
        rule.id,
        rule.name,
        rule.measure,
        value,
        rule.level,
        sentence,
        data_ns,
        recorded=context.recorded and rule.spec is not None,
        channels=rule.channels,
    )


def measure_name(measure: str, spec: PairSpec | None = None) -> str:
    """A measure in words, with the symbols of a pair where there is one."""
    legs = {"y": "y", "x": "x"} if spec is None else {"y": spec.y, "x": spec.x}
    return MEASURES[measure].label.format(**legs)


def pair_name(spec: PairSpec) -> str:
    """For example ``ETHUSDT on BTCUSDT (1s bars, OLS 100, log prices)``."""
    prices = "log prices" if spec.price == "log" else "prices"
    return (
        f"{spec.y} on {spec.x} ({interval_name(spec.interval_ns)} bars, {MODELS[spec.model]} {spec.window}, {prices})"
    )


def number(value: float) -> str:
    """Five digits, a true minus sign, ∞."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.5g}".replace("-", "−", 1) if value < 0 else f"{value:.5g}"


def clock(time_ns: int) -> str:
    """Time of day, UTC."""
    return datetime.fromtimestamp(time_ns // SECOND, UTC).strftime("%H:%M:%S UTC")


def iso(time_ns: int) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(time_ns // SECOND, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns % SECOND // 10**6:03d}Z"


def _unit(measure: str) -> str:
    unit = MEASURES[measure].unit
    return f" {unit}" if unit else ""
