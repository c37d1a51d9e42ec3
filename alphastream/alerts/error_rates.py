"""How often a rule fires where there is nothing, in words, and the budget that rules on many pairs share."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from alphastream.alerts.measures import SHARED, measure_of
from alphastream.alerts.rules import Rule
from alphastream.monitoring import evidence_needed

ONE_LOOK: Final = (
    "A p-value is about one look, a rule looks at every bar. At 1 s bars p < 0.05, < 0.01 and < 0.001 each come up "
    "every day on two independent random walks, p < 0.0001 on 27 % of days; and p ≥ 0.1 comes up 1.5, 16 and 152 "
    "times a day on pairs that are cointegrated, at half-lives of 5, 10 and 20 bars."
)
"""Measured on simulated Gaussian walks and pairs, a look every 20 seconds."""


def is_one_look(measure: str) -> bool:
    """Whether a measure is a p-value that means one look, so that a rule on it needs to be told its rate."""
    return measure_of(measure).source == "pvalue"


def false_alarms(rule: Rule) -> str:
    """How often a rule fires without a reason, as far as that is known; empty where it is not."""
    match rule.measure:
        case "evidence":
            return f"at most {100 / rule.level:.3g} % of days on legs that nothing holds together"
        case "ended":
            return f"at most {100 / rule.level:.3g} % of days while deviations come back (half-life ≤ 50 bars)"
        case "evidence_p" if rule.when == "below":
            return f"ever: at most {100 * rule.level:.3g} % of pairs that nothing holds together"
        case measure if is_one_look(measure):
            return "every day, by chance alone" + ("" if rule.told else " (this rule was made without being told)")
        case _:
            return ""


class SharedBudget:
    """The error budget of each measure of evidence, shared by all rules on it that are on.

    Parameters
    ----------
    rules : all of them.
    is_shown : whether a rule has fired and not come back since.
    """

    def __init__(self, rules: Iterable[Rule], is_shown: Callable[[Rule], bool]) -> None:
        self._watched: Counter[str] = Counter()
        self._shown: dict[str, set[str]] = {measure: set() for measure in SHARED}
        for rule in rules:
            if rule.on and rule.measure in SHARED:
                self._watched[rule.measure] += 1
                self.note(rule, is_shown(rule))

    def note(self, rule: Rule, is_shown: bool) -> None:
        """Take into account whether a rule has fired and not come back since."""
        if rule.measure in SHARED:
            (self._shown[rule.measure].add if is_shown else self._shown[rule.measure].discard)(rule.id)

    def applied(self, rule: Rule) -> Rule:
        """The rule with the level that it needs now beside the others; rules on other measures as they are."""
        if rule.measure not in SHARED:
            return rule
        shown = self._shown[rule.measure]
        others = len(shown) - (rule.id in shown)
        watched = self._watched[rule.measure]
        part = evidence_needed(0.5, watched, others) / 2.0  # of a rule alone, exactly
        return replace(rule, level=rule.level * part)
