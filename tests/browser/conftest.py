"""Headless Chromium and a real `streamlit run`, for tests that look at what a person sees."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_S = 60.0
STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class RunningApp:
    """A Streamlit server of its own process; ``url`` ends with a slash."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]
    port: int

    def output(self) -> str:
        """All that the server has printed and logged."""
        return self.log.read_text(encoding="utf-8", errors="replace")


SETTLED: Final = """() => document.querySelector('[data-test-script-state="notRunning"]')
    && !document.querySelector('[data-stale="true"], [data-testid=stSkeleton]')"""
"""Whether a page is drawn to its end: for ``wait_for_function``."""

RunApp = Callable[..., RunningApp]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium with an empty profile. Without any browser the tests skip; in CI that is a failure.

    It ends with the last browser test: until then playwright keeps an event loop running in the main thread, and there
    nothing else can run one.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        message = "no Chromium found: apt-get install chromium, and pip install -r requirements-dev.txt for its driver"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def errors_expected() -> list[str]:
    """Words of errors in the console that a test brings about itself, to be added by it."""
    return []


@pytest.fixture
def open_page(browser: Browser, errors_expected: list[str]) -> Iterator[Callable[..., Page]]:
    """Open an address in a fresh context; what its console calls an error fails the test at its end."""
    contexts = []
    errors: list[str] = []

    def note(line: ConsoleMessage) -> None:
        # Streamlit asks below a page's own address first where the app lives, and is told 404.
        if line.type == "error" and "/_stcore/" not in line.location["url"]:
            errors.append(line.text)

    def open_at(url: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 1000}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(f"uncaught: {error}"))
        page.on("console", note)
        page.goto(url)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert [error for error in errors if not any(words in error for words in errors_expected)] == []


@pytest.fixture(scope="session")
def run_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunApp]:
    """Start `streamlit run <script>` and wait until it answers; port 0 takes a free one. All are stopped at the end."""
    running: list[RunningApp] = []

    def start(
        script: Path, *flags: str, env: Mapping[str, str] | None = None, base: str = "", port: int = 0
    ) -> RunningApp:
        port = port or _free_port()
        log = tmp_path_factory.mktemp("server") / "server.log"
        options = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
        options += ["--server.fileWatcherType=none", "--browser.gatherUsageStats=false", "--server.baseUrlPath", base]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(script), *options, *flags],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        prefix = f"{base.strip('/')}/" if base else ""
        app = RunningApp(f"http://127.0.0.1:{port}/{prefix}", log, process, port)
        running.append(app)
        _wait_until_healthy(app)
        return app

    yield start
    for app in running:
        app.process.terminate()
    for app in running:
        try:
            app.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            app.process.kill()
            app.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(app: RunningApp) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if app.process.poll() is not None:
            pytest.fail(f"the server stopped with code {app.process.returncode}:\n{app.output()}")
        try:
            with urlopen(f"{app.url}_stcore/health", timeout=1.0) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"the server did not answer within {START_S:g} s:\n{app.output()}")
