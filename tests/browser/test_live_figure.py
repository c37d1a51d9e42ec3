"""The live figure in Chromium: updated while a person works with it, never replaced."""

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute

from tests.browser.conftest import RunApp, RunningApp
from tests.views.shared.test_charts import START_NS, make_series

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


def wait_until_way(page: Page, way: str) -> None:
    page.wait_for_selector(f"[data-testid=live-figure][data-way={way}]", timeout=WAIT_MS)


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
    wait_until_way(page, "open")
    root.evaluate("root => { window.firstNode = root.querySelector('.js-plotly-plot'); }")
    first = plotly(root, "plot.data.find(trace => trace.meta.y === 'zscore').x.at(-1)")
    drag(page, root, 0.3, 0.6)
    root.locator(".legend4toggle").first.click()
    hidden = "document.querySelector('.js-plotly-plot').data.find(t => t.meta.y === 'hedge_ratio').visible"
    page.wait_for_function(f"{hidden} === 'legendonly'", timeout=WAIT_MS)  # after what might become a double click
    zoomed = plotly(root, "plot.layout.xaxis.range")
    wait_for(page, root, "seq", UPDATES)
    wait_for_drawings(page, root, 2)
    assert plotly(root, "plot === window.firstNode && plot.isConnected")
    assert plotly(root, "plot.layout.xaxis.range") == zoomed
    assert plotly(root, "plot.layout.xaxis.autorange") is False
    assert plotly(root, "plot.data.find(trace => trace.meta.y === 'hedge_ratio').visible") == "legendonly"
    assert plotly(root, "plot.data.find(trace => trace.meta.y === 'zscore').x.at(-1)") > first
    assert number(root, "rows") == 240
    assert page.locator(".js-plotly-plot").count() == 1

    page.emulate_media(color_scheme="dark")  # other colours are a new look, not a new view
    wait_for_drawings(page, root, 2)
    assert plotly(root, "plot.layout.xaxis.range") == zoomed
    assert plotly(root, "plot.data.find(trace => trace.meta.y === 'hedge_ratio').visible") == "legendonly"

    root.locator(".nsewdrag[data-subplot=xy4]").dblclick()
    page.wait_for_function("document.querySelector('.js-plotly-plot').layout.xaxis.autorange === true", timeout=WAIT_MS)
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
    wait_for_drawings(page, root, 2)
    assert plotly(root, "plot.layout.xaxis.range") == zoom


