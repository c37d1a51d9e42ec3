"""What a transport costs: messages a second and processor time a message, from a peer in another process.

Frames of the bundled tape, over plain sockets and over TLS: as many as go, and 5,000 a second one by one. Processor
time is that of the thread that reads.
"""

import itertools
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import trustme

from benchmarks.bench_ingest import frames
from runtime.connections.transport_choice import transport_named
from tests.runtime.connections.peers import frame, shake_hands

TRANSPORTS = ("picows", "websocket-client")
ROUNDS = 5
SECONDS = 1.0
PACED = 5_000  # messages a second


def serve(certificate: str, paced: bool) -> None:
    """Send frames to whoever connects, one connection after the other."""
    each = [frame(payload) for payload in frames()[:20_000]]
    blocks = each if paced else [b"".join(each[start : start + 500]) for start in range(0, len(each), 500)]
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection, suppress(OSError):
                send(context.wrap_socket(connection, server_side=True) if context else connection, blocks, paced)


def send(connection: socket.socket, blocks: Sequence[bytes], paced: bool) -> None:
    """Send the blocks round and round, until the other side ends it."""
    shake_hands(connection)
    due_s = time.perf_counter()
    for block in itertools.cycle(blocks):
        connection.sendall(block)
        if paced:
            due_s += 1 / PACED
            time.sleep(max(0.0, due_s - time.perf_counter()))


def measured(name: str, url: str) -> tuple[float, float, float]:
    """Messages a second, microseconds of processor time a message, messages a call."""
    with closing(transport_named(name)(5.0)) as transport:
        transport.open(url)
        received = calls = 0
        began_s, worked_s = time.perf_counter(), time.thread_time()
        while time.perf_counter() - began_s < SECONDS:
            received += len(transport.recv_many(0.2)[0])
            calls += 1
        return (
            received / (time.perf_counter() - began_s),
            (time.thread_time() - worked_s) / received * 1e6,
            received / calls,
        )


def main() -> None:
    """Print the table."""
    print("| peer | transport | messages/s | µs of processor a message | messages a call |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        authority, trusted, own = trustme.CA(), Path(folder) / "authority.pem", Path(folder) / "peer.pem"
        authority.cert_pem.write_to_path(trusted)
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(own)
        os.environ["SSL_CERT_FILE"] = str(trusted)
        for secure, paced in itertools.product((False, True), (False, True)):
            command = [sys.executable, "-m", "benchmarks.bench_transport", "serve", str(own) if secure else ""]
            with subprocess.Popen([*command, "paced" if paced else ""], stdout=subprocess.PIPE) as peer:
                assert peer.stdout is not None
                url = f"{'wss' if secure else 'ws'}://localhost:{int(peer.stdout.readline())}"
                rounds = [[measured(name, url) for name in TRANSPORTS] for _ in range(ROUNDS)]
                peer.kill()
            what = f"{'TLS' if secure else 'plain'}, {f'{PACED:,} a second' if paced else 'as many as go'}"
            figures = [
                [statistics.median(column) for column in zip(*runs, strict=True)] for runs in zip(*rounds, strict=True)
            ]
            for name, (rate, cost, burst) in zip(TRANSPORTS, figures, strict=True):
                print(f"| {what} | {name} | {rate:,.0f} | {cost:.2f} | {burst:,.0f} |")
            (rate, cost, _), (slow, dear, _) = figures
            print(f"| | ratio | {rate / slow:.1f} | 1/{dear / cost:.1f} | |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], sys.argv[3] == "paced")
    main()
