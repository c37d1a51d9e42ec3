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
    with page.expect_download(timeout=WAIT_MS) as download:
        page.get_by_role("button", name="Report as HTML").click(timeout=WAIT_MS)
    report = download.value.path().read_text(encoding="utf-8")
    assert all(f"{name}</h2>" in report for name in ("Beside All legs in equal parts", "Exposure", "Worst drawdowns"))
    page.get_by_role("tab", name="Tear sheet").click()
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


def test_a_paper_run_has_one_too(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}paper?paper_tab=Start+a+run&window=20")
    page.get_by_role("button", name="Start on paper").click(timeout=WAIT_MS)
    expect(page.get_by_text("is running as")).to_be_visible()
    page.get_by_role("tab", name="Runs", exact=True).click()
    page.get_by_text("Tear sheet of this run").click(timeout=WAIT_MS)
    renew = page.get_by_role("button", name="Renew")
    expect(renew).to_be_visible()
    for _ in range(60):  # until the first bar after the beginning has closed
        if page.get_by_text("As of ").count():
            break
        renew.click()
        page.wait_for_timeout(1_000)
    expect(page.get_by_role("heading", name="Worst drawdowns")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
