"""What a visitor from elsewhere may do: look at everything, and change nothing that others share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunApp, RunningApp
from tools.exchange import LocalExchange, Rate

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
WAIT_MS = 60_000
expect.set_options(timeout=WAIT_MS)


def test_one_who_comes_through_a_proxy_looks_and_changes_nothing(
    run_app: RunApp, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    with LocalExchange(pace=Rate(100), loop=True) as exchange:
        settings = {"WS_URL": exchange.ws_url, "REST_URL": exchange.rest_url, "DATA_DIR": str(tmp_path), "BOOKS": "off"}
        app = run_app(ROOT / "app.py", env={f"ALPHASTREAM_{name}": value for name, value in settings.items()})
        _look_around(app, open_page)


def _look_around(app: RunningApp, open_page: Callable[..., Page]) -> None:
    here = open_page(app.url + "alerts")
    expect(here.get_by_role("button", name="Add rule")).to_be_enabled()
    here.get_by_role("button", name="Add rule").click()
    expect(here.get_by_text("Saved: z-score")).to_be_visible()
    here.close()

    page = open_page(app.url + "alerts", extra_http_headers={"X-Forwarded-For": "203.0.113.9"})
    expect(page.get_by_text("You come from another machine and are not logged in")).to_be_visible()
    expect(page.get_by_role("button", name="Add rule")).to_be_disabled()
    expect(page.get_by_text("z-score", exact=True).first).to_be_attached()

    page.goto(app.url + "live?y=SOLUSDT")
    expect(page.get_by_text("SOLUSDT is not followed here")).to_be_visible()
    page.goto(app.url + "paper?paper_tab=Start+a+run")
    expect(page.get_by_role("button", name="Start on paper")).to_be_disabled()
    page.goto(app.url + "risk")
    page.get_by_text("Limits, and how risk is measured").click()
    expect(page.get_by_role("button", name="Keep these")).to_be_disabled()
    page.goto(app.url + "backtest?source=Bundled+recording")
    expect(page.get_by_test_id("stPlotlyChart").first).to_be_visible()  # what is computed for oneself goes on
