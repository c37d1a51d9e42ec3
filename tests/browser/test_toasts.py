"""Toasts in Chromium: on a plain page that serves the two files, with the clock in the test's hand."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

FILES = Path(__file__).resolve().parents[2] / "views" / "component"
OpenPage = Callable[..., Page]
PAGE = """<!doctype html><html lang="en"><title>Toasts</title><link rel="icon" href="data:,">
<body style="--st-text-color: #111; --st-secondary-background-color: #eee">
<script type="module">
import { Toasts } from "./toasts.js";
window.toasts = new Toasts(document.body);
</script>"""
SILENT = "window.AudioContext = class { constructor() { throw new Error('no audio'); } };"
NO_STORAGE = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden'); } });"
COUNTED = """
window.tones = 0;
window.AudioContext = class {
  constructor() { this.state = "running"; this.currentTime = 0; this.destination = null; }
  createGain() {
    return { gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} }, connect() {} };
  }
  createOscillator() { return { frequency: {}, connect() {}, start() { window.tones += 1; }, stop() {} }; }
  close() { return Promise.resolve(); }
};
"""


class _Files(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name of the base class)
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(FILES)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def opened(open_page: OpenPage, url: str, *scripts: str) -> Page:
    page = open_page("about:blank")
    for script in scripts:
        page.add_init_script(script)
    page.clock.install(time=1_700_000_000_000)
    page.goto(url)
    page.wait_for_function("window.toasts")
    return page


def show(page: Page, number: int, title: str = "z is high", text: str = "z-score is 2.31") -> None:
    note = {"id": f"n{number}", "time_ms": 1_700_000_000_000, "title": title, "text": text, "tone": "warn"}
    page.evaluate("note => toasts.show(note)", note)


def test_a_toast_says_what_happened(open_page: OpenPage, url: str) -> None:
    page = opened(open_page, url)
    show(page, 1, "<b>z</b> is high", "<img src=x onerror=alert(1)>")
    toast = page.get_by_test_id("toast")
    expect(toast).to_contain_text("<b>z</b> is high")
    expect(toast).to_contain_text("<img src=x")
    expect(toast).to_contain_text("22:13:20 UTC")
    assert page.locator("img").count() == 0
    expect(page.get_by_role("status")).to_have_attribute("aria-live", "polite")
    assert page.evaluate("getComputedStyle(document.querySelector('.toasts')).position") == "fixed"


def test_at_most_four_and_none_twice(open_page: OpenPage, url: str) -> None:
    page = opened(open_page, url)
    for number in (1, 2, 3, 4, 5, 6, 5):
        show(page, number, f"alert {number}")
    titles = page.locator(".toast-title").all_inner_texts()
    assert titles == ["alert 3", "alert 4", "alert 5", "alert 6"]
    page.evaluate("toasts.destroy(); window.toasts = new toasts.constructor(document.body)")
    show(page, 6)
    assert page.get_by_test_id("toast").count() == 0


def test_it_goes_by_itself_but_not_while_it_is_read(open_page: OpenPage, url: str) -> None:
    page = opened(open_page, url)
    show(page, 1, "left alone")
    show(page, 2, "read")
    page.locator(".toast", has_text="read").hover()
    page.clock.run_for(11_000)
    assert page.get_by_test_id("toast").count() == 2
    page.clock.run_for(2_000)
    assert page.locator(".toast-title").all_inner_texts() == ["read"]
    page.clock.run_for(60_000)
    assert page.get_by_test_id("toast").count() == 1
    page.mouse.move(1, 1)
    page.clock.run_for(13_000)
    assert page.get_by_test_id("toast").count() == 0


def test_it_is_closed_by_keyboard(open_page: OpenPage, url: str) -> None:
    page = opened(open_page, url)
    show(page, 1)
    show(page, 2)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Close: z is high").first).to_be_focused()
    page.keyboard.press("Enter")
    assert page.get_by_test_id("toast").count() == 1
    page.get_by_role("button", name="Close: z is high").focus()
    page.keyboard.press("Escape")
    assert page.get_by_test_id("toast").count() == 0


def test_sound_is_off_until_somebody_wants_it(open_page: OpenPage, url: str) -> None:
    page = opened(open_page, url, COUNTED)
    button = page.get_by_role("button", name="Sound")
    expect(button).to_have_attribute("aria-pressed", "false")
    show(page, 1)
    assert page.evaluate("tones") == 0
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("tones") == 2  # so that one knows it works
    show(page, 2)
    assert page.evaluate("tones") == 2  # too soon after the last
    page.clock.run_for(2_000)
    show(page, 3)
    assert page.evaluate("tones") == 4
    page.reload()
    page.wait_for_function("window.toasts")
    expect(page.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "true")


def test_without_audio_and_storage_toasts_still_come(open_page: OpenPage, url: str) -> None:
    page = opened(open_page, url, SILENT, NO_STORAGE)
    page.get_by_role("button", name="Sound").click()
    show(page, 1)
    assert page.get_by_test_id("toast").count() == 1


def test_no_motion_where_none_is_wanted(open_page: OpenPage, url: str) -> None:
    page = opened(open_page, url)
    show(page, 1)
    assert page.evaluate("document.querySelector('.toast').getAnimations().length") == 1
    page.emulate_media(reduced_motion="reduce")
    show(page, 2)
    assert page.evaluate("document.querySelectorAll('.toast')[1].getAnimations().length") == 0
