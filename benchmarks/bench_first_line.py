"""From ``streamlit run`` to the first price line and the first z-score of the recording, in headless Chromium.

The venue is out of reach. Once in a fresh copy of the project, with nothing compiled, and once more in the same copy;
seconds since the command, and of one core for the kernels. Needs Chromium and playwright.

    python -m benchmarks.bench_first_line            # fresh and warm: a minute and more, the kernels compile meanwhile
    python -m benchmarks.bench_first_line --kernels  # the kernels alone, in a process of their own
"""

import os
import shutil
import socket
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
TIMEOUT_MS = 180_000
CARDS = "[data-testid=card-signal]"
MODELS_THERE = """() => !["", "Compiling"].includes(
    document.querySelector("[data-testid=card-signal] .lf-value")?.textContent ?? "")"""
Z_THERE = """() => /[0-9]/.test(document.querySelector("[data-testid=card-zscore] .lf-value")?.textContent ?? "")"""
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
def server(copy: Path, folder: str) -> Iterator[tuple[str, float]]:
    """The app, told an address where nobody answers; its URL and when it was started."""
    port, closed = free_port(), free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"},
        "ALPHASTREAM_DATA_DIR": folder,
        "ALPHASTREAM_WS_URL": f"ws://127.0.0.1:{closed}",
        "ALPHASTREAM_REST_URL": f"http://127.0.0.1:{closed}",
    }
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=copy, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(url)
        yield url, begin
    finally:
        process.terminate()
        process.wait(20)


def visit(copy: Path) -> dict[str, float]:
    """Seconds from the command to each part: one new server, a browser that is open and comes when it answers."""
    found: dict[str, float] = {}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        with server(copy, folder) as (url, begin):
            found["server"] = time.perf_counter() - begin
            page.goto(f"{url}/live")
            parts = {"page": CARDS, "line": LINES}
            for part, selector in parts.items():
                page.wait_for_selector(selector, state="attached", timeout=TIMEOUT_MS)
                found[part] = time.perf_counter() - begin
            for part, script in {"models": MODELS_THERE, "z-score": Z_THERE}.items():
                page.wait_for_function(script, timeout=TIMEOUT_MS)
                found[part] = time.perf_counter() - begin
        browser.close()
    return found


def kernels(copy: Path) -> None:
    """Compile every kernel of a copy, and say what each group took of one core."""
    command = [sys.executable, "-m", "alphastream"]
    said = subprocess.run(command, cwd=copy, check=True, capture_output=True, text=True).stdout
    print(said.rstrip())
    print(f"kernels, seconds of one core: {sum(float(line.split()[1]) for line in said.splitlines()):.1f}")


def fresh_copy(folder: str) -> Path:
    """The project without what earlier runs left in it."""
    left_out = shutil.ignore_patterns("__pycache__", ".*", "var", "node_modules")
    copy = Path(shutil.copytree(ROOT, Path(folder) / "copy", ignore=left_out))
    shutil.copytree(ROOT / ".streamlit", copy / ".streamlit")
    return copy


def main(arguments: list[str]) -> None:
    """Print the parts of a fresh and of a warm start."""
    with tempfile.TemporaryDirectory() as folder:
        copy = fresh_copy(folder)
        if "--kernels" in arguments:
            kernels(copy)
            return
        for name in ("fresh", "warm"):
            parts = visit(copy)
            print(f"{name}: " + ", ".join(f"{part} {seconds:.1f} s" for part, seconds in parts.items()))
            if name == "fresh":
                kernels(copy)  # what the visit has not left compiled


if __name__ == "__main__":
    main(sys.argv[1:])
