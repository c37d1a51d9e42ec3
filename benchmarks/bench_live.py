"""From a trade's arrival at the server to the browser's finished frame that shows it in every panel: the real page, the
local exchange at 2,000 trades a second, headless Chromium.

One session; one among 20; one among 100, with the processor time that the others cost; and the same without the
channel, where the page carries the messages. Each trade counts from its own arrival, those of one update as evenly
spread. Needs Chromium and playwright.

python -m benchmarks.bench_live [seconds a scenario]
"""

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import websockets
from playwright.sync_api import Page, WebSocket, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.bench_first_line import FLAGS, ROOT, chromium, free_port, wait_until_healthy

RATE = 2_000
SETTLE_S = 12.0
SHARES = np.linspace(0.05, 0.95, 10)
COLLECT = """() => {
  window.painted = [];
  const root = document.querySelector('[data-testid=live-figure], [data-testid=watch-list]');
  root.addEventListener('painted', ({ detail }) => window.painted.push([detail.first, detail.received, detail.now]));
}"""


@contextmanager
def exchange(*more: str) -> Iterator[str]:
    """The local exchange as a process of its own, with more on its command line; its address."""
    port = free_port()
    command = [sys.executable, "-m", "tools.exchange", "--port", str(port), "--rate", str(RATE), *more]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def server(venue: str, **knobs: str) -> Iterator[tuple[str, int]]:
    """The app; its address and process number."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environ = {
            **os.environ,
            "ALPHASTREAM_DATA_DIR": folder,
            "ALPHASTREAM_WS_URL": f"ws://{venue}",
            "ALPHASTREAM_REST_URL": f"http://{venue}",
            "ALPHASTREAM_LOG_LEVEL": "WARNING",
            **{f"ALPHASTREAM_{name.upper()}": value for name, value in knobs.items()},
        }
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
        command += [f"--server.port={port}", "--server.address=127.0.0.1", "--server.fileWatcherType=none"]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}")
            yield f"127.0.0.1:{port}", process.pid
        finally:
            process.terminate()
            process.wait(20)


@dataclass
class Crowd:
    """Other clients, in a thread of their own."""

    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    sizes: list[int] = field(default_factory=list)
    running: "list[Future[None]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def add(self, clients: int, client: Callable[..., Coroutine[Any, Any, None]], *arguments: str) -> None:
        """Start some more clients."""
        for _ in range(clients):
            self.running.append(asyncio.run_coroutine_threadsafe(client(*arguments), self.loop))

    def leave(self) -> None:
        """Everybody goes."""
        for client in self.running:
            client.cancel()

    async def follow(self, url: str, topics: str) -> None:
        """A client of the channel that reads everything: of the figure, and of the line above the page."""
        async with websockets.connect(url, max_size=None, compression=None) as socket:
            for topic in topics.split():
                await socket.send(orjson.dumps({"subscribe": topic}).decode())
            async for message in socket:
                assert isinstance(message, bytes)
                if b'"base"' not in message[:120]:
                    self.sizes.append(len(message))

    async def visit(self, host: str) -> None:
        """A Streamlit session that, like a browser, runs its fragment as often as asked and says what it holds."""
        held: dict[str, str] = {}
        timers: dict[str, asyncio.Task[None]] = {}
        url = f"ws://{host}/_stcore/stream"
        async with websockets.connect(url, max_size=None, compression=None) as socket:
            begin = BackMsg()
            begin.rerun_script.query_string = ""
            await socket.send(begin.SerializeToString())
            async for data in socket:
                assert isinstance(data, bytes)
                message = ForwardMsg.FromString(data)
                kind = message.WhichOneof("type")
                if kind == "delta" and message.delta.new_element.WhichOneof("type") == "bidi_component":
                    component = message.delta.new_element.bidi_component
                    content = orjson.loads(component.bytes)["message"]
                    held[component.id] = json.dumps({"have": content["figure"]})
                elif kind == "auto_rerun" and message.auto_rerun.fragment_id not in timers:
                    again = self._rerun(socket, message.auto_rerun.fragment_id, message.auto_rerun.interval, held)
                    timers[message.auto_rerun.fragment_id] = asyncio.create_task(again)

    @staticmethod
    async def _rerun(socket: Any, fragment: str, interval: float, held: dict[str, str]) -> None:
        with suppress(websockets.ConnectionClosed):
            while True:
                await asyncio.sleep(interval)
                again = BackMsg()
                again.rerun_script.fragment_id = fragment
                again.rerun_script.is_auto_rerun = True
                for name, state in held.items():
                    again.rerun_script.widget_states.widgets.add(id=name, json_value=state)
                await socket.send(again.SerializeToString())


def cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(text[11]) + int(text[12])) / os.sysconf("SC_CLK_TCK")


def measure(page: Page, pid: int, seconds: float) -> tuple[np.ndarray[Any, Any], int, float]:
    """Latencies in ms of evenly spread trades, paintings, and cores the server took."""
    page.evaluate("() => { window.painted = []; }")
    before = cpu_s(pid)
    page.wait_for_timeout(seconds * 1_000)
    used = (cpu_s(pid) - before) / seconds
    rows = np.array(page.evaluate("() => window.painted"), dtype=np.float64).reshape(-1, 3)
    first, received, painted = rows.T
    arrived = first[:, None] + SHARES * (received - first)[:, None]
    return (painted[:, None] - arrived).ravel(), len(rows), used


def report(what: str, page: Page, pid: int, seconds: float) -> float:
    """One line of the table; the cores the server took."""
    latency, paintings, used = measure(page, pid, seconds)
    p50, p95, worst = np.percentile(latency, [50, 95, 99.9]) if latency.size else (np.nan,) * 3
    rate = paintings / seconds
    print(f"{what:<44} {p50:6.0f} {p95:6.0f} {worst:7.0f} {rate:9.1f} {used:11.2f}", flush=True)
    return used


def open_page(
    browser: Any, host: str, path: str = "live", shows: str = "[data-testid=live-figure][data-drawn]"
) -> tuple[Page, dict[str, str]]:
    """A page, the live one unless said, once it shows something; the address of its channel and its topics."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    seen: dict[str, str] = {}

    def note(socket: WebSocket) -> None:
        if "/live?" in socket.url:
            seen["url"] = socket.url
            socket.on("framesent", keep)

    def keep(payload: str | bytes) -> None:
        if found := re.search(r'"subscribe":"(\w+)"', payload if isinstance(payload, str) else payload.decode()):
            seen["topics"] = " ".join({*seen.get("topics", "").split(), found[1]})

    page.on("websocket", note)
    page.goto(f"http://{host}/{path}")
    page.wait_for_selector(shows, timeout=60_000)
    page.evaluate(COLLECT)
    page.wait_for_timeout(SETTLE_S * 1_000)
    return page, seen


