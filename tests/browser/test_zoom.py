"""A zoom on the live page: it stays while trades come, and there is a way back to now."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ROOT, RunApp

pytestmark = pytest.mark.browser
WAIT_MS = 60_000
FOLLOWS = "() => document.querySelector('.js-plotly-plot')?.layout?.xaxis?.autorange !== false"
PINNED = "() => document.querySelector('.js-plotly-plot').layout.xaxis.autorange === false"
RANGE = "() => document.querySelector('.js-plotly-plot').layout.xaxis.range"


def zoom(page: Page) -> None:
    panel = page.locator(".nsewdrag[data-subplot=xy4]")
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.3 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=5)
    page.mouse.up()
    page.wait_for_function(PINNED, timeout=WAIT_MS)


def wait_for_drawing(page: Page, root: Locator) -> None:
    before = int(root.get_attribute("data-drawn") or 0)
    page.wait_for_function(
        "before => Number(document.querySelector('[data-testid=live-figure]').dataset.drawn) > before + 1",
        arg=before,
        timeout=WAIT_MS,
    )


def choose(page: Page, label: str, option: str) -> None:
    box = page.get_by_role("combobox", name=label).first
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).wait_for(timeout=WAIT_MS)
    box.press("Enter")


def test_a_zoom_keeps_its_place_until_another_view_is_chosen_and_there_is_a_way_back(
    run_app: RunApp, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    app = run_app(ROOT / "app.py", env={"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path)})
    page = open_page(f"{app.url}live")
    root = page.get_by_test_id("live-figure")
    root.locator(".js-plotly-plot .nsewdrag").first.wait_for(timeout=WAIT_MS)
    back = page.get_by_test_id("back-to-now")
    expect(back).to_be_hidden()

    zoom(page)
    expect(back).to_be_visible()
    pinned = page.evaluate(RANGE)
    wait_for_drawing(page, root)
    assert page.evaluate(RANGE) == pinned
    back.click()
    page.wait_for_function(FOLLOWS, timeout=WAIT_MS)
    expect(back).to_be_hidden()
    wait_for_drawing(page, root)
    assert page.evaluate(FOLLOWS)

    root.locator(".legend4toggle").first.click()
    hidden = "document.querySelector('.js-plotly-plot').data.find(t => t.meta.y === 'hedge_ratio').visible"
    page.wait_for_function(f"{hidden} === 'legendonly'", timeout=WAIT_MS)
    for label, option in (("Bar", "5s"), ("Model", "Huber"), ("Bars shown", "600")):
        zoom(page)
        expect(back).to_be_visible()
        choose(page, label, option)
        page.wait_for_function(FOLLOWS, timeout=WAIT_MS)
        expect(back).to_be_hidden()
        assert page.evaluate(hidden) == "legendonly"  # hidden lines are of the pair, not of the view

    zoom(page)
    pinned = page.evaluate(RANGE)
    entry = page.get_by_role("spinbutton", name="Entry |z|")
    entry.fill("1.5")
    entry.press("Enter")
    page.get_by_text("short entry +1.5").wait_for(timeout=WAIT_MS)
    assert page.evaluate(RANGE) == pinned  # other thresholds over the same bars
    expect(back).to_be_visible()
