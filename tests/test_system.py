"""The pipelines together, on the local exchange: live when it can be had, the recording when not, and back."""

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import config
import lines
import pipelines
from alphastream.errors import AlphaStreamError, SettingError
from alphastream.pairs import PairSpec
from config import Settings
from runtime.channel import hub
from runtime.channel.topics import Frame
from runtime.followed import UNWATCHED_S
from runtime.paper.service import PaperService
from runtime.stores import migration
from storage import TickStore
from system import System
from tests.runtime.stores.tape_files import FIRST_SCHEMA
from tools.exchange import Drop, LocalExchange, Rate, Refuse451

ROOT = Path(__file__).resolve().parent.parent
BTC, ETH = "binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT"
SPOT_BTC = "binance-spot:BTCUSDT"
URLS = ("ws_url", "rest_url")
PAIR = PairSpec(ETH, BTC, window=20)


def settings(tmp_path: Path, exchange: LocalExchange | None = None, port: int = 0, **knobs: str) -> Settings:
    """Settings of a test: an exchange, or a port where nobody listens (yet); short waits."""
    port = port or _closed_port()
    ws_url, rest_url = f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{port}"
    if exchange is not None:
        ws_url, rest_url = exchange.ws_url, exchange.rest_url
    environ = {
        "VENUE": "binance-usdm",
        "WS_URL": ws_url,
        "REST_URL": rest_url,
        "DATA_DIR": str(tmp_path / "var"),
        "BACKOFF_BASE_S": "0.05",
        "BACKOFF_CAP_S": "0.2",
        "ENGINE_REFRESH_MS": "20",
        "BOOKS": "off",  # else they take their share of the faults
        **knobs,
    }
    return config.load({config.PREFIX + name: value for name, value in environ.items()})


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(system: System) -> Iterator[System]:
    system.start()
    try:
        yield system
    finally:
        began = time.monotonic()
        system.stop()
        assert time.monotonic() - began < 8


