"""A time of what was recorded as the source of the history, scanner and backtest pages."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.views.running import app, cards, words
from views.shared import recorded_controls
from views.shared.recorded_controls import EVERY
from views.shared.recordings import HISTORY
from views.shared.system import get_settings

pytestmark = pytest.mark.usefixtures("replaying")
CHOSEN = {"source": HISTORY, "history_time": "All", "history_bars": "1s"}


def page(name: str, **query: str) -> AppTest:
    """A page with that source, and all instruments chosen."""
    test = app(f"views/{name}/page.py", **CHOSEN, **query)
    assert not test.exception
    return test.multiselect(key="history_instruments").set_value([EVERY]).run()


def read(test: AppTest) -> AppTest:
    test.button(key="history_read").click().run()
    assert not test.exception
    assert not test.error
    return test


def test_the_history_page_shows_a_pair_of_it() -> None:
    test = page("history")
    assert "ticks to read" in words(test)
    assert not cards(test)  # nothing is read before somebody clicks
    read(test)
    assert "Recording that plays: recorded 20" in words(test)
    assert {"z-score", "Hedge ratio"} <= cards(test).keys()
    test.run()
    assert cards(test)  # and it stays


def test_the_scanner_scans_it() -> None:
    test = read(page("scanner"))
    test.button(key="scan").click().run()
    assert not test.exception
    assert not test.error
    assert len(test.dataframe[-1].value) == 1


def test_a_strategy_is_tested_on_it() -> None:
    test = read(page("backtest", data="Files", window="20"))
    assert "recorded 20" in words(test)
    assert "Net profit" in cards(test)


def test_other_choices_are_read_anew() -> None:
    test = read(page("history"))
    test.selectbox(key="history_bars").set_value("5s").run()
    assert not cards(test)
    read(test)
    assert "bars of 5s" in words(test)


def test_too_much_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    test = page("history")
    for name, advice in (("MAX_TICKS", "choose a shorter time"), ("MAX_BARS", "choose longer bars")):
        with monkeypatch.context() as patch:
            patch.setattr(recorded_controls, name, 10)
            test.button(key="history_read").click().run()
        assert not test.exception
        assert [str(error.proto.title) for error in test.error] == ["Not read"]
        assert advice in words(test)


@pytest.mark.parametrize("name", ["history", "scanner", "backtest"])
def test_a_history_that_cannot_be_read_is_told(name: str) -> None:
    closed = get_settings().data_dir / "history" / "ticks"
    closed.parent.mkdir(exist_ok=True)
    closed.write_text("no folder", encoding="ascii")
    try:
        test = app(f"views/{name}/page.py", **CHOSEN, data="Files")
    finally:
        closed.unlink()
    assert not test.exception
    assert [str(error.proto.title) for error in test.error] == ["Nothing could be read"]
    assert "cannot be listed" in words(test)
    assert test.multiselect(key="history_instruments").options  # what plays is there all the same
