"""Every page against axe-core, light and dark, wide and narrow; and the live page without a mouse."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SETTLED, RunApp, RunningApp
from tests.browser.test_pages import ROOT, WAIT_MS, card, wait_for_chart, wait_until_trades_are_heard
from tools.exchange import LocalExchange, Stepped

pytestmark = pytest.mark.browser

WINDOW: Final = 30
TRADES: Final = 6_000  # some minutes: several windows of bars of a second
LOOKS: Final = {"light": (1440, "light"), "dark": (1440, "dark"), "narrow": (390, "light")}
SERIOUS: Final = ("serious", "critical")
TRIES: Final = 3  # an element that Streamlit is fading in or out is pale for a moment: what counts is what stays
MAX_STOPS: Final = 80
BEHIND: Final = 16  # stops to the content of a box that opened: Streamlit puts it at the end of the page
WAY: Final = (
    *(
        "Start",
        "Live pair",
        "Scanner",
        "Portfolio",
        "Backtest",
        "Paper",
        "Alerts",
        "History",
        "Health",
        "Glossary",
        "Explain",
    ),
    *("Preset", "Dependent leg (y)", "Hedge leg (x)", "Bar", "Model"),
    *("Window (bars)", "Entry |z|", "Exit |z|", "Prices", "Cost per fill, bps"),
    *("lf-numbers", "lf-checks", "modebar", "Bars shown", "Download", "Link to this view"),
    *("Tests", "Correlations", "Feed and tape"),
)
"""What a keyboard passes on the live page, in this order; two lists of cards and the chart's buttons by their class."""
# How an element and what it stands in look: a focus ring is often drawn around the parent.
LOOK_OF: Final = """() => {
    const style = document.createElement('style');
    style.textContent = '*, *::before, *::after { transition: none !important; }';
    document.head.append(style);
    window.lookOf = (node) => {
        const looks = [];
        for (let level = 0; node && level < 5; level += 1, node = node.parentElement) {
            const { outline, boxShadow, borderColor, backgroundColor } = getComputedStyle(node);
            looks.push([outline, boxShadow, borderColor, backgroundColor].join(' '));
        }
        return looks.join();
    };
}"""
# Names the element in focus, and says whether the one before looked otherwise while it was.
STOP: Final = """() => {
    const node = document.activeElement;
    const before = window.lastStop;
    window.lastStop = { node, look: lookOf(node) };
    const own = node.matches('a, button, input, summary') ? node.getAttribute('aria-label') || node.innerText : '';
    const part = node.closest('.lf-numbers, .lf-checks, .modebar')?.classList[0];
    const wasSeen = !before || lookOf(before.node) !== before.look;
    return { lines: (part || own || node.tagName).split('\\n'), isEnd: node === document.body, wasSeen };
}"""


@pytest.fixture(scope="module")
def app(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The app with calibrated models, on a tape that has stopped."""
    with LocalExchange(pace=Stepped()) as exchange:
        settings = {
            "WS_URL": exchange.ws_url,
            "REST_URL": exchange.rest_url,
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "WINDOW_BARS": str(WINDOW),
            "STALL_S": "600",
            "FALLBACK_AFTER_S": "60",
        }
        running = run_app(ROOT / "app.py", env={f"ALPHASTREAM_{name}": value for name, value in settings.items()})
        wait_until_trades_are_heard(exchange)
        exchange.step(TRADES)
        yield running


@pytest.fixture
def visit(app: RunningApp, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address of the app in a context of its own."""
    contexts = []

    def open_at(path: str = "") -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 1000}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.goto(app.url + path)
        return page

    yield open_at
    for context in contexts:
        context.close()


def wait_until_settled(page: Page) -> None:
    page.wait_for_function(SETTLED, timeout=WAIT_MS)


def show_live(page: Page, _: Path) -> None:
    wait_for_chart(page)
    expect(card(page, "signal")).to_contain_text(re.compile("Flat|spread"))


def show_start(page: Page, _: Path) -> None:
    expect(page.locator(".js-plotly-plot .main-svg")).not_to_have_count(0, timeout=WAIT_MS)
    page.get_by_text("All pages, and what each answers").click()
    expect(page.get_by_text("Which pairs of many symbols")).to_be_visible()


def show_glossary(page: Page, _: Path) -> None:
    """With the explanation open."""
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_text("What it does not say.")).to_be_visible()


