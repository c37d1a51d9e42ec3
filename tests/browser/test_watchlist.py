"""The watchlist in Chromium: its numbers against what was traded, and everything that can be done with its rows."""

import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from alphastream.bars import Bars, aggregate, align
from alphastream.pairs import PairSpec, analyse
from tests.browser.conftest import RunApp, RunningApp
from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_pages import ROOT, WAIT_MS, wait_for_chart, wait_until_trades_are_heard
from tools.exchange import LocalExchange, Stepped
from tools.exchange.events import Trade
from tools.exchange.tape import Tape

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
WINDOW = 20
TRADES = 6_000  # over a minute of all four symbols
SECOND = 10**9
NAMES = ("ETHUSDT", "MADE02USDT", "MADE03USDT")
PAIRS = "+".join(f"{name}~BTCUSDT" for name in NAMES)
ORDER = "() => [...document.querySelectorAll('.wl-row')].map(row => row.dataset.pair)"
NUMBERS = (
    """() => [...document.querySelectorAll('.wl-row .wl-zscore .wl-value')].map(cell => Number(cell.textContent))"""
)


@dataclass
class Desk:
    """The app beside an exchange of four symbols, and all that was traded there."""

    app: RunningApp
    exchange: LocalExchange
    trades: list[Trade]
    open_page: OpenPage

    def visit(self, query: str = f"?pairs={PAIRS}&window={WINDOW}", rows: int = 3, **options: Any) -> Page:
        page = self.open_page(f"{self.app.url}watchlist{query}", **options)
        shown(page, rows)
        return page

    def step(self, count: int) -> None:
        self.trades += self.exchange.step(count)

    def bars(self, symbol: str) -> Bars:
        mine = [trade for trade in self.trades if trade.symbol == symbol]
        times = np.array([trade.time_ns // 10**6 * 10**6 for trade in mine])
        prices, sizes = (
            np.array([float(getattr(trade, name)) for trade in mine]) for name in ("price_text", "quantity_text")
        )
        return aggregate(times, prices, sizes, SECOND)

    def zscore(self, name: str) -> str:
        """The newest z-score of what was traded, as it is printed."""
        rows = align(self.bars(name), self.bars("BTCUSDT"), SECOND)
        return f"{analyse(rows, PairSpec(name, 'BTCUSDT', window=WINDOW)).closed['zscore'][-1]:+.2f}"


@pytest.fixture(scope="module")
def running(
    run_app: RunApp, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningApp, LocalExchange, list[Trade]]]:
    """One app for all tests; its exchange stands still unless told."""
    with LocalExchange(Tape.read().widened(4), pace=Stepped(), loop=True) as exchange:
        settings = {
            "WS_URL": exchange.ws_url,
            "REST_URL": exchange.rest_url,
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "STALL_S": "600",
            "FALLBACK_AFTER_S": "60",
            "SYMBOLS": "BTCUSDT,ETHUSDT,MADE02USDT,MADE03USDT",
        }
        app = run_app(ROOT / "app.py", env={f"ALPHASTREAM_{name}": value for name, value in settings.items()})
        wait_until_trades_are_heard(exchange)
        yield app, exchange, exchange.step(TRADES)


@pytest.fixture
def desk(running: tuple[RunningApp, LocalExchange, list[Trade]], open_page: OpenPage) -> Desk:
    return Desk(*running, open_page)


def shown(page: Page, rows: int) -> Locator:
    page.wait_for_selector(f"[data-testid=watch-list][data-rows='{rows}']", timeout=WAIT_MS)
    return page.get_by_test_id("watch-list")


def cell(page: Page, pair: str, column: str) -> Locator:
    return page.locator(f"[data-testid='watch-{pair}'] .wl-{column}")


def test_numbers_are_those_of_what_was_traded(desk: Desk) -> None:
    page = desk.visit(f"?pairs={PAIRS}+FOOUSDT~BTCUSDT&window={WINDOW}", rows=4)
    for name in NAMES:
        expect(cell(page, f"{name}~BTCUSDT", "zscore").locator(".wl-value")).to_have_text(desk.zscore(name))
    before = {name: desk.zscore(name) for name in NAMES}
    desk.step(300)
    for name in NAMES:
        expect(cell(page, f"{name}~BTCUSDT", "zscore").locator(".wl-value")).to_have_text(desk.zscore(name))
    assert before != {name: desk.zscore(name) for name in NAMES}
    expect(cell(page, "ETHUSDT~BTCUSDT", "half_life")).to_contain_text("of 250 bars in which both legs traded")
    expect(cell(page, "ETHUSDT~BTCUSDT", "signal")).to_contain_text(re.compile(r"(Flat|Long|Short)since"))
    expect(cell(page, "FOOUSDT~BTCUSDT", "signal")).to_contain_text("Refused")
    expect(cell(page, "FOOUSDT~BTCUSDT", "signal")).to_contain_text("does not list FOOUSDT")
    # The tape stands still: ages go on in the browser, and an old leg marks its row.
    expect(page.get_by_test_id("watch-ETHUSDT~BTCUSDT")).to_have_attribute("data-stale", "true")
    expect(cell(page, "ETHUSDT~BTCUSDT", "age")).to_contain_text("old")


def test_an_order_is_chosen_and_holds_while_numbers_move(desk: Desk) -> None:
    page = desk.visit()
    header = page.locator(".wl-head .wl-zscore")
    header.get_by_role("button").click()
    expect(header).to_have_attribute("aria-sort", "descending")
    sorted_down = f"() => {{ const found = ({NUMBERS})(); return found.every((v, i) => !i || found[i - 1] >= v); }}"
    page.wait_for_function(sorted_down, timeout=WAIT_MS)
    for _ in range(3):
        before = int(page.get_by_test_id("watch-list").get_attribute("data-seq") or 0)
        desk.step(400)
        page.wait_for_function(
            "seq => Number(document.querySelector('[data-testid=watch-list]').dataset.seq) > seq", arg=before
        )
        page.wait_for_function(sorted_down, timeout=WAIT_MS)
    header.get_by_role("button").press("Enter")
    expect(header).to_have_attribute("aria-sort", "ascending")
    page.wait_for_url("**sort=zscore", timeout=WAIT_MS)
    page.reload()
    shown(page, 3)
    expect(header).to_have_attribute("aria-sort", "ascending")
    for name in ("pair", "signal", "half_life", "evidence", "edge", "age"):
        page.locator(f".wl-head .wl-{name} button").click()
        expect(page.locator(f".wl-head .wl-{name}")).to_have_attribute("aria-sort", re.compile("ascending|descending"))
    page.locator(".wl-head .wl-age button").click()
    page.locator(".wl-head .wl-age button").click()
    expect(page.get_by_test_id("watch-list")).to_have_attribute("data-sort", "list")
    assert page.evaluate(ORDER) == [f"{name}~BTCUSDT" for name in NAMES]


def test_a_row_leads_to_its_pair_by_click_and_by_keyboard(desk: Desk) -> None:
    page = desk.visit()
    cell(page, "MADE03USDT~BTCUSDT", "signal").click()
    wait_for_chart(page)
    expect(page.locator(".st-key-y input")).to_have_value("MADE03USDT")
    expect(page.get_by_role("slider", name="Window (bars)")).to_have_value(str(WINDOW))
    page = desk.visit()
    page.locator("[data-testid='watch-ETHUSDT~BTCUSDT'] a").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-testid='watch-MADE02USDT~BTCUSDT'] a")).to_be_focused()
    stops = page.locator(".wl-row a[tabindex='0'], .wl-row button[tabindex='0']")
    expect(stops).to_have_count(2)
    page.keyboard.press("Enter")
    wait_for_chart(page)
    expect(page.locator(".st-key-y input")).to_have_value("MADE02USDT")


