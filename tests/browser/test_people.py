"""Three people find their way: a trader from scan to alert, a student from start to file, somebody on a phone.

Each step ends where its result is seen; how long each took is printed (``pytest -s``), never judged.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, SETTLED, RunApp, RunningApp
from tests.browser.test_pages import SAYS_NOTHING, WAIT_MS
from tests.browser.test_workflow import CELL, choose_first_row, go

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
CHART = ".js-plotly-plot .main-svg"


@pytest.fixture
def app(run_app: RunApp, tmp_path: Path) -> Iterator[RunningApp]:
    """A fresh copy on the recording, with nothing kept."""
    running = run_app(
        ROOT / "app.py", env={"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path / "var")}
    )
    yield running
    assert [line for line in running.output().splitlines() if any(word in line for word in SAYS_NOTHING)] == []


@contextmanager
def step(page: Page, words: str) -> Iterator[None]:
    """One step of somebody's way; nothing on the page may be an exception afterwards."""
    began_s = time.perf_counter()
    yield
    page.wait_for_function(SETTLED, timeout=WAIT_MS)
    print(f"  {words}: {time.perf_counter() - began_s:.1f} s")  # noqa: T201 (for whoever asks how long it takes)
    assert page.get_by_test_id("stException").count() == 0, words


def test_a_trader_goes_from_a_scan_to_paper_and_an_alert(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}live?window=30&entry=1.5")
    with step(page, "live"):
        page.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)
    with step(page, "scanner"):
        page.get_by_role("link", name="Scanner").click()
        page.get_by_role("radio", name="Bundled recording").click()
        expect(page.get_by_role("button", name="Scan", exact=True)).to_be_enabled()
    with step(page, "scan"):
        page.get_by_role("button", name="Scan", exact=True).click()
        expect(page.get_by_test_id("stDataFrame").first).to_be_visible(timeout=WAIT_MS)
    with step(page, "a row"):
        choose_first_row(page.get_by_test_id("stDataFrame").first)
        expect(page.get_by_role("button", name="Open history")).to_be_enabled(timeout=WAIT_MS)
    with step(page, "history"):
        go(page, "Open history", "history")
        page.wait_for_selector(CHART, timeout=WAIT_MS)
    with step(page, "backtest"):
        go(page, "Backtest this", "backtest")
        page.wait_for_selector(CHART, timeout=WAIT_MS)
    with step(page, "sweep"):
        page.get_by_role("tab", name="Sweep").click()
        page.wait_for_selector(".js-plotly-plot .heatmaplayer image", timeout=WAIT_MS)
    with step(page, "a cell of the sweep"):
        window = page.evaluate("() => document.querySelector('.js-plotly-plot').data[0].y[1]")
        page.locator(".js-plotly-plot").first.scroll_into_view_if_needed()
        page.mouse.click(*page.evaluate(CELL, ["2.25", window]))
        expect(page.get_by_text(f"Window {window}, entry 2.25, of the sweep")).to_be_visible(timeout=WAIT_MS)
    with step(page, "paper"):
        go(page, "Paper this", "paper")
        expect(page.get_by_role("button", name="Start on paper")).to_be_enabled(timeout=WAIT_MS)
    with step(page, "start on paper"):
        page.get_by_role("button", name="Start on paper").click()
        expect(page.get_by_text("is running as")).to_be_visible(timeout=WAIT_MS)
    with step(page, "alerts"):
        go(page, "Alert on this", "alerts")
        expect(page.get_by_role("spinbutton", name="Window (bars)")).to_have_value(str(window), timeout=WAIT_MS)
    with step(page, "add a rule"):
        page.get_by_role("button", name="Add rule").click()
        expect(page.get_by_text("Saved: z-score")).to_be_visible(timeout=WAIT_MS)


def test_a_student_goes_from_the_start_to_a_file(app: RunningApp, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(app.url)
    with step(page, "start"):
        expect(page.locator(f".st-key-start_pictures {CHART}").first).to_be_visible(timeout=WAIT_MS)
    with step(page, "a pair"):
        page.get_by_role("button", name="See a pair now").click()
        page.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)
    with step(page, "explanation"):
        page.locator(".st-key-page_head").get_by_test_id("stPopoverButton").click()
        expect(page.get_by_test_id("stPopoverBody")).to_be_visible(timeout=WAIT_MS)
        page.keyboard.press("Escape")
    with step(page, "glossary"):
        page.get_by_role("link", name="Glossary").first.click()
        expect(page.locator("#half-life")).to_be_attached(timeout=WAIT_MS)
    with step(page, "bring a file"):
        page.get_by_role("link", name="Start", exact=True).click()
        page.get_by_role("button", name="Try a file of yours").click()
        expect(page.get_by_test_id("stFileUploader")).to_be_visible(timeout=WAIT_MS)
    with step(page, "an example"):
        with page.expect_download() as waiting:
            page.get_by_role("button", name="An example to try").click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
    with step(page, "its analytics"):
        page.locator("input[type=file]").set_input_files(path)
        page.wait_for_selector(CHART, timeout=WAIT_MS)


def test_somebody_on_a_phone_reads_the_signal_and_sets_an_alert(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}live?window=30", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    with step(page, "live"):
        page.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)
        expect(page.get_by_test_id("card-signal").locator(".lf-value")).not_to_be_empty(timeout=WAIT_MS)
    expect(page.get_by_test_id("card-signal")).to_be_in_viewport()
    with step(page, "alert on this"):
        go(page, "Alert on this", "alerts")
        expect(page.get_by_role("button", name="Add rule")).to_be_enabled(timeout=WAIT_MS)
    with step(page, "add a rule"):
        page.get_by_role("button", name="Add rule").click()
        expect(page.get_by_text(re.compile("Saved: z-score"))).to_be_visible(timeout=WAIT_MS)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
