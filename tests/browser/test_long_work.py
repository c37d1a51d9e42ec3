"""Long work tells how far it is and how long it may take, and a click ends it: on every page that has some."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunningApp
from tests.browser.test_pages import ROOT, WAIT_MS, Desk, desk

__all__ = ["desk"]

pytestmark = pytest.mark.browser

FORM = "strategy=SpreadBreakout&window=20&SpreadBreakout_breakout=0.5&SpreadBreakout_back=0.1"
LEFT = re.compile(r"The backtest: \d+ of \d+ rows, about .* left")


def cancel(page: Page) -> None:
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_text("was not finished.")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0)


def start(desk: Desk) -> RunningApp:
    """An app with a strategy that takes its time on each row."""
    user = desk.folder / "user"
    user.mkdir()
    text = (ROOT / "examples" / "user_strategy.py").read_text(encoding="utf-8")
    slow = text.replace("import math\n", "import math\nimport time\n").replace(
        "        if math.isnan(row.zscore):", "        time.sleep(0.05)\n        if math.isnan(row.zscore):"
    )
    (user / "slow.py").write_text(slow, encoding="utf-8")
    env = {"FEED": "replay", "DATA_DIR": str(desk.folder), "USER": str(user)}
    return desk.run_app(ROOT / "app.py", env={f"ALPHASTREAM_{name}": value for name, value in env.items()})


def test_a_backtest_tells_how_long_it_takes_and_can_be_cancelled(desk: Desk) -> None:
    app = start(desk)
    page = desk.open_page(f"{app.url}backtest?data=Files&source=Bundled+recording&{FORM}")
    expect(page.get_by_text(LEFT)).to_be_visible(timeout=WAIT_MS)
    cancel(page)
    page.get_by_role("button", name="Compute it").click()
    expect(page.get_by_text(LEFT)).to_be_visible()
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)  # this time it is left alone
    expect(page.get_by_role("progressbar")).to_have_count(0)
