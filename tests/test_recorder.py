"""The recorder's command line: what it keeps, what it waits for, and when it ends."""

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import config
import recorder
from alphastream.errors import StorageError
from config import Settings
from storage import TickStore
from tests.test_system import BTC, ETH, ROOT, eventually
from tools.exchange import LocalExchange, Rate, Refuse403, Refuse418, Refuse451
from tools.exchange.faults import Channel, Fault


@dataclass(frozen=True, slots=True)
class Usage:
    """As ``shutil.disk_usage`` answers."""

    free: int


def record_command(tmp_path: Path, exchange: LocalExchange, *arguments: str) -> "subprocess.Popen[bytes]":
    environ = {
        **os.environ,
        "ALPHASTREAM_VENUE": "binance-usdm",
        "ALPHASTREAM_WS_URL": exchange.ws_url,
        "ALPHASTREAM_REST_URL": exchange.rest_url,
        "ALPHASTREAM_DATA_DIR": str(tmp_path),
    }
    command = [sys.executable, "ingest.py", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE)


def test_recording_without_a_browser(tmp_path: Path) -> None:
    with LocalExchange(pace=Rate(500), loop=True) as exchange:
        process = record_command(tmp_path, exchange, "--symbols", "BTCUSDT,ETHUSDT", "--seconds", "4")
        _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log.decode()
    with TickStore(tmp_path / "binance-usdm.db", read_only=True) as store:
        for symbol in (BTC, ETH):
            held = store.coverage(symbol)
            assert held is not None
            assert held.complete
            assert held.ticks > 50


def test_kill_9_while_recording(tmp_path: Path) -> None:
    """Started again, the file has no id twice, and what was in memory only is fetched or listed as a gap."""
    with LocalExchange(pace=Rate(2_000), loop=True) as exchange:
        first = record_command(tmp_path, exchange)
        path = tmp_path / "binance-usdm.db"
        eventually(lambda: path.exists() and _ticks(path) > 500)
        first.send_signal(signal.SIGKILL)
        first.communicate(timeout=30)
        second = record_command(tmp_path, exchange, "--seconds", "5")
        _, log = second.communicate(timeout=60)
    assert second.returncode == 0, log.decode()
    with TickStore(path, read_only=True) as store:
        for symbol in store.symbols():
            ticks = store.window(symbol, 0, 2**62)
            held = store.coverage(symbol)
            assert held is not None
            assert len({tick.id for tick in ticks}) == len(ticks) == held.ticks
            missing = sum(gap.last_id - gap.first_id + 1 for gap in store.gaps(symbol))
            assert held.last_id - held.first_id + 1 == len(ticks) + missing


def _ticks(path: Path) -> int:
    """Durable ticks of a file that a recorder may be creating right now."""
    try:
        store = TickStore(path, read_only=True)
    except StorageError:  # says that it is empty
        return 0
    with store:
        return sum(held.ticks for symbol in store.symbols() if (held := store.coverage(symbol)) is not None)


def test_wrong_command_line_is_one_sentence(tmp_path: Path) -> None:
    with LocalExchange() as exchange:
        process = record_command(tmp_path, exchange, "--symbols", "BTCUSDT")
        _, log = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"ALPHASTREAM_SYMBOLS='BTCUSDT'" in log
    assert b"Traceback" not in log


@pytest.mark.parametrize("channel", ["ws", "rest"])
def test_the_recorder_waits_until_a_ban_is_over(tmp_path: Path, channel: Channel) -> None:
    ban = Refuse418(on=(channel,), retry_after_s=2, times=1)
    with LocalExchange(pace=Rate(500), loop=True, faults=[ban]) as exchange:
        process = record_command(tmp_path, exchange)
        eventually(lambda: _ticks(tmp_path / "binance-usdm.db") > 50)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log.decode()
    assert channel == "rest" or b"banned this address for 2 s" in log


@pytest.mark.parametrize(
    ("refusal", "said"),
    [(Refuse403(on=("ws",)), b"firewall turned this address away"), (Refuse451(), b"refuses this computer's location")],
    ids=["403", "451"],
)
def test_the_recorder_waits_where_it_is_turned_away_and_says_until_when(
    tmp_path: Path, refusal: Fault, said: bytes
) -> None:
    with LocalExchange(faults=[refusal]) as exchange:
        process = record_command(tmp_path, exchange, "--seconds", "3")
        _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log.decode()
    (waits,) = [line for line in log.splitlines() if b"waits until" in line]
    assert re.search(rb"waits until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: ", waits)
    assert said in waits


def test_the_recorder_waits_for_room_and_only_for_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[int] = []
    free = [0, 0, 2**40]
    opened = object()

    def attempt(_settings: Settings, _venues: object) -> object:
        attempts.append(len(attempts))
        if len(attempts) < 3:
            raise StorageError("disk I/O error")
        return opened

    monkeypatch.setattr(recorder, "live_pipeline", attempt)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free=free[len(attempts) - 1]))
    settings, waited = replace(config.load({}), data_dir=tmp_path), list[float]()

    def is_over(wait_s: float) -> bool:
        waited.append(wait_s)
        return False

    assert recorder._opened(settings, settings.symbols, is_over) is opened
    assert waited == [recorder.LOOK_AGAIN_S] * 2
    attempts.clear()
    free[:] = [2**40]
    with pytest.raises(StorageError, match="disk I/O error"):
        recorder._opened(settings, settings.symbols, is_over)


def test_unlisted_symbols_stop_the_recorder(tmp_path: Path) -> None:
    with LocalExchange(pace=Rate(100), loop=True) as exchange:
        process = record_command(tmp_path, exchange, "--symbols", "BTCUSDTT,ETHUSDX")
        _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"BTCUSDT" in log
