"""Rules on evidence: what they say about their errors, and the budget they share."""

from dataclasses import replace

import numpy as np
import pytest

from alphastream.alerts import (
    MEASURES,
    SHARED,
    Rule,
    SharedBudget,
    false_alarms,
    is_one_look,
    measure_name,
    read_pair,
)
from alphastream.errors import ParameterError
from alphastream.pairs import PairSpec, alarm_rows
from tests.alerts.test_rules import ABOVE, NOW, answer

PAIR = PairSpec("ETHUSDT", "BTCUSDT")
EVIDENCE = Rule("e", "it reverts", "evidence", "above", 20.0, 1.0, PAIR)
ENDED = replace(EVIDENCE, id="x", measure="ended")


def test_the_level_of_a_detector_is_in_days() -> None:
    """20 days of 1 s bars are 1.7 million rows, of 1 min bars 29 thousand: the same share of days for both."""
    assert alarm_rows(10**9) == 1_728_000.0
    assert alarm_rows(60 * 10**9) == 28_800.0
    assert alarm_rows(86_400 * 10**9) == alarm_rows(31 * 86_400 * 10**9) == 20.0
    found = answer([0.0])
    closed = {**found.closed, "detector": np.array([1.728e6]), "ended": np.array([86_400.0])}
    found = replace(found, closed=closed)
    assert read_pair(EVIDENCE, found, NOW, 0).values[0][1] == pytest.approx(20.0)
    assert read_pair(ENDED, found, NOW, 0).values[0][1] == pytest.approx(1.0)
    endless = replace(found, closed={**closed, "detector": np.array([1e300])})
    assert read_pair(EVIDENCE, endless, NOW, 0).values == ((NOW, 1e9),)
    early = replace(found, closed={**closed, "detector": np.array([np.nan])})
    assert read_pair(EVIDENCE, early, NOW, 0).missing == "needs 100 bars in which both legs traded"


def test_the_rate_is_said_in_words() -> None:
    assert false_alarms(EVIDENCE) == "at most 5 % of days on legs that nothing holds together"
    assert false_alarms(replace(EVIDENCE, level=100.0)).startswith("at most 1 % of days")
    assert false_alarms(ENDED) == "at most 5 % of days while deviations come back (half-life ≤ 50 bars)"
    since = replace(EVIDENCE, measure="evidence_p", when="below", level=0.05, clear=1.0)
    assert false_alarms(since) == "ever: at most 5 % of pairs that nothing holds together"
    old = replace(ABOVE, measure="pvalue", when="below", level=0.01, clear=0.5)
    assert false_alarms(old) == "every day, by chance alone (this rule was made without being told)"
    assert false_alarms(replace(old, told=True)) == "every day, by chance alone"
    assert false_alarms(ABOVE) == ""
    assert [name for name in MEASURES if is_one_look(name)] == ["pvalue", "pvalue_window"]
    assert measure_name("evidence") == "evidence that deviations come back"


def test_rules_on_one_measure_share_one_budget() -> None:
    others = [replace(EVIDENCE, id=str(each)) for each in range(9)]
    rules = [EVIDENCE, *others, ENDED, ABOVE]
    alone = SharedBudget([EVIDENCE, ENDED, ABOVE], lambda _: False)
    assert alone.applied(EVIDENCE).level == pytest.approx(20.0)
    assert SharedBudget(rules, lambda _: False).applied(EVIDENCE).level == pytest.approx(200.0)
    shown = {"0", "1", "2", "3", ABOVE.id, ENDED.id}
    budget = SharedBudget(rules, lambda rule: rule.id in shown)
    assert budget.applied(EVIDENCE).level == pytest.approx(40.0)
    budget.note(EVIDENCE, True)
    assert budget.applied(EVIDENCE).level == pytest.approx(40.0)  # itself does not count
    budget.note(others[0], False)
    assert budget.applied(EVIDENCE).level == pytest.approx(50.0)
    off = [EVIDENCE, *(replace(each, on=False) for each in others)]
    assert SharedBudget(off, lambda _: True).applied(EVIDENCE).level == pytest.approx(20.0)
    assert budget.applied(ABOVE) is ABOVE


@pytest.mark.parametrize("change", [{"when": "below", "clear": 30.0}, {"level": 0.5, "clear": 0.1}])
@pytest.mark.parametrize("measure", sorted(SHARED))
def test_evidence_fires_above_a_day(measure: str, change: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="evidence fires above its level"):
        replace(EVIDENCE, measure=measure, **change)  # type: ignore[arg-type]
