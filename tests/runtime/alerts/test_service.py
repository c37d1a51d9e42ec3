"""The book of rules: kept over restarts and damage, shared by threads, cheap; and the thread that evaluates it."""

import json
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alphastream.alerts import Alert, RuleContext
from alphastream.errors import AlphaStreamError, FeedBlocked, ParameterError, StorageError
from alphastream.pairs import PairAnalytics, PairSpec, Progress
from runtime.alerts.files import HistoryFile
from runtime.alerts.service import MAX_RULES, AlertService
from runtime.alerts.watch import AlertWatch
from tests.alerts.test_rules import ABOVE, FEED, NOW, SECOND, answer, context, health

RULE = replace(ABOVE, cool_down_s=60.0, channels=("desk",))


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_ns = NOW

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> AlertService:
    made = AlertService(tmp_path / "var", clock)
    made.add(RULE)
    return made


def look(book: AlertService, clock: Clock, *zscores: float, **more: Any) -> list[Alert]:
    """Evaluate on bars that end now."""
    return book.evaluate(context(answer(zscores, clock.now_ns), now_ns=clock.now_ns, feed_now_ns=clock.now_ns, **more))


def states(book: AlertService, clock: Clock, *zscores: float) -> str:
    look(book, clock, *zscores)
    return book.status(RULE.id).state


def test_states_in_words(book: AlertService, clock: Clock) -> None:
    assert book.status(RULE.id).words == "not evaluated yet"
    book.evaluate(context(answer([math.nan], calibration=(Progress("z-score", 37, 100),))))
    assert book.status(RULE.id).words == "calibrating: z-score 37/100"
    assert states(book, clock, 1.5) == "armed"
    status = book.status(RULE.id)
    assert (status.value, status.distance, status.data_ns) == (1.5, 0.5, NOW)
    assert states(book, clock, 2.5) == "fired"
    assert book.status(RULE.id).fired_ns == NOW
    clock.now_ns += 10 * SECOND
    assert states(book, clock, 0.5) == "cooling down"
    assert book.status(RULE.id).words == "cooling down: 50 s left"
    clock.now_ns += 50 * SECOND
    assert states(book, clock, 0.5) == "armed"
    book.replace(replace(RULE, on=False))
    assert states(book, clock, 5.0) == "off"


def test_bars_between_two_evaluations_are_not_lost(book: AlertService, clock: Clock) -> None:
    assert look(book, clock, 0.0) == []
    clock.now_ns += 3 * SECOND
    (alert,) = look(book, clock, 0.0, 0.0, 2.5, 0.0)
    assert alert.data_ns == clock.now_ns - SECOND
    assert book.status(RULE.id).state == "cooling down"


def test_an_alert_is_told_once_over_restarts(book: AlertService, clock: Clock, tmp_path: Path) -> None:
    (alert,) = look(book, clock, 2.5)
    assert alert.channels == ("desk",)
    clock.now_ns += 3_600 * SECOND
    again = AlertService(tmp_path / "var", clock)
    assert again.rules == (RULE,)
    assert again.history() == (alert,)
    assert look(again, clock, 2.5) == []
    assert look(again, clock, 0.5) == []
    third = AlertService(tmp_path / "var", clock)
    assert len(look(third, clock, 2.5)) == 1
    assert len(third.history()) == 2


def test_the_cool_down_outlives_a_restart(book: AlertService, clock: Clock, tmp_path: Path) -> None:
    look(book, clock, 2.5)
    look(book, clock, 0.5)
    again = AlertService(tmp_path / "var", clock)
    assert look(again, clock, 2.5) == []
    clock.now_ns += 60 * SECOND
    assert len(look(again, clock, 2.5)) == 1


def test_a_replay_does_not_disarm_a_rule_for_live_trades(book: AlertService, clock: Clock) -> None:
    (alert,) = look(book, clock, 2.5, recorded=True)
    assert alert.recorded
    assert "Recorded trades" in alert.sentence
    (alert,) = look(book, clock, 2.5)
    assert not alert.recorded


def test_edited_rules(book: AlertService, clock: Clock) -> None:
    look(book, clock, 2.5)
    book.replace(replace(RULE, name="another name", channels=()))
    clock.now_ns += 60 * SECOND
    assert look(book, clock, 2.5) == []  # the same rule under another name
    book.replace(replace(RULE, level=2.2, clear=1.0))
    (alert,) = look(book, clock, 2.5)
    assert alert.level == 2.2
    with pytest.raises(ParameterError, match="removed meanwhile"):
        book.replace(replace(RULE, id="unknown"))
    with pytest.raises(ParameterError, match="exists"):
        book.add(RULE)
    book.remove(RULE.id)
    assert book.rules == ()
    assert len(book.history()) == 2
    with pytest.raises(ParameterError, match="removed meanwhile"):
        book.remove(RULE.id)


