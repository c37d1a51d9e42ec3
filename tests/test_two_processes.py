"""Two processes on one folder: one records, the other shows its trades and takes over when it ends."""

import os
import re
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import pytest

from alphastream.backtest import Book, Definition, compare
from alphastream.core.units import SECOND
from alphastream.errors import FeedBlocked
from alphastream.pairs import PairSpec
from alphastream.strategies import ZScoreThreshold
from alphastream.trading import BrokerRules, FixedLatency
from health import holes
from pipelines import Pipeline
from runtime.writer_lock import WriterLock
from storage import TickStore
from system import System
from tests.runtime.paper.paper_pipeline import history_of, see
from tests.runtime.stores.tape_files import tick
from tests.test_recorder import record_command
from tests.test_system import eventually, kind, running, settings
from tools.chaos.comparison import compare_all
from tools.exchange import LocalExchange, Rate, RealTime

VENUE = "binance-usdm"
BTC, ETH, SOL = (f"{VENUE}:{symbol}USDT" for symbol in ("BTC", "ETH", "SOL"))


def live(system: System) -> Pipeline:
    pipeline = system.pipeline_of("live")
    assert pipeline is not None
    return pipeline


def shows(system: System, words: str) -> bool:
    pipeline = system.pipeline_of("live")
    return (
        pipeline is not None
        and pipeline.lines[0].ingest.state == "live"
        and words in pipeline.lines[0].ingest.health.reason
    )


def records(system: System) -> bool:
    return shows(system, "trades arrive")


def tape_is_whole(system: System, folder: Path, exchange: LocalExchange) -> None:
    """Wait until nothing is missing, end the system, and compare each trade with the one that was played."""
    store = live(system).store
    eventually(lambda: store.symbols() == [BTC, ETH] and not store.gaps(BTC) and not store.gaps(ETH))
    exchange.close_market()
    played = exchange.playback

    def has_all() -> bool:
        held = {symbol: store.coverage(symbol) for symbol in store.symbols()}
        return all(
            each is not None and each.last_id == played.tape.first_id(name.partition(":")[2]) + count - 1
            for name, each in held.items()
            for count in (played.count(name.partition(":")[2]),)
        )

    eventually(has_all)
    system.stop()
    rows = compare_all(folder, {VENUE: exchange})
    assert [row.name for row in rows] == [BTC, ETH]
    assert all(row.equal for row in rows), rows


def wait_for(process: "subprocess.Popen[bytes]", words: bytes) -> bytes:
    """Read the log of a process up to a line with these words."""
    assert process.stderr is not None
    read = b""
    for line in process.stderr:
        read += line
        if words in line:
            return read
    raise AssertionError(read.decode())


def test_an_app_shows_what_a_recorder_records_and_goes_on_when_it_is_killed(tmp_path: Path) -> None:
    with LocalExchange(pace=Rate(400), loop=True) as exchange, ExitStack() as ends:
        recorder = record_command(tmp_path / "var", exchange)
        ends.callback(recorder.kill)
        wait_for(recorder, b"state=live")
        system = ends.enter_context(running(System(settings(tmp_path, exchange))))
        eventually(lambda: shows(system, f"recorded by process {recorder.pid}"))
        pipeline = live(system)
        assert kind(system) == "live"
        assert "recorded by" in pipeline.lines[0].ingest.health.reason
        assert set(pipeline.lines[0].ingest.health.symbols) == {BTC, ETH}

        def has_price() -> bool:
            answer = pipeline.engine.snapshot(pipeline.first_pair)
            return answer is not None and answer.last_x is not None

        eventually(has_price)
        assert system.alerts.held is None
        assert system.paper.held is None
        health = pipeline.lines[0].ingest.health
        assert health.ticks > 0
        assert health.lag_ns is not None
        cursor = pipeline.store.since(BTC).cursor

        recorder.send_signal(signal.SIGKILL)
        recorder.communicate(timeout=30)
        eventually(lambda: records(system))
        assert live(system) is pipeline
        assert pipeline.lines[0].ingest.instruments
        batch = pipeline.store.since(BTC, cursor)
        assert batch.missed == 0
        assert len(set(batch.columns.id.tolist())) == len(batch)
        tape_is_whole(system, tmp_path / "var", exchange)


def test_a_paper_run_beside_a_recorder_goes_on_when_that_is_killed(tmp_path: Path) -> None:
    rules = BrokerRules(latency=FixedLatency(50_000_000))
    definition = Definition(ZScoreThreshold(PairSpec(ETH, BTC, SECOND, "ols", 5, entry=0.5, exit=0.4)), rules)
    pace = RealTime(20.0)
    with LocalExchange(pace=pace, loop=True, already_played=40_000) as exchange, ExitStack() as ends:
        recorder = record_command(tmp_path / "var", exchange)
        ends.callback(recorder.kill)
        wait_for(recorder, b"state=live")
        system = ends.enter_context(running(System(settings(tmp_path, exchange))))
        eventually(lambda: shows(system, f"recorded by process {recorder.pid}"))
        name = system.paper.open(definition, "live")

        eventually(lambda: len(see(system.paper, name).fills) > 0, 90.0)
        recorder.send_signal(signal.SIGKILL)
        recorder.communicate(timeout=30)
        eventually(lambda: records(system))
        before = len(see(system.paper, name).fills)
        eventually(lambda: len(see(system.paper, name).fills) > before, 90.0)
        view = see(system.paper, name)
        assert view.status == "running"
        assert view.outages == ()
        history = history_of(view, live(system).lines[0].store)
        marks = dict(zip(history.symbols, history.marks[-1].tolist(), strict=True))
        books = Book(view.orders, view.fills, view.funding), Book(history.orders, history.fills, ())
        assert view.late or compare(*books, marks, view.outages, view.late) == []