def eventually(what: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def kind(system: System) -> str:
    pipeline = system.pipeline
    return "none" if pipeline is None else pipeline.kind


def test_live_trades_reach_the_answer(tmp_path: Path) -> None:
    with LocalExchange(pace=Rate(500), loop=True) as exchange, running(System(settings(tmp_path, exchange))) as system:
        pipeline = system.pipeline
        assert pipeline is not None
        eventually(lambda: pipeline.lines[0].ingest.health.state == "live")
        assert kind(system) == "live"

        def has_prices() -> bool:
            answer = pipeline.engine.snapshot(PAIR)
            return answer is not None and answer.last_x is not None and len(answer.closed["x"]) >= 3

        eventually(has_prices)
        answer = pipeline.engine.snapshot(PAIR)
        assert answer is not None
        assert answer.last_x is not None
        assert pipeline.store.gaps(BTC) == []
        assert pipeline.lines[0].ingest.instruments[BTC].tick_size > 0


def test_pages_come_up_while_a_file_of_before_is_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They say how far it is; live trades come when it has ended."""
    go_on, pages = threading.Event(), migration._pages
    with LocalExchange(pace=Rate(500), loop=True) as exchange:
        folder = tmp_path / "var"
        folder.mkdir()
        for name in ("binance-usdm.db", "binance-usdm@127.0.0.1.db"):  # the first is of the venue's own host
            with closing(sqlite3.connect(folder / name)) as connection:
                connection.executescript(FIRST_SCHEMA)
                connection.execute("INSERT INTO ticks VALUES (1, 1, 2.0, 3.0, 4, 5, 1)")
                connection.execute("INSERT INTO runs VALUES (1, 1, 1)")
                connection.commit()

        def slow(*arguments: Any) -> Iterator[Any]:
            yield from pages(*arguments)
            assert go_on.wait(60)

        monkeypatch.setattr(migration, "_pages", slow)
        with running(System(settings(tmp_path, exchange, FEED="live"))) as system:
            assert system.pipeline is None
            eventually(lambda: "1 of 1 trades" in str(system.failure))
            go_on.set()
            eventually(lambda: kind(system) == "live")
            assert system.failure is None


def test_refused_address_shows_the_recording_and_says_why(tmp_path: Path) -> None:
    with (
        LocalExchange(faults=[Refuse451()]) as exchange,
        running(System(settings(tmp_path, exchange))) as system,
    ):
        eventually(lambda: kind(system) == "replay")
        live = system.live
        assert live is not None
        assert live.state == "blocked"
        assert "451" in live.reason
        pipeline = system.pipeline
        assert pipeline is not None
        assert "2024-08-08" in pipeline.title

        def has_line() -> bool:
            answer = pipeline.engine.snapshot(PAIR)
            return answer is not None and len(answer.closed["y"]) > 20

        eventually(has_line)
        assert not (tmp_path / "var" / "replay.db").exists()


def test_recording_ends_when_live_trades_arrive(tmp_path: Path) -> None:
    port = _closed_port()
    with running(System(settings(tmp_path, port=port))) as system:
        eventually(lambda: kind(system) == "replay")
        eventually(lambda: (live := system.live) is not None and "cannot be reached" in live.reason)
        with LocalExchange(pace=Rate(200), loop=True, port=port):
            eventually(lambda: kind(system) == "live")
            system.stop()


def test_the_hub_runs_with_the_system_and_is_told_of_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "BEAT_S", 600.0)  # so that nothing but an answer wakes it

    def hub_runs() -> bool:
        return "alphastream-hub" in {thread.name for thread in threading.enumerate()}

    asked = []

    def source() -> Frame:
        asked.append(time.monotonic())
        rows = {"time": np.zeros(0, dtype=np.int64)}
        return Frame("look", rows, lambda: {"layout": {"meta": {"decimals": {}}}})

    def is_asked_again() -> bool:
        system.hub.topic("key", source)  # somebody looks at it
        return len(asked) > 3

    assert not hub_runs()
    with LocalExchange(pace=Rate(200), loop=True) as exchange, running(System(settings(tmp_path, exchange))) as system:
        assert hub_runs()
        eventually(is_asked_again)
        system.stop()
        assert not hub_runs()


def test_replay_can_be_asked_for(tmp_path: Path) -> None:
    with running(System(settings(tmp_path, FEED="replay"))) as system:
        assert kind(system) == "replay"
        assert system.live is None


def test_missing_tape_is_a_sentence(tmp_path: Path) -> None:
    with running(System(settings(tmp_path, FEED="replay", REPLAY_TAPE=str(tmp_path / "none.parquet")))) as system:
        assert system.pipeline is None
        assert system.failure is not None
        assert "none.parquet" in system.failure


def test_symbols_are_added_by_name_while_running(tmp_path: Path) -> None:
    with LocalExchange(pace=Rate(200), loop=True) as exchange, running(System(settings(tmp_path, exchange))) as system:
        pipeline = system.pipeline
        assert pipeline is not None
        eventually(lambda: pipeline.lines[0].ingest.health.state == "live")
        with pytest.raises(AlphaStreamError, match="SOLUSDT"):
            pipeline.lines[0].ingest.add_symbol("SOLUSD")
        pipeline.lines[0].ingest.add_symbol("SOLUSDT")
        assert set(pipeline.symbols) == {BTC, ETH, "binance-usdm:SOLUSDT"}


def test_a_symbol_that_nobody_looks_at_any_more_is_dropped_and_one_that_is_looked_at_stays(tmp_path: Path) -> None:
    sol = "binance-usdm:SOLUSDT"
    with LocalExchange(pace=Rate(200), loop=True) as exchange, running(System(settings(tmp_path, exchange))) as system:
        pipeline = system.pipeline
        assert pipeline is not None
        eventually(lambda: pipeline.lines[0].ingest.health.state == "live")
        pipeline.add_symbol("SOLUSDT")
        later = time.monotonic() + 2 * UNWATCHED_S
        assert pipeline.drop_unwatched([sol], later) == ()  # a paper run needs it
        pipeline.engine.snapshot(PairSpec(sol, BTC))
        assert pipeline.drop_unwatched([], 2 * later) == ()  # somebody looks at it
        assert sol in pipeline.symbols
        pipeline.add_symbol("XRPUSDT")
        assert pipeline.drop_unwatched([sol], 4 * later) == ("binance-usdm:XRPUSDT",)
        assert set(pipeline.symbols) == {BTC, ETH, sol}
        assert pipeline.drop_unwatched([], 8 * later) == ()  # those it began with are nobody's


def test_a_file_in_use_is_followed_and_says_by_whom(tmp_path: Path) -> None:
    asked = settings(tmp_path, FALLBACK_AFTER_S="0.5")
    with TickStore(tmp_path / "var" / "binance-usdm.db"), running(System(asked)) as system:
        eventually(lambda: kind(system) == "replay")
        assert system.failure is None
        assert (live := system.live) is not None
        assert f"process {os.getpid()} records it: no trade of it has come yet" in live.reason


@pytest.mark.parametrize("feed", ["auto", "replay"])
def test_a_pipeline_with_a_defect_is_a_sentence_and_the_rest_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feed: str
) -> None:
    def defect(*_: object) -> None:
        raise ZeroDivisionError("nothing left to divide")

    monkeypatch.setattr(lines, "open_store", defect)
    monkeypatch.setattr(pipelines, "open_store", defect)
    with running(System(settings(tmp_path, FEED=feed))) as system:
        assert system.pipeline is None
        assert system.failure == "ZeroDivisionError: nothing left to divide"
        assert "alphastream-alerts" in {thread.name for thread in threading.enumerate()}


def test_a_data_folder_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file, no folder")
    with running(System(settings(tmp_path))) as system:
        assert kind(system) == "replay"
        assert "name a file in a folder that may be written" in str(system.failure)


@pytest.mark.parametrize("spoil", ["all of it", "the first page", "a half"])
def test_a_tape_that_cannot_be_read_does_not_stop_the_start(tmp_path: Path, spoil: str) -> None:
    chosen = settings(tmp_path)
    pipelines.live_pipeline(chosen).lines[0].store.close()
    (path,) = chosen.data_dir.glob("*.db")
    data = path.read_bytes()
    noise = np.random.default_rng(1).bytes(len(data))
    path.write_bytes({"all of it": noise, "the first page": noise[:4096] + data[4096:], "a half": data[:9000]}[spoil])
    with running(System(chosen)) as system:
        assert system.failure is None
        live = system.pipeline_of("live")
        assert live is not None
        (notice,) = live.lines[0].store.health.notices
        (kept,) = chosen.data_dir.glob("*.damaged-*.db")
        assert kept.name in notice


def test_choosing_a_pipeline_outlives_a_defect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, failures = System._open_replay, [ZeroDivisionError("nothing left to divide")]

    def open_replay(self: System) -> None:
        if failures:
            raise failures.pop()
        opened(self)

    monkeypatch.setattr(System, "_open_replay", open_replay)
    with running(System(settings(tmp_path))) as system:
        eventually(lambda: kind(system) == "replay")
        assert not failures


def test_what_fails_to_stop_does_not_keep_the_rest_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop = PaperService.stop

    def fail(self: PaperService) -> None:
        stop(self)
        raise TimeoutError

    monkeypatch.setattr(PaperService, "stop", fail)
    with running(System(settings(tmp_path, FEED="replay"))) as system:
        pipeline = system.pipeline
        assert pipeline is not None
    assert pipeline.lines[0].ingest.health.state == "stopped"
    assert "not stopped in order" in caplog.text


def test_a_second_app_on_the_same_folder_starts_and_says_who_has_it(tmp_path: Path) -> None:
    chosen = settings(tmp_path, FEED="replay")
    with running(System(chosen)) as first:
        with running(System(chosen)) as second:
            assert kind(second) == "replay"
            for held in (second.alerts.held, second.paper.held):
                assert f"by process {os.getpid()}" in str(held)
        assert first.alerts.held is None
        assert first.paper.held is None
    with running(System(chosen)) as third:
        assert third.alerts.held is None
        assert third.paper.held is None


def test_connection_lost_and_found_leaves_no_gap(tmp_path: Path) -> None:
    with (
        LocalExchange(pace=Rate(400), loop=True, faults=[Drop(after=150, times=3)]) as exchange,
        running(System(settings(tmp_path, exchange))) as system,
    ):
        pipeline = system.pipeline
        assert pipeline is not None
        eventually(lambda: pipeline.lines[0].ingest.health.reconnects >= 3)
        count = pipeline.lines[0].ingest.health.ticks
        eventually(lambda: pipeline.lines[0].ingest.health.ticks > count + 200)
        eventually(lambda: pipeline.store.gaps(BTC) == [] and pipeline.store.gaps(ETH) == [])


@pytest.mark.parametrize("name", ["ALPHASTREAM_SYMBOL", "ALPHASTREAM_WINDOW"])
def test_misspelt_setting_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match="did you mean"):
        config.load({name: "1"})


def several(tmp_path: Path, exchanges: Mapping[str, LocalExchange], **knobs: str) -> Settings:
    """Settings of a test with an exchange a venue; the other venues are not to be had."""
    places = {name: ",".join(f"{venue}={getattr(each, name)}" for venue, each in exchanges.items()) for name in URLS}
    nobody = {"ws_url": f"ws://127.0.0.1:{_closed_port()}", "rest_url": f"http://127.0.0.1:{_closed_port()}"}
    addresses = {name.upper(): f"{nobody[name]},{places[name]}" for name in URLS}
    return settings(tmp_path, None, 0, **{"VENUE": "auto", **addresses, **knobs})


@contextmanager
def two_venues(tmp_path: Path) -> Iterator[tuple[System, LocalExchange]]:
    """A system on Binance's futures and spot, with books of both; and the exchange that is spot's."""
    with LocalExchange(loop=True) as futures, LocalExchange(market="spot", loop=True) as spot:
        exchanges = {"binance-usdm": futures, "binance-spot": spot}
        both = {"VENUE": ",".join(exchanges), "SYMBOLS": "BTCUSDT,ETHUSDT", "BOOKS": "on", "FEED": "live"}
        with running(System(several(tmp_path, exchanges, **both))) as system:
            yield system, spot
