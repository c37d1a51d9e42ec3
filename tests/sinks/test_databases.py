"""Sinks of rows: each trade is one row, however often it comes."""

import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from alphastream.errors import BusError
from alphastream.instruments import InstrumentId
from alphastream.sinks import Batch, open_sink
from alphastream.tape.columns import TickColumns
from runtime.bus.publisher import Publisher
from storage import Origin, TickStore
from tests.runtime.bus.test_publisher import eventually
from tests.servers import free_ports, need, postgres
from tests.sinks.trades import BTC, batches, trades

COLUMNS = "id, price, quantity, time_ns, receive_ns, buyer_is_maker"
QUERY = f"SELECT {COLUMNS} FROM alphastream.ticks WHERE venue = %s ORDER BY id"


def rows_of(address: str, venue: str = "binance-usdm") -> list[tuple[object, ...]]:
    import psycopg

    with psycopg.connect(address) as connection:
        return list(connection.execute(QUERY, (venue,)).fetchall())


def rows(ticks: TickColumns) -> list[tuple[object, ...]]:
    return list(zip(*(column.tolist() for column in ticks.arrays()), strict=True))


def test_postgres_keeps_each_trade_once() -> None:
    need("psycopg")
    import psycopg

    with postgres() as address:
        sink = open_sink(address)
        for _ in range(2):
            for batch in batches(50_000, 1_000):
                sink.publish(batch)
            sink.flush(60)
        sink.publish(Batch(InstrumentId("okx", "BTC-USDT"), trades(1, 5), host="10.0.0.1"))
        sink.flush(60)
        sink.close()
        assert rows_of(address) == rows(trades(1, 50_000))
        assert rows_of(address, "okx@10.0.0.1") == rows(trades(1, 5))
        with psycopg.connect(address) as connection:
            first = connection.execute("SELECT extract(epoch FROM time) FROM alphastream.ticks WHERE id = 3").fetchone()
        assert first is not None
        assert round(float(first[0]) * 1e6) == trades(3, 1).time_ns[0] // 1_000
        with pytest.raises(BusError, match="it was closed"):
            sink.publish(batches(100)[0])


def test_postgres_by_way_of_the_recorder(tmp_path: Path) -> None:
    need("psycopg")
    with postgres() as address, TickStore(tmp_path / "tape.db", origin=Origin("binance-usdm", "host")) as store:
        store.take({BTC: trades(1, 30_000)})
        publisher = Publisher(store, "binance-usdm", "", "postgresql://host", lambda: open_sink(address))
        publisher.start()
        eventually(lambda: publisher.health.sent == 30_000)
        store.take({BTC: trades(30_001, 10)})
        eventually(lambda: publisher.health.sent == 30_010)
        publisher.stop()
        assert rows_of(address) == rows(trades(1, 30_010))


def test_a_database_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    need("psycopg")
    (port,) = free_ports(1)
    for scheme in ("postgresql", "questdb"):
        sink = open_sink(f"{scheme}://me:secret-word@127.0.0.1:{port}/base")
        sink.publish(batches(100)[0])
        with pytest.raises(BusError) as failure:
            sink.flush(5)
        assert str(port) in str(failure.value)
        assert "secret-word" not in f"{failure.value}{sink.name}"
        sink.close()


@contextmanager
def questdb(status: int = 204) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Answers as QuestDB's documentation says it does; gives what it was asked: path, credentials, body."""
    asked: list[tuple[str, str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200)

        def do_POST(self) -> None:
            self._answer(status)

        def _answer(self, code: int) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            asked.append((urllib.parse.unquote_plus(self.path), self.headers.get("Authorization", ""), body))
            self.send_response(code)
            said = b"" if code in (200, 204) else b"table is read only"
            if code != 204:
                self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"questdb://me:word@127.0.0.1:{server.server_port}", asked
        server.shutdown()
        serving.join()


def test_questdb_is_sent_lines() -> None:
    ticks = TickColumns(
        np.array([7, 8]),
        np.array([60_000.1, 1e-8]),
        np.array([1.0, 123_456_789.125]),
        np.array([1_700_000_000_123_456_789, 1_700_000_000_123_456_790]),
        np.array([5, 6]),
        np.array([True, False]),
    )
    with questdb() as (address, asked):
        sink = open_sink(address)
        sink.publish(Batch(InstrumentId("kraken", "BTC USD,=\\"), ticks))
        sink.flush(5)
        sink.close()
    (made, _, _), (path, credentials, body) = asked
    assert made.startswith("/exec?query=CREATE TABLE IF NOT EXISTS ticks(")
    assert path == "/write?precision=n"
    assert credentials == "Basic bWU6d29yZA=="
    tags = "ticks,venue=kraken,symbol=BTC\\ USD\\,\\=\\\\"
    assert body.splitlines() == [
        f"{tags} id=7i,price=60000.1,quantity=1,buyer_is_maker=t,receive_ns=5i 1700000000123456789",
        f"{tags} id=8i,price=1e-8,quantity=123456789.125,buyer_is_maker=f,receive_ns=6i 1700000000123456790",
    ]


def test_what_questdb_refuses_is_told() -> None:
    with questdb(status=403) as (address, _):
        sink = open_sink(address)
        sink.publish(batches(100)[0])
        with pytest.raises(BusError, match="answers 403: table is read only"):
            sink.flush(5)
