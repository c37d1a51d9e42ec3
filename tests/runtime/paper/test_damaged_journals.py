"""Damaged files of paper runs: the service starts, no altered number is shown, what is sound goes on.

``make kills`` tries three hundred. What once failed has a test of its own in test_journal.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from alphastream.errors import StorageError
from alphastream.trading import FundingPayment
from runtime.paper.journal import RunFile
from runtime.paper.record import Entry, Paid, Paused, RunRecord, Stopped
from tests.runtime.line_damage import SEEDS, damaged
from tests.runtime.paper.paper_pipeline import Pipelines, running
from tests.runtime.paper.test_journal import BEGIN, first_format, transaction

LINES: list[list[Entry]] = [
    [BEGIN],
    *(transaction(number) for number in range(1, 6)),
    [Paid(FundingPayment(3_005, "ETH", -0.4, 1)), Paused(3_001, 4_000, "nobody was there")],
    *(transaction(number) for number in range(6, 11)),
    [Stopped("enough")],
    *(transaction(number) for number in range(11, 13)),
]


def content_of(record: RunRecord) -> tuple[Any, ...]:
    """Everything that a page shows of a run, and that a run goes on with."""
    what = record.definition, record.orders, record.fills, record.funding, record.outages, record.state
    return record.begin, *what, record.stopped if record.damage is None else None


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[tuple[Any, ...]]]:
    """A file that is not damaged, and what its first line says, its first two lines, and so on."""
    file, found = RunFile(tmp_path_factory.mktemp("sound") / "run.jsonl"), []
    for line in LINES:
        file.append(line)
        found.append(content_of(file.read()))
    return file.path.read_bytes(), found


def text_of(content: bytes) -> bytes:
    """Line ends and empty lines say nothing."""
    lines = (line.removesuffix(b"\r") for line in content.split(b"\n"))
    return b"\n".join(line for line in lines if line)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_read_of_a_damaged_file_was_written(
    seed: int, sound: tuple[bytes, list[tuple[Any, ...]]], tmp_path: Path
) -> None:
    whole, known = sound
    file = RunFile(tmp_path / "run.jsonl")
    content = damaged(whole, seed)
    file.path.write_bytes(content)
    first = text_of(content).split(b"\n")[0]
    if first != whole.split(b"\n")[0]:
        with pytest.raises(StorageError, match=r"first line is damaged|it is empty|does not begin with a run"):
            file.read()
        return
    record = file.read()
    found = content_of(record)
    if record.damage is not None:
        assert found[:-1] in [each[:-1] for each in known]
        with pytest.raises(StorageError, match="nothing is added to it"):
            file.append(transaction(13))
        file.mend()
        assert file.path.read_bytes() == content
        return
    assert found in known
    if not record.left_out:
        assert text_of(whole).startswith(text_of(content))
    file.append([Stopped("by a test")])
    again = file.read()
    assert (again.damage, again.left_out, again.stopped) == (None, [], "by a test")
    assert content_of(again)[:-1] == found[:-1]


@pytest.mark.parametrize("format_", [1, 2])
def test_the_service_starts_on_damaged_files(format_: int, tmp_path: Path) -> None:
    folder = tmp_path / "paper"
    if format_ == 1:
        whole = b"".join(first_format(*LINES[1:-2]))
        folder.mkdir()
    else:
        file = RunFile(folder / "sound.jsonl")
        file.append_all(LINES[:-2])
        whole = file.path.read_bytes()
    fills = {msgspec.json.encode(fill) for fill in _fills_of(whole, tmp_path)}
    for seed in SEEDS:
        (folder / f"{seed:06}.jsonl").write_bytes(damaged(whole, seed))
    with running(folder, Pipelines()) as service:
        shown = {view.id for view in service.runs()}
        for seed in SEEDS:
            assert f"{seed:06}" in shown or any(f"{seed:06}.jsonl" in notice for notice in service.notices)
        for view in service.runs():
            assert format_ == 1 or {msgspec.json.encode(fill) for fill in view.fills} <= fills
            assert not view.damaged or any(f"{view.id}.jsonl" in notice for notice in service.notices)


def _fills_of(whole: bytes, folder: Path) -> list[Any]:
    (folder / "whole.jsonl").write_bytes(whole)
    return RunFile(folder / "whole.jsonl").read().fills