def test_cards_change_as_text_and_say_their_tone(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(app.url, viewport={"width": 390, "height": 844})
    root = chart(page)
    row = page.get_by_test_id("card-row").locator(".lf-value")
    before = row.inner_text()
    root.evaluate("root => { window.firstCard = root.querySelector('[data-testid=card-row]'); }")
    page.wait_for_function(
        "before => document.querySelector('[data-testid=card-row] .lf-value').textContent !== before",
        arg=before,
        timeout=WAIT_MS,
    )
    assert root.evaluate("root => root.querySelector('[data-testid=card-row]') === window.firstCard")
    card = page.get_by_test_id("card-z")
    assert card.locator(".lf-sub").inner_text() == "<b>±2</b>"  # data never becomes markup
    tone, sign, spoken, value = card.evaluate(
        """card => [card.dataset.tone, card.querySelector('.lf-sign').textContent, card.getAttribute('aria-label'),
                    card.querySelector('.lf-value').textContent]"""
    )
    assert sign == {"long": "▲", "short": "▼"}[tone]
    assert tone == ("long" if value.startswith("-") else "short")
    assert tone in spoken
    assert value in spoken
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


LOSE = """() => {
    const Real = window.WebSocket;
    window.lost = 0;
    window.WebSocket = class extends Real {
        set onmessage(take) {
            const isLost = () => window.lose && this.url.includes('/live?');
            super.onmessage = (event) => (isLost() ? (window.lost += 1) : take(event));
        }
    };
}"""


def test_lost_messages_are_noticed_and_asked_for_again(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    page.add_init_script(f"({LOSE})()")
    page.goto(app.url)
    root = chart(page)
    wait_until_way(page, "open")
    figure = root.get_attribute("data-figure")
    root.evaluate("root => { window.firstNode = root.querySelector('.js-plotly-plot'); }")
    page.evaluate("window.lose = true")
    page.wait_for_function("window.lost > 12", timeout=WAIT_MS)  # more than two rows closed unseen
    page.evaluate("window.lose = false")
    wait_for(page, root, "seq", 20)
    wait_for_drawings(page, root, 1)
    times, values = plotly(root, "[plot.data[0].x.map(text => Date.parse(text + 'Z')), plot.data[0].y]")
    assert {later - earlier for earlier, later in pairwise(times)} == {1_000}
    rows = [(time - START_NS // 10**6) // 1_000 for time in times]
    settled = make_series(rows[-1] + 2).y_price  # the last row's own price is provisional
    assert plotly(root, "plot.data[0].meta.y") == "y_price"
    assert values == [round(float(settled[row]), 4) for row in rows]
    assert number(root, "rows") == 240
    assert root.get_attribute("data-figure") == figure
    assert root.get_attribute("data-way") == "open"
    assert plotly(root, "plot === window.firstNode")


def test_a_hidden_tab_does_not_draw_and_catches_up(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(app.url)
    root = chart(page)
    wait_for(page, root, "painted", 1)
    hide = """hidden => {
        Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    page.evaluate(hide, True)
    page.evaluate("new Promise(done => setTimeout(done, 500))")  # a drawing that had begun ends
    drawn, painted = number(root, "drawn"), number(root, "painted")
    wait_for(page, root, "seq", 15)
    assert (number(root, "drawn"), number(root, "painted")) == (drawn, painted)
    root.evaluate("root => { window.told = []; root.addEventListener('painted', e => window.told.push(e.detail)); }")
    began = number(root, "seq")
    page.evaluate(hide, False)
    wait_for_drawings(page, root, 1)
    page.wait_for_function("window.told.length > 0", timeout=WAIT_MS)
    told, newest = page.evaluate("[window.told.length, window.told.at(-1).seq]")
    assert told <= newest - began + 1  # what came while nobody looked tells nothing of latency


NEWEST_IS_PAINTED = """() => {
    const [plot, canvas] = ['.js-plotly-plot', '.lf-edge'].map((name) => document.querySelector(name));
    const { xaxis, yaxis, _size: size } = plot._fullLayout;
    const tag = plot.layout.annotations.find(({ name }) => name === 'last:y_price');
    const settled = Date.parse(plot.data[0].x.at(-1) + 'Z');
    const scale = canvas.width / plot.clientWidth;
    const context = canvas.getContext('2d');
    const colours = (x, y, reach) => {
        const [left, top, side] = [x - reach, y - reach, 2 * reach].map((length) => Math.round(length * scale));
        const { data } = context.getImageData(left, top, side, side);
        const seen = new Set();
        for (let at = 0; at < data.length; at += 4) if (data[at + 3]) seen.add(data.slice(at, at + 3).join());
        return seen.size;
    };
    const at = (ms) => xaxis._offset + xaxis.l2p(ms);
    const y = yaxis._offset + yaxis.d2p(tag.y);
    const margin = tag.x >= 0.5 ? size.l + size.w + 8 : size.l - 8;
    return at(settled + 1000) > at(settled) + 1           // the newest row lies right of what Plotly has drawn,
        && colours(at(settled + 1000), y, 2) > 0          // is on the canvas,
        && colours(at(settled) - 200, y, 40) === 0        // which is empty where rows have settled,
        && colours(margin, y, 6) > 1;                     // and its value is written beside the axis
}"""


def wait_until_repainted(page: Page) -> None:
    """The canvas shows something else than now."""
    before = page.evaluate("document.querySelector('.lf-edge').toDataURL()")
    page.wait_for_function(
        "before => document.querySelector('.lf-edge').toDataURL() !== before", arg=before, timeout=WAIT_MS
    )


def test_the_newest_rows_are_on_the_canvas_beside_their_values(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}?still")
    root = chart(page)
    page.wait_for_function(NEWEST_IS_PAINTED, timeout=WAIT_MS)
    page.goto(app.url)
    root = chart(page)
    wait_until_way(page, "open")
    wait_for(page, root, "painted", 8)
    wait_until_repainted(page)


def test_without_the_channel_the_page_carries_on_until_it_opens_again(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    shut = [True]

    def door(socket: WebSocketRoute) -> None:
        if shut[0]:
            socket.close()
        else:
            socket.connect_to_server()

    page.route_web_socket("**/live?*", door)
    page.goto(app.url)
    root = chart(page)
    wait_until_way(page, "page")
    figure = root.get_attribute("data-figure")
    wait_for(page, root, "painted", 8)
    wait_until_repainted(page)
    assert "Through the page" in root.locator(".lf-way").inner_text()
    assert root.get_attribute("data-way") == "page"
    shut[0] = False
    wait_until_way(page, "open")
    wait_for(page, root, "painted", 8)
    assert root.get_attribute("data-figure") == figure
    assert number(root, "rows") == 240


def test_other_pages_and_time_zones_show_the_same_utc(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}second", timezone_id="America/New_York")
    root = chart(page)
    last = plotly(root, "plot.data[0].x.at(-1)")
    assert "2024-08-08T06" <= last < "2024-08-08T18"  # in New York it is four hours earlier, and the tape moves on
    labels = root.locator(".xtick text").all_text_contents()
    assert any("06" <= label[:2] < "18" for label in labels)
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
