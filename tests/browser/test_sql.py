"""The SQL box in Chromium: an example runs, its table, chart and file are there, and a write is refused."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import RunApp, RunningApp
from tests.browser.test_pages import ROOT, WAIT_MS, OpenPage, stop

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The app on the recording; at the end its log must not complain."""
    env = {"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    running = run_app(ROOT / "app.py", env=env)
    yield running
    stop(running)


def test_an_example_runs_and_a_write_is_refused(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}history?history_tab=SQL&sql_time=All")
    expect(page.get_by_text("ticks of 2 instruments in this time")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_test_id("stDataFrame")).to_have_count(1)
    page.get_by_role("button", name="VWAP").click()
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)
    expect(page.get_by_test_id("stDataFrame")).to_have_count(2)
    names = page.evaluate("document.querySelector('.js-plotly-plot')._fullData.map(each => each.name)")
    assert names == ["binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT"]
    assert "sql=SELECT" in page.url  # it can be passed on

    with page.expect_download() as download:
        page.get_by_role("button", name="CSV, all rows").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert list(rows[0]) == ["minute", "instrument", "vwap", "volume"]
    assert {row["instrument"] for row in rows} == set(names)
    assert rows[0]["minute"].endswith(":00.000000+0000")

    box = page.get_by_role("textbox", name="Query")
    box.fill("COPY ticks TO 'ticks.csv'")
    box.press("Control+Enter")
    page.get_by_role("button", name="Run", exact=True).click()
    refused = page.get_by_test_id("stAlert")
    expect(refused).to_contain_text("COPY is not allowed here", timeout=WAIT_MS)
    assert not (ROOT / "ticks.csv").exists()


def test_an_address_waits_for_a_click(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}history?history_tab=SQL&sql_time=All&sql=SELECT+nix%0AFROM+ticks")
    expect(page.get_by_role("textbox", name="Query")).to_have_value("SELECT nix\nFROM ticks", timeout=WAIT_MS)
    expect(page.get_by_text("A query may take")).to_be_visible()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("Binder error at line 1, column 8")).to_be_visible(timeout=WAIT_MS)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