def test_pairs_come_and_go_and_a_list_is_kept_for_all(desk: Desk) -> None:
    page = desk.visit()
    page.get_by_role("button", name="Take MADE02USDT / BTCUSDT off the list").click()
    shown(page, 2)
    page.get_by_label("Add a pair").fill("ethusdt/made03usdt")
    page.get_by_label("Add a pair").press("Enter")
    shown(page, 3)
    assert "MADE02USDT" not in page.url
    page.get_by_role("button", name="Lists").click()
    page.get_by_label("Name", exact=True).fill("mine")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_role("button", name="Keep this list").click()
    page.wait_for_url("**list=mine**", timeout=WAIT_MS)
    other = desk.visit("?list=mine")
    assert other.evaluate(ORDER) == ["ETHUSDT~BTCUSDT", "MADE03USDT~BTCUSDT", "ETHUSDT~MADE03USDT"]
    expect(cell(other, "ETHUSDT~BTCUSDT", "pair")).to_contain_text(f"OLS {WINDOW}, 1s")
    other.get_by_role("button", name="Lists").click()
    other.get_by_role("button", name="Delete mine").click()
    other.wait_for_url("**pairs=ETHUSDT**", timeout=WAIT_MS)
    other.get_by_role("button", name="Pairs").click()
    other.get_by_role("button", name="Clear the list").click()
    expect(other.get_by_text("No pairs on the list")).to_be_visible()
    other.get_by_role("button", name=re.compile("^Add 6 pairs")).click()
    shown(other, 6)


def test_on_a_phone_a_pair_is_a_card_and_nothing_is_cut(desk: Desk) -> None:
    page = desk.visit(viewport={"width": 390, "height": 844})
    expect(cell(page, "ETHUSDT~BTCUSDT", "zscore")).to_contain_text(re.compile(r"[+-]\d"))
    for column in ("zscore", "signal"):
        box = cell(page, "ETHUSDT~BTCUSDT", column).bounding_box()
        assert box
        assert box["y"] + box["height"] < 560
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("Sort by").select_option("zscore")
    expect(page.get_by_test_id("watch-list")).to_have_attribute("data-sort", "-zscore")
    assert_accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_by_axe(desk: Desk, scheme: str) -> None:
    page = desk.visit(color_scheme=scheme)
    expect(cell(page, "ETHUSDT~BTCUSDT", "zscore")).to_contain_text(re.compile(r"[+-]\d"))
    assert_accessible(page)


def test_a_silent_server_leaves_nothing_that_looks_like_now(desk: Desk) -> None:
    page = desk.visit()
    table = page.get_by_test_id("watch-list")
    trade_until_fresh(desk, table)
    desk.app.process.send_signal(signal.SIGSTOP)
    try:
        expect(table).to_have_attribute("data-stale", "true")
        expect(page.get_by_test_id("status-bar").get_by_role("strong")).to_contain_text("lost since")
    finally:
        desk.app.process.send_signal(signal.SIGCONT)
    trade_until_fresh(desk, table)


def trade_until_fresh(desk: Desk, table: Locator) -> None:
    """A feed is of now for two seconds after a trade."""
    for _ in range(100):
        desk.step(5)
        table.page.wait_for_timeout(200)
        if table.get_attribute("data-stale") == "false":
            return
    pytest.fail("the table stays stale while trades come")
