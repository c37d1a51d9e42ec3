"""Rules, alerts and deliveries as tables, and the history as a file."""

import pandas as pd

from alphastream.alerts import Alert, Rule, false_alarms, measure_name
from alphastream.instruments import in_words
from runtime.alerts.service import RuleStatus
from runtime.alerts.webhooks import Delivery
from views.shared.exports import csv_bytes


def rules_frame(rules: list[tuple[Rule, RuleStatus]], venue: str) -> pd.DataFrame:
    """One row a rule; how it stands comes first, because a narrow screen shows no more.

    Parameters
    ----------
    venue : whose symbols are printed bare.
    """
    return pd.DataFrame(
        {
            "rule": [rule.name for rule, _ in rules],
            "state": [in_words(status.words, venue) for _, status in rules],
            "now": [status.value for _, status in rules],
            "distance": [status.distance for _, status in rules],
            "measure": [in_words(measure_name(rule.measure, rule.spec), venue) for rule, _ in rules],
            "subject": [in_words(rule.subject, venue) for rule, _ in rules],
            "condition": [rule.condition for rule, _ in rules],
            "fires by chance": [false_alarms(rule) for rule, _ in rules],
            "fired last (UTC)": [_moment(status.fired_ns) for _, status in rules],
            "cool-down (s)": [rule.cool_down_s for rule, _ in rules],
            "notifies": [", ".join(rule.channels) or "this app" for rule, _ in rules],
        }
    )


def _moment(time_ns: int) -> pd.Timestamp | None:
    return pd.Timestamp(time_ns, tz="UTC") if time_ns else None


def history_frame(alerts: tuple[Alert, ...], venue: str = "") -> pd.DataFrame:
    """One row an alert; sentences with bare symbols of the venue."""
    return pd.DataFrame(
        {
            "time": pd.to_datetime([alert.time_ns for alert in alerts], utc=True),
            "rule": [alert.rule for alert in alerts],
            "measure": [alert.measure for alert in alerts],
            "value": [alert.value for alert in alerts],
            "level": [alert.level for alert in alerts],
            "bar_end": pd.to_datetime([alert.data_ns for alert in alerts], utc=True),
            "trades": ["recorded" if alert.recorded else "live" for alert in alerts],
            "notified": [" ".join(alert.channels) for alert in alerts],
            "sentence": [in_words(alert.sentence, venue) for alert in alerts],
        }
    )


def history_csv(alerts: tuple[Alert, ...]) -> bytes:
    """``history_frame`` as a file; times in ISO 8601, UTC. A name that a spreadsheet would calculate gets a quote."""
    frame = history_frame(alerts)
    for column in ("rule", "sentence"):
        frame[column] = [f"'{text}" if text.startswith(("=", "+", "-", "@")) else text for text in frame[column]]
    return csv_bytes(frame)


def deliveries_frame(tries: tuple[Delivery, ...]) -> pd.DataFrame:
    """One row a try."""
    return pd.DataFrame(
        {
            "time": pd.to_datetime([each.time_ns for each in tries], utc=True),
            "webhook": [each.target for each in tries],
            "message": [each.title for each in tries],
            "attempt": [each.attempt for each in tries],
            "outcome": [each.outcome for each in tries],
            "detail": [each.detail for each in tries],
        }
    )
