"""A client of the local exchange for tests: websocket-client for the streams, urllib for REST."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import websocket

from alphastream.events import Tick

from .server import LocalExchange

BOTH = "/market/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade"
BTC = "/market/ws/btcusdt@aggTrade"
PING, PONG, CLOSE = websocket.ABNF.OPCODE_PING, websocket.ABNF.OPCODE_PONG, websocket.ABNF.OPCODE_CLOSE


@contextmanager
def connect(exchange: LocalExchange, path: str, **options: Any) -> Iterator[websocket.WebSocket]:
    client = websocket.create_connection(exchange.ws_url + path, timeout=options.pop("timeout", 5), **options)
    try:
        yield client
    finally:
        client.shutdown()  # type: ignore[no-untyped-call]


def receive(client: websocket.WebSocket, count: int) -> list[dict[str, Any]]:
    """Read messages and take them out of the envelope of a combined stream."""
    messages = [json.loads(client.recv()) for _ in range(count)]
    return [message.get("data", message) for message in messages]


def ask(client: websocket.WebSocket, **request: Any) -> Any:
    """Send a control frame and give the next message."""
    client.send(json.dumps(request))
    return json.loads(client.recv())


def next_is_the_answer(client: websocket.WebSocket) -> bool:
    """Tell whether nothing was sent ahead of the answer to a question put now."""
    return "result" in ask(client, method="LIST_SUBSCRIPTIONS", id=99)


def get(exchange: LocalExchange, path: str) -> Any:
    with urllib.request.urlopen(exchange.rest_url + path, timeout=5) as response:
        return json.load(response)


def get_error(exchange: LocalExchange, path: str) -> tuple[int, dict[str, str], str]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(exchange, path)
    with caught.value as error:
        return error.code, dict(error.headers), error.read().decode()


def close_code(client: websocket.WebSocket) -> int:
    """Read on until the server closes, and give the code."""
    while True:
        opcode, data = client.recv_data(control_frame=True)
        if opcode == CLOSE:
            return int.from_bytes(data[:2], "big")


def tick(number: int, price: float, symbol: str = "ABCUSDT") -> Tick:
    return Tick(symbol, number, price, 2.5, 10**18 + number * 10**9, 0, True)
