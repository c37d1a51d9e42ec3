"""The thread that evaluates alert rules: it tells everybody, outlives failures, and runs once a folder."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alphastream.alerts import Alert, RuleContext
from alphastream.errors import AlphaStreamError, StorageError
from runtime.alerts.service import AlertService
from runtime.alerts.watch import AlertWatch
from tests.alerts.test_rules import NOW, SECOND, answer, context
from tests.runtime.alerts.books import RULE, Clock


@pytest.fixture
def watch(book: AlertService) -> Iterator[Callable[..., AlertWatch]]:
    made: list[AlertWatch] = []

    def start(*tell: Callable[[Alert], object]) -> AlertWatch:
        times = iter(range(10**6))

        def see() -> RuleContext | None:
            turn = next(times)
            if turn == 0:
                raise AlphaStreamError("not ready")
            return None if turn == 1 else context(answer([2.5 if turn % 2 else 0.0], NOW + turn * SECOND))

        made.append(AlertWatch(book, see, tell, every_s=0.001))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.stop()


def test_the_watch_tells_everybody_and_outlives_failures(
    book: AlertService, watch: Callable[..., AlertWatch], clock: Clock
) -> None:
    book.replace(replace(RULE, cool_down_s=0.0))
    told: list[Alert] = []
    enough = threading.Event()

    def listen(alert: Alert) -> None:
        told.append(alert)
        if len(told) >= 3:
            enough.set()

    def fail(_: Alert) -> None:
        raise RuntimeError("a listener that fails")

    running = watch(fail, listen)
    assert enough.wait(30)
    running.stop()
    count = len(told)
    time.sleep(0.02)
    assert len(told) == count
    assert {alert.rule_id for alert in told} == {"a"}


def test_of_two_books_on_one_folder_one_watches_and_the_other_says_so(
    book: AlertService, clock: Clock, tmp_path: Path
) -> None:
    second = AlertService(tmp_path / "var", clock)
    assert book.claim()
    assert not second.claim()
    assert f"by process {os.getpid()}" in (second.held or "")
    with pytest.raises(StorageError, match="or change the rules there"):
        second.add(replace(RULE, id="lost"))
    book.add(replace(RULE, id="b"))
    assert [rule.id for rule in second.rules] == ["a"]
    book.release()
    assert second.claim()
    assert second.held is None
    assert [rule.id for rule in second.rules] == ["a", "b"]
    assert not book.claim()
    second.release()


def test_a_watch_begins_when_the_other_has_ended(book: AlertService, clock: Clock, tmp_path: Path) -> None:
    looked = threading.Event()

    def see() -> RuleContext | None:
        looked.set()
        return None

    first, second = AlertService(tmp_path / "var", clock), AlertService(tmp_path / "var", clock)
    one, other = AlertWatch(first, lambda: None), AlertWatch(second, see, every_s=0.001)
    one.start()
    other.start()
    try:
        assert (second.held is None, looked.wait(0.05)) == (False, False)
        one.stop()
        assert (looked.wait(30), second.held) == (True, None)
    finally:
        one.stop()
        other.stop()
    assert book.claim()
    book.release()


def test_a_watch_that_cannot_look_says_so_until_it_can(book: AlertService, caplog: pytest.LogCaptureFixture) -> None:
    failures = [ZeroDivisionError("nothing left to divide")] * 3
    seen: list[str | None] = []

    def see() -> RuleContext | None:
        seen.append(book.outage)
        if failures:
            raise failures.pop()
        return None

    running = AlertWatch(book, see, every_s=0.001)
    running.start()
    try:
        deadline = time.monotonic() + 30
        while len(seen) < 5:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    finally:
        running.stop()
    assert seen[:5] == [None, *["ZeroDivisionError: nothing left to divide; the log has more"] * 3, None]
    assert caplog.text.count("rules were not evaluated") == 1
