"""The health page in a browser: ages count by themselves, and a server that is silent is seen."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, RunApp

pytestmark = pytest.mark.browser
WAIT_MS = 60_000
AGE = ".pulse-age dd"


@pytest.mark.skipif(sys.platform == "win32", reason="no process can be held there")
def test_a_silent_server_is_seen_and_ages_go_on(
    run_app: RunApp, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    app = run_app(ROOT / "app.py", env={"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path)})
    page = open_page(f"{app.url}health", viewport={"width": 390, "height": 844})
    page.wait_for_selector(".pulse:not(.stale)", timeout=WAIT_MS)
    page.wait_for_selector(AGE, timeout=WAIT_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "a phone shows it without scrolling sideways"
    app.process.send_signal(signal.SIGSTOP)
    try:
        page.wait_for_selector(".pulse.stale", timeout=WAIT_MS)
        assert "The server has not answered for" in page.inner_text(".pulse-server")
        age = page.locator(AGE).first
        expect(age).not_to_have_text(age.inner_text(), timeout=WAIT_MS)
    finally:
        app.process.send_signal(signal.SIGCONT)
    page.wait_for_selector(".pulse:not(.stale)", timeout=WAIT_MS)
