"""SIGTERM at 5,000 trades a second: recorder and app end in order, and what arrived is in the file."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.sync.client import connect

from storage import TickStore
from tests.test_system import BTC, ETH, ROOT, _closed_port, eventually
from tools.exchange import LocalExchange, Rate

VISITORS = 3


def start(folder: Path, exchange: LocalExchange, command: Sequence[str]) -> "subprocess.Popen[bytes]":
    environ = {
        **os.environ,
        "ALPHASTREAM_WS_URL": exchange.ws_url,
        "ALPHASTREAM_REST_URL": exchange.rest_url,
        "ALPHASTREAM_DATA_DIR": str(folder / "var"),
        "ALPHASTREAM_FEED": "live",
    }
    with (folder / "log").open("wb") as log:
        return subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environ, stdout=log, stderr=log)


def file_grows(folder: Path) -> bool:
    return sum(file.stat().st_size for file in (folder / "var").glob("binance-usdm.db*")) > 200_000


def end(process: "subprocess.Popen[bytes]", folder: Path, exit_code: int) -> None:
    """Send SIGTERM, wait, and look at what is left."""
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    log = (folder / "log").read_text(encoding="utf-8")
    assert process.returncode == exit_code, log
    assert "Traceback" not in log, log
    assert "state=stopped" in log
    assert "holds the thread" not in log
    assert not list((folder / "var").glob("*.db-wal")), "the file was not closed"
    with TickStore(folder / "var" / "binance-usdm.db") as store:  # nobody holds it any more
        for symbol in (BTC, ETH):
            held = store.coverage(symbol)
            assert held is not None
            assert held.ticks > 1_000
            assert held.complete


def test_the_recorder_ends_in_order(tmp_path: Path) -> None:
    with LocalExchange(pace=Rate(5_000), loop=True) as exchange:
        process = start(tmp_path, exchange, ["ingest.py"])
        try:
            eventually(lambda: file_grows(tmp_path))
            end(process, tmp_path, 0)
        finally:
            process.kill()


@pytest.mark.slow
def test_the_app_ends_in_order_though_people_look_at_it(tmp_path: Path) -> None:
    port = _closed_port()
    command = ["-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]

    def is_up() -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    with LocalExchange(pace=Rate(5_000), loop=True) as exchange, ExitStack() as visits:
        process = start(tmp_path, exchange, command)
        try:
            eventually(is_up, 60.0)
            for _ in range(VISITORS):
                visitor = visits.enter_context(
                    connect(f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None)  # type: ignore[list-item]
                )
                wish = BackMsg()
                wish.rerun_script.query_string = ""
                visitor.send(wish.SerializeToString())
                for _ in range(5):
                    visitor.recv(60)  # the page has begun to arrive
            eventually(lambda: file_grows(tmp_path))
            end(
                process, tmp_path, -signal.SIGTERM
            )  # the server ends by the signal that it was sent, once all is closed
        finally:
            process.kill()


def test_a_compiler_whose_app_has_ended_ends_too() -> None:
    command = [sys.executable, "-m", "alphastream", "RollingOLS", "ZScore"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(120) == 0


@pytest.fixture(autouse=True)
def _posix() -> None:
    if os.name != "posix":
        pytest.skip("Windows has no SIGTERM to be asked by")
