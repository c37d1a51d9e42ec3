"""Peers on loopback that do what a script says, and WebSocket frames for them to send."""

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA
Script = Callable[[socket.socket], None]


@contextmanager
def peer(script: Script) -> Iterator[str]:
    """A server on loopback that runs a script on every connection; gives its "host:port"."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                connection, _ = server.accept()
                with connection, suppress(OSError):
                    script(connection)

        thread = threading.Thread(target=serve, name="peer")
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            with suppress(OSError):
                socket.create_connection(server.getsockname()).close()
            thread.join(5.0)
            assert not thread.is_alive()


def shake_hands(connection: socket.socket, behind: bytes = b"") -> bytes:
    """Answer an upgrade, with something right behind the answer; gives the request."""
    request = b""
    while b"\r\n\r\n" not in request:
        received = connection.recv(4_096)
        if not received:
            raise OSError("gone")
        request += received
    key = next(line.split(b": ")[1] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + behind
    )
    return request


def frame(payload: bytes, opcode: int = TEXT, *, final: bool = True, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    head = bytes([(0x80 if final else 0) | opcode])
    if size < 126:
        return head + bytes([size]) + payload
    if size < 2**16:
        return head + b"\x7e" + size.to_bytes(2, "big") + payload
    return head + b"\x7f" + size.to_bytes(8, "big") + payload


def wait_for_the_end(connection: socket.socket) -> None:
    while connection.recv(4_096):
        pass


def drip(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"H")
        time.sleep(0.02)


def received_frame(connection: socket.socket) -> tuple[int, bytes]:
    """Read one short frame of a client: opcode and payload."""
    head = _exactly(connection, 2)
    mask = _exactly(connection, 4)
    assert head[1] & 0x80, "a client masks"
    payload = _exactly(connection, head[1] & 0x7F)
    return head[0] & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        more = connection.recv(size - len(received))
        if not more:
            raise OSError("gone")
        received += more
    return received
