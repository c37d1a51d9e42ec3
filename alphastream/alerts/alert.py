"""A rule that fired, as people and programs are told."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alphastream.alerts.measures import measure_of
from alphastream.alerts.observations import RuleContext
from alphastream.alerts.rules import Rule
from alphastream.alerts.sentences import clock, iso, measure_name, number, unit_text
from alphastream.instruments import in_words


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

    def note(self, venue: str = "") -> Mapping[str, Any]:
        """What a page that shows this venue tells as a toast."""
        return {
            "id": self.id,
            "time_ms": self.time_ns // 10**6,
            "title": self.rule,
            "text": in_words(self.sentence, venue),
            "tone": "warn",
        }


def alert_of(rule: Rule, value: float, data_ns: int, context: RuleContext, time_ns: int) -> Alert:
    """Put a rule that fires into words."""
    measure = measure_of(rule.measure)
    if measure.kind == "arbitrage":
        condition = f"{number(value)}{unit_text(rule.measure)} ({rule.condition}) at {clock(data_ns)}"
        sentence = (
            f"{rule.subject}: {measure.label} is {condition}, whatever the error of the clocks. Costs are assumed."
        )
    elif rule.spec is None:
        feed = context.feed
        sentence = f"No trade for {value:.0f} s (level {number(rule.level)} s). {feed.feed} is {feed.state}. "
        sentence += feed.reason.rstrip(".") + "."
    else:
        where = "" if measure.kind == "age" else f" on the bar that closed at {clock(data_ns)}"
        label = measure_name(rule.measure, rule.spec)
        sentence = f"{rule.subject}: {label} is {number(value)}{unit_text(rule.measure)} ({rule.condition}){where}."
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
