"""Alert rules and their history on disk: damage, full disks, other processes."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from alphastream.alerts import Alert
from alphastream.errors import StorageError
from runtime.alerts.files import HistoryFile
from runtime.alerts.service import AlertService
from tests.alerts.test_rules import NOW
from tests.runtime.alerts.books import RULE, Clock, look


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


def test_a_book_that_another_changed_is_not_overwritten(book: AlertService, clock: Clock, tmp_path: Path) -> None:
    second = AlertService(tmp_path / "var", clock)
    book.add(replace(RULE, id="b"))
    with pytest.raises(StorageError, match="was changed by another process: start this app again"):
        second.add(replace(RULE, id="c"))
    assert [rule.id for rule in AlertService(tmp_path / "var", clock).rules] == ["a", "b"]


def test_alerts_that_cannot_be_written_are_told_all_the_same(
    book: AlertService, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise TypeError("this cannot be JSON")

    monkeypatch.setattr(HistoryFile, "append", defect)
    assert len(look(book, clock, 2.5)) == 1
    assert "this cannot be JSON" in (book.failure or "")
