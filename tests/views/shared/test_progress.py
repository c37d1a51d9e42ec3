"""Long reading: the bar knows how far it is, a cancelled reading ends, and can be begun again."""

import io
import time

import pytest
from streamlit.testing.v1 import AppTest

from alphastream.errors import ParameterError
from views.shared.progress import Cancelled, Told, Watched, computing


def test_a_watched_stream_reads_the_same_bytes_and_knows_how_far_it_is() -> None:
    content = bytes(range(256)) * 40
    watched = Watched(io.BytesIO(content), len(content))
    reader = io.BufferedReader(watched, 1_024)
    assert watched.share == 0.0
    half = reader.read(len(content) // 2)
    assert 0.5 <= watched.share < 0.7
    assert half + reader.read() == content
    assert watched.share == 1.0
    reader.seek(10)
    assert reader.read(3) == content[10:13]
    assert watched.share == 1.0, "going back is no progress lost"


def test_a_cancelled_stream_raises_at_its_next_read() -> None:
    watched = Watched(io.BytesIO(b"x" * 10), 10)
    watched.cancel()
    with pytest.raises(Cancelled):
        watched.read(1)


def test_a_cancelled_reading_is_said_and_can_be_begun_again() -> None:
    def script() -> None:
        import io

        import streamlit as st

        from views.shared.progress import reading

        text = reading("ticks.csv", io.BytesIO(b"abc"), 3, "one", lambda stream: stream.read().decode())
        st.text(f"read {text}")

    app = AppTest.from_function(script)
    app.session_state["cancelled-one"] = True
    app.run()
    assert app.info[0].value == "ticks.csv was not read to its end."
    assert app.text[0].value == "read None"
    app.button[0].click().run()
    assert not app.info
    assert app.text[0].value == "read abc"


def test_what_is_left_follows_from_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    told = Told("The sweep", "windows")
    now[0] = 4.0
    assert told.text == "The sweep, 4 s"
    told.tell(5, 20)
    now[0] = 6.0
    assert told.text == "The sweep: 5 of 20 windows, about 18 s left"
    assert told.share == 0.25
    told.cancel()
    with pytest.raises(Cancelled):
        told.tell(6, 20)


def test_a_result_comes_from_a_thread_and_leaves_no_bar() -> None:
    def page() -> None:
        import threading

        import streamlit as st

        from views.shared.progress import computing

        def work(tell):  # type: ignore[no-untyped-def] # this source is run elsewhere, without the imports above
            tell(1, 4)
            return threading.current_thread().name

        st.markdown(computing("Trying", "windows", work, key="try"))

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert app.markdown[0].value.startswith("alphastream-work")
    assert not app.get("progress")
    assert not app.button


def test_what_a_person_cancelled_stays_so_until_asked_for_or_until_something_else_is() -> None:
    def page() -> None:
        import streamlit as st

        from views.shared.uploads import session_computed

        asked = st.session_state["asked"]
        made = session_computed("made", [asked], lambda tell: asked * 2, "It")
        st.markdown(f"made {made}")

    app = AppTest.from_function(page)
    app.session_state["asked"] = 2
    app.session_state["cancelled-made"] = [2]
    app.run()
    assert app.info[0].value == "It was not finished."
    assert app.markdown[0].value == "made None"
    app.session_state["asked"] = 3
    app.run()
    assert app.markdown[0].value == "made 6"
    app.session_state["asked"] = 2
    app.run()
    app.button(key="again-made").click().run()
    assert app.markdown[0].value == "made 4"


def test_an_error_of_the_work_is_the_pages() -> None:
    def fail(_: object) -> None:
        raise ParameterError("too few rows")

    with pytest.raises(ParameterError, match="too few rows"):
        computing("Trying", "rows", fail, key="fail")
