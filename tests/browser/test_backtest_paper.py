"""The backtest and the paper page in Chromium, on the bundled recording."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import RunApp, RunningApp
from tests.browser.test_pages import ROOT, WAIT_MS, OpenPage, stop

pytestmark = pytest.mark.browser

CARDS = ("Net profit", "Sharpe", "Max drawdown", "Trades", "Costs paid", "Break-even cost", "Deflated Sharpe")


@pytest.fixture(scope="module")
def app(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The app on the recording; at the end its log must not complain."""
    env = {"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    running = run_app(ROOT / "app.py", env=env)
    yield running
    stop(running)


def test_a_backtest_of_the_recording(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}backtest?data=Files&source=Bundled+recording&window=40")
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)
    expect(page.get_by_text("Report as HTML")).to_be_visible()
    expect(page.get_by_test_id("stMetricLabel")).to_have_text([re.compile(f"^{name}") for name in CARDS])
    profit = page.get_by_test_id("stMetric").filter(has_text="Net profit").get_by_test_id("stMetricValue")
    expect(profit).to_have_text(re.compile(r"[+-]\d"))
    rows = "() => document.querySelector('.js-plotly-plot')._fullData.map(each => each.y.length)"
    assert max(page.evaluate(rows)) > 100


def test_a_paper_run_is_started_and_stopped(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}paper?paper_tab=Start+a+run&window=20")
    page.get_by_role("button", name="Start on paper").click(timeout=WAIT_MS)
    expect(page.get_by_text("is running as")).to_be_visible()

    page.get_by_role("tab", name="Runs", exact=True).click()
    state = page.get_by_text(re.compile("on recorded trades, not live ones"))
    expect(state).to_contain_text(re.compile("^running"))
    expect(page.get_by_test_id("stMetricLabel").first).to_have_text(re.compile("^Equity"))

    page.get_by_role("button", name="Stop", exact=True).click()
    expect(state).to_contain_text(re.compile("^stopped"))
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
