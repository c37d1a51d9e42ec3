"""Long reading: the bar knows how far it is, a cancelled reading ends, and can be begun again."""

import io

import pytest
from streamlit.testing.v1 import AppTest

from views.shared.progress import Cancelled, Watched


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


def test_a_bar_grows_and_is_gone() -> None:
    def page() -> None:
        import streamlit as st

        from views.shared.progress import growing_bar

        with growing_bar("Trying", "windows") as progress:
            progress(1, 4)
            progress(4, 4)
        st.write("done")

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert [each.value for each in app.markdown] == ["done"]
    assert not app.get("progress")
