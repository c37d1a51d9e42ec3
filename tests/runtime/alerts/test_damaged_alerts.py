"""Damaged files of alerts: the service starts, no altered rule or alert is believed, what is missing is said.

``make kills`` tries three hundred. What once failed has a test of its own in test_files.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from alphastream.alerts import Alert
from runtime.alerts.service import AlertService
from tests.alerts.test_rules import FEED, NOW, SECOND
from tests.runtime.alerts.books import RULE, Clock, look
from tests.runtime.line_damage import SEEDS, damaged

RULES = (*(replace(RULE, id=f"r{number}", level=2.0 + number, cool_down_s=0.0) for number in range(8)), FEED)


def sound(folder: Path, clock: Clock) -> AlertService:
    """A book with rules, some of which have fired."""
    book = AlertService(folder, clock)
    for rule in RULES:
        book.add(rule)
    for zscore in (3.5, 0.5, 6.5):
        look(book, clock, zscore)
        clock.now_ns += SECOND
    return book


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_read_of_a_damaged_book_was_written(seed: int, tmp_path: Path, clock: Clock) -> None:
    book = sound(tmp_path, clock)
    known = {rule.id: rule for rule in book.rules}
    fired = {rule.id for rule in RULES[:5]}
    path = tmp_path / "alerts.json"
    whole = path.read_bytes()
    path.write_bytes(damaged(whole, seed))
    again = AlertService(tmp_path, clock)
    assert {rule.id: rule for rule in again.rules}.items() <= known.items()
    assert len(again.rules) == len(known) or again.notice is not None
    alerts = look(again, clock, 6.5)
    assert {alert.rule_id for alert in alerts}.isdisjoint(fired)  # what has fired does not fire again
    again.add(replace(RULE, id="new"))
    third = AlertService(tmp_path, clock)
    assert third.notice is None
    assert set(third.rules) == {*again.rules}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_read_of_a_damaged_history_was_written(seed: int, tmp_path: Path, clock: Clock) -> None:
    known = sound(tmp_path, clock).history()
    path = tmp_path / "alerts.jsonl"
    lines = set(path.read_bytes().split(b"\n"))
    path.write_bytes(damaged(path.read_bytes(), seed))
    left = {line.removesuffix(b"\r") for line in path.read_bytes().split(b"\n")} - {b""}
    again = AlertService(tmp_path, clock)
    assert set(again.history()) <= set(known)
    assert len(again.history()) == len(left & lines)
    assert (again.notice is None) == (left <= lines)
    new = [Alert(clock.now_ns, "new", "name", "zscore", 2.5, 2.0, "sentence", NOW)]
    assert again.claim()
    again._record(new)
    third = AlertService(tmp_path, clock)
    assert third.notice is None
    assert list(third.history()) == [*new, *again.history()[1:]]
    again.release()
