"""A server on this machine with a hub behind it, and clients that talk to it."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from runtime.channel.hub import Hub
from runtime.channel.topics import Frame, Topic
from tests.runtime.channel.figures import frame_of

WAIT_S = 60.0
Endpoint = Callable[[WebSocket], Awaitable[None]]


class Moving:
    """A topic that a test moves: a new price at each step."""

    def __init__(self, hub: Hub, name: str = "pair", rows: int = 4) -> None:
        self.hub = hub
        self.rows = rows
        self.steps = 0
        self.computed = 0
        self.topic: Topic = hub.topic(name, self.source)

    def source(self) -> Frame:
        self.computed += 1
        return self.frame

    @property
    def frame(self) -> Frame:
        return frame_of([float(self.steps + row) for row in range(self.rows)], first=3)

    def step(self) -> None:
        self.steps += 1
        self.hub.notify()


@dataclass(frozen=True, slots=True)
class Server:
    """A server in a thread of its own."""

    url: str
    loop: asyncio.AbstractEventLoop

    def tasks(self) -> int:
        async def count() -> int:
            return len(asyncio.all_tasks())

        return asyncio.run_coroutine_threadsafe(count(), self.loop).result(WAIT_S)


@contextmanager
def serving(endpoint: Endpoint, send_buffer: int | None = None) -> Iterator[Server]:
    """Serve an endpoint at ``/live``; ``send_buffer`` in bytes is the kernel's for each client."""
    listener = socket.create_server(("127.0.0.1", 0))
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    application = Starlette(routes=[WebSocketRoute("/live", endpoint)])
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, lifespan="off", ws_ping_interval=None))
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="server")
    thread.start()
    try:
        eventually(lambda: server.started)
        yield Server(f"ws://127.0.0.1:{listener.getsockname()[1]}/live", loops[0])
    finally:
        server.should_exit = True
        thread.join(WAIT_S)
        listener.close()
    assert not thread.is_alive()


def eventually(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


@contextmanager
def visitor(server: Server, **options: Any) -> Iterator[ClientConnection]:
    with connect(server.url, open_timeout=WAIT_S, max_size=None, ping_interval=None, **options) as client:
        yield client


def ask(client: ClientConnection, request: object) -> None:
    client.send(json.dumps(request))


def hear(client: ClientConnection) -> dict[str, Any]:
    heard: dict[str, Any] = json.loads(client.recv(WAIT_S))
    return heard


def subscribe(client: ClientConnection, topic: Topic) -> dict[str, Any]:
    ask(client, {"subscribe": topic.name})
    return hear(client)


def closed_with(client: ClientConnection) -> int:
    """The code the server closed with, whatever it said before."""
    try:
        while True:
            client.recv(WAIT_S)
    except ConnectionClosed as closed:
        return -1 if closed.rcvd is None else closed.rcvd.code
