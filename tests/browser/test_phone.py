"""On a phone, upright and on its side: the signal and the chart first, nothing covered, nothing to scroll sideways."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, RunApp

pytestmark = pytest.mark.browser
WAIT_MS = 60_000
PHONE: Final = {"width": 390, "height": 844}
FIRST_SCREEN: Final = 700
STRATEGIES: Final = 9

TOP = "(selector) => document.querySelector(selector).getBoundingClientRect().top"
WIDTHS = """() => [document.documentElement, document.querySelector('.stMain')].map((node) => node.scrollWidth)"""
COVERED = """() => {
    const seen = [];
    for (const value of document.querySelectorAll('.lf-card .lf-value, .lf-card .lf-sub')) {
        value.scrollIntoView({ block: 'end' });
        const box = value.getBoundingClientRect();
        for (const share of [0.1, 0.5, 0.9]) {
            const above = document.elementFromPoint(box.left + share * box.width, box.top + box.height / 2);
            if (box.width && !value.closest('.lf-card').contains(above)) seen.push(value.textContent);
        }
    }
    document.querySelector('.stMain').scrollTo(0, 0);
    return seen;
}"""

OVER_A_PANEL = """() => {
    const drags = [...document.querySelectorAll('.js-plotly-plot .nsewdrag')];
    const panels = drags.map((drag) => drag.getBoundingClientRect());
    const names = [...document.querySelectorAll('.js-plotly-plot .infolayer > g[class^=legend] text')];
    return names.filter((name) => {
        const { top, bottom } = name.getBoundingClientRect();
        return panels.some((panel) => top < panel.bottom - 4 && bottom > panel.top + 4);
    }).map((name) => name.textContent);
}"""


def opened(open_page: Callable[..., Page], url: str, **look: int) -> Page:
    viewport = look or PHONE
    page = open_page(url, viewport=viewport, has_touch=True, is_mobile=True)
    page.wait_for_selector("[data-testid=status-bar][data-fresh]", timeout=WAIT_MS)
    return page


def test_a_phone_shows_signal_and_chart_first_and_the_menu_goes(
    run_app: RunApp, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    user = tmp_path / "user"
    user.mkdir()
    text = (ROOT / "examples" / "user_strategy.py").read_text(encoding="utf-8")
    for number in range(STRATEGIES):
        (user / f"breakout{number}.py").write_text(text.replace("SpreadBreakout", f"SpreadBreakout{number}"), "utf-8")
    env = {"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path / "data"), "ALPHASTREAM_USER": str(user)}
    env["ALPHASTREAM_REPLAY_HEAD_S"] = "300"  # so that p is known, and has its name in the chart
    app = run_app(ROOT / "app.py", env=env)

    page = opened(open_page, f"{app.url}live")
    page.wait_for_selector(".js-plotly-plot .nsewdrag", timeout=WAIT_MS)
    page.wait_for_selector("[data-testid=card-evidence]", timeout=WAIT_MS, state="attached")
    chart = page.evaluate(TOP, ".lf-stage")
    assert chart < FIRST_SCREEN
    for card in ("signal", "result", "zscore"):
        assert page.evaluate(TOP, f"[data-testid=card-{card}]") < chart
    for card in ("price-y", "hedge", "ready"):
        assert page.evaluate(TOP, f"[data-testid=card-{card}]") > chart
    assert page.evaluate(COVERED) == []
    assert page.evaluate(WIDTHS) == [390, 390]

    box = page.get_by_role("combobox", name="Dependent leg (y)")
    expect(box).to_be_hidden()
    fold = page.get_by_text("Pair, bars and thresholds")
    fold.click()
    expect(box).to_be_visible()
    fold.click()
    expect(box).to_be_hidden()

    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="Backtest", exact=True).click()
    page.wait_for_url(re.compile("backtest"))
    expect(page.get_by_test_id("stSidebar")).not_to_be_in_viewport(timeout=WAIT_MS)
    expect(page.get_by_text(f"SpreadBreakout{STRATEGIES - 1}").first).to_be_visible(timeout=WAIT_MS)
    assert page.evaluate(WIDTHS) == [390, 390]
    shutil.rmtree(user)

    for address in ("live?window=60", "history?source=Daily+ETFs&window=60"):
        page = opened(open_page, f"{app.url}{address}")
        page.wait_for_selector(".js-plotly-plot .legend5text", timeout=WAIT_MS)
        assert page.evaluate(OVER_A_PANEL) == []

    page = opened(open_page, f"{app.url}live", width=844, height=390)
    page.wait_for_selector(".js-plotly-plot .nsewdrag", timeout=WAIT_MS)
    assert page.evaluate(TOP, ".lf-stage") < 390
    assert page.evaluate(TOP, "[data-testid=card-signal]") < page.evaluate(TOP, ".lf-stage")
    assert page.evaluate(WIDTHS) == [844, 844]
    page.set_viewport_size({"width": 1440, "height": 1000})  # a window that grows has everything above the chart again
    page.wait_for_function("document.querySelector('.lf-below .lf-card') === null", timeout=WAIT_MS)
    assert page.evaluate(TOP, "[data-testid=card-hedge]") < page.evaluate(TOP, ".lf-stage")
    expect(page.get_by_role("combobox", name="Dependent leg (y)")).to_be_visible()