def main(seconds: float) -> None:
    """Print the table."""
    print(f"{'received -> painted, ms':<44} {'p50':>6} {'p95':>6} {'p99.9':>7} {'paint/s':>9} {'server cores':>12}")
    with exchange() as venue, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with server(venue) as (host, pid):
            page, seen = open_page(browser, host)
            alone = report("channel, 1 session", page, pid, seconds)
            crowd = Crowd()
            crowd.add(19, crowd.follow, seen["url"], seen["topics"])
            page.wait_for_timeout(2_000)
            report("channel, 20 sessions", page, pid, seconds)
            crowd.add(80, crowd.follow, seen["url"], seen["topics"])
            page.wait_for_timeout(3_000)
            many = report("channel, 100 sessions", page, pid, seconds)
            print(f"99 more clients: {many - alone:.2f} core; median update {statistics.median(crowd.sizes):.0f} bytes")
            crowd.leave()
            page.close()
        with server(venue, channel="off") as (host, pid):
            page, _ = open_page(browser, host)
            report("page carries (fallback), 1 session", page, pid, seconds)
            crowd = Crowd()
            crowd.add(19, crowd.visit, host)
            page.wait_for_timeout(8_000)
            report("page carries (fallback), 20 sessions", page, pid, seconds)
            crowd.leave()
        browser.close()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
