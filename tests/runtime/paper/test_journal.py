"""Files of paper runs: what was written comes back, whatever happened to the end of the file."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphastream.backtest import Definition, Outage
from alphastream.backtest.definition import renamed
from alphastream.errors import StorageError
from alphastream.instruments import InstrumentId
from alphastream.trading import (
    BrokerRules,
    Contract,
    Fill,
    FundingPayment,
    LegOrder,
    RecordedFunding,
    SpreadOrder,
)
from alphastream.trading.broker.costs import Due
from runtime.checked_lines import with_checksum
from runtime.paper.journal import RunFile
from runtime.paper.record import UNREAD, AccountState, Begin, Entry, Filled, Ordered, Origin, Paid, Paused, Stopped
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


GARBAGE = [
    b"{",
    b"null",
    b"\xff\xfe\x00",
    b'[{"type":"nobody knows"}]',
    b'[{"type":"fill"}]',
    b'{"type":"stopped"}',
    b"[]",
    b'[{"type":"stopped","why":"\xff"}]',
    b'{"entries":[{"type":"stopped","why":"no checksum"}]}',
    with_checksum(b'{"entries":[{"type":"stopped","why":"the checksum of a first line"}]}')[0],
    b'[{"type":"pause","from_ns":1,"to_ns":2,"why":' + b"[" * 100_000,
    b'[{"type":"pause","from_ns":1,"to_ns":18446744073709551616,"why":""}]',
    b'[{"type":"state","until_ns":1,"direction":0,"trip":0,"late":0,"marks":[1.0]}]',
    b'[{"type":"order","order":{"id":1000000000000,"legs":[],"ratio":null,"decided_ns":1,"trip":1,"reason":""}}]',
    b'[{"type":"order","order":{"id":-1,"legs":[],"ratio":null,"decided_ns":1,"trip":1,"reason":""}}]',
]


def written(file: RunFile, transactions: int) -> list[bytes]:
    """Lines of a file with a run of so many transactions."""
    file.append_all([[BEGIN], *(transaction(number) for number in range(1, transactions + 1))])
    return file.path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_run_ends_before_a_line_that_is_damaged(
    file: RunFile, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    lines = written(file, 2)
    content = b"".join([*lines[:2], garbage + b"\n", lines[2]])
    file.path.write_bytes(content)
    record = file.read()
    assert list(record.orders) == [1]
    assert record.fills == [fill(1)]
    assert str(record.damage).startswith("line 3 of its file is damaged (")
    assert record.stopped == record.damage
    assert "paper run is damaged" in caplog.text
    with pytest.raises(StorageError, match="is damaged in line 3: nothing is added to it"):
        file.append(transaction(2))
    file.mend()
    file.mend()
    assert file.path.read_bytes() == content
    assert file.path.with_name("run.jsonl.damaged").read_bytes() == garbage + b"\n"


def test_lines_that_are_sound_but_not_where_they_were_written_are_found(file: RunFile) -> None:
    begin, first, second, third = written(file, 3)
    for content, kept in (
        ([begin, first, third], 1),
        ([begin, second, first, third], 0),
        ([begin, first, first, second, third], 1),
        ([begin, begin, first], 0),
        ([begin, first, second, third[:-20] + b"\n"], 2),
    ):
        file.path.write_bytes(b"".join(content))
        record = file.read()
        assert record.fills == [fill(number) for number in range(1, kept + 1)]
        assert f"line {kept + 2} of its file is damaged" in str(record.damage)
    for content in ([first, begin, second, third], [begin[1:], first]):
        file.path.write_bytes(b"".join(content))
        with pytest.raises(StorageError, match="its first line is damaged"):
            file.read()


def test_line_ends_of_another_system_and_empty_lines_change_nothing(file: RunFile) -> None:
    lines = written(file, 2)
    file.path.write_bytes(b"\n" + b"\r\n\n".join(line.rstrip() for line in lines) + b"\r\n\r\n")
    assert file.read().damage is None
    file.append(transaction(3))
    assert file.read().fills == [fill(number) for number in (1, 2, 3)]
    file.path.write_bytes(file.path.read_bytes().rstrip())
    file.read()
    file.append(transaction(4))
    record = file.read()
    assert record.fills == [fill(number) for number in (1, 2, 3, 4)]
    assert (record.damage, record.left_out) == (None, [])


def test_what_a_crash_cut_short_moves_beside_at_the_next_write(file: RunFile) -> None:
    lines = written(file, 2)
    cut = lines[2][:40]
    file.path.write_bytes(b"".join([*lines[:2], cut]))
    record = file.read()
    assert record.left_out == ["line 3, which is cut short and moves to run.jsonl.damaged"]
    assert record.stopped is None
    assert file.path.read_bytes() == b"".join([*lines[:2], cut])  # reading writes nothing
    file.append(transaction(2))
    assert file.path.read_bytes() == b"".join(lines)
    assert file.path.with_name("run.jsonl.damaged").read_bytes() == cut + b"\n"


def test_a_file_that_something_else_writes_to_is_not_written_to(file: RunFile) -> None:
    written(file, 1)
    with file.path.open("ab") as raw:
        raw.write(b"a note\n")
    with pytest.raises(StorageError, match="was changed by something else"):
        file.append(transaction(2))
    assert file.path.read_bytes().endswith(b"a note\n")


def test_what_a_failed_write_left_behind_is_cut_off(file: RunFile, monkeypatch: pytest.MonkeyPatch) -> None:
    written(file, 1)

    def fail(path: Path, text: bytes) -> int:
        with path.open("ab") as raw:
            raw.write(text[:30])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("runtime.paper.journal.append_whole", fail)
        with pytest.raises(StorageError, match="No space left on device: make the folder writable"):
            file.append(transaction(2))
    file.append_all([transaction(2), transaction(3)])
    record = file.read()
    assert record.fills == [fill(number) for number in (1, 2, 3)]
    assert (record.damage, record.left_out) == (None, [])


# ---- as versions before checksums wrote it -----------------------------------------------------------------------


def first_format(*transactions: list[Entry], **of_begin: Any) -> list[bytes]:
    """Lines of format 1."""
    plain = msgspec.to_builtins(msgspec.structs.replace(BEGIN, format=1, **of_begin))
    begin = {key: value for key, value in plain.items() if key not in ("venue", "address")}
    return [msgspec.json.encode([begin]) + b"\n", *(msgspec.json.encode(each) + b"\n" for each in transactions)]


def test_a_run_of_the_first_format_goes_on_with_checksums(file: RunFile) -> None:
    file.path.parent.mkdir()
    lines = first_format(transaction(1), transaction(2))
    file.path.write_bytes(b"".join(lines))
    file.read()
    file.append(transaction(3))
    whole = file.path.read_bytes()
    assert whole.startswith(b"".join(lines))
    assert file.read().fills == [fill(number) for number in (1, 2, 3)]
    file.path.write_bytes(whole.replace(b"3000.1", b"9000.1", 1))  # lines before the first checksum are in it
    assert "line 4 of its file is damaged" in str(file.read().damage)
    file.path.write_bytes(whole + lines[1])
    assert "line 5 of its file is damaged (it has no checksum)" in str(file.read().damage)


def test_a_line_of_the_first_format_that_a_crash_cut_short_leaves_a_place(
    file: RunFile, caplog: pytest.LogCaptureFixture
) -> None:
    file.path.parent.mkdir()
    lines = first_format(transaction(1), transaction(2), transaction(3))
    file.path.write_bytes(b"".join([*lines[:2], lines[2][:50] + b"\n", lines[3]]))
    record = file.read()
    assert list(record.orders) == [1, 2, 3]
    assert record.orders[2].reason == UNREAD
    assert not record.orders[2].is_open
    assert (record.damage, len(record.left_out)) == (None, 1)
    assert "line left out" in caplog.text
    file.append(transaction(4))
    assert list(file.read().orders) == [1, 2, 3, 4]


@pytest.mark.parametrize("garbage", [each for each in GARBAGE if each != b"[]" and b"[[[" not in each])
def test_a_run_of_the_first_format_ends_before_a_damaged_line_as_well(file: RunFile, garbage: bytes) -> None:
    file.path.parent.mkdir()
    lines = first_format(transaction(1), transaction(2))
    file.path.write_bytes(b"".join([*lines[:2], garbage + b"\n", lines[2]]))
    record = file.read()
    assert record.fills == [fill(1)]
    assert "line 3 of its file is damaged" in str(record.damage)


def test_bare_symbols_get_the_venue_with_their_contracts_and_rates(file: RunFile) -> None:
    file.path.parent.mkdir()
    rules = BrokerRules(
        contracts={"ETH": Contract(0.001), "BTC": Contract(0.1)}, funding=RecordedFunding({"ETH": ((10**9, 1e-4),)})
    )
    plain = Definition(DEFINITION.strategy, rules).plain()
    paid = FundingPayment(2_900, "ETH", -0.4, 1)
    file.path.write_bytes(b"".join(first_format([*transaction(1), Paid(paid)], definition=plain)))
    record = file.read("okx")
    assert record.definition.strategy.symbols == ("okx:ETH", "okx:BTC")
    assert record.definition.rules.contract("okx:ETH") == Contract(0.001)
    assert record.definition.rules.contract("okx:BTC") == Contract(0.1)
    assert record.definition.rules.funding is not None
    assert record.definition.rules.funding.due("okx:ETH", 0) == Due(10**9, 1e-4)
    assert [leg.symbol for leg in record.orders[1].legs] == ["okx:ETH"]
    assert [each.symbol for each in record.fills] == [each.symbol for each in record.funding] == ["okx:ETH"]
    assert (record.venue, record.address) == ("okx", "")
    full = InstrumentId("okx", "ETH")
    file.append([Origin("okx", "ws.okx.com"), Filled(msgspec.structs.replace(fill(2), symbol=full))])
    again = file.read("binance-usdm")  # it is known by now where it trades
    assert again.definition == record.definition
    assert [each.symbol for each in again.fills] == ["okx:ETH", "okx:ETH"]
    assert (again.venue, again.address) == ("okx", "ws.okx.com")


def test_names_in_a_definition_that_are_more_than_text_are_written_as_text(file: RunFile) -> None:
    names = {name: InstrumentId("okx", name) for name in ("ETH", "BTC")}
    definition = renamed(Definition(DEFINITION.strategy, BrokerRules(contracts={"ETH": Contract(0.1)})), names)
    file.append([msgspec.structs.replace(BEGIN, definition=definition.plain(), venue="okx", address="ws.okx.com")])
    record = file.read("binance-usdm")
    assert record.definition == definition
    assert (record.venue, record.address) == ("okx", "ws.okx.com")


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
