"""A server that has gone or stands still, as a person sees it: nothing says it is of now, and it heals by itself."""

import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, RunApp, RunningApp
from tests.browser.test_pages import Desk, desk, environ
from tools.exchange import LocalExchange, Stepped

__all__ = ["desk"]

pytestmark = pytest.mark.browser
WAIT_MS = 60_000
BAR = "[data-testid=status-bar]"
LOST = re.compile(r"Feed lost since \d\d:\d\d:\d\d UTC")
RUN = re.compile(r"z-score ETHUSDT/BTCUSDT(flat|long|short|one leg) [+-]\d")
SINCE = re.compile(r"z-score ETHUSDT/BTCUSDT, since \d{4}")
WATCH = f"""() => {{
    const bar = document.querySelector('{BAR}');
    window.seen = [bar.dataset.fresh];
    new MutationObserver(() => window.seen.at(-1) === bar.dataset.fresh || window.seen.push(bar.dataset.fresh))
        .observe(bar, {{ attributes: true, attributeFilter: ['data-fresh'] }});
}}"""
CARDS = """() => [...document.querySelectorAll('.lf-card')].map((card) => ({
    stale: card.classList.contains('lf-stale'),
    value: card.querySelector('.lf-value').textContent,
    age: card.querySelector('.lf-age').textContent,
    spoken: card.getAttribute('aria-label'),
    tone: card.dataset.tone,
}))"""
NOW_WORDS = {"live", "replay", "fresh"}


