"""The start page: three pictures of the recording and three ways on; and what an unknown address says."""

from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from alphastream.errors import FeedError
from alphastream.uploads import read as read_upload
from tests.views.running import ROOT, app, read, words
from views.shared.heads import HEADS
from views.shared.recordings import example_file
from views.start.unknown_page import asked_page, near_names

pytestmark = pytest.mark.usefixtures("replaying")


def test_the_start_page_draws_the_recording_and_names_every_page() -> None:
    test = app(None)
    assert not test.exception
    assert [title.value for title in test.title] == ["Start"]
    assert [picture.type for picture in test.get("plotly_chart")] == ["plotly_chart"] * 3
    said = words(test)
    assert "ETHUSDT less as much of BTCUSDT as moves like it" in said
    assert "Real trades of 2024-08-08" in said
    assert all(head.sentence in said for name, head in HEADS.items() if name != "Start")


@pytest.mark.parametrize(
    ("key", "key_there", "value"),
    [("start_see", "y", "ETHUSDT"), ("start_try", "source", "Upload"), ("start_find", "source", "100 shares")],
)
def test_each_way_leads_to_a_page_with_its_controls(key: str, key_there: str, value: str) -> None:
    test = app(None)
    test.button(key=key).click().run()
    assert not test.exception
    assert not test.error
    assert {box.key: box.value for box in (*test.selectbox, *test.segmented_control)}[key_there] == value
    if key == "start_find":
        assert len(test.session_state["scan_result"].table) == 4_950


def test_without_the_recording_the_start_page_says_so_and_offers_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(path: str) -> None:
        raise FeedError(f"there is no tape {path}")

    monkeypatch.setattr("views.shared.recordings._tape_frames", gone)
    test = app(None)
    assert not test.exception
    assert "there is no tape" in "".join(box.value for box in test.error)
    assert {"start_see", "start_try", "start_find"} <= {button.key for button in test.button}


def test_an_example_to_try_is_two_funds() -> None:
    test = app("views/history/page.py", source="Upload")
    assert [button.proto.label for button in test.get("download_button")] == [
        "An example to try: two funds, daily closes"
    ]
    example = read_upload("two-funds.csv", example_file())
    assert {name: len(frame) for name, frame in example.frames.items()} == {"SPY": 2_141, "DIA": 2_141}


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("http://127.0.0.1:8501/", "/", ""),
        ("http://127.0.0.1:8501/nosuchpage?y=1", "/", "nosuchpage"),
        ("http://127.0.0.1:8501/desk/live", "/desk/", "live"),
        ("http://127.0.0.1:8501/%5Bboo%5D(x)", "/", "[boo](x)"),
        (None, "/", ""),
    ],
)
def test_what_an_address_asks_for(url: str | None, base: str, expected: str) -> None:
    assert asked_page(url, base) == expected


def test_near_names_are_found_by_address_and_title() -> None:
    pages = {"live": "Live pair", "scanner": "Scanner", "risk": "Risk"}
    assert near_names("Scaner", pages) == ["scanner"]
    assert near_names("live-pair", pages) == ["live"]
    assert near_names("live", {"paper": "Paper"}) == []
    assert near_names("xyz", pages) == []


def unknown(monkeypatch: pytest.MonkeyPatch, asked: str) -> AppTest:
    context = SimpleNamespace(url=f"http://127.0.0.1:8501/{asked}", theme=SimpleNamespace(type="light"), cookies={})
    context.headers, context.ip_address, context.timezone = {}, None, "UTC"
    monkeypatch.setattr(st, "context", context)
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    return test.run()


def test_an_address_without_a_page_gets_a_page_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    added: list[str] = []
    page = st.Page

    def noted(*given: object, **more: object) -> object:
        added.append(str(more.get("url_path")))
        return page(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(st, "Page", noted)
    assert not unknown(monkeypatch, "nosuchpage").exception
    assert added[-1] == "nosuchpage"
    for known in ("", "live", "start", "a/b"):
        added.clear()
        assert not unknown(monkeypatch, known).exception
        assert added[-1] == "glossary"


def test_what_was_asked_is_text() -> None:
    script = """
from types import SimpleNamespace
import streamlit as st
from views.start.unknown_page import unknown_page
home = st.Page(lambda: None, title="Start", url_path="start", default=True)
shown = st.Page(lambda: unknown_page("[boo](http:x)" + "y" * 99, [home], home), title="x", url_path="x")
st.navigation([home, shown])
unknown_page("[boo](http:x)" + "y" * 99, [home], home)
"""
    test = AppTest.from_string(script, default_timeout=60).run()
    assert not test.exception
    said = str(test.markdown[0].value)
    assert "[boo](" not in said
    assert "[boo](http:x)" in read(said)
    assert "y" * 60 not in said
