"""Every button, link, tab, box and row of every page is clicked once, with data and without any: nothing breaks."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Error, Page

from tests.browser.conftest import SETTLED, RunApp, RunningApp
from tests.browser.test_pages import SAYS_NOTHING

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
WAIT_MS: Final = 60_000
CLICK_MS: Final = 5_000
MOST: Final = 120  # clicks on a page
PAGES: Final = {
    "start": "",
    "live": "live?window=60",
    "watchlist": "watchlist?pairs=ETHUSDT~BTCUSDT",
    "microstructure": "microstructure",
    "scanner": "scanner",
    "portfolio": "portfolio",
    "backtest": "backtest?data=Files&source=Bundled+recording&window=20",
    "runs": "runs",
    "paper": "paper",
    "arbitrage": "arbitrage",
    "risk": "risk",
    "alerts": "alerts",
    "history": "history?source=Bundled+recording&window=20",
    "sql": "history?history_tab=SQL&sql_time=All",
    "health": "health",
    "glossary": "glossary",
}
SAME_WITHOUT: Final = {"start", "scanner", "backtest", "history", "sql", "glossary"}
"""Pages that do not ask for a feed: without one they are what they are with it."""
# What may be clicked now, as [name, place]: what a box that is open holds comes first.
FOUND: Final = """() => {
    const skipped = `[data-testid=stHeaderActionElements] *, [data-testid^=stNumberInputStep],
        [data-testid=stTooltipIcon] *, [data-testid=stTooltipHoverTarget] *,
        [data-testid=stElementToolbar] *, .modebar *, [data-testid=stFileUploaderDropzone] *, [data-baseweb=tag] *,
        [data-testid=stSelectbox] *, [data-testid=stMultiSelect] *`;
    const kinds = 'button, a[href], summary, [role=tab], [data-testid=stDataFrame]';
    const places = ['[data-testid=stPopoverBody]', '[role=dialog]', '[data-testid=stMain]'];
    const seen = new Map(), found = [];
    window.clickable = [];
    for (const place of places) for (const root of document.querySelectorAll(place))
        for (const node of root.querySelectorAll(kinds)) {
            if (window.clickable.includes(node)) continue;
            const box = node.getBoundingClientRect();
            if (node.disabled || node.matches(skipped) || !box.width || !box.height) continue;
            if (getComputedStyle(node).visibility === 'hidden') continue;
            if (node.href && (node.target === '_blank' || !node.href.startsWith(location.origin))) continue;
            const words = (node.getAttribute('aria-label') || node.innerText || node.dataset.testid || '').trim();
            if (!words) continue;
            const text = node.localName + ' ' + words.replace(/[0-9]+/g, '0').slice(0, 80);
            seen.set(text, (seen.get(text) || 0) + 1);
            found.push(text + (seen.get(text) > 1 ? ' no. ' + seen.get(text) : ''));
            window.clickable.push(node);
        }
    return found;
}"""
SKIPPED: Final = ("button Cancel",)  # of work that may be over before it is clicked; tests of long work click it


@pytest.fixture(scope="module")
def app(request: pytest.FixtureRequest, run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> RunningApp:
    """The app on the recording; and without any trade, file, rule or run."""
    folder = tmp_path_factory.mktemp("data")
    knobs = {"FEED": "replay", "DATA_DIR": str(folder)}
    if request.param == "empty":
        knobs["REPLAY_TAPE"] = str(folder / "none.parquet")
    return run_app(ROOT / "app.py", env={f"ALPHASTREAM_{name}": value for name, value in knobs.items()})


@pytest.fixture
def visit(app: RunningApp, open_page: Callable[..., Page]) -> Iterator[Callable[[str], Page]]:
    """Open a page; at its end the server's log must not complain."""
    before = len(app.output())

    yield lambda path: open_page(app.url + path, accept_downloads=True)
    new = app.output()[before:]
    assert [line for line in new.splitlines() if any(word in line for word in SAYS_NOTHING)] == []


def settle(page: Page) -> None:
    page.wait_for_timeout(80)
    page.wait_for_function(SETTLED, timeout=WAIT_MS)


def click(page: Page, place: int) -> bool:
    """Click what stands at a place of the last look; False where it is gone by now."""
    node: Any = page.evaluate_handle("place => window.clickable[place]", place).as_element()
    try:
        if node.get_attribute("data-testid") == "stDataFrame":
            node.click(position={"x": 12, "y": 52}, timeout=CLICK_MS)  # the box before the first row
        else:
            node.click(timeout=CLICK_MS)
    except Error:  # covered, or gone meanwhile
        return False
    return True


@pytest.mark.parametrize(
    ("app", "name"),
    [*(("full", name) for name in PAGES), *(("empty", name) for name in PAGES if name not in SAME_WITHOUT)],
    indirect=["app"],
)
def test_nothing_that_is_clicked_breaks(visit: Callable[[str], Page], name: str) -> None:
    page = visit(PAGES[name])
    page.wait_for_selector("[data-testid=stMain] :is(label, h1, h3, [role=tab])", timeout=WAIT_MS)
    settle(page)
    home, done, covered = page.url.split("?")[0], set[str](), set[str]()
    for _ in range(MOST):
        left = [(at, words) for at, words in enumerate(page.evaluate(FOUND)) if words not in done | set(SKIPPED)]
        if not left:
            if page.locator("[data-testid=stPopoverBody]:visible, [role=dialog]:visible").count() == 0:
                break
            page.keyboard.press("Escape")
            page.wait_for_timeout(200)
            continue
        at, words = left[0]
        done.add(words)
        if not click(page, at):
            page.keyboard.press("Escape")  # a box lies over it: once more
            if words not in covered:
                covered.add(words)
                done.remove(words)
        settle(page)
        assert page.get_by_test_id("stException").count() == 0, f"{name}: {words}"
        if page.url.split("?")[0] != home:
            page.goto(home + ("?" + PAGES[name].partition("?")[2]))
            page.wait_for_selector("[data-testid=stMain] :is(label, h1, h3, [role=tab])", timeout=WAIT_MS)
            settle(page)
    assert done