def environment(folder: Path) -> dict[str, str]:
    return {"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(folder)}


def until(page: Page, state: str) -> None:
    page.wait_for_selector(f"{BAR}[data-fresh={state}]", timeout=WAIT_MS)


@contextmanager
def standing_still(app: RunningApp) -> Iterator[None]:
    app.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        app.process.send_signal(signal.SIGCONT)


@pytest.mark.skipif(sys.platform == "win32", reason="no process can be held there")
def test_what_a_silent_server_showed_is_marked_on_every_page(
    run_app: RunApp, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    app = run_app(ROOT / "app.py", env=environment(tmp_path))
    page = open_page(f"{app.url}live")
    page.wait_for_selector("[data-testid=card-ready-fresh]", timeout=WAIT_MS)
    until(page, "fresh")
    expect(page.locator(BAR)).to_contain_text("Recorded trades, not live")
    assert page.locator(".lf-stale").count() == 0
    with standing_still(app):
        until(page, "lost")
        expect(page.locator(f"{BAR} .ss-state")).to_have_text(LOST)
        cards = page.evaluate(CARDS)
        assert len(cards) > 15
        assert [card for card in cards if not card["stale"]] == []
        assert NOW_WORDS.isdisjoint(card["value"] for card in cards)
        assert "ok" not in {card["tone"] for card in cards}
        assert all("as of" in card["spoken"] for card in cards)
        leg = page.locator("[data-testid=card-price-y]")
        for counting in (leg.locator(".lf-age"), leg.locator(".lf-sub"), page.locator(f"{BAR} .ss-age")):
            expect(counting).not_to_have_text(counting.inner_text(), timeout=WAIT_MS)
    until(page, "fresh")
    assert page.locator(".lf-stale").count() == 0

    for name in ("History", "Alerts"):  # nothing there asks the server by itself
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(re.compile(name.lower()))
        until(page, "fresh")
    page.evaluate("document.querySelector('.stMain').scrollTo(0, 10_000)")
    with standing_still(app):
        until(page, "lost")
        expect(page.locator(f"{BAR} .ss-state")).to_have_text(LOST)
        expect(page.locator(BAR)).to_be_in_viewport()
    until(page, "fresh")


def test_a_server_that_was_killed_is_missed_and_its_successor_found(
    run_app: RunApp, open_page: Callable[..., Page], tmp_path: Path, errors_expected: list[str]
) -> None:
    errors_expected += [
        "WebSocket",
        "ERR_CONNECTION",
        "reaching server",
        "not responding",
        "disconnected from server",
        "Client error",
    ]
    app = run_app(ROOT / "app.py", env=environment(tmp_path))
    page = open_page(f"{app.url}history")
    until(page, "fresh")
    page.wait_for_load_state("networkidle")
    app.process.kill()
    app.process.wait()
    until(page, "lost")
    run_app(ROOT / "app.py", env=environment(tmp_path), port=app.port)
    until(page, "fresh")  # no click, no reload


def test_a_running_paper_run_stands_on_every_page_and_opens(
    run_app: RunApp, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    app = run_app(ROOT / "app.py", env=environment(tmp_path))
    page = open_page(f"{app.url}paper?paper_tab=Start+a+run&entry=1&exit=0&window=20")
    start = page.get_by_role("button", name="Start on paper")
    runs = page.locator(f"{BAR} .ss-link")
    for count in (1, 2):
        start.click(timeout=WAIT_MS)
        expect(runs).to_have_count(count, timeout=WAIT_MS)
        page.wait_for_timeout(2_000)  # the next begins with another bar: names tell them apart
    for name in ("Alerts", "Live pair"):
        page.get_by_role("link", name=name, exact=True).click()
        page.get_by_text("Start on paper").wait_for(state="detached", timeout=WAIT_MS)
        expect(runs).to_have_count(2)
        expect(runs.last).to_have_text(RUN, timeout=WAIT_MS)
    seen: list[str] = []
    for run in (runs.first, runs.last):  # from another page, then from that page itself
        run.click()
        page.wait_for_url(re.compile("paper"), timeout=WAIT_MS)
        chosen = page.get_by_role("combobox", name="Run").first
        expect(chosen).to_have_value(SINCE, timeout=WAIT_MS)
        if seen:
            expect(chosen).not_to_have_value(seen[0], timeout=WAIT_MS)
        seen.append(chosen.input_value())
    assert seen[0].partition("since")[2] > seen[1].partition("since")[2]  # the newest stands first
    assert page.get_by_text("Not all of this link could be taken").count() == 0


def test_where_the_page_carries_it_silence_is_seen_as_well(
    run_app: RunApp, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    app = run_app(ROOT / "app.py", env={**environment(tmp_path), "ALPHASTREAM_CHANNEL": "off"})
    page = open_page(f"{app.url}alerts")
    until(page, "fresh")
    page.evaluate(WATCH)
    page.wait_for_timeout(6_000)
    assert page.evaluate("window.seen") == ["fresh"]  # a message a second is enough
    if sys.platform != "win32":
        with standing_still(app):
            until(page, "lost")
        until(page, "fresh")


def test_a_feed_that_says_nothing_is_silent_and_one_that_went_is_lost(desk: Desk) -> None:
    with LocalExchange(pace=Stepped()) as exchange:
        app = desk.run_app(ROOT / "app.py", env=environ(desk, exchange, BOOKS="off"))
        page = desk.open_page(f"{app.url}live")
        page.wait_for_selector("[data-testid=card-price-y]", timeout=WAIT_MS)
        expect(page.locator(f"{BAR} .ss-venue")).to_contain_text("Binance", timeout=WAIT_MS)
        exchange.step(400)
        until(page, "fresh")
        until(page, "silent")  # the server answers, and no trade has come for two seconds
        expect(page.locator(f"{BAR} .ss-state")).to_have_text(re.compile(r"Feed silent since \d\d:\d\d:\d\d UTC"))
        page.wait_for_function("document.querySelectorAll('.lf-card:not(.lf-stale)').length === 0", timeout=WAIT_MS)
        assert NOW_WORDS.isdisjoint(card["value"] for card in page.evaluate(CARDS))
        exchange.step(50)
        until(page, "fresh")
    until(page, "cut")
    expect(page.locator(f"{BAR} .ss-state")).to_have_text(LOST)
