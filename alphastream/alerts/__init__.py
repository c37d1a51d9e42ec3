"""Alert rules: what is measured, when a rule fires, and how that is put into words. No clock, no disk, no thread."""

from alphastream.alerts.alert import Alert, alert_of
from alphastream.alerts.error_rates import ONE_LOOK, SharedBudget, false_alarms, is_one_look
from alphastream.alerts.measures import MEASURES, SHARED, Measure, measure_of
from alphastream.alerts.observations import (
    Observation,
    RuleContext,
    leg_of,
    read_edges,
    read_feed,
    read_flow,
    read_pair,
)
from alphastream.alerts.rules import (
    MAX_CHANNELS,
    MAX_COOL_DOWN_S,
    MAX_NAME,
    WITHOUT_PAIR,
    Rule,
    RuleState,
    When,
    clear_within,
    step,
)
from alphastream.alerts.sentences import clock, iso, measure_name, number, pair_name

__all__ = [
    "MAX_CHANNELS",
    "MAX_COOL_DOWN_S",
    "MAX_NAME",
    "MEASURES",
    "ONE_LOOK",
    "SHARED",
    "WITHOUT_PAIR",
    "Alert",
    "Measure",
    "Observation",
    "Rule",
    "RuleContext",
    "RuleState",
    "SharedBudget",
    "When",
    "alert_of",
    "clear_within",
    "clock",
    "false_alarms",
    "is_one_look",
    "iso",
    "leg_of",
    "measure_name",
    "measure_of",
    "number",
    "pair_name",
    "read_edges",
    "read_feed",
    "read_flow",
    "read_pair",
    "step",
]
