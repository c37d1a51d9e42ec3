"""A book of alert rules on a clock that a test sets."""

from dataclasses import replace
from typing import Any

from alphastream.alerts import Alert
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
