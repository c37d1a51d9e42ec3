"""A time of what was recorded as the source of the history, scanner and backtest pages."""

import shutil
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from alphastream.history.__main__ import main
from tests.views.running import ROOT, app, cards, words
from views.shared import recorded_controls
from views.shared.recorded import RECORDED
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


@pytest.fixture
def imported() -> Iterator[None]:
    """The bundled recording in the history, as the first lines of docs/history.md put it there."""
    history = get_settings().data_dir / "history"
    assert main(["--history", str(history), "import", str(ROOT / "data" / "tape_usdm_20240808.parquet")]) == 0
    yield
    shutil.rmtree(history)


@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize(("name", "card"), [("history", "z-score"), ("backtest", "Net profit")])
def test_an_imported_recording_is_a_pair(name: str, card: str) -> None:
    test = read(page(name, data="Files", window="20", history_tape=RECORDED))
    assert "recorded 2024-08-08 to 2024-08-09, binance-usdm@recording" in words(test).replace("\u2060", "")
    assert card in cards(test)
    test = app("views/history/page.py", history_tab="SQL", sql_time="All", sql_tape=RECORDED)
    test.button(key="sql_example_Join two legs").click().run()
    assert len(test.dataframe[1].value) > 1_000


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
