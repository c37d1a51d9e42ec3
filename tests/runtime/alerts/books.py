"""A book of alert rules on a clock that a test sets."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from alphastream.alerts import Alert, Rule, RuleState
from runtime.alerts.service import AlertService
from tests.alerts.test_rules import ABOVE, NOW, answer, context

RULE = replace(ABOVE, cool_down_s=60.0, channels=("desk",))


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_ns = NOW

    def __call__(self) -> int:
        return self.now_ns


def look(book: AlertService, clock: Clock, *zscores: float, **more: Any) -> list[Alert]:
    """Evaluate on bars that end now."""
    return book.evaluate(context(answer(zscores, clock.now_ns), now_ns=clock.now_ns, feed_now_ns=clock.now_ns, **more))


def states(book: AlertService, clock: Clock, *zscores: float) -> str:
    look(book, clock, *zscores)
    return book.status(RULE.id).state


def write_first_format(folder: Path, rules: list[Rule], states: Mapping[tuple[str, bool], RuleState]) -> Path:
    """A book as versions before checksums wrote it."""
    kept = [{"rule": rule_id, "recorded": recorded, **asdict(state)} for (rule_id, recorded), state in states.items()]
    path = folder / "alerts.json"
    path.write_text(json.dumps({"format": 1, "rules": [asdict(rule) for rule in rules], "states": kept}, indent=1))
    return path
