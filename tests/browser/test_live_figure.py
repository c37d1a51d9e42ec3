"""The live figure in Chromium: updated while a person works with it, never replaced."""

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from tests.browser.conftest import RunApp, RunningApp

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
OpenPage = Callable[..., Page]
WAIT_MS = 60_000
UPDATES = 20


@pytest.fixture(scope="module")
def app(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> RunningApp:
    """The small app below a path prefix, as some hosts serve it."""
    script = tmp_path_factory.mktemp("app") / "app.py"
    shutil.copyfile(HERE / "live_figure_app.py", script)
    return run_app(script, "--server.enableStaticServing=true", base="desk/one")


def chart(page: Page) -> Locator:
    """The component's root, once it has drawn."""
    page.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)
    return page.locator("[data-testid=live-figure]")


def number(root: Locator, name: str) -> int:
    return int(root.get_attribute(f"data-{name}") or 0)


def wait_for(page: Page, root: Locator, name: str, more: int) -> None:
    """Until ``data-seq`` (messages taken) or ``data-drawn`` (drawings made) has grown by ``more``."""
    page.wait_for_function(
        "([name, goal]) => Number(document.querySelector('[data-testid=live-figure]').dataset[name]) >= goal",
        arg=[name, number(root, name) + more],
        timeout=WAIT_MS,
    )


def wait_for_drawings(page: Page, root: Locator, count: int) -> None:
    wait_for(page, root, "drawn", count)


def plotly(root: Locator, expression: str) -> Any:
    """Evaluate with ``plot``, the chart's DOM node."""
    return root.evaluate(f"root => {{ const plot = root.querySelector('.js-plotly-plot'); return {expression}; }}")


def drag(page: Page, root: Locator, start: float, end: float) -> None:
    """Zoom with the mouse in the z-score panel, from one share of its width to another."""
    root.locator(".nsewdrag[data-subplot=xy4]").scroll_into_view_if_needed()
    box = root.locator(".nsewdrag[data-subplot=xy4]").bounding_box()
    assert box
    height = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + start * box["width"], height)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], height, steps=5)
    page.mouse.up()


