"""How often a rule fires where there is nothing, in words, and the budget that rules on many pairs share."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from alphastream.alerts.measures import MEASURES, SHARED
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
    return MEASURES[measure].source == "pvalue"


def false_alarms(rule: Rule) -> str:
    """How often a rule fires without a reason, as far as that is known; empty where it is not."""
    share = f"{min(1.0, 1.0 / rule.level):.2g}" if rule.level > 0 else "1"
    match rule.measure:
        case "evidence":
            return f"at most {100 * float(share):.3g} % of days on legs that nothing holds together"
        case "ended":
            return f"at most {100 * float(share):.3g} % of days while deviations come back (half-life ≤ 50 bars)"
        case "evidence_p" if rule.when == "below":
            return f"ever: at most {100 * rule.level:.3g} % of pairs that nothing holds together"
        case measure if is_one_look(measure):
            return "every day, by chance alone" + ("" if rule.told else " (this rule was made without being told)")
        case _:
            return ""


def with_shared_budget(rule: Rule, rules: Iterable[Rule], is_shown: Callable[[Rule], bool]) -> Rule:
    """The rule with the level it needs beside the others on the same measure; other measures' rules as they are.

    Parameters
    ----------
    rules : all of them, this one included.
    is_shown : whether a rule has fired and not come back since.
    """
    if rule.measure not in SHARED:
        return rule
    others = [each for each in rules if each.on and each.measure == rule.measure and each.id != rule.id]
    return replace(rule, level=evidence_needed(1.0 / rule.level, len(others) + 1, sum(map(is_shown, others))))
