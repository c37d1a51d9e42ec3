"""A peer that sends trades faster than anything can read them: ``python -m tools.exchange.firehose --count 1000000``.

It speaks just enough WebSocket for a client to be sent aggTrade frames, one trade each as Binance sends them, in
large writes. A lap of frames is laid out once; for each lap only the digits of ids and times are written anew, by
NumPy, so that ids go on without a hole. It answers no REST and knows no faults: `LocalExchange` does.
"""

import argparse
import base64
import hashlib
import signal
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from alphastream.errors import ParameterError

from .events import Trade
from .protocols.binance.messages import stream_message
from .tape import Tape

LAP = 20_000
WRITE = 256 * 1024
ID_DIGITS, TIME_DIGITS = 10, 13
FIRST_ID = 10 ** (ID_DIGITS - 1)  # so that no id of a run has other digits
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Bytes = npt.NDArray[np.uint8]


class Frames:
    """Frames of a tape without end, as the bytes on the wire.

    Parameters
    ----------
    tape : whose trades are repeated, with symbols, prices, quantities and sides as they are.
    lap : frames that are made at once.
    """

    def __init__(self, tape: Tape, lap: int = LAP) -> None:
        trades = [tape.at(n) for n in range(lap)]
        symbols = list(dict.fromkeys(trade.symbol for trade in trades))
        frames = [_frame(trade) for trade in trades]
        self._bytes = np.frombuffer(b"".join(frames), np.uint8).copy()
        starts = np.cumsum([0, *(len(frame) for frame in frames[:-1])])
        self._ids = starts + [frame.index(b'"a":') + 4 for frame in frames]
        self._times = [starts + [frame.index(key) + 4 for frame in frames] for key in (b'"E":', b'"T":')]
        of_symbol = np.array([symbols.index(trade.symbol) for trade in trades])
        self._nths = np.empty(lap, np.int64)
        self._a_lap = np.zeros(lap, np.int64)
        for number in range(len(symbols)):
            mine = of_symbol == number
            self._nths[mine] = np.arange(mine.sum())
            self._a_lap[mine] = mine.sum()
        self.ends = np.append(starts[1:], len(self._bytes))

    def lap(self, number: int, time_ms: int) -> bytes:
        """Return the frames of a lap, all traded at one time."""
        _write_digits(self._bytes, self._ids, FIRST_ID + self._nths + number * self._a_lap, ID_DIGITS)
        for places in self._times:
            _write_digits(self._bytes, places, np.full(len(places), time_ms), TIME_DIGITS)
        return self._bytes.tobytes()

    def chunks(self, count: int) -> Iterator[bytes]:
        """Return ``count`` frames in the order of their ids."""
        number = 0
        while count > 0:
            data = self.lap(number, time.time_ns() // 10**6)
            if count < len(self.ends):
                data = data[: self.ends[count - 1]]
            yield data
            count -= len(self.ends)
            number += 1


def _frame(trade: Trade) -> bytes:
    """Write a trade as an unmasked text frame, its numbers as wide as they will ever be."""
    wide = msgspec.structs.replace(trade, id=FIRST_ID, event_ns=10**12 * 10**6, time_ns=10**12 * 10**6)
    payload = stream_message(wide, f"{trade.symbol.lower()}@aggTrade", is_futures=True, wrapped=True)
    if not 126 <= len(payload) < 2**16:
        raise ParameterError(f"a frame of {len(payload)} bytes, needs 126 to 65535")
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


def _write_digits(data: Bytes, places: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64], digits: int) -> None:
    for digit in range(digits):
        data[places + digits - 1 - digit] = ord("0") + numbers // 10**digit % 10


def serve(server: socket.socket, frames: Frames, count: int, context: ssl.SSLContext | None) -> None:
    """Take one client after the other and send each ``count`` frames; the connection then stays open."""
    kept = []
    while True:
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError):
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            if not _shake_hands(connection):
                connection.close()
                continue
            for data in frames.chunks(count):
                view = memoryview(data)
                for start in range(0, len(view), WRITE):
                    connection.sendall(view[start : start + WRITE])
            kept.append(connection)


def _shake_hands(connection: socket.socket) -> bool:
    """Answer a handshake; False, after a 404, for anything else."""
    request = b""
    while b"\r\n\r\n" not in request:
        part = connection.recv(65_536)
        if not part:
            return False
        request += part
    lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    key = headers.get(b"sec-websocket-key")
    if key is None:
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return False
    accept = base64.b64encode(hashlib.sha1(key + MAGIC, usedforsecurity=False).digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    return True


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tools.exchange.firehose", description=__doc__)
    parser.add_argument("--port", type=int, default=8901, help="TCP port on 127.0.0.1 (default 8901)")
    parser.add_argument("--count", type=int, default=1_000_000, help="trades for each client (default 1,000,000)")
    parser.add_argument("--certificate", type=Path, help="PEM file of a certificate and its key: speak TLS")
    options = parser.parse_args(arguments)
    context = None
    if options.certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate)
    frames = Frames(Tape.read())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with socket.create_server(("127.0.0.1", options.port)) as server, suppress(KeyboardInterrupt):
        serve(server, frames, options.count, context)


if __name__ == "__main__":
    main()