def show_unknown(page: Page, _: Path) -> None:
    expect(page.get_by_text("Did you mean")).to_be_visible()


def show_scan(page: Page, _: Path) -> None:
    page.get_by_text("Bundled recording", exact=True).click()
    page.get_by_role("button", name=re.compile("Scan$")).click()
    expect(page.get_by_text("survive Benjamini-Hochberg")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()


def show_alerts(page: Page, _: Path) -> None:
    """With one rule: the first visit adds it."""
    add = page.get_by_role("button", name="Add rule")
    expect(add).to_be_visible()
    wait_until_settled(page)
    if page.get_by_text("No rule yet").count():
        add.click()
    expect(page.get_by_text("Add or change")).to_be_visible()


def show_health(page: Page, _: Path) -> None:
    expect(page.locator(".pulse-age").first).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("heading", name="Threads")).to_be_visible(timeout=WAIT_MS)


def show_microstructure(page: Page, _: Path) -> None:
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("Large prints", exact=True).first).to_be_visible(timeout=WAIT_MS)


def show_history(page: Page, folder: Path) -> None:
    lines = ["timestamp,symbol,price,size"]
    for i in range(800):
        symbol, price = (("BTCUSDT", 60_000 + 10 * (i % 7)), ("ETHUSDT", 2_600 + (i * i) % 11))[i % 2]
        lines.append(f"2024-08-08 00:{i // 120:02d}:{i % 120 / 2:06.3f},{symbol},{price},0.5")
    path = folder / "trades.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    page.get_by_text("Upload", exact=True).first.click()
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("800 ticks")).to_be_visible()
    page.get_by_test_id("stExpander").get_by_text("trades.csv", exact=True).click()
    expect(page.get_by_role("tab", name="As used")).to_be_visible()
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)


def show_sql(page: Page, _: Path) -> None:
    page.get_by_role("button", name="VWAP").click()
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)


def show_portfolio(page: Page, _: Path) -> None:
    expect(page.get_by_text("Correlation matrix used")).to_be_visible()
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)


def show_backtest(page: Page, _: Path) -> None:
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=WAIT_MS)
    expect(page.get_by_text("Report as HTML")).to_be_visible(timeout=WAIT_MS)


def show_paper(page: Page, _: Path) -> None:
    """With one run, on a tape that has stopped."""
    page.get_by_role("tab", name="Start a run").click()
    page.get_by_role("button", name="Start on paper").click()
    expect(page.get_by_text("is running as")).to_be_visible()
    page.get_by_role("tab", name="Runs", exact=True).click()
    expect(page.get_by_test_id("stMetric").first).to_be_visible()


def show_arbitrage(page: Page, _: Path) -> None:
    """Of a recording, which is of one venue; with the form of what is assumed."""
    expect(page.get_by_text("No asset at two venues")).to_be_visible(timeout=WAIT_MS)
    page.get_by_text("Assumed costs and clock errors").click()
    expect(page.get_by_role("button", name="Assume these")).to_be_visible()


def show_risk(page: Page, folder: Path) -> None:
    """Of a file of positions, one limit passed, and both forms open."""
    page.get_by_text("Limits, and how risk is measured").click()
    page.get_by_label("Gross exposure, quote units").fill("1000")
    page.get_by_role("button", name="Keep these").click()
    expect(page.get_by_text("The limits hold from now on.")).to_be_visible(timeout=WAIT_MS)
    path = folder / "positions.csv"
    path.write_text("symbol,quantity,price,pair\nETHUSDT,10,2500,both\nBTCUSDT,-0.4,60000,both\n", encoding="utf-8")
    page.get_by_text("Positions of your own", exact=True).click()
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Watch these positions").click()
    expect(page.get_by_text("Limit passed")).to_be_visible(timeout=WAIT_MS)
    page.reload()
    expect(page.get_by_text("At the last prices: what closing or doubling would cost")).to_be_visible(timeout=WAIT_MS)
    page.get_by_text("Positions of your own", exact=True).click()
    expect(page.get_by_role("button", name="Watch them no more")).to_be_visible(timeout=WAIT_MS)


def show_sheet(page: Page, folder: Path) -> None:
    show_backtest(page, folder)
    page.get_by_role("tab", name="Tear sheet").click()
    expect(page.get_by_role("heading", name="Exposure and leverage")).to_be_visible(timeout=WAIT_MS)


