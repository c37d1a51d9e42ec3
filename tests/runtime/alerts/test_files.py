"""Alert rules and their history on disk: damage, full disks, other processes."""

import errno
import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from alphastream.alerts import Alert, RuleState
from alphastream.errors import StorageError
from alphastream.instruments import InstrumentId
from alphastream.pairs import PairSpec
from runtime.alerts.history import HistoryFile
from runtime.alerts.service import AlertService
from runtime.checked_lines import with_checksum
from tests.alerts.test_rules import FEED, NOW, SECOND
from tests.runtime.alerts.books import RULE, Clock, look, write_first_format


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a book"),
        (b'{"format": 1, "rules": [', "not a book"),
        (b"[1, 2]", "not a book"),
        (b'{"format": 3, "rules": [], "states": []}', "format is 3"),
        (with_checksum(b'{"format":3,"rules":0}')[0], "format is 3"),
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
    assert "alerts.json.damaged" in book.notice
    aside = tmp_path / "alerts.json.damaged"
    assert aside.read_bytes() == content + b"\n"
    assert AlertService(tmp_path).notice == book.notice
    assert aside.read_bytes() == content + b"\n"  # once
    book.add(RULE)
    assert AlertService(tmp_path).rules == (RULE,)
    assert AlertService(tmp_path).notice is None


def test_one_bad_rule_does_not_cost_the_others(clock: Clock, tmp_path: Path) -> None:
    path = write_first_format(tmp_path, [RULE], {("a", False): RuleState(False, NOW, 1)})
    kept = json.loads(path.read_bytes())
    kept["rules"].insert(0, {**kept["rules"][0], "id": "b", "level": -7.0})
    kept["states"].append({"rule": "a", "armed": "yes"})
    path.write_text(json.dumps(kept))
    again = AlertService(tmp_path, clock)
    assert again.rules == (RULE,)
    assert again.notice is not None
    assert "2 entries" in again.notice
    assert "it fires above -7 and re-arms at 1" in again.notice
    assert look(again, clock, 2.5) == []
    assert json.loads((tmp_path / "alerts.json.damaged").read_bytes()) == kept


def test_a_book_of_the_first_format_gets_full_names_and_fires_nothing_twice(tmp_path: Path, clock: Clock) -> None:
    write_first_format(tmp_path, [RULE, FEED], {("a", False): RuleState(False, NOW, 1), ("f", False): RuleState()})
    book = AlertService(tmp_path, clock, "binance-usdm")
    assert book.notice is None
    pair = PairSpec("binance-usdm:ETHUSDT", "binance-usdm:BTCUSDT")
    assert book.rules == (replace(RULE, spec=pair), FEED)
    symbols = ("binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT")
    assert look(book, clock, 2.5, symbols=symbols) == []  # it fired before the names changed
    assert book.status("a").state == "fired"
    assert look(book, clock, 0.5, symbols=symbols) == []
    again = AlertService(tmp_path, clock, "okx")  # written in full: another default changes nothing
    assert again.rules == book.rules
    clock.now_ns += 60 * SECOND
    assert len(look(again, clock, 2.5, symbols=symbols)) == 1


def test_names_that_are_more_than_text_are_written_as_text(tmp_path: Path) -> None:
    pair = PairSpec(InstrumentId("okx", "ETH-USDT"), InstrumentId("binance-usdm", "BTCUSDT"))
    AlertService(tmp_path).add(replace(RULE, spec=pair))
    (rule,) = AlertService(tmp_path).rules
    assert rule == replace(RULE, spec=pair)
    assert [line["rule"]["spec"]["y"] for line in json.loads((tmp_path / "alerts.json").read_bytes())[1:]] == [
        "okx:ETH-USDT"
    ]


def test_a_damaged_line_costs_its_rule_and_no_other(book: AlertService, clock: Clock, tmp_path: Path) -> None:
    book.add(replace(RULE, id="b", level=3.5))
    look(book, clock, 2.5)
    path = tmp_path / "var" / "alerts.json"
    lines = path.read_bytes().split(b"\n")
    damaged = lines[3].replace(b"3.5", b"2.5")
    path.write_bytes(b"\n".join([*lines[:3], damaged, *lines[4:]]))
    again = AlertService(tmp_path / "var", clock)
    assert again.rules == (RULE,)
    assert look(again, clock, 2.5) == []  # what it remembers came with it
    assert "line 4 is damaged" in str(again.notice)
    assert "kept in alerts.json.damaged. 1 rules were kept: add again what is missing" in str(again.notice)
    assert (path.parent / "alerts.json.damaged").read_bytes() == damaged + b"\n"


def test_a_rule_that_is_gone_is_missed(book: AlertService, tmp_path: Path) -> None:
    book.add(replace(RULE, id="b"))
    path = tmp_path / "var" / "alerts.json"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(lines[:3] + lines[4:]))
    again = AlertService(tmp_path / "var")
    assert again.rules == (RULE,)
    assert "1 of 2 rules are missing" in str(again.notice)


