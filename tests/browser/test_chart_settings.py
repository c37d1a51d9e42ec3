"""What a visitor sets in a chart: on the live page and the history page alike, and a link restores it."""

import struct
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

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


def test_a_panel_without_last_values_stands_alone(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}?window=60&panels=Prices&panels=Volumes")
    page.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)
    until(page, f"{AXES} === 'y,y2,y6,y7'")
    open_settings(page)
    choose(page, "Prices")
    until(page, f"{AXES} === 'y6,y7'")
    drawn = page.evaluate(f"{PLOT}.data[0].x.length")
    until(page, f"{PLOT}.data[0].x.length > {drawn}")
    choose(page, "z-score")
    until(page, f"{AXES} === 'y4,y6,y7'")


def test_empty_panels_of_the_live_page_say_why(run_app: RunApp, open_page: OpenPage, tmp_path: Path) -> None:
    knobs = {"FEED": "replay", "FETCH_HISTORY": "0", "DATA_DIR": str(tmp_path)}
    app = run_app(ROOT / "app.py", env={f"ALPHASTREAM_{name}": value for name, value in knobs.items()})
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


def saved(page: Page, button: str, path: Path) -> bytes:
    """A picture that the page hands out, and that its name ends as its button says."""
    with page.expect_download(timeout=WAIT_MS) as download:
        page.get_by_role("button", name=button).click()
    assert download.value.suggested_filename == f"ETHUSDT-BTCUSDT.{button[-3:].lower()}"
    download.value.save_as(path)
    return path.read_bytes()


def corner(page: Page, png: bytes) -> list[int]:
    """Red, green and blue of the first pixel."""
    address = "data:image/png;base64," + b64encode(png).decode()
    return list(
        page.evaluate(
            """async address => {
                const image = await createImageBitmap(await (await fetch(address)).blob());
                const canvas = new OffscreenCanvas(image.width, image.height);
                const context = canvas.getContext("2d");
                context.drawImage(image, 0, 0);
                return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
            }""",
            address,
        )
    )


@pytest.mark.parametrize("where", ["", "history"])
def test_pictures_are_files_of_the_chosen_size_and_colours(
    app: RunningApp, open_page: OpenPage, tmp_path: Path, where: str
) -> None:
    query = "picture_width=900&picture_height=700&picture_theme=Dark"
    page = open_page(f"{app.url}{HISTORY if where else '?window=60'}&{query}")
    until(page, f"{PLOT}._fullLayout.yaxis4")
    open_settings(page)
    png = saved(page, "Save as PNG", tmp_path / "chart.png")
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (900, 700)
    assert max(corner(page, png)) < 60
    picture = ElementTree.fromstring(saved(page, "Save as SVG", tmp_path / "chart.svg"))
    assert (picture.get("width"), picture.get("height")) == ("900", "700")
    texts = "".join(picture.itertext())
    assert "z-score" in texts
    assert "ETHUSDT" in texts

    page.get_by_test_id("stPopoverBody").get_by_label("Colours").click()
    page.get_by_role("option", name="Light").click()
    page.wait_for_url("**picture_theme=Light**", timeout=WAIT_MS)
    page.wait_for_function("() => new Promise(done => setTimeout(() => done(true), 1000))")
    light = saved(page, "Save as PNG", tmp_path / "light.png")
    assert min(corner(page, light)) > 240


def test_the_time_zone_is_one_choice_of_all_pages_and_utc_at_first(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}{HISTORY}", timezone_id="America/New_York")
    until(page, f"{PLOT}.layout.xaxis.title.text === 'UTC'")
    page.locator(".st-key-display_settings button").first.click()
    box = page.get_by_role("combobox", name="Time zone")
    box.click()
    page.get_by_role("option", name="America/New_York").click()  # the browser's own
    until(page, f"{PLOT}.layout.xaxis.title.text === 'America/New_York, UTC-04:00'")
    assert "T19:54" in page.evaluate(f"new Date({PLOT}._fullLayout.xaxis.range[0] + 'Z').toISOString()")
    assert "tz=America%2FNew_York" in page.url
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Live pair").click()
    page.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)
    until(page, f"{PLOT}.layout.xaxis.title.text.startsWith('America/New_York, UTC-0')")
    newest, offset = page.evaluate(f"[{PLOT}.data[0].x.at(-1), new Date().getTimezoneOffset()]")
    now = page.evaluate("Date.now()") - offset * 60_000
    assert abs(page.evaluate("text => Date.parse(text + 'Z')", newest) - now) < 60_000
    page.get_by_role("link", name="Alerts").click()
    page.wait_for_url("**/alerts?tz=America%2FNew_York", timeout=WAIT_MS)

    lost = open_page(f"{app.url}{HISTORY}&tz=Europe/Berlim")
    expect(lost.get_by_text("did you mean Europe/Berlin")).to_be_visible(timeout=WAIT_MS)
    until(lost, f"{PLOT}.layout.xaxis.title.text === 'UTC'")


def test_the_theme_is_chosen_in_the_menu_without_loading_anything_again(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}?window=60", color_scheme="light")
    page.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)
    page.evaluate("window.stays = true")
    page.locator(".st-key-display_settings button").first.click()
    expect(page.get_by_test_id("stPopoverBody").get_by_text("Light or dark")).to_be_visible(timeout=WAIT_MS)
    page.keyboard.press("Escape")
    page.get_by_test_id("stMainMenu").get_by_role("button").click()
    page.get_by_test_id("stMainMenuItem-theme-Dark").click()
    until(page, f"{PLOT}.data[0].line.color === '#56B4E9'")
    assert page.evaluate("window.stays") is True
