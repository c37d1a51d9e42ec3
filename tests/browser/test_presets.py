"""Every preset shows numbers at the first visit, live and on the recording, and says what they rest on."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunApp, RunningApp
from tests.browser.test_pages import WAIT_MS, card
from tools.exchange import LocalExchange, RealTime

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

APP = Path(__file__).resolve().parents[2] / "app.py"
TWO_DAYS = 8_000_000  # trades of the exchange's tape, lap after lap
NUMBER = re.compile(r"[+-]\d+\.\d\d")
PRESETS = {"Scalp": "past trades", "Intraday": "klines", "Swing": "klines"}


@contextmanager
def serving(run_app: RunApp, folder: Path, **settings: str) -> Iterator[RunningApp]:
    app = run_app(APP, env={"ALPHASTREAM_DATA_DIR": str(folder), **settings})
    try:
        yield app
    finally:
        app.process.terminate()
        app.process.wait(20)


@contextmanager
def visit(open_page: Callable[..., Page], app: RunningApp, query: str = "") -> Iterator[Page]:
    page = open_page(f"{app.url}{query}")
    yield page
    page.close()


def test_presets_show_numbers_at_once_on_live_trades(
    run_app: RunApp, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    with (
        LocalExchange(pace=RealTime(), loop=True, already_played=TWO_DAYS) as exchange,
        serving(run_app, tmp_path, ALPHASTREAM_FEED="live", **exchange.settings) as app,
        visit(open_page, app) as page,
    ):
        for preset, source in PRESETS.items():
            page.goto(f"{app.url}?preset={preset}")
            expect(card(page, "zscore")).to_contain_text(NUMBER, timeout=WAIT_MS)
            expect(card(page, "signal")).to_contain_text(re.compile("Flat|spread"), timeout=WAIT_MS)
            expect(card(page, "head")).to_contain_text(source)
            expect(card(page, "head")).to_contain_text(re.compile(r"until .*\d\d:\d\d UTC, then trades"))
            expect(card(page, "cointegration")).to_contain_text(re.compile(r"0\.\d|1\.0"), timeout=WAIT_MS)


def test_presets_show_numbers_on_the_recording_and_infer_nothing_from_its_repetition(
    run_app: RunApp, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    with serving(run_app, tmp_path, ALPHASTREAM_FEED="replay") as app, visit(open_page, app) as page:
        for preset in PRESETS:
            page.goto(f"{app.url}?preset={preset}")
            expect(card(page, "zscore")).to_contain_text(NUMBER, timeout=WAIT_MS)
            if preset == "Scalp":
                continue
            expect(card(page, "zscore")).to_contain_text("recorded 5 min 44 s, repeated")
            for name in ("cointegration", "half-life", "correlation", "evidence", "ready", "ready-reverts"):
                expect(card(page, name)).to_contain_text("–")
                expect(card(page, name)).to_contain_text("not told of a repeated recording")
            page.get_by_role("button", name=re.compile("threshold", re.IGNORECASE)).click()
            expect(page.get_by_text("what a test would find here, the repetition made").first).to_be_visible()
            page.keyboard.press("Escape")


def test_while_something_calibrates_the_page_says_when_it_will_be_ready(
    run_app: RunApp, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    with (
        LocalExchange(pace=RealTime(), loop=True) as exchange,
        serving(run_app, tmp_path, ALPHASTREAM_FEED="live", ALPHASTREAM_FETCH_HISTORY="0", **exchange.settings) as app,
        visit(open_page, app, "?preset=Scalp") as page,
    ):
        expect(card(page, "signal")).to_contain_text(
            re.compile(r"Calibrating \d+/120.*ready at \d\d:\d\d UTC", re.DOTALL), timeout=WAIT_MS
        )
        expect(page.locator(".js-plotly-plot")).to_contain_text(re.compile("closed bars, ready at"), timeout=WAIT_MS)
