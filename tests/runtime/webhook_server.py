"""An HTTP server on this machine that answers as a test says."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from runtime.alerts.targets import Message, WebhookTarget

TOKEN = "T0K3N5ECRET"
Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Server:
    """An HTTP server that answers with what it was told, in order, then 200; None: not at all."""

    replies: list[Reply | None] = field(default_factory=list)
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    def url(self, path: str = f"/hook/{TOKEN}") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def target(self) -> WebhookTarget:
        return WebhookTarget("desk", "json", self.url())


@contextmanager
def serving(*replies: Reply | None) -> Iterator[Server]:
    told = Server(list(replies))
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.seen.append((self.path, dict(self.headers), body))
            reply = told.replies.pop(0) if told.replies else (200, {}, b"ok")
            if reply is None:
                release.wait(10)
                return
            status, headers, content = reply
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name of the base class)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        release.set()
        server.shutdown()
        server.server_close()
        thread.join()


MESSAGE = Message("z is high", "z-score is 2.31 <above> 2", {"value": 2.31})