def show_runs(page: Page, folder: Path) -> None:
    page.get_by_role("button", name="Open the Backtest page").click()
    show_backtest(page, folder)
    for name in ("one", "other"):
        page.get_by_role("button", name="Keep this run").click()
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_role("button", name="Keep", exact=True).click()
        expect(page.get_by_text(f"{name} is kept")).to_be_visible(timeout=WAIT_MS)
        page.keyboard.press("Escape")
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_text("Open with its settings").first).to_be_visible(timeout=WAIT_MS)


PAGES: Final[dict[str, tuple[str, Callable[[Page, Path], None]]]] = {
    "start": ("", show_start),
    "live": ("live", show_live),
    "scanner": ("scanner", show_scan),
    "portfolio": ("portfolio", show_portfolio),
    "backtest": ("backtest", show_backtest),
    "tear sheet": ("backtest", show_sheet),
    "runs": ("runs", show_runs),
    "paper": ("paper", show_paper),
    "arbitrage": ("arbitrage", show_arbitrage),
    "alerts": ("alerts", show_alerts),
    "history": ("history", show_history),
    "sql": ("history?history_tab=SQL&sql_time=All", show_sql),
    "health": ("health", show_health),
    "microstructure": ("microstructure", show_microstructure),
    "risk": ("risk", show_risk),
    "glossary": ("glossary", show_glossary),
    "unknown": ("scaner", show_unknown),
}


def violations(page: Page) -> list[str]:
    """What axe-core calls serious or critical, an element a line."""
    found: dict[str, Any] = Axe().run(page, options={"resultTypes": ["violations"]}).response
    return [
        f"{each['id']} at {node['target']}: {node['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


def assert_accessible(page: Page) -> None:
    found = violations(page)
    for _ in range(TRIES - 1):
        if not found:
            break
        wait_until_settled(page)
        page.wait_for_timeout(500)
        found = violations(page)
    assert found == []


def put_on(page: Page, look: str) -> None:
    """Light or dark as the system asks for, and how wide."""
    width, scheme = LOOKS[look]
    page.set_viewport_size({"width": width, "height": 1000})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.wait_for_function(
        "scheme => getComputedStyle(document.querySelector('.stApp')).colorScheme === scheme",
        arg=scheme,
        timeout=WAIT_MS,
    )
    page.wait_for_function("width => document.documentElement.scrollWidth === width", arg=width, timeout=WAIT_MS)
    wait_until_settled(page)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("shown", ["empty", "full"])
def test_axe_finds_nothing_serious(visit: Callable[..., Page], tmp_path: Path, name: str, shown: str) -> None:
    path, show = PAGES[name]
    page = visit(path)
    page.wait_for_selector(".stMainBlockContainer :is(label, h1, [role=tab])", timeout=WAIT_MS)
    if shown == "full":
        show(page, tmp_path)
    for look in LOOKS:
        put_on(page, look)
        assert_accessible(page)


def walk(page: Page) -> list[str]:
    """What Tab reaches from the top to the end; every stop shows that it has the focus."""
    stops: list[str] = []
    for _ in range(MAX_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        assert stop["wasSeen"], f"nothing shows the focus on {stops[-1]}"
        if stop["isEnd"]:
            return stops
        stops.append(next((line for line in stop["lines"] if line in WAY), stop["lines"][0]))
    pytest.fail(f"after {MAX_STOPS} stops the page has not ended: {stops}")


def test_the_keyboard_reaches_everything_and_shows_where_it_is(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit("live")
    show_live(page, tmp_path)
    wait_until_settled(page)
    page.evaluate(LOOK_OF)
    stops = walk(page)
    assert stops.count("lf-numbers") == stops.count("lf-checks") == 1
    assert list(dict.fromkeys(stop for stop in stops if stop in WAY)) == list(WAY)

    first, second = (page.locator(".lf-numbers .lf-card").nth(place) for place in (0, 1))
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(second).to_be_focused()
    page.get_by_role("button", name="Download", exact=True).focus()
    page.keyboard.press("Enter")
    link = page.get_by_role("button", name="Analytics as CSV")
    expect(link).to_be_visible()
    for _ in range(BEHIND):
        page.keyboard.press("Tab")
        if link.evaluate("node => node === document.activeElement"):
            break
    expect(link).to_be_focused()
