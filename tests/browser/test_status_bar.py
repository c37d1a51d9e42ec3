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

pytestmark = pytest.mark.browser
WAIT_MS = 60_000
BAR = "[data-testid=status-bar]"
LOST = re.compile(r"Feed lost since \d\d:\d\d:\d\d UTC")
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
    errors_expected += ["WebSocket", "ERR_CONNECTION", "reaching server", "not responding", "disconnected from server"]
    app = run_app(ROOT / "app.py", env=environment(tmp_path))
    page = open_page(f"{app.url}history")
    until(page, "fresh")
    app.process.kill()
    app.process.wait()
    until(page, "lost")
    run_app(ROOT / "app.py", env=environment(tmp_path), port=app.port)
    until(page, "fresh")  # no click, no reload