def test_a_recorder_stands_by_and_goes_on_when_the_app_ends(tmp_path: Path) -> None:
    with LocalExchange(pace=Rate(400), loop=True) as exchange, ExitStack() as ends:
        system = ends.enter_context(running(System(settings(tmp_path, exchange))))
        eventually(lambda: records(system))
        recorder = record_command(tmp_path / "var", exchange, "--metrics", "0")
        ends.callback(recorder.kill)
        log = wait_for(recorder, b"standing by")
        assert f"process {os.getpid()} records".encode() in log
        wait_for(recorder, b"state=live")
        address = re.search(rb"metrics at (http://[^/]+)", log)
        assert address is not None
        with urlopen(f"{address[1].decode()}/healthz", timeout=30) as answer:
            assert answer.status == 200
        system.stop()
        wait_for(recorder, b"is recorded here now")
        # The app is deployed again: it shows the recorder's trades, and takes over in its turn.
        again = ends.enter_context(running(System(settings(tmp_path, exchange))))
        eventually(lambda: shows(again, f"recorded by process {recorder.pid}"))
        recorder.send_signal(signal.SIGTERM)
        recorder.communicate(timeout=30)
        assert recorder.returncode == 0
        eventually(lambda: records(again))
        tape_is_whole(again, tmp_path / "var", exchange)


def test_what_was_recorded_before_is_carried_on_and_what_was_asked_for_joins_it(tmp_path: Path) -> None:
    asked = settings(tmp_path, SYMBOLS="ETHUSDT,SOLUSDT", FEED="live")
    with TickStore(asked.data_dir / f"{VENUE}.db") as owner, running(System(asked)) as system:
        pipeline = live(system)
        eventually(lambda: "no trade" in pipeline.lines[0].ingest.health.reason)
        assert pipeline.lines[0].ingest.state == "connecting"
        assert pipeline.lines[0].ingest.health.symbols == ()
        owner.append([tick(number, symbol=symbol) for symbol in (BTC, ETH) for number in (1, 3)])
        eventually(lambda: pipeline.lines[0].ingest.state == "live")
        assert [hole.reason for hole in holes(pipeline, BTC)] == ["left to the process that records"]
        assert set(pipeline.lines[0].ingest.health.symbols) == {BTC, ETH}
        assert f"SOLUSDT is not recorded by process {os.getpid()}" in pipeline.lines[0].ingest.health.reason
        pipeline.lines[0].ingest.add_symbol(BTC)
        with pytest.raises(FeedBlocked, match=f"XRPUSDT is not recorded: process {os.getpid()} decides"):
            pipeline.lines[0].ingest.add_symbol("XRPUSDT")
        owner.close()
        eventually(lambda: not pipeline.lines[0].store.follows)
        eventually(lambda: len(pipeline.lines[0].ingest.health.symbols) == 4)
        assert set(pipeline.lines[0].ingest.health.symbols) == {BTC, ETH, SOL, f"{VENUE}:XRPUSDT"}
        assert not pipeline.lines[0].ingest.health.refused


def test_an_app_waits_for_a_file_that_is_still_being_opened(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:

    with LocalExchange(pace=Rate(200), loop=True) as exchange:
        asked = settings(tmp_path, exchange)
        asked.data_dir.mkdir()
        lock = WriterLock(asked.data_dir / f"{VENUE}.db", "")
        with running(System(asked)) as system:
            eventually(lambda: kind(system) == "replay")
            assert f"by process {os.getpid()}" in str(system.failure)
            assert "cannot be shown yet" in str(system.failure)
            lock.release()
            eventually(lambda: records(system) and kind(system) == "live")
            assert system.failure is None


def test_of_many_apps_one_records_and_the_others_show_it(tmp_path: Path) -> None:
    with LocalExchange(pace=Rate(300), loop=True) as exchange, ExitStack() as ends:
        asked = settings(tmp_path, exchange)
        systems = {ends.enter_context(running(System(asked))) for _ in range(3)}

        def one_records() -> bool:
            showing = [each for each in systems if shows(each, f"recorded by process {os.getpid()}")]
            return len(showing) == len(systems) - 1 and sum(map(records, systems)) == 1

        for _ in range(2):
            eventually(one_records)
            (owner,) = filter(records, systems)
            owner.stop()
            systems.remove(owner)
        eventually(one_records)
        (last,) = systems
        eventually(lambda: last.alerts.held is None and last.paper.held is None)
        tape_is_whole(last, asked.data_dir, exchange)


def test_a_recorder_that_waits_for_a_file_ends_in_order(tmp_path: Path) -> None:

    (tmp_path / "var").mkdir()
    lock = WriterLock(tmp_path / "var" / f"{VENUE}.db", "")
    with LocalExchange() as exchange:
        recorder = record_command(tmp_path / "var", exchange)
        log = wait_for(recorder, b"standing by")
        assert b"cannot be shown yet" in log
        recorder.send_signal(signal.SIGTERM)
        recorder.communicate(timeout=30)
        assert recorder.returncode == 0
    lock.release()
