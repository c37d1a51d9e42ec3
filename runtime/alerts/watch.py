"""The thread that evaluates alert rules, with or without a browser."""

import logging
import threading
from collections.abc import Callable, Sequence

from alphastream.alerts import (
    Alert,
    RuleContext,
    number,
)
from runtime import threads
from runtime.alerts.service import AlertService

log = logging.getLogger(__name__)


class AlertWatch:
    """The thread that evaluates the rules of a service, with or without a browser, unless another process does.

    Parameters
    ----------
    context : what rules are evaluated on now; None while there is no feed.
    listeners : each is called with every alert, in this thread.
    every_s : between two evaluations. Bars that closed in between are all looked at.
    """

    def __init__(
        self,
        service: AlertService,
        context: Callable[[], RuleContext | None],
        listeners: Sequence[Callable[[Alert], object]] = (),
        every_s: float = 1.0,
    ) -> None:
        self._service, self._context, self._listeners, self._every_s = service, context, tuple(listeners), every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alphastream-alerts", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._service.claim()
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Stop the thread; after this nothing is passed on. May be called twice, or without ``start``."""
        self._stopping.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        self._service.release()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._service.claim():
                    self.once()
                self._service.outage = None
            except Exception as error:  # the edge of the thread: an alert must not be the last one
                threads.begins_again()
                words = f"{type(error).__name__}: {error}; the log has more"
                if self._service.outage != words:
                    log.exception("rules were not evaluated")
                self._service.outage = words
            self._stopping.wait(self._every_s)

    def once(self) -> list[Alert]:
        """Evaluate now and pass on what fired."""
        context = self._context()
        alerts = self._service.evaluate(context) if context is not None else []
        for alert in alerts:
            log.info("alert rule=%s name=%r value=%s", alert.rule_id, alert.rule, number(alert.value))
            for listener in self._listeners:
                if self._stopping.is_set():
                    break
                try:
                    listener(alert)
                except Exception:  # a listener that fails does not silence the others
                    log.exception("rule=%s a listener failed to take an alert", alert.rule_id)
        return alerts
