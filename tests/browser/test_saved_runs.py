"""Runs are kept, compared, opened again, renamed and deleted in Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SETTLED, RunApp, RunningApp
from tests.browser.test_pages import ROOT, WAIT_MS, OpenPage, stop

pytestmark = pytest.mark.browser


@pytest.fixture
def app(run_app: RunApp, tmp_path: Path) -> Iterator[RunningApp]:
    env = {"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path)}
    running = run_app(ROOT / "app.py", env=env)
    yield running
    stop(running)


def keep(page: Page, name: str) -> None:
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)
    page.wait_for_function(SETTLED, timeout=WAIT_MS)
    page.get_by_role("button", name="Keep this run").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_text(f"{name} is kept")).to_be_visible()


def test_runs_are_kept_compared_and_opened_again(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}runs")
    page.get_by_role("button", name="Open the Backtest page").click(timeout=WAIT_MS)
    expect(page).to_have_url(re.compile("/backtest"))

    page = open_page(f"{app.url}backtest?data=Files&source=Bundled+recording&window=40")
    keep(page, "wide")
    page.keyboard.press("Escape")
    profit = page.get_by_test_id("stMetricValue").first
    before = profit.inner_text()
    entry = page.locator(".st-key-entry input")
    entry.fill("3")
    entry.press("Enter")
    expect(profit).not_to_have_text(before)
    assert page.evaluate("document.querySelector('.stMain').scrollTop") > 0  # a computation leaves the page where it is
    keep(page, "narrow")

    page.get_by_role("button", name="Open kept runs").click()
    expect(page.get_by_role("heading", name="Side by side")).to_be_visible()
    lines = "() => document.querySelector('.js-plotly-plot')._fullData.map(each => each.name)"
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)
    assert page.evaluate(lines) == ["narrow", "wide"]
    page.get_by_text("Time since each began").click()
    expect(page.locator(".js-plotly-plot .xtitle").filter(has_text="since the beginning")).to_have_count(1)

    field = page.get_by_role("combobox", name="Run", exact=True)
    field.click()
    field.fill("wide")
    page.get_by_role("option", name="wide").click()
    expect(field).to_have_value("wide")
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_label("New name")).to_have_value("wide")  # the choice has reached the server
    page.get_by_label("New name").fill("usual entry")
    page.get_by_role("button", name="Rename", exact=True).last.click()
    expect(page.get_by_role("combobox", name="Run", exact=True)).to_have_value("usual entry")
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON").click()
    assert download.value.suggested_filename == "run-usual-entry.json"
    page.get_by_role("button", name="Open with its settings").click()
    expect(page.locator(".st-key-entry input")).to_have_value("2.00")
    expect(page).to_have_url(re.compile("window=40"))
    expect(page.get_by_test_id("stMetric").first).to_be_visible()

    page.get_by_role("link", name="Runs", exact=True).first.click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("There is one run")).to_be_visible()