def test_switched_on_again_a_rule_is_armed(book: AlertService, clock: Clock) -> None:
    look(book, clock, 2.5)
    book.replace(replace(RULE, on=False))
    clock.now_ns += 60 * SECOND
    assert look(book, clock, 2.5) == []
    book.replace(RULE)
    assert len(look(book, clock, 2.5)) == 1


def test_silence_of_the_feed_fires_and_clears(tmp_path: Path, clock: Clock) -> None:
    book = AlertService(tmp_path, clock)
    book.add(FEED)
    begun, fired = clock.now_ns, []
    for seconds in (0, 29, 30, 31, 60):
        clock.now_ns = begun + seconds * SECOND
        feed = health(0, "stalled", "no answer")
        fired += [seconds] * len(book.evaluate(context(feed=feed, feed_now_ns=clock.now_ns)))
    assert fired == [30]
    book.evaluate(context(feed=health(clock.now_ns), feed_now_ns=clock.now_ns))
    assert book.status(FEED.id).state == "cooling down"


def test_symbols_are_asked_for_once(book: AlertService, clock: Clock) -> None:
    asked: list[str] = []

    def follow(symbol: str) -> None:
        asked.append(symbol)
        raise FeedBlocked(f"{symbol} is not listed")

    for _ in range(3):
        look(book, clock, 2.5, symbols=("BTCUSDT",), follow=follow)
    assert asked == ["ETHUSDT"]
    assert book.status(RULE.id).words == "ETHUSDT is not listed"


def test_one_rule_that_fails_leaves_the_others(
    book: AlertService, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    broken = PairSpec("SOLUSDT", "BTCUSDT")
    book.replace(replace(RULE, spec=broken))
    book.add(replace(RULE, id="b"))

    def answer_for(spec: PairSpec) -> PairAnalytics:
        if spec == broken:
            raise RuntimeError("no bars")
        return answer([2.5])

    with caplog.at_level(logging.ERROR):
        everything = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
        alerts = [book.evaluate(context(answer_for=answer_for, symbols=everything)) for _ in range(3)]
    assert [[alert.rule_id for alert in found] for found in alerts] == [["b"], [], []]
    assert book.status(RULE.id).state == "failed"
    assert "RuntimeError: no bars" in book.status(RULE.id).words
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a book"),
        (b'{"format": 1, "rules": [', "not a book"),
        (b"[1, 2]", "not a book"),
        (b'{"format": 2, "rules": [], "states": []}', "format is 2"),
        (b'{"format": 1, "rules": {}, "states": []}', "no list of rules"),
        (b'{"format": 1, "rules": [{"id": "\xff"}], "states": []}', "not a book"),
        (b'{"format": 1, "rules": ' + b"[" * 100_000, "not a book"),
        (b'{"format": 1, "rules": [1, null, {"id": 7}], "states": [[], {"rule": "a"}]}', "5 entries"),
    ],
)
def test_a_damaged_book_is_kept_aside(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "alerts.json").write_bytes(content)
    book = AlertService(tmp_path)
    assert book.notice is not None
    assert said in book.notice
    (aside,) = tmp_path.glob("alerts-damaged-*.json")
    assert aside.name in book.notice
    assert aside.read_bytes() == content
    book.add(RULE)
    assert AlertService(tmp_path).rules == (RULE,)
    assert AlertService(tmp_path).notice is None


def test_one_bad_rule_does_not_cost_the_others(book: AlertService, clock: Clock, tmp_path: Path) -> None:
    look(book, clock, 2.5)
    path = tmp_path / "var" / "alerts.json"
    kept = json.loads(path.read_bytes())
    kept["rules"].append({**kept["rules"][0], "id": "b", "level": -7.0})
    kept["states"].append({"rule": "a", "armed": "yes"})
    path.write_text(json.dumps(kept))
    again = AlertService(tmp_path / "var", clock)
    assert again.rules == (RULE,)
    assert again.notice is not None
    assert "2 entries" in again.notice
    assert "clear=1 with level=-7" in again.notice
    assert look(again, clock, 2.5) == []
    assert len(list((tmp_path / "var").glob("alerts-damaged-*.json"))) == 1


def test_a_book_that_cannot_be_written_says_so_and_goes_on(book: AlertService, clock: Clock, tmp_path: Path) -> None:
    scratch = tmp_path / "var" / "alerts.json.new"
    scratch.mkdir()  # nothing can be written in its place
    assert len(look(book, clock, 2.5)) == 1
    assert look(book, clock, 2.5) == []
    assert book.failure is not None
    assert "not kept on disk" in book.failure
    with pytest.raises(StorageError, match="ALPHASTREAM_DATA_DIR"):
        book.add(replace(RULE, id="b"))
    assert book.rules == (RULE,)
    scratch.rmdir()
    assert look(book, clock, 0.5) == []
    assert book.failure is None


def test_a_book_that_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "alerts.json").mkdir()
    book = AlertService(tmp_path)
    assert book.notice is not None
    with pytest.raises(StorageError, match="make the file readable"):
        book.add(RULE)


