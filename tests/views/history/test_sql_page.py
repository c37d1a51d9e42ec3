"""SQL on the history page: examples run, answers are shown, what is not allowed is refused in words."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.views.running import app, words
from views.history import sql_page
from views.history.sql_examples import examples
from views.history.sql_tables import SHOWN_ROWS

pytestmark = pytest.mark.usefixtures("replaying")
HISTORY = "views/history/page.py"


@pytest.fixture
def box() -> AppTest:
    """The tab, over all that the recording has played."""
    test = app(HISTORY, history_tab="SQL", sql_time="All")
    assert not test.exception
    assert not test.error
    return test


def run(test: AppTest, query: str) -> AppTest:
    test.text_area(key="sql").set_value(query)
    test.button(key="sql_run").click().run()
    assert not test.exception
    return test


def titles(test: AppTest) -> list[str]:
    return [str(error.proto.title) for error in test.error]


def test_an_address_runs_nothing_until_somebody_clicks() -> None:
    test = app(HISTORY, history_tab="SQL", sql_time="All", sql="SELECT 40 + 2 AS answer")
    assert not test.exception
    assert test.text_area(key="sql").value == "SELECT 40 + 2 AS answer"
    assert len(test.dataframe) == 1  # the tables that there are
    test.button(key="sql_run").click().run()
    assert test.dataframe[1].value["answer"].tolist() == [42]


@pytest.mark.parametrize("name", list(examples([])))
def test_a_click_runs_an_example(box: AppTest, name: str) -> None:
    box.button(key=f"sql_example_{name}").click().run()
    assert not box.exception
    assert not box.error
    rows = box.dataframe[1].value
    assert (len(rows) > 0) == ("Arbitrage" not in name)
    assert f"{len(rows):,} row" in words(box)
    assert ("Times are UTC." in words(box)) == (name != "Last 5 minutes")


def test_how_much_a_time_holds_is_said_before_it_runs(box: AppTest) -> None:
    assert "ticks of 2 instruments in this time" in words(box)
    box.selectbox(key="sql_time").set_value("Last 5 minutes").run()
    assert not box.exception
    assert " ticks of 2 instruments in this time" in words(box)


def test_dates_have_to_be_a_time(box: AppTest) -> None:
    box.selectbox(key="sql_time").set_value("Dates").run()
    assert not box.exception
    assert "of 2 instruments in this time" in words(box)


def test_what_changes_something_is_refused(box: AppTest) -> None:
    run(box, "COPY ticks TO 'x.csv'")
    assert titles(box) == ["Not run to its end"]
    assert "COPY is not allowed here" in words(box)
    run(box, "PIVOT ticks ON symbol USING sum(quantity)")
    assert "PIVOT has to name its values" in words(box)
    run(box, "PIVOT ticks ON symbol IN ('BTCUSDT', 'ETHUSDT') USING sum(quantity) GROUP BY venue")
    assert list(box.dataframe[1].value) == ["venue", "BTCUSDT", "ETHUSDT"]
    run(box, "SELECT * FROM read_csv('x.csv')")
    assert titles(box) == ["Permission error at line 1, column 15"]


def test_an_error_says_where(box: AppTest) -> None:
    run(box, "SELECT price,\n  nix\nFROM ticks")
    assert titles(box) == ["Binder error at line 2, column 3"]
    assert box.code[0].value == "  nix\n  ^^^"


def test_many_rows_are_cut_and_that_is_said(box: AppTest) -> None:
    run(box, "SELECT range AS n, range * 2.0 AS twice FROM range(1000000000)")
    assert len(box.dataframe[1].value) == SHOWN_ROWS
    assert "500,000 rows, and more: the first 500,000 are kept, the first 10,000 shown" in words(box)
    assert len(box.get("download_button")) == 1


def test_too_many_ticks_are_not_loaded(box: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_page, "MAX_TICKS", 10)
    run(box, "SELECT count(*) FROM ticks")
    assert titles(box) == ["Not run"]
    assert "Choose a shorter time" in words(box)
