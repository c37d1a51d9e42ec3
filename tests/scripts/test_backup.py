"""A data folder is copied while it is written, and the copy goes on where it ends."""

import shutil
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from alphastream.books import QuoteColumns
from alphastream.instruments import InstrumentId
from runtime.stores.market_store import MarketStore
from scripts.backup import backup, main
from storage import TickStore
from tests.runtime.stores.tape_files import BTC, ids, ticks
from tests.test_recorder import record_command
from tests.test_system import eventually
from tools.exchange import LocalExchange, Rate


def test_a_copy_made_while_a_store_writes_is_complete_up_to_a_moment(tmp_path: Path) -> None:
    source, stop = tmp_path / "var", threading.Event()
    with TickStore(source / "ticks.db", flush_s=0.01) as store:

        def write() -> None:
            first = 1
            while not stop.is_set():
                store.append(ticks(first, first + 99))
                first += 100

        thread = threading.Thread(target=write)
        thread.start()
        try:
            eventually(lambda: store.health.written > 1_000)
            before = store.health.written
            assert backup(source, tmp_path / "copy") == [Path("ticks.db")]
        finally:
            stop.set()
            thread.join()
        written = ids(store.window(BTC, 0, 10**12))
    with TickStore(tmp_path / "copy" / "ticks.db") as copy:
        held = copy.coverage(BTC)
        assert held is not None
        assert held.complete
        assert held.ticks >= before
        assert ids(copy.window(BTC, 0, 10**12)) == written[: held.ticks]
        assert copy.append(ticks(held.last_id + 1, held.last_id + 10)) == 10, "it goes on where it ends"
        assert copy.gaps(BTC) == []


def test_what_is_sealed_while_a_store_is_copied_is_in_the_copy(tmp_path: Path) -> None:
    source, day_ns = tmp_path / "var", 86_400 * 10**9
    name = InstrumentId("zeta", "A")  # its file comes after the history's folder
    for run in range(3):
        with MarketStore(source / "zeta.db", history=source / "history") as store:
            first = run * 2_000
            for start in range(first, first + 2_000, 20):
                times = np.arange(start, start + 20) * 600 * 10**9
                store.add(name, QuoteColumns(times, times, *np.ones((4, 20))))
            store.flush()
            sealing = threading.Thread(target=store.seal, args=((first + 2_000) * 600 * 10**9 // day_ns * day_ns,))
            sealing.start()
            backup(source, tmp_path / f"copy {run}")
            sealing.join()
        copy = tmp_path / f"copy {run}"
        assert not list(copy.rglob("*.part"))
        with MarketStore(copy / "zeta.db", history=copy / "history") as store:
            assert len(store.quotes(name, 0, 2**63 - 1)) == first + 2_000
            assert store.health.notices == ()


def test_a_recorder_goes_on_while_it_is_copied_and_after_a_restore(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "var"
    with LocalExchange(pace=Rate(500), loop=True) as exchange:
        process = record_command(source, exchange)
        eventually((source / "binance-usdm.db-wal").exists, 120)
        eventually(lambda: (source / "binance-usdm.db-wal").stat().st_size > 0)
        main([str(source), str(tmp_path / "copy")])
        assert "binance-usdm.db  " in capsys.readouterr().out
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        shutil.rmtree(source)
        shutil.copytree(tmp_path / "copy", source)
        process = record_command(source, exchange, "--seconds", "4")
        _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log.decode()
    assert b"recorded symbol=" in log


def test_everything_but_what_belongs_to_a_process_is_copied(tmp_path: Path) -> None:
    source = tmp_path / "var"
    (source / "paper").mkdir(parents=True)
    for name in ("alerts.jsonl", "paper/run.jsonl", "ticks.db.lock", "ticks.db-wal"):
        (source / name).write_text("{}\n", encoding="utf-8")
    assert backup(source, tmp_path / "copy") == [Path("alerts.jsonl"), Path("paper/run.jsonl")]
    assert (tmp_path / "copy" / "paper" / "run.jsonl").read_text(encoding="utf-8") == "{}\n"


def test_what_cannot_be_copied_leaves_no_target(tmp_path: Path) -> None:
    source = tmp_path / "var"
    source.mkdir()
    (source / "ticks.db").write_bytes(b"SQLite format 3\0" + b"x" * 5_000)
    with pytest.raises((SystemExit, sqlite3.DatabaseError)):
        backup(source, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_source_and_target_are_checked(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is no folder"):
        backup(tmp_path / "none", tmp_path / "copy")
    (tmp_path / "var").mkdir()
    with pytest.raises(SystemExit, match="lies in"):
        backup(tmp_path / "var", tmp_path / "var" / "copy")
    with closing(sqlite3.connect(tmp_path / "taken")), pytest.raises(SystemExit, match="exists already"):
        backup(tmp_path / "var", tmp_path / "taken")
