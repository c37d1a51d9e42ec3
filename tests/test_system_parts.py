"""The system where one part of it cannot start, or every file beside the tape is damaged."""

import random
import threading
from pathlib import Path

import pytest

import pipelines
from alphastream.errors import StorageError
from runtime.alerts.files import BookFile
from runtime.alerts.history import HistoryFile
from runtime.alerts.service import AlertService
from runtime.alerts.watch import AlertWatch
from runtime.alerts.webhooks import Webhooks
from runtime.paper.journal import RunFile
from runtime.paper.record import Paused
from runtime.paper.service import PaperService
from system import System
from tests.runtime.alerts.books import RULE, Clock, look
from tests.runtime.line_damage import flip_a_bit
from tests.runtime.paper.test_journal import BEGIN
from tests.test_system import kind, running, settings


@pytest.mark.parametrize(
    ("of", "method"),
    [
        (BookFile, "load"),
        (HistoryFile, "newest"),
        (AlertWatch, "start"),
        (Webhooks, "from_file"),
        (Webhooks, "start"),
        (PaperService, "start"),
    ],
)
def test_the_rest_starts_where_one_part_fails_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: type, method: str
) -> None:
    def defect(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nothing left to divide")

    monkeypatch.setattr(of, method, defect)
    with running(System(settings(tmp_path, FEED="replay"))) as system:
        assert kind(system) == "replay"
        alerts, paper = system.alerts, system.paper
        said = [alerts.notice, alerts.failure, alerts.outage, *system.webhooks.problems, paper.failure]
        (words,) = [each for each in said if each is not None]
        assert "ZeroDivisionError" in words
        started = {thread.name for thread in threading.enumerate() if thread.name.startswith("alphastream-")}
        lacking = {"alphastream-alerts", "alphastream-webhooks", "alphastream-paper"} - started
        assert len(lacking) == (method == "start")
        if of is PaperService:
            assert paper.runs() == []
            with pytest.raises(StorageError, match="could not be started"):
                paper.resume("20260101-000000")
        if of is BookFile:
            with pytest.raises(StorageError, match="cannot be read"):
                alerts.add(RULE)


def test_a_pipeline_that_does_not_start_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(_: pipelines.Pipeline) -> None:
        raise ZeroDivisionError("nothing left to divide")

    monkeypatch.setattr(pipelines.Pipeline, "start", defect)
    with running(System(settings(tmp_path, FEED="live"))) as system:
        assert system.failure == "ZeroDivisionError: nothing left to divide"


def test_one_bad_byte_in_every_file_stops_nothing(tmp_path: Path) -> None:
    draw, folder = random.Random(0), tmp_path / "var"
    book = AlertService(folder, Clock())
    book.add(RULE)
    assert len(look(book, Clock(), 2.5)) == 1
    for number in range(10):
        RunFile(folder / "paper" / f"{number}.jsonl").append_all([[BEGIN], [Paused(1, 2, "nobody was there")]])
    (tmp_path / "secrets.toml").write_text('[webhooks.desk]\nkind = "json"\nurl = "https://93.184.215.14/hook"\n')
    for path in (folder / "alerts.json", folder / "alerts.jsonl", *(folder / "paper").iterdir()):
        path.write_bytes(flip_a_bit(path.read_bytes(), draw))
    (tmp_path / "secrets.toml").write_bytes(b"[webhooks.desk\xff")
    chosen = settings(tmp_path, FEED="replay", SECRETS_FILE=str(tmp_path / "secrets.toml"))
    with running(System(chosen)) as system:
        assert kind(system) == "replay"
        assert system.failure is None
        for file in ("alerts.json ", "alerts.jsonl: line 1"):
            assert file in str(system.alerts.notice)
        assert system.alerts.failure is None
        for number in range(10):
            shown = system.paper.view(str(number))
            assert shown is None or shown.damaged or any(f"{number}.jsonl" in each for each in system.paper.notices)
        assert len(system.paper.notices) == 10
        assert "is not TOML" in system.webhooks.problems[0]
