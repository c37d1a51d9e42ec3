"""The thread that evaluates alert rules, with or without a browser."""

import logging
import threading
from collections.abc import Callable, Sequence

from alphastream.alerts import (
    Alert,
    RuleContext,
    number,
)
from runtime.alerts.service import AlertService

log = logging.getLogger(__name__)


class AlertWatch:
    """The thread that evaluates a book, with or without a browser, unless another process does.

    Parameters
    ----------
    look : what there is to see now; None while there is no feed.
    tell : each is called with every alert, in this thread.
    every_s : between two evaluations. Bars that closed in between are all looked at.
    """

    def __init__(
        self,
        book: AlertService,
        look: Callable[[], RuleContext | None],
        tell: Sequence[Callable[[Alert], object]] = (),
        every_s: float = 1.0,
    ) -> None:
        self._book, self._look, self._tell, self._every_s = book, look, tuple(tell), every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alphastream-alerts", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._book.claim()
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Stop the thread; after this nothing is told. May be called twice, or without ``start``."""
        self._stopping.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        self._book.release()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._book.claim():
                    self.once()
                self._book.outage = None
            except Exception as error:  # the edge of the thread: an alert must not be the last one
                words = f"{type(error).__name__}: {error}; the log has more"
                if self._book.outage != words:
                    log.exception("rules were not evaluated")
                self._book.outage = words
            self._stopping.wait(self._every_s)

    def once(self) -> list[Alert]:
        """Evaluate now and tell what fired."""
        context = self._look()
        alerts = self._book.evaluate(context) if context is not None else []
        for alert in alerts:
            log.info("alert rule=%s name=%r value=%s", alert.rule_id, alert.rule, number(alert.value))
            for tell in self._tell:
                if self._stopping.is_set():
                    break
                try:
                    tell(alert)
                except Exception:  # a listener that fails does not silence the others
                    log.exception("rule=%s an alert was not told", alert.rule_id)
        return alerts