def test_history_is_rotated_and_survives_a_cut_line(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path, rotate_bytes=2_000)
    made = [Alert(NOW + i, "a", "name", "half_life", math.inf, 2.0, f"sentence {i}", NOW) for i in range(200)]
    for alert in made[:-1]:
        file.append([alert])
    sizes = [path.stat().st_size for path in tmp_path.glob("*.jsonl")]
    assert len(sizes) == 2
    assert max(sizes) < 2_600
    with (tmp_path / "alerts.jsonl").open("ab") as cut:
        cut.write(b'{"time_ns": 17')
    file.append(made[-1:])
    newest = file.newest(5)
    assert newest[-1] == made[-1]
    assert [alert.value for alert in newest] == [math.inf] * len(newest)
    assert len(newest) == 4  # the cut line was the fifth


@pytest.mark.parametrize(
    "garbage",
    [
        b'{"rule": "\xff"}',
        b'{"rule": ' + b"[" * 100_000,
        b"null",
        b'{"time_ns": 1}',
        b'{"time_ns": 18446744073709551616, "rule_id": "a", "rule": "a", "measure": "zscore", "value": 1.0, '
        b'"level": 1.0, "sentence": "", "data_ns": 0}',
    ],
)
def test_a_damaged_line_of_the_history_is_left_out_and_kept(
    tmp_path: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    made = [Alert(NOW + i, "a", "name", "zscore", 2.5, 2.0, "sentence", NOW) for i in range(3)]
    HistoryFile(tmp_path).append(made[:2])
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(path.read_bytes() + garbage)
    HistoryFile(tmp_path).append(made[2:])
    assert AlertService(tmp_path).history() == tuple(reversed(made))
    assert garbage in path.read_bytes()
    assert "lines left out" in caplog.text


def test_a_history_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "alerts.jsonl").mkdir()
    book = AlertService(tmp_path)
    assert book.history() == ()
    assert "cannot be read" in (book.failure or "")


def test_too_many_rules_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.alerts.service.MAX_RULES", 2)
    book = AlertService(tmp_path)
    book.add(RULE)
    book.add(replace(RULE, id="b"))
    with pytest.raises(ParameterError, match="2 rules"):
        book.add(replace(RULE, id="c"))
    assert MAX_RULES >= 100


def test_edits_and_evaluations_at_once(tmp_path: Path) -> None:
    book = AlertService(tmp_path)
    errors: list[BaseException] = []

    def guarded(work: Callable[[int], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                for index in range(30):
                    work(index)
            except BaseException as error:  # noqa: BLE001 (handed to the test)
                errors.append(error)

        return run

    def edit(name: str) -> Callable[[int], object]:
        def work(index: int) -> None:
            rule = replace(RULE, id=f"{name}{index}", cool_down_s=0.0)
            book.add(rule)
            book.replace(replace(rule, name="edited"))
            if index % 2:
                book.remove(rule.id)

        return work

    def evaluate(index: int) -> None:
        book.evaluate(context(answer([2.5 if index % 2 else 0.0], NOW + index * SECOND)))

    work = [guarded(edit("p")), guarded(edit("q")), guarded(evaluate), guarded(lambda _: book.history())]
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {rule.id for rule in book.rules} == {f"{name}{index}" for name in "pq" for index in range(0, 30, 2)}
    assert AlertService(tmp_path).rules == book.rules


def test_a_hundred_rules_are_all_looked_at(tmp_path: Path, clock: Clock) -> None:
    book, found = hundred(tmp_path, clock)
    assert book.evaluate(found) == []
    assert all(book.status(rule.id).state == "armed" for rule in book.rules)


def hundred(folder: Path, clock: Callable[[], int]) -> tuple[AlertService, RuleContext]:
    book = AlertService(folder, clock)
    pairs = [PairSpec(f"SYM{i}", "BTCUSDT") for i in range(20)]
    for index in range(100):
        book.add(replace(RULE, id=f"r{index}", spec=pairs[index % 20]))
    rows = answer([0.5] * 2_000)
    answers = {pair: replace(rows, spec=pair) for pair in pairs}
    symbols = ("BTCUSDT", *(pair.y for pair in pairs))
    return book, context(answer_for=answers.get, symbols=symbols)


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


def test_a_book_that_another_changed_is_not_overwritten(book: AlertService, clock: Clock, tmp_path: Path) -> None:
    second = AlertService(tmp_path / "var", clock)
    book.add(replace(RULE, id="b"))
    with pytest.raises(StorageError, match="was changed by another process: start this app again"):
        second.add(replace(RULE, id="c"))
    assert [rule.id for rule in AlertService(tmp_path / "var", clock).rules] == ["a", "b"]


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


def test_alerts_that_cannot_be_written_are_told_all_the_same(
    book: AlertService, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise TypeError("this cannot be JSON")

    monkeypatch.setattr(HistoryFile, "append", defect)
    assert len(look(book, clock, 2.5)) == 1
    assert "this cannot be JSON" in (book.failure or "")
