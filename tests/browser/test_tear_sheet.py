"""The tear sheet in Chromium: drawn on the recording, its benchmark chosen by hand, and in the report."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import RunApp, RunningApp
from tests.browser.test_pages import ROOT, WAIT_MS, OpenPage, stop

pytestmark = pytest.mark.browser

PARTS = ("Worst drawdowns", "Rolling Sharpe ratio", "Beside a benchmark", "Profit by leg", "Exposure and leverage")


@pytest.fixture(scope="module")
def app(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    env = {"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    running = run_app(ROOT / "app.py", env=env)
    yield running
    stop(running)


def test_a_tear_sheet_of_the_recording(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}backtest?data=Files&source=Bundled+recording&window=40")
    page.get_by_role("tab", name="Tear sheet").click(timeout=WAIT_MS)
    for name in PARTS:
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_text("too short to be cut into hours, days or months")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(6)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)

    field = page.get_by_role("combobox", name=re.compile("Benchmark"))
    field.click()
    field.fill("Cash")
    page.get_by_role("option", name="Cash").click()
    expect(page.get_by_text("there is no beta")).to_be_visible()
    expect(page).to_have_url(re.compile("benchmark=Cash"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    narrow = open_page(page.url, viewport={"width": 390, "height": 844})
    expect(narrow.get_by_role("heading", name="Exposure and leverage")).to_be_attached(timeout=WAIT_MS)
    assert narrow.evaluate("document.documentElement.scrollWidth <= innerWidth")
