"""Ten minutes of a live page under load: memory of server and browser, what the log says, what the page shows.

python -m benchmarks.bench_soak [seconds] [ticks a second]
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.bench_first_line import FLAGS, ROOT, chromium, free_port, wait_until_healthy
from tools.exchange import LocalExchange, Rate

EVERY_S = 30.0
COMPLAINTS = ("Traceback", "Exception", "ERROR", "WARNING")


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def heap_mb(page: Page) -> float:
    """JavaScript heap of the page after a collection."""
    client = page.context.new_cdp_session(page)
    client.send("HeapProfiler.collectGarbage")
    used = client.send("Runtime.getHeapUsage")["usedSize"]
    client.detach()
    return float(used) / 2**20


def main(seconds: float, rate: int) -> None:
    """Print a row every half minute, then what the log complained of."""
    with tempfile.TemporaryDirectory() as folder, LocalExchange(pace=Rate(rate), loop=True) as exchange:
        environ = {
            **os.environ,
            "ALPHASTREAM_DATA_DIR": folder,
            "ALPHASTREAM_WS_URL": exchange.ws_url,
            "ALPHASTREAM_REST_URL": exchange.rest_url,
        }
        port = free_port()
        log = Path(folder) / "server.log"
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
        command.append(f"--server.port={port}")
        with log.open("wb") as output:
            server = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}")
            watch(f"http://127.0.0.1:{port}", server.pid, seconds)
        finally:
            server.terminate()
            server.wait(20)
        lines = log.read_text(encoding="utf-8").splitlines()
        complaints = [line for line in lines if any(word in line for word in COMPLAINTS)]
        print(f"{sum(exchange.sent.values()):,} trades sent; lines of complaint in the log: {len(complaints)}")
        print("\n".join(complaints[:10]))


def watch(url: str, pid: int, seconds: float) -> None:
    """Keep one page open and zoomed, and look at both ends of it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(f"{url}live")
        page.wait_for_function("() => (document.querySelector('.js-plotly-plot')?.data?.[0]?.y?.length ?? 0) > 5")
        page.evaluate("() => { window.firstNode = document.querySelector('.js-plotly-plot'); }")
        begin = time.monotonic()
        print("   s   server MB   page heap MB   DOM nodes   same chart   drawings")
        while (now := time.monotonic() - begin) <= seconds:
            same = page.evaluate("() => document.querySelector('.js-plotly-plot') === window.firstNode")
            nodes = page.evaluate("() => document.querySelectorAll('*').length")
            drawn = page.get_by_test_id("live-figure").get_attribute("data-drawn")
            print(
                f"{now:5.0f} {rss_mb(pid):9.0f} {heap_mb(page):12.1f} {nodes:12d} {same!s:>12} {drawn:>10}", flush=True
            )
            page.wait_for_timeout(EVERY_S * 1_000)
        browser.close()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 600.0, int(sys.argv[2]) if len(sys.argv) > 2 else 200)
