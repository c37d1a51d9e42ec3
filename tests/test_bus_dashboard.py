"""A dashboard that is fed by a bus: live as with a venue, complete by ids, through kills of broker and recorder."""

import signal
from pathlib import Path

import pytest

from alphastream.errors import StorageError
from alphastream.instruments import InstrumentId
from alphastream.sinks import Batch, open_bus
from bus_lines import bus_instruments
from config import Settings
from storage import TickStore
from system import System
from tests.servers import nats_server, need
from tests.sinks.trades import trades
from tests.test_recorder import record_command
from tests.test_system import BTC, ETH, eventually, running, settings
from tools.exchange import LocalExchange, Rate


def state_of(system: System) -> tuple[str, str]:
    pipeline = system.pipeline_of("live")
    health = pipeline.health if pipeline is not None else None
    return (health.state, health.reason) if health is not None else ("", system.failure or "")


def dashboard(tmp_path: Path, address: str) -> Settings:
    return settings(tmp_path / "dashboard", BUS=address, VENUE="auto", FEED="live")


def test_live_complete_and_again_after_both_were_killed(tmp_path: Path) -> None:
    need("nats")
    server = nats_server(tmp_path / "nats").start()
    address = f"nats://127.0.0.1:{server.port}"
    with server, LocalExchange(pace=Rate(500), loop=True) as exchange:
        recorder = record_command(tmp_path / "recorder", exchange, "--publish", address)
        try:
            with running(System(dashboard(tmp_path, address))) as system:
                assert "has no trades of any venue yet" in state_of(system)[1] or state_of(system)[0]
                eventually(lambda: state_of(system)[0] == "live", 60)
                assert state_of(system)[1].startswith(f"bus: {address} connected, ")
                pipeline = system.pipeline_of("live")
                assert pipeline is not None
                assert set(pipeline.symbols) == {BTC, ETH}
                assert pipeline.lines[0].address == "127.0.0.1"  # where the trades came from at first
                server.kill()
                eventually(lambda: "does not answer" in state_of(system)[1], 60)
                recorder.send_signal(signal.SIGKILL)
                recorder.communicate(timeout=30)
                server.start()
                recorder = record_command(tmp_path / "recorder", exchange, "--publish", address)
                before = {symbol: pipeline.store.last(symbol) for symbol in (BTC, ETH)}
                eventually(lambda: all(pipeline.store.last(each) != last for each, last in before.items()), 60)
                eventually(lambda: not pipeline.store.gaps(BTC) and not pipeline.store.gaps(ETH), 60)
                eventually(lambda: state_of(system)[0] == "live", 60)
                held = {symbol: pipeline.store.coverage(symbol) for symbol in (BTC, ETH)}
        finally:
            recorder.send_signal(signal.SIGINT)
            recorder.communicate(timeout=30)
    with TickStore(tmp_path / "recorder" / "binance-usdm.db", read_only=True) as store:
        for symbol in (BTC, ETH):
            whole, coverage = {tick.id for tick in store.window(symbol, 0, 2**62)}, held[symbol]
            assert coverage is not None
            assert coverage.complete
            assert coverage.first_id == min(whole)


def test_what_is_on_the_bus_is_found_and_remembered(tmp_path: Path) -> None:
    need("nats")
    server = nats_server(tmp_path / "nats").start()
    with server:
        address = f"nats://me:secret-word@127.0.0.1:{server.port}"
        here = dashboard(tmp_path, address)
        with pytest.raises(StorageError, match="has no trades of any venue yet: start a recorder") as failure:
            bus_instruments(here)
        assert "secret-word" not in str(failure.value)
        bus = open_bus(address)
        for name in ("kraken:BTC/USD", "kraken:ETH/USD", BTC, "nowhere:XYZ"):
            bus.publish(Batch(InstrumentId.parse(name), trades(1, 10)))
        bus.flush(20)
        bus.close()
        found = bus_instruments(here)
        assert found == (BTC, ETH, "kraken:BTC/USD", "kraken:ETH/USD")
        server.kill()
        assert bus_instruments(here) == found


def test_a_bus_that_never_answered_is_tried_again(tmp_path: Path) -> None:
    need("nats")
    server = nats_server(tmp_path / "nats")
    with running(System(dashboard(tmp_path, f"nats://127.0.0.1:{server.port}"))) as system:
        assert "cannot be asked what is on it" in (system.failure or "")
        with server:
            eventually(lambda: "has no trades of any venue yet" in (system.failure or ""), 60)
