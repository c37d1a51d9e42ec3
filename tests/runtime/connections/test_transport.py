"""Both transports under the same peers: every wait ends, every message is bounded, every failure is one sentence."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from alphastream.errors import FeedError
from runtime.connections.transport import MAX_MESSAGE, Transport
from tests.runtime.connections.conftest import Make
from tests.runtime.connections.peers import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Script,
    frame,
    peer,
    received_frame,
    shake_hands,
    wait_for_the_end,
)


@contextmanager
def connected(make: Make, script: Script) -> Iterator[Transport]:
    def whole(connection: socket.socket) -> None:
        shake_hands(connection)
        script(connection)
        wait_for_the_end(connection)

    with peer(whole) as address:
        transport = make(2.0)
        try:
            transport.open(f"ws://{address}")
            yield transport
        finally:
            transport.close()


def receive(transport: Transport, seconds: float = 2.0) -> bytes | None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        message = transport.recv(0.05)
        if message is not None:
            return message
    return None


def test_messages_in_one_segment_in_pieces_and_in_fragments(make: Make) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(frame(b"one") + frame(b"x" * 70_000) + frame(b"three")[:3])
        time.sleep(0.15)
        connection.sendall(frame(b"three")[3:] + frame(b"fo", final=False))
        connection.sendall(frame(b"p", PING) + frame(b"ur", CONTINUATION))

    with connected(make, script) as transport:
        messages = [receive(transport) for _ in range(4)]
    assert messages == [b"one", b"x" * 70_000, b"three", b"four"]


def test_a_whole_book_of_many_million_bytes_comes_in_one_piece(make: Make) -> None:
    book = b"0123456789" * 800_000

    def script(connection: socket.socket) -> None:
        connection.sendall(frame(book) + frame(b"next"))

    with connected(make, script) as transport:
        assert receive(transport) == book
        assert receive(transport) == b"next"


def test_a_burst_comes_at_once_with_its_times_and_the_end_after_it(make: Make) -> None:
    sent_ns = time.time_ns()

    def script(connection: socket.socket) -> None:
        connection.sendall(b"".join(frame(b"%d" % number) for number in range(10_000)) + frame(b"", CLOSE))

    bursts: list[tuple[list[bytes], list[int]]] = []
    with connected(make, script) as transport:
        while sum(len(messages) for messages, _ in bursts) < 10_000:
            bursts.append(transport.recv_many(2.0))
        for _ in range(2):
            with pytest.raises(FeedError, match="the venue closed the connection"):
                transport.recv_many(2.0)
    messages = [message for messages, _ in bursts for message in messages]
    times = [time_ns for _, times in bursts for time_ns in times]
    assert len(messages) == len(times)
    assert messages == [b"%d" % number for number in range(10_000)]
    assert len(bursts) < 1_000
    assert sent_ns <= times[0] <= times[-1] <= time.time_ns()
    assert times == sorted(times)


def test_recv_ends_in_time(make: Make) -> None:
    with connected(make, lambda connection: None) as transport:
        started = time.monotonic()
        assert transport.recv(0.1) is None
        assert transport.recv(0.0) is None
        assert transport.recv_many(0.0) == ([], [])
        assert 0.1 <= time.monotonic() - started < 5.0


def test_a_frame_that_drips_does_not_hold_recv(make: Make) -> None:
    def script(connection: socket.socket) -> None:
        for byte in frame(b"slowly but surely"):
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    with connected(make, script) as transport:
        assert transport.recv(0.1) is None, "it returns before the frame is whole"
        assert receive(transport) == b"slowly but surely"


def test_pings_without_end_do_not_hold_recv(make: Make) -> None:
    stop = threading.Event()

    def script(connection: socket.socket) -> None:
        while not stop.is_set():
            connection.sendall(frame(b"p", PING) * 10)
            connection.setblocking(False)
            with suppress(BlockingIOError):
                connection.recv(65_536)
            connection.setblocking(True)

    with connected(make, script) as transport:
        started = time.monotonic()
        assert transport.recv(0.1) is None
        assert time.monotonic() - started < 5.0
        stop.set()


@pytest.mark.parametrize(
    "flood",
    [
        frame(b"x", length=MAX_MESSAGE + 1),
        frame(b"x", length=2**62),
        frame(b"x" * 900_000, final=False) + frame(b"x" * 900_000, CONTINUATION, final=False) * 40,
    ],
    ids=["announced", "absurd", "fragments"],
)
def test_a_message_without_measure_ends_the_connection(make: Make, flood: bytes) -> None:
    def script(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(flood)

    with (
        connected(make, script) as transport,
        pytest.raises(FeedError, match=r"frame of|more than|size exceeding"),
    ):
        receive(transport)


def test_empty_fragments_without_end_do_not_hold_recv(make: Make) -> None:
    stop = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(frame(b"", final=False))
        while not stop.is_set():
            connection.sendall(frame(b"", CONTINUATION, final=False) * 1_000)

    with connected(make, script) as transport:
        started = time.monotonic()
        with suppress(FeedError):  # or they are too many
            assert transport.recv(0.1) is None
        assert time.monotonic() - started < 5.0
        stop.set()
        transport.abort()


def test_a_peer_that_reads_nothing_does_not_hold_send(make: Make) -> None:
    over = threading.Event()

    def script(connection: socket.socket) -> None:
        shake_hands(connection)
        over.wait(10.0)

    with peer(script) as address:
        transport = make(2.0)
        transport.open(f"ws://{address}")
        started = time.monotonic()
        with pytest.raises(FeedError, match="the peer took nothing"):
            transport.send(b"x" * 50_000_000)
        assert time.monotonic() - started < 30.0
        over.set()
        transport.close()


def test_abort_wakes_a_waiting_recv(make: Make) -> None:
    with connected(make, lambda connection: None) as transport:
        threading.Timer(0.1, transport.abort).start()
        started = time.monotonic()
        with pytest.raises(FeedError, match="the connection was lost"):
            transport.recv(10.0)
        assert time.monotonic() - started < 5.0


@pytest.mark.parametrize(
    "broken",
    [
        b"\xc1\x02ab",
        b"\xa1\x02ab",
        b"\x91\x02ab",
        b"\x81\x82\x01\x02\x03\x04ab",
        b"\x83\x02ab",
        frame(b"ab", CONTINUATION),
        frame(b"ab", final=False) + frame(b"cd"),
        frame(b"p", PING, final=False),
        frame(b"p" * 126, PING),
        frame(b"x", CLOSE),
    ],
    ids=["rsv1", "rsv2", "rsv3", "masked", "opcode", "continues", "interrupts", "split-ping", "long-ping", "close"],
)
def test_what_breaks_the_protocol_ends_the_connection_in_words(make: Make, broken: bytes) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(frame(b"before") + broken)

    with connected(make, script) as transport:
        assert receive(transport) == b"before"
        with pytest.raises(FeedError, match=r"the connection was lost \(.{10,}\)|the venue closed"):
            receive(transport)


def test_text_that_is_no_utf_8_is_left_to_the_codec(make: Make) -> None:
    with connected(make, lambda connection: connection.sendall(frame(b"\xff\xfe") + frame(b"next"))) as transport:
        assert [receive(transport) for _ in range(2)] == [b"\xff\xfe", b"next"]


def test_bytes_and_text_are_the_same(make: Make) -> None:
    with connected(make, lambda connection: connection.sendall(frame(b"{}", BINARY) + frame(b""))) as transport:
        assert [receive(transport) for _ in range(2)] == [b"{}", b""]


def test_a_ping_is_answered_with_its_own_payload(make: Make) -> None:
    seen: list[tuple[int, bytes]] = []

    def script(connection: socket.socket) -> None:
        connection.sendall(frame(b"still there?", PING) + frame(b"unasked", PONG))
        seen.append(received_frame(connection))
        connection.sendall(frame(b"thanks"))

    with connected(make, script) as transport:
        assert receive(transport) == b"thanks"
    assert seen == [(PONG, b"still there?")]


def test_a_message_is_sent_masked_and_whole(make: Make) -> None:
    seen: list[tuple[int, bytes]] = []

    def script(connection: socket.socket) -> None:
        seen.append(received_frame(connection))
        connection.sendall(frame(b"taken"))

    with connected(make, script) as transport:
        transport.send(b'{"method":"SUBSCRIBE"}')
        assert receive(transport) == b"taken"
    assert seen == [(TEXT, b'{"method":"SUBSCRIBE"}')]


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b"", r"\(code none\)$"),
        ((1001).to_bytes(2, "big"), r"\(code 1001\)$"),
        ((1008).to_bytes(2, "big") + "zu viel, größer".encode(), r"\(code 1008\): zu viel, größer$"),
        ((4001).to_bytes(2, "big"), r"\(code 4001\)$"),
    ],
    ids=["without", "going-away", "reason", "own"],
)
def test_a_close_is_told_at_once_though_the_peer_stays(make: Make, payload: bytes, told: str) -> None:
    with connected(make, lambda connection: connection.sendall(frame(payload, CLOSE))) as transport:
        for _ in range(2):
            with pytest.raises(FeedError, match="the venue closed the connection " + told):
                receive(transport)


@pytest.mark.parametrize("rude", [False, True], ids=["end", "reset"])
def test_the_end_of_a_connection_is_told(make: Make, rude: bool) -> None:
    def script(connection: socket.socket) -> None:
        shake_hands(connection)
        connection.sendall(frame(b"last"))
        if rude:
            time.sleep(0.1)  # a reset takes away what was not read yet
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with peer(script) as address, closing(make(2.0)) as transport:
        transport.open(f"ws://{address}")
        assert receive(transport) == b"last"
        with pytest.raises(FeedError, match=r"the connection was lost \(.{10,}\)"):
            receive(transport)


def test_a_peer_that_fell_silent_is_given_up_at_once(make: Make) -> None:
    """No FIN comes from a machine that lost its power: only the feed's watch for trades can tell."""
    over = threading.Event()

    def script(connection: socket.socket) -> None:
        shake_hands(connection)
        connection.sendall(frame(b"half of it")[:5])
        over.wait(10.0)

    with peer(script) as address:
        transport = make(2.0)
        transport.open(f"ws://{address}")
        assert transport.recv_many(0.1) == ([], [])
        started = time.monotonic()
        transport.close()
        assert time.monotonic() - started < 5.0
        with pytest.raises(FeedError):
            transport.recv_many(5.0)
        over.set()
