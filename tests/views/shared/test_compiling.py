"""Pages that wait for kernels say how far they are."""

import pytest
from streamlit.testing.v1 import AppTest

from runtime.compile_ahead import Compilation, CompileProgress
from views.shared.compiling import compiling_notices, compiling_text, progress_text


@pytest.mark.parametrize(
    ("left_s", "words"),
    [(1.0, "5 of 18, about 5 s"), (21.0, "5 of 18, about 20 s"), (98.0, "5 of 18, about 2 min")],
)
def test_the_time_left_is_round(left_s: float, words: str) -> None:
    assert progress_text(CompileProgress(5, 18, left_s)) == words
    assert compiling_text(CompileProgress(5, 18, left_s)).startswith(f"Models are being compiled: {words}.")


def test_nothing_is_said_where_nothing_waits() -> None:
    assert compiling_notices(Compilation(), "RollingOLS") == []
    assert progress_text(None) == ""


def waiting_page() -> None:
    import streamlit as st

    from views.shared.compiling import kernels_ready

    if kernels_ready("RollingOLS"):
        st.write("result")


def test_a_page_waits_in_words_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Compilation, "is_ready", lambda *_: False)
        patch.setattr(Compilation, "progress", CompileProgress(5, 18, 21.0))
        test = AppTest.from_function(waiting_page).run()
        assert [box.value for box in test.info] == [compiling_text(CompileProgress(5, 18, 21.0))]
        assert not test.markdown
    test.run()
    assert not test.info
    assert test.markdown[0].value == "result"
