"""An HTTP server for what watches a process that serves no pages: /healthz and /metrics, nothing else."""

import logging
import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Final

from alphastream.errors import SettingError
from runtime.monitoring.access import is_local, is_loopback

log = logging.getLogger(__name__)

REQUEST_S: Final = 5.0  # for each wait for a part of the request
MAX_CONNECTIONS: Final = 20

Request = socket.socket | tuple[bytes, socket.socket]  # as socketserver types what it accepts
Answer = tuple[int, str, bytes]
"""Status, media type and body."""


class MetricsServer:
    """Answers GET requests on threads of its own, each connection once.

    Parameters
    ----------
    place : "host:port", or a port alone for 127.0.0.1. Where the host is not this machine's own, others may ask too.
    answers : by path.

    Raises
    ------
    SettingError
        The place is none, or cannot be listened on.
    """

    def __init__(self, place: str, answers: Mapping[str, Callable[[], Answer]]) -> None:
        host, _, port = place.rpartition(":")
        host = host.strip("[]") or "127.0.0.1"
        if not port.isdecimal() or int(port) > 65_535:
            raise SettingError(f"--metrics {place}: needs HOST:PORT or PORT, such as 127.0.0.1:9464")
        handler = type("_Handler", (_Handler,), {"answers": answers, "for_all": not is_loopback(host)})
        try:
            self._server = _Server((host, int(port)), handler)
        except OSError as error:
            raise SettingError(f"--metrics {place}: cannot be listened on ({error.strerror or error})") from error
        self.address = f"[{host}]:{self._server.server_port}" if ":" in host else f"{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="alphastream-metrics", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()
        log.info("metrics at http://%s/metrics", self.address)

    def stop(self) -> None:
        """Answer no more."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """A bounded number of connections at once; those that are still open at the end are dropped with the process."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind, and ask no name server what this machine is called, as http.server's own would."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Request, client_address: object) -> None:
        """Answer in a thread of its own, or close where too many ask at once."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Request, client_address: object) -> None:
        """Answer, then let the next one in."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Log a defect as others are; the next request is answered."""
        log.exception("a request for metrics ended by a defect")


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = REQUEST_S
    answers: Mapping[str, Callable[[], Answer]]
    for_all: bool

    def do_GET(self) -> None:
        """Answer a path that is known, to somebody who may ask."""
        if not self.for_all and not is_local(self.client_address[0], self.headers.get("Host"), self.headers.keys()):
            self._send(403, "text/plain", b"for programs on this machine\n")
            return
        answer = self.answers.get(self.path.partition("?")[0])
        self._send(*(answer() if answer is not None else (404, "text/plain", b"/healthz or /metrics\n")))

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (as http.server names it)
        """Say nothing of each request."""
