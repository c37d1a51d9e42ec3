"""Files of paper runs: what was written comes back, whatever happened to the end of the file."""

import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphastream.backtest import Outage
from alphastream.errors import StorageError
from alphastream.trading import Fill, FundingPayment, LegOrder, SpreadOrder
from runtime.paper.journal import UNREAD, AccountState, Begin, Entry, Filled, Ordered, Paid, Paused, RunFile, Stopped
from tests.runtime.paper.paper_pipeline import DEFINITION

BEGIN = Begin(DEFINITION.plain(), "live", "a venue", 1_000, 500)


def order(number: int, state: str = "filled") -> SpreadOrder:
    leg = LegOrder(0, "ETH", 1.5, 1.5, 1_100, 7.0)
    return SpreadOrder(number, (leg,), None, 1_000 + number, 1, "long spread", state=state)  # type: ignore[arg-type]


def fill(number: int) -> Fill:
    return Fill(2_000 + number, "ETH", 1.5, 3_000.1, 3_000.0, 0.7, 0.15, 0.0, number, 1)


def transaction(number: int) -> list[Entry]:
    return [Ordered(order(number)), Filled(fill(number)), AccountState(3_000 + number, 1, 1, 0, (3_000.0, None))]


@pytest.fixture
def file(tmp_path: Path) -> RunFile:
    return RunFile(tmp_path / "deeper" / "run.jsonl")


def test_everything_comes_back(file: RunFile) -> None:
    file.append([BEGIN])
    file.append([Ordered(order(1, "open")), AccountState(2_500, 1, 1, 0)])
    file.append([*transaction(1), Paid(FundingPayment(2_900, "ETH", -0.4, 1))])
    file.append([Paused(3_001, 4_000, "nobody was there")])
    file.append([Stopped("enough")])
    record = file.read()
    assert record.begin == BEGIN
    assert record.definition == DEFINITION
    assert record.orders == {1: order(1)}
    assert record.fills == [fill(1)]
    assert record.funding == [FundingPayment(2_900, "ETH", -0.4, 1)]
    assert record.outages == [Outage(3_001, 4_000, "nobody was there")]
    assert record.state == AccountState(3_001, 1, 1, 0, (3_000.0, None))
    assert record.until_ns == 3_001
    assert record.stopped == "enough"
    file.append([AccountState(5_000, 0, 1, 0)])
    assert file.read().stopped is None


@given(cut=st.integers(0, 4_000))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cut_file_is_whole_transactions(tmp_path: Path, cut: int) -> None:
    file = RunFile(tmp_path / "run.jsonl")
    file.path.unlink(missing_ok=True)
    file.append([BEGIN])
    first = file.path.stat().st_size
    for number in range(1, 6):
        file.append(transaction(number))
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[: min(first + cut, len(whole))])
    kept = file.read()
    assert [each.order for each in kept.fills] == list(kept.orders)
    assert kept.until_ns == (3_000 + len(kept.fills) if kept.fills else BEGIN.begin_ns)
    number = len(kept.orders) + 1
    file.append(transaction(number))
    again = file.read()
    assert list(again.orders) == list(range(1, number + 1))
    assert again.fills == [*kept.fills, fill(number)]


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b"null",
        b"\xff\xfe\x00",
        b'[{"type":"nobody knows"}]',
        b'[{"type":"fill"}]',
        b'{"type":"stopped"}',
        b"[]",
        b'[{"type":"stopped","why":"\xff"}]',
        b'[{"type":"pause","from_ns":1,"to_ns":2,"why":' + b"[" * 100_000,
        b'[{"type":"pause","from_ns":1,"to_ns":18446744073709551616,"why":""}]',
        b'[{"type":"state","until_ns":1,"direction":0,"trip":0,"late":0,"marks":[1.0]}]',
        b'[{"type":"order","order":{"id":1000000000000,"legs":[],"ratio":null,"decided_ns":1,"trip":1,"reason":""}}]',
        b'[{"type":"order","order":{"id":-1,"legs":[],"ratio":null,"decided_ns":1,"trip":1,"reason":""}}]',
    ],
)
def test_garbage_between_the_lines_is_left_out(file: RunFile, garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    file.append([BEGIN])
    file.append(transaction(1))
    with file.path.open("ab") as raw:
        raw.write(garbage + b"\n")
    file.append(transaction(2))
    with caplog.at_level(logging.WARNING):
        record = file.read()
    assert list(record.orders) == [1, 2]
    assert record.fills == [fill(1), fill(2)]
    assert ("line left out" in caplog.text) == (garbage not in (b"[]", b""))
    assert len(record.left_out) == (garbage not in (b"[]", b""))
    assert garbage in file.path.read_bytes()


def test_a_lost_line_leaves_a_place(file: RunFile) -> None:
    file.append([BEGIN])
    for number in (1, 2, 3):
        file.append(transaction(number))
    lines = file.path.read_bytes().splitlines(keepends=True)
    file.path.write_bytes(b"".join([*lines[:2], b"XXXX" + lines[2], lines[3]]))
    record = file.read()
    assert list(record.orders) == [1, 2, 3]
    assert record.orders[2].reason == UNREAD
    assert not record.orders[2].is_open


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"shopping list\n",
        b"[]\n",
        b'[{"type":"stopped","why":"first"}]\n',
        b'[{"type":"begin","definition":{},"trades":"live","title":"","begin_ns":1,"warm_ns":0}]\n',
        b'[{"type":"begin","definition":{},"trades":"live","title":"","begin_ns":1,"warm_ns":0,"format":99}]\n',
        b"\x00" * 100,
        b'[{"type":"begin","definition":{},"trades":"\xff","title":"","begin_ns":1,"warm_ns":0}]\n',
        b'[{"type":"begin","definition":' + b'{"a":' * 100_000,
    ],
)
def test_a_foreign_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.jsonl"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"foreign\.jsonl is no paper run that can be read .*: move it away"):
        RunFile(path).read()
    assert path.read_bytes() == content


def test_fills_of_another_symbol_are_no_run(file: RunFile) -> None:
    file.append([BEGIN])
    file.append([Filled(Fill(1, "DOGE", 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1, 1))])
    with pytest.raises(StorageError, match="fills of DOGE"):
        file.read()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no paper run that can be read"):
        RunFile(tmp_path / "none.jsonl").read()


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "paper").write_text("")
    with pytest.raises(StorageError, match="make the folder writable, or name another data_dir"):
        RunFile(tmp_path / "paper" / "run.jsonl").append([BEGIN])