def test_a_book_that_cannot_be_written_says_so_and_goes_on(book: AlertService, clock: Clock, tmp_path: Path) -> None:
    scratch = tmp_path / "var" / "alerts.json.new"
    scratch.mkdir()  # nothing can be written in its place
    assert len(look(book, clock, 2.5)) == 1
    assert look(book, clock, 2.5) == []
    assert book.failure is not None
    assert "kept in memory until they can be written" in book.failure
    with pytest.raises(StorageError, match="ALPHASTREAM_DATA_DIR"):
        book.add(replace(RULE, id="b"))
    assert book.rules == (RULE,)
    scratch.rmdir()
    assert look(book, clock, 0.5) == []
    assert book.failure is None


def test_what_fired_waits_for_room_on_disk_and_is_all_kept(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("runtime.alerts.service.RETRY_S", (0.0, 0.0))
    book = AlertService(tmp_path, clock)
    book.add(RULE)
    with monkeypatch.context() as full:

        def fail(path: Path, text: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        full.setattr("runtime.alerts.history.append_whole", fail)
        fired = look(book, clock, 2.5)
        clock.now_ns += 60 * SECOND
        fired += look(book, clock, 0.5, 2.5)
        assert len(fired) == 2
        assert "No space left on device" in str(book.failure)
        assert list(book.history()) == fired[::-1]
        assert AlertService(tmp_path, clock).history() == ()
    assert look(book, clock, 2.5) == []  # nothing changes, and what waits is written
    assert book.failure is None
    assert list(AlertService(tmp_path, clock).history()) == fired[::-1]
    assert caplog.text.count("alerts are not kept on disk") == 1


def test_what_fired_on_a_full_disk_is_written_at_the_end_if_there_is_room(
    book: AlertService, clock: Clock, tmp_path: Path
) -> None:
    assert book.claim()
    scratch = tmp_path / "var" / "alerts.json.new"
    scratch.mkdir()
    (alert,) = look(book, clock, 2.5)
    assert book.failure is not None
    scratch.rmdir()
    book.release()
    again = AlertService(tmp_path / "var", clock)
    assert again.history() == (alert,)
    assert look(again, clock, 2.5) == []


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
    assert newest == made[-5:]
    assert [alert.value for alert in newest] == [math.inf] * 5
    assert "line 10 is damaged (Input data was truncated)" in str(file.notice)


@pytest.mark.parametrize(
    "garbage",
    [
        b'{"rule": "\xff"}',
        b'{"rule": ' + b"[" * 100_000,
        b'{"time_ns": ' + b"[" * 100_000,
        b"null",
        b'{"time_ns": 1}',
        with_checksum(b'{"alert":{"time_ns":1}}')[0],
        with_checksum(b'{"something":{"time_ns":1}}')[0],
        b'{"time_ns": 18446744073709551616, "rule_id": "a", "rule": "a", "measure": "zscore", "value": 1.0, '
        b'"level": 1.0, "sentence": "", "data_ns": 0}',
    ],
)
def test_a_damaged_line_of_the_history_is_left_out_and_kept(
    tmp_path: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    made = [Alert(NOW + i, "a", "name", "zscore", 2.5, 2.0, "sentence", NOW) for i in range(4)]
    HistoryFile(tmp_path).append(made[:2])
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(path.read_bytes() + garbage)
    HistoryFile(tmp_path).append(made[2:3])
    book = AlertService(tmp_path)
    assert book.history() == tuple(reversed(made[:3]))
    assert "line 3 is damaged" in str(book.notice)
    assert "line 3 is damaged" in caplog.text
    assert garbage in path.read_bytes()
    file = HistoryFile(tmp_path)
    file.newest(10)
    file.append(made[3:])
    assert (tmp_path / "alerts.jsonl.damaged").read_bytes() == garbage + b"\n"
    assert HistoryFile(tmp_path).newest(10) == made
    assert AlertService(tmp_path).notice is None


def test_a_history_of_before_is_read_and_goes_on(tmp_path: Path) -> None:
    made = [Alert(NOW + i, "a", "name", "zscore", math.inf, 2.0, "sentence", NOW) for i in range(3)]
    lines = [json.dumps({**asdict(alert), "value": None}, separators=(",", ":")) + "\n" for alert in made[:2]]
    (tmp_path / "alerts.jsonl").write_text("".join(lines))
    file = HistoryFile(tmp_path)
    file.append(made[2:])
    assert file.newest(5) == made
    assert file.notice is None


def test_an_altered_alert_is_none(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path)
    made = [Alert(NOW + i, "a", "name", "zscore", 2.5, 2.0, "sentence", NOW) for i in range(2)]
    file.append(made)
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(path.read_bytes().replace(b"2.5", b"9.5", 1))
    assert file.newest(5) == made[1:]
    path.write_bytes(path.read_bytes() * 2)
    assert file.newest(5) == made[1:]


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
