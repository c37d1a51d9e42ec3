"""Dates and split in Chromium, on History and Backtest, on bundled daily prices."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunApp

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
WAIT_MS = 60_000
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def url(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that replays, for all tests here."""
    environ = {"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path_factory.mktemp("var"))}
    app = run_app(ROOT / "app.py", env=environ)
    yield app.url
    app.process.terminate()
    app.process.wait(20)
    assert "Traceback" not in app.output()


def marks(page: Page, key: str) -> list[str]:
    """Words beside the lines that a figure draws for times."""
    plot = f"document.querySelector('.st-key-{key} .js-plotly-plot')?.layout"  # the node is there before its layout
    page.wait_for_function(f"() => {plot}?.annotations", timeout=WAIT_MS)
    found = page.evaluate(f"{plot}.annotations.filter(each => each.name === 'split').map(each => each.text)")
    return [str(each).strip() for each in found]


def test_dates_and_split_go_from_history_to_backtest(url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{url}history?source=Daily+ETFs&y=DIA&x=SPY&window=60&start=2010-01-01T00:00&split=60")
    expect(page.get_by_text("The test rows had no say in it")).to_be_visible()
    assert marks(page, "history_figure") == ["← train", "test →"]
    assert marks(page, "holdout_figure") == ["← train", "test →"]
    page.get_by_role("spinbutton", name="Train on first, %").fill("")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The test rows had no say in it")).to_have_count(0)
    page.get_by_role("spinbutton", name="Train on first, %").fill("70")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The test rows had no say in it")).to_be_visible()
    expect(page).to_have_url(re.compile("split=70"))

    page.get_by_role("button", name="Backtest this").click()
    expect(page).to_have_url(re.compile(r"/backtest\?"))
    expect(page.get_by_text(re.compile("DIA 1,[0-9]{3} bars, 2010-01-04"))).to_be_visible()
    split = page.get_by_role("spinbutton", name="Train on first, %")
    expect(split).to_be_visible()
    split.fill("50")
    page.keyboard.press("Enter")
    expect(page.get_by_text("an account of its own that begins flat")).to_be_visible()
    assert marks(page, "backtest_figure") == ["← train", "test →"]
    expect(page.get_by_text("This strategy looks ahead")).to_have_count(0)
    page.get_by_role("tab", name="Sweep").click()
    expect(page.get_by_text(re.compile("Tried on the training alone, up to 20"))).to_be_visible()