def test_zoom_legend_and_node_survive_updates(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(app.url)
    root = chart(page)
    root.evaluate("root => { window.firstNode = root.querySelector('.js-plotly-plot'); }")
    first = plotly(root, "plot.data.find(trace => trace.meta.y === 'zscore').y.at(-1)")
    drag(page, root, 0.3, 0.6)
    root.locator(".legend4toggle").first.click()
    page.wait_for_timeout(500)  # Plotly waits whether it becomes a double click
    zoomed = plotly(root, "plot.layout.xaxis.range")
    drawn = number(root, "drawn")
    wait_for(page, root, "seq", UPDATES)
    wait_for_drawings(page, root, 1)
    assert number(root, "drawn") > drawn + 1
    assert plotly(root, "plot === window.firstNode && plot.isConnected")
    assert plotly(root, "plot.layout.xaxis.range") == zoomed
    assert plotly(root, "plot.layout.xaxis.autorange") is False
    assert plotly(root, "plot.data.find(trace => trace.meta.y === 'hedge_ratio').visible") == "legendonly"
    assert plotly(root, "plot.data.find(trace => trace.meta.y === 'zscore').y.at(-1)") != first
    assert number(root, "rows") == 240
    assert page.locator(".js-plotly-plot").count() == 1

    page.emulate_media(color_scheme="dark")  # other colours are a new look, not a new view
    wait_for_drawings(page, root, 3)
    assert plotly(root, "plot.layout.xaxis.range") == zoomed
    assert plotly(root, "plot.data.find(trace => trace.meta.y === 'hedge_ratio').visible") == "legendonly"

    root.locator(".nsewdrag[data-subplot=xy4]").dblclick()
    wait_for_drawings(page, root, 2)
    assert plotly(root, "plot.layout.xaxis.autorange") is True
    assert "Traceback" not in app.output()


def test_the_hover_label_stays_and_follows_and_a_zoom_set_by_program_stays(
    app: RunningApp, open_page: OpenPage
) -> None:
    page = open_page(app.url)
    root = chart(page)
    root.locator(".nsewdrag[data-subplot=xy4]").hover()
    title = page.locator(".hoverlayer .legendtitletext")
    title.wait_for(state="attached", timeout=WAIT_MS)
    before = title.text_content()
    page.wait_for_function(  # the rows move on below the resting pointer, on a busy machine a little later
        "before => (document.querySelector('.hoverlayer .legendtitletext')?.textContent ?? '') > before",
        arg=before or "",
        timeout=WAIT_MS,
    )
    assert page.locator(".hoverlayer .legendtext").count() >= 8  # one box names the lines of all panels

    zoom = ["2024-08-08 06:55:00", "2024-08-08 06:56:00"]
    root.evaluate("(root, zoom) => Plotly.relayout(root.querySelector('.js-plotly-plot'), {'xaxis.range': zoom})", zoom)
    wait_for_drawings(page, root, 4)
    assert plotly(root, "plot.layout.xaxis.range") == zoom


def test_cards_change_as_text_and_say_their_tone(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(app.url, viewport={"width": 390, "height": 844})
    root = chart(page)
    card = page.get_by_test_id("card-z")
    row = page.get_by_test_id("card-row").locator(".lf-value")
    before = row.inner_text()
    root.evaluate("root => { window.firstCard = root.querySelector('[data-testid=card-row]'); }")
    wait_for_drawings(page, root, 3)
    assert row.inner_text() != before
    assert root.evaluate("root => root.querySelector('[data-testid=card-row]') === window.firstCard")
    assert card.locator(".lf-sub").inner_text() == "<b>±2</b>"  # data never becomes markup
    tone = {"long": ("▲", "long"), "short": ("▼", "short")}[card.get_attribute("data-tone") or ""]
    page.get_by_text("Pause").click()
    page.wait_for_timeout(600)
    tone = {"long": ("▲", "long"), "short": ("▼", "short")}[card.get_attribute("data-tone") or ""]
    assert card.locator(".lf-sign").inner_text() == tone[0]
    assert tone[1] in (card.get_attribute("aria-label") or "")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_lost_messages_are_noticed_and_everything_is_sent_again(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(app.url)
    root = chart(page)
    figure, row = root.get_attribute("data-figure"), page.get_by_test_id("card-row").locator(".lf-value")
    before = int(row.inner_text())
    root.evaluate("root => { window.firstNode = root.querySelector('.js-plotly-plot'); }")
    page.get_by_role("button", name="Lose messages").click()
    page.wait_for_function(
        "before => Number(document.querySelector('[data-testid=card-row] .lf-value').textContent) > before + 40",
        arg=before,
        timeout=WAIT_MS,
    )
    wait_for_drawings(page, root, 3)
    times = plotly(root, "plot.data[0].x.map(text => Date.parse(text + 'Z'))")
    assert {later - earlier for earlier, later in pairwise(times)} == {1_000}
    assert root.get_attribute("data-figure") == figure
    assert plotly(root, "plot === window.firstNode")


def test_a_hidden_tab_does_not_draw_and_catches_up(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(app.url)
    root = chart(page)
    hide = """hidden => {
        Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    page.evaluate(hide, True)
    page.wait_for_timeout(500)
    drawn = number(root, "drawn")
    wait_for(page, root, "seq", 5)
    assert number(root, "drawn") == drawn
    page.evaluate(hide, False)
    wait_for_drawings(page, root, 1)


def test_other_pages_and_time_zones_show_the_same_utc(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}second", timezone_id="America/New_York")
    root = chart(page)
    last = plotly(root, "plot.data[0].x.at(-1)")
    assert last.startswith("2024-08-08T06:")
    labels = root.locator(".xtick text").all_text_contents()
    assert any(label.startswith("06:") for label in labels)
    page.get_by_role("link", name="First").click()
    page.wait_for_url(app.url)
    root = chart(page)
    wait_for_drawings(page, root, 2)
    assert page.locator(".js-plotly-plot").count() == 1
    assert page.evaluate("document.querySelectorAll('script[src*=\"app/static/plotly-\"]').length") == 1


def test_rows_replace_append_drop_and_notice_gaps(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(app.url)
    page.wait_for_selector("[data-testid=live-figure]", timeout=WAIT_MS)
    result = page.evaluate(
        """async () => {
            const link = document.querySelector('link[href*="live_figure-"]').href;
            const { Rows } = await import(new URL('./rows.js', link).href);
            const part = (from, values) => ({from_row: from, columns: {time: values.map(v => v * 1000), v: values}});
            const rows = new Rows(part(100, [0, 1, 2, 3]));
            const seen = [];
            const apply = (first, from, values) => {
                const applied = rows.apply({first_row: first, ...part(from, values)});
                seen.push([applied, rows.first, rows.columns.v.join()]);
            };
            apply(100, 103, [3.5, 4]);    // the forming row again, and a new one
            apply(102, 105, [5]);         // two fall off the front
            apply(102, 107, [7]);         // one is missing
            apply(102, 104, []);          // rows taken back
            return [seen, rows.columns.time[0], rows.last('v')];
        }"""
    )
    assert result == [
        [
            [True, 100, "0,1,2,3.5,4"],
            [True, 102, "2,3.5,4,5"],
            [False, 102, "2,3.5,4,5"],
            [True, 102, "2,3.5"],
        ],
        "1970-01-01T00:00:02.000",
        3.5,
    ]


def test_without_its_files_the_chart_says_what_is_wrong(app: RunningApp, browser: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.route("**/app/static/**", lambda route: route.abort())
    page.goto(app.url)
    page.get_by_text("server.enableStaticServing = true").wait_for(timeout=WAIT_MS)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_chart_takes_the_colours_and_the_width_of_the_page(
    app: RunningApp, open_page: OpenPage, tmp_path: Path, scheme: str
) -> None:
    page = open_page(app.url, color_scheme=scheme, viewport={"width": 1440, "height": 1300})
    root = chart(page)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 1300})
        page.wait_for_function(
            "document.querySelector('.js-plotly-plot').layout.width === "
            "document.querySelector('[data-testid=live-figure]').clientWidth",
            timeout=WAIT_MS,
        )
        assert plotly(root, "plot.querySelector('svg').getBoundingClientRect().right") <= width
        page.screenshot(path=tmp_path / f"{scheme}-{width}.png")
    assert plotly(root, "plot.layout.font.color") == root.evaluate("root => getComputedStyle(root).color")
    assert plotly(root, "plot.data[0].line.color") == {"light": "#0072B2", "dark": "#56B4E9"}[scheme]
