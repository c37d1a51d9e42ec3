"""What a visitor sets in a chart: on the live page and the history page alike, and a link restores it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.browser.conftest import RunApp, RunningApp

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
OpenPage = Callable[..., Page]
WAIT_MS = 60_000
PLOT = "document.querySelector('.js-plotly-plot')"
AXES = f"[...new Set({PLOT}.data.map(trace => trace.yaxis))].sort().join()"
HISTORY = "history?source=Bundled+recording&window=60"


@pytest.fixture(scope="module")
def app(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> RunningApp:
    """The recorded tape, most of it delivered at once."""
    knobs = {"FEED": "replay", "REPLAY_HEAD_S": "240", "DATA_DIR": str(tmp_path_factory.mktemp("var"))}
    return run_app(ROOT / "app.py", env={f"ALPHASTREAM_{name}": value for name, value in knobs.items()})


def until(page: Page, expression: str) -> None:
    page.wait_for_function(f"() => {PLOT}?.data && ({expression})", timeout=WAIT_MS)


def open_settings(page: Page) -> None:
    page.locator(".st-key-chart_settings button").first.click()
    expect(page.get_by_test_id("stPopoverBody").get_by_text("Panels")).to_be_visible(timeout=WAIT_MS)


def choose(page: Page, name: str) -> None:
    page.get_by_test_id("stPopoverBody").get_by_role("button", name=name, exact=True).or_(
        page.get_by_test_id("stPopoverBody").get_by_role("radio", name=name, exact=True)
    ).first.click()


def test_live_panels_close_up_are_not_sent_and_a_link_restores_them(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    received: list[bytes] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: received.append(data.encode() if isinstance(data, str) else data))

    page.on("websocket", listen)
    page.goto(f"{app.url}?window=60&panels=Prices&panels=z-score&panels=Volumes")
    page.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)
    until(page, f"{AXES} === 'y,y2,y4,y6,y7'")
    tall = page.evaluate(f"{PLOT}.layout.height")
    page.evaluate(f"window.first = {PLOT}")
    page.evaluate(f"window.Plotly.relayout({PLOT}, {{'xaxis.range': {PLOT}._fullLayout.xaxis.range.slice()}})")
    zoom = page.evaluate(f"{PLOT}.layout.xaxis.range")

    open_settings(page)
    choose(page, "Volumes")
    until(page, f"{AXES} === 'y,y2,y4'")
    assert page.evaluate(f"{PLOT}.layout.height") == tall - 108
    assert page.evaluate(f"{PLOT} === window.first")  # updated, not replaced
    assert page.evaluate(f"{PLOT}.layout.xaxis.range") == zoom
    whole = b"".join(received)
    assert b'"zscore":[' in whole
    assert b'"y_volume":[' in whole
    assert not any(name in whole for name in (b'"spread":[', b'"hedge_ratio":[', b'"pvalue":['))
    received.clear()
    page.wait_for_function("() => new Promise(done => setTimeout(() => done(true), 2000))")
    assert b'"zscore":[' in b"".join(received)
    assert b'"y_volume":[' not in b"".join(received)

    choose(page, "In a panel of its own")
    until(page, f"{AXES} === 'y,y11,y2,y4'")
    choose(page, "From 100")
    until(page, f"{AXES} === 'y,y11,y4'")
    until(page, f"Math.abs({PLOT}.data.find(trace => trace.meta.y === 'y_price').y[0] - 100) < 1e-6")
    choose(page, "Of y")
    until(page, f"{PLOT}.data.some(trace => trace.type === 'candlestick' && trace.close.length > 20)")
    address = page.url
    again = open_page(address)
    again.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)
    until(again, f"{AXES} === 'y,y11,y4' && {PLOT}.data[0].type === 'candlestick'")


def test_empty_panels_of_the_live_page_say_why(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}?window=500&interval=5s")
    page.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)
    until(page, f"{PLOT}._fullLayout.shapes.length > 0")
    plot = page.locator(".lf-plot")
    expect(plot).to_contain_text("Calibrating: the z-score needs 500 closed bars", timeout=WAIT_MS)
    expect(plot).to_contain_text("Calibrating: the hedge ratio needs 500 closed bars")
    expect(plot.locator(".y4tick, .y5tick")).to_have_count(0)


def test_history_has_the_same_settings(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}{HISTORY}&panels=Prices&panels=Spread&candles=Of+x")
    until(page, f"{AXES} === 'y,y2,y3'")
    assert page.evaluate(f"{PLOT}.data.filter(trace => trace.type === 'candlestick').length") == 1
    open_settings(page)
    choose(page, "In place of the spread")
    until(page, f"{AXES} === 'y,y11,y2'")
    choose(page, "From 100")
    until(page, f"{AXES} === 'y,y11'")
    again = open_page(page.url)
    until(again, f"{AXES} === 'y,y11' && {PLOT}.data[1].type === 'candlestick'")
