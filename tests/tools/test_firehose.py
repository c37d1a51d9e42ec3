"""The firehose: every frame one trade, ids without a hole, from lap to lap and over a socket."""

import json
import socket
import threading

import pytest
import websocket

from alphastream.feeds import FEEDS
from tools.exchange import Tape
from tools.exchange.firehose import FIRST_ID, Frames, serve

ASK = "/market/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade"


def payloads_of(data: bytes) -> list[bytes]:
    """Take unmasked frames with two bytes of length apart."""
    found, start = [], 0
    while start < len(data):
        assert data[start : start + 2] == b"\x81\x7e"
        end = start + 4 + int.from_bytes(data[start + 2 : start + 4], "big")
        found.append(data[start + 4 : end])
        start = end
    return found


@pytest.mark.parametrize("count", [1, 99, 100, 250])
def test_ids_go_on_from_lap_to_lap(tape: Tape, count: int) -> None:
    codec = FEEDS["binance-usdm"].fresh()
    frames = payloads_of(b"".join(Frames(tape, 100).chunks(count)))
    assert len(frames) == count
    ticks = [tick for frame in frames for tick in codec.parse(frame, 1)]
    ids: dict[str, list[int]] = {}
    for number, tick in enumerate(ticks):
        ids.setdefault(tick.symbol, []).append(tick.id)
        original = tape.trades[number % 100]
        assert (tick.price, tick.quantity) == (float(original.price_text), float(original.quantity_text))
        assert tick.symbol.endswith(original.symbol)
        assert abs(tick.time_ns - ticks[0].time_ns) < 60 * 10**9
    assert sum(map(len, ids.values())) == count
    for found in ids.values():
        assert found == list(range(FIRST_ID, FIRST_ID + len(found)))


def test_a_client_is_sent_them_all(tape: Tape) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server, Frames(tape, 50), 120, None), daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with socket.create_connection(server.getsockname()) as other:
            other.sendall(b"GET /fapi/v1/time HTTP/1.1\r\n\r\n")
            assert other.recv(100).startswith(b"HTTP/1.1 404")
        client = websocket.create_connection(f"ws://{address}{ASK}", timeout=5)
        try:
            assert len([json.loads(client.recv())["data"]["a"] for _ in range(120)]) == 120
        finally:
            client.shutdown()  # type: ignore[no-untyped-call]
