"""From opening the page to the first price line, in headless Chromium, with the venue out of reach (replay).

Once with compiled kernels on disk and once without, as on a fresh machine. Needs Chromium and playwright.
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
ROUNDS = 3
LINES = ".lf-preview polyline[points*=' '], .js-plotly-plot .scatterlayer .js-line"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(url: str) -> None:
    """Return when the server answers, at the latest after half a minute."""
    for _ in range(300):
        try:
            urlopen(f"{url}/_stcore/health", timeout=1).close()
            return
        except (URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def chromium() -> str:
    """Where the browser is."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise SystemExit("no Chromium found: apt-get install chromium")
    return found


@contextmanager
def server(folder: str, cold: bool) -> Iterator[str]:
    """The app, told an address where nobody answers."""
    port, closed = free_port(), free_port()
    environ = {
        **os.environ,
        "ALPHASTREAM_DATA_DIR": folder,
        "ALPHASTREAM_WS_URL": f"ws://127.0.0.1:{closed}",
        "ALPHASTREAM_REST_URL": f"http://127.0.0.1:{closed}",
    }
    if cold:
        environ["NUMBA_CACHE_DIR"] = f"{folder}/numba"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(url)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def seconds_to_first_line(cold: bool) -> float:
    """One fresh server, one fresh browser, one visit as soon as the server answers."""
    with (
        tempfile.TemporaryDirectory() as folder,
        server(folder, cold) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        begin = time.perf_counter()
        page.goto(url)
        page.wait_for_selector(LINES, state="attached", timeout=60_000)
        took = time.perf_counter() - begin
        browser.close()
        return took


def main() -> None:
    """Print the medians."""
    for name, cold in (("kernels on disk", False), ("fresh machine", True)):
        times = [seconds_to_first_line(cold) for _ in range(ROUNDS)]
        print(f"{name:16s} first line after {statistics.median(times):5.2f} s   ({min(times):.2f} to {max(times):.2f})")


if __name__ == "__main__":
    main()
