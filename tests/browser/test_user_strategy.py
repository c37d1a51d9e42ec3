"""A strategy dropped into the user folder, in Chromium: tested on the past, run on paper, kept over a restart."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunningApp
from tests.browser.test_pages import ROOT, WAIT_MS, Desk, desk, environ, stop
from tools.exchange import LocalExchange, Rate

__all__ = ["desk"]

pytestmark = pytest.mark.browser

FORM = "strategy=SpreadBreakout&window=20&SpreadBreakout_breakout=0.5&SpreadBreakout_back=0.1"


def state(page: Page, words: str) -> None:
    """Wait until the newest run is in a state."""
    expect(page.get_by_text(re.compile("[Oo]n live trades")).first).to_contain_text(re.compile(words), timeout=WAIT_MS)


def fills(page: Page) -> None:
    """Wait until it has traded."""
    expect(page.get_by_text("No order yet.")).to_have_count(0, timeout=WAIT_MS)
    expect(page.get_by_text("Orders by leg")).to_be_visible()


def test_from_a_file_to_paper_and_over_a_restart(desk: Desk) -> None:
    user = desk.folder / "user"
    user.mkdir()
    file = user / "breakout.py"
    shutil.copy(ROOT / "examples" / "user_strategy.py", file)
    (user / "broken.py").write_text("from dataclasses import\n", encoding="utf-8")

    with LocalExchange(pace=Rate(200), loop=True) as exchange:

        def run(port: int = 0) -> RunningApp:
            env = environ(desk, exchange, BOOKS="off", USER=str(user))
            return desk.run_app(ROOT / "app.py", env=env, port=port)

        app = run()
        page = desk.open_page(f"{app.url}backtest?data=Files&source=Bundled+recording&{FORM}")
        page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)
        expect(page.get_by_text("Goes with a spread that leaves its band")).to_be_visible()
        expect(page.get_by_text(re.compile(r"broken\.py, line 1: SyntaxError"))).to_be_visible()
        trades = page.get_by_test_id("stMetric").filter(has_text="Trades").first
        expect(trades.get_by_test_id("stMetricValue")).to_have_text(re.compile("^[1-9]"))

        page.goto(f"{app.url}paper?paper_tab=Start+a+run&{FORM}")
        page.get_by_role("button", name="Start on paper").click(timeout=WAIT_MS)
        expect(page.get_by_text("is running as")).to_be_visible()
        page.get_by_role("tab", name="Runs", exact=True).click()
        state(page, "^running")
        fills(page)
        page.close()
        _stop(app, user)

        app = run(app.port)
        page = desk.open_page(f"{app.url}paper")
        state(page, "^running")
        fills(page)
        page.close()
        _stop(app, user)

        file.write_text(file.read_text(encoding="utf-8").replace('version = "1"', 'version = "2"'), encoding="utf-8")
        app = run(app.port)
        page = desk.open_page(f"{app.url}paper")
        state(page, r"^waiting: written by SpreadBreakout 1 \(hash \w+\), user/breakout\.py now has 2 \(hash \w+\)")
        fills(page)  # its books are there
        page.get_by_role("button", name="Go on with the file as it is").click()
        state(page, "^running")
        page.close()
        _stop(app, user)


def _stop(app: RunningApp, user: Path) -> None:
    """End the app. Its log complains of the broken file alone, which is mended then for the next start."""
    if not (user / "broken.py").exists():
        return stop(app)
    app.process.terminate()
    app.process.wait(20)
    assert "SyntaxError" in app.output()
    (user / "broken.py").unlink()
    return None
