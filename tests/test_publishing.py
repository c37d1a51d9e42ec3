"""The recorder that publishes: what is on its tape is on the bus, though both are killed."""

import re
import signal
from pathlib import Path

import pytest

import recorder
from alphastream.sinks import open_bus
from storage import TickStore
from tests.servers import nats_server, need
from tests.test_metrics import ask, metrics_port
from tests.test_recorder import record_command
from tests.test_system import BTC, ETH, eventually
from tools.exchange import LocalExchange, Rate

SOURCE = "binance-usdm@127.0.0.1"  # the local exchange is not the venue's own host


def _on_tape(path: Path) -> dict[str, set[int]]:
    with TickStore(path, read_only=True) as store:
        return {symbol: {tick.id for tick in store.window(symbol, 0, 2**62)} for symbol in (BTC, ETH)}


def _on_bus(address: str) -> dict[str, list[int]]:
    bus = open_bus(address)
    consumer = bus.subscribe(SOURCE, "looks")
    found: dict[str, list[int]] = {BTC: [], ETH: []}
    while batches := consumer.receive(1.0):
        for batch in batches:
            found[batch.instrument] += batch.ticks.id.tolist()
    bus.close()
    return found


def test_recorder_and_broker_are_killed_and_all_is_there(tmp_path: Path) -> None:
    need("nats")
    server = nats_server(tmp_path / "nats").start()
    address = f"nats://me:secret-word@127.0.0.1:{server.port}"
    path = tmp_path / "binance-usdm.db"
    with server, LocalExchange(pace=Rate(1_000), loop=True) as exchange:
        first = record_command(tmp_path, exchange, "--publish", address)
        try:
            eventually(lambda: path.exists() and any(tmp_path.glob("*.published-*.json")), timeout_s=60)
            server.kill()  # what comes now waits in the tape
        finally:
            first.send_signal(signal.SIGKILL)
        _, log = first.communicate(timeout=30)
        second = record_command(tmp_path, exchange, "--publish", address, "--seconds", "6")
        server.start()
        _, more = second.communicate(timeout=60)
        assert second.returncode == 0, more.decode()
        assert b"secret-word" not in log + more
        held, sent = _on_tape(path), _on_bus(address)
    for symbol in (BTC, ETH):
        assert len(held[symbol]) > 100
        assert held[symbol] <= set(sent[symbol])


def test_metrics_tell_what_was_published(tmp_path: Path) -> None:
    need("nats")
    with nats_server(tmp_path / "nats") as server, LocalExchange(pace=Rate(500), loop=True) as exchange:
        address = f"nats://me:secret-word@127.0.0.1:{server.port}"
        process = record_command(tmp_path, exchange, "--publish", address, "--metrics", "0")
        try:
            port = metrics_port(process)
            label = f'sink="nats://127.0.0.1:{server.port}"'

            def published() -> float:
                found = re.search(rf"published_ticks_total{{[^}}]*{label}[^}}]*}} (\S+)", text())
                return float(found[1]) if found else 0.0

            def text() -> str:
                return ask(port, "/metrics")[1].decode()

            eventually(lambda: published() > 50, timeout_s=60)
            assert "secret-word" not in text()
            assert re.search(rf"publish_failing{{[^}}]*{label}[^}}]*}} 0.0", text())
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def test_an_address_that_is_none_ends_the_recorder(capsys: pytest.CaptureFixture[str]) -> None:
    assert recorder.record(["--publish", "amqp://me:secret-word@host"]) == 2
    told = capsys.readouterr().err
    assert "ALPHASTREAM_PUBLISH='amqp://host': needs an address such as nats://HOST:PORT" in told
    assert "secret-word" not in told
