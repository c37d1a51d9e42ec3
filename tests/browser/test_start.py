"""The first visit: a start that leads on, pages that say what they are with nothing kept, addresses without a page."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SETTLED, RunApp, RunningApp
from views.shared.heads import HEADS

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
OpenPage = Callable[..., Page]
WAIT_MS = 60_000
PHONE = {"viewport": {"width": 390, "height": 844}}
FIRST = {
    "live": "[data-testid=live-figure][data-drawn]",
    "microstructure": ".js-plotly-plot .main-svg, [data-testid=stAlert]",
    "scanner": "[data-testid=stDataFrame]",
    "portfolio": ".js-plotly-plot .main-svg, [data-testid=stAlert]",
    "backtest": ".js-plotly-plot .main-svg",
    "paper": ".stMainBlockContainer :text('No run yet')",
    "arbitrage": ".stMainBlockContainer :text('No asset at two venues')",
    "risk": "[data-testid=stMetric], [data-testid=stAlert]",
    "alerts": ".stMainBlockContainer :text('No rule yet')",
    "history": ".js-plotly-plot .main-svg",
    "health": "[data-testid=stMetric]",
    "glossary": "#half-life",
    "watchlist": ".stMainBlockContainer",
    "runs": ".stMainBlockContainer",
}
"""What each page shows at a first visit: a result, or a sentence that says what to do."""


@pytest.fixture(scope="module")
def app(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """A recording, most of it at once, and nothing kept."""
    knobs = {"FEED": "replay", "REPLAY_HEAD_S": "240", "DATA_DIR": str(tmp_path_factory.mktemp("var"))}
    running = run_app(ROOT / "app.py", env={f"ALPHASTREAM_{name}": value for name, value in knobs.items()})
    yield running
    assert "Traceback" not in running.output()


def test_each_button_of_the_start_leads_to_a_result(app: RunningApp, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(app.url)
    expect(page.locator(".st-key-start_pictures .js-plotly-plot .main-svg").first).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".st-key-start_pictures .js-plotly-plot")).to_have_count(3)

    page.get_by_role("button", name="See a pair now").click()
    page.wait_for_url("**/live*", timeout=WAIT_MS)
    page.wait_for_selector("[data-testid=live-figure][data-drawn]", timeout=WAIT_MS)

    page.get_by_role("link", name="Start", exact=True).click()
    page.get_by_role("button", name="Try a file of yours").click()
    page.wait_for_url("**/history?*source=Upload*", timeout=WAIT_MS)
    expect(page.get_by_test_id("stFileUploader")).to_be_in_viewport(timeout=WAIT_MS)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="An example to try").click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("4,282 bars of 1d: SPY 2,141, DIA 2,141")).to_be_visible(timeout=WAIT_MS)
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)

    page.get_by_role("link", name="Start", exact=True).click()
    page.get_by_role("button", name="Find pairs in 100 shares").click()
    page.wait_for_url("**/scanner?*source=100*", timeout=WAIT_MS)
    expect(page.get_by_text(re.compile("of 4,950 pairs pass at 5%"))).to_be_visible(timeout=WAIT_MS)


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
def test_every_page_says_what_it_is_and_shows_something(
    app: RunningApp, open_page: OpenPage, look: dict[str, dict[str, int]]
) -> None:
    page = open_page(app.url, **look)
    for path, first in FIRST.items():
        page.goto(app.url + path)
        title = page.get_by_role("heading", level=1)
        expect(title).to_be_visible(timeout=WAIT_MS)
        head = HEADS[title.inner_text()]
        expect(page.get_by_text(head.sentence, exact=True)).to_be_visible()
        page.locator(first).first.wait_for(timeout=WAIT_MS)
        page.wait_for_function(SETTLED, timeout=WAIT_MS)
        box = page.locator(".st-key-page_head").bounding_box()
        assert box
        assert box["height"] <= (85 if look else 40), path
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    page.get_by_role("button", name="Explain").click()
    for words in ("What is shown.", "How to read it.", "What it does not say."):
        expect(page.get_by_text(words)).to_be_visible()


def test_a_word_of_the_glossary_is_shown_where_its_address_leads(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}glossary#half-life")
    word = page.locator("#half-life")
    expect(word).to_be_in_viewport(timeout=WAIT_MS)
    page.wait_for_timeout(500)
    box = word.bounding_box()
    assert box
    assert 0 < box["y"] < 200


def test_an_address_without_a_page_says_so_and_leads_on(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}scaner")
    expect(page.get_by_role("heading", name="No such page")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("There is no page scaner here")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_test_id("stPageLink").get_by_text("Scanner").click()
    expect(page.get_by_text(re.compile("of 4,950 pairs pass at 5%"))).to_be_visible(timeout=WAIT_MS)
    page.goto(f"{app.url}no/such/page")
    expect(page.get_by_text("There is no page no-such-page here")).to_be_visible(timeout=WAIT_MS)
    page.get_by_text("Go to the start page").click()
    expect(page.get_by_role("button", name="See a pair now")).to_be_visible(timeout=WAIT_MS)


def test_a_saved_link_of_a_pair_still_opens_the_live_page(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}?y=BTCUSDT&x=ETHUSDT&window=60")
    page.wait_for_url("**/live?*window=60*", timeout=WAIT_MS)
    expect(page.get_by_role("combobox", name="Dependent leg (y)")).to_have_value("BTCUSDT", timeout=WAIT_MS)
