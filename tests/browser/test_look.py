"""The live page as a desk: everything reachable by keyboard, nothing cut, nothing that jumps, addresses that hold."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunApp, RunningApp

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
OpenPage = Callable[..., Page]
WAIT_MS = 60_000
BOXES = "() => [...document.querySelectorAll('.lf-card')].map(card => { const box = card.getBoundingClientRect(); "
BOXES += "return [box.left, box.top, box.width, box.height].map(Math.round).join(); }).join(' ')"


@pytest.fixture(scope="module")
def app(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> RunningApp:
    """The recorded tape, most of it delivered at once."""
    knobs = {"FEED": "replay", "REPLAY_HEAD_S": "240", "DATA_DIR": str(tmp_path_factory.mktemp("var"))}
    return run_app(ROOT / "app.py", env={f"ALPHASTREAM_{name}": value for name, value in knobs.items()})


def visit(app: RunningApp, open_page: OpenPage, query: str = "?window=60", width: int = 1440) -> Page:
    page = open_page(f"{app.url}live{query}", viewport={"width": width, "height": 900})
    page.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)
    expect(page.get_by_test_id("card-zscore").locator(".lf-value")).not_to_be_empty(timeout=WAIT_MS)
    return page


def test_cards_are_one_tab_stop_and_say_what_they_mean(app: RunningApp, open_page: OpenPage) -> None:
    page = visit(app, open_page)
    stops = page.locator(".lf-numbers .lf-card[tabindex='0']")
    expect(stops).to_have_count(1)
    stops.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    zscore, bubble = page.get_by_test_id("card-zscore"), page.locator(".lf-cards:not(.lf-below) .lf-bubble")
    expect(zscore).to_be_focused()
    expect(bubble).to_contain_text("Do not trust it while a leg is old")
    expect(zscore).to_have_accessible_description(bubble.inner_text())
    page.keyboard.press("Escape")
    expect(bubble).to_be_hidden()
    page.keyboard.press("Home")
    expect(page.get_by_test_id("card-price-y")).to_be_focused()
    expect(stops).to_have_count(1)


def test_the_meaning_is_shown_to_the_pointer_inside_the_page(app: RunningApp, open_page: OpenPage) -> None:
    page = visit(app, open_page, width=390)
    page.get_by_test_id("card-feed").hover()
    bubble = page.locator(".lf-below .lf-bubble")
    expect(bubble).to_be_visible()
    box = bubble.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.mouse.move(5, 5)
    expect(bubble).to_be_hidden()


@pytest.mark.parametrize(("width", "columns"), [(1440, 5), (390, 1)])  # on a phone the signal comes first
def test_cards_keep_their_places_and_nothing_is_cut(
    app: RunningApp, open_page: OpenPage, width: int, columns: int
) -> None:
    page = visit(app, open_page, width=width)
    places = set()
    for _ in range(12):
        places.add(page.evaluate(BOXES))
        page.wait_for_timeout(100)
    assert len(places) == 1
    rows = page.evaluate(
        "() => [...document.querySelectorAll('.lf-numbers .lf-card')].map(card => card.getBoundingClientRect().top)"
    )
    assert rows.count(rows[0]) == columns
    assert len(set(rows)) <= (3 if width == 1440 else 9)  # one line more for what books and funding say
    cut = "() => [...document.querySelectorAll('.lf-card, .lf-card *')].filter(node => node.scrollWidth > "
    cut += "node.clientWidth + 1 && getComputedStyle(node).display !== 'inline').length"
    assert page.evaluate(cut) == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_preset_lives_in_the_address_with_what_was_changed_by_hand(app: RunningApp, open_page: OpenPage) -> None:
    page = visit(app, open_page, "?preset=Scalp")
    entry = page.locator(".st-key-entry input")
    expect(entry).to_have_value("2.50")
    entry.fill("3.00")
    entry.press("Enter")
    page.wait_for_url("**/live?*entry=3*preset=Scalp*", timeout=WAIT_MS)
    page.reload()
    expect(entry).to_have_value("3.00", timeout=WAIT_MS)
    page.locator(".st-key-preset input").click()
    page.get_by_role("option", name="Intraday").click()
    page.wait_for_url("**/live?preset=Intraday", timeout=WAIT_MS)
    expect(entry).to_have_value("2.00")
    assert "Traceback" not in app.output()
