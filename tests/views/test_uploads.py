"""What was uploaded stays, and what was found in it can be corrected, whether it was read or refused."""

import gc
import io
import weakref
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import views.shared.progress
import views.shared.uploads
from alphastream.uploads import Upload
from tests.views.running import app, page_of, read, words
from views.shared.system import get_file_budget, get_shelf

pytestmark = pytest.mark.usefixtures("replaying")
HISTORY, BACKTEST = "views/history/page.py", "views/backtest/page.py"
ME, YOU = "me", "you"


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Whose browser it is: the first name of the list."""
    who = [ME]
    monkeypatch.setattr(views.shared.uploads, "visitor", lambda: who[0])
    yield who
    for name in (ME, YOU):
        get_shelf().put(name, ())


def bars(header: str = "date,close,settle", symbol: str = "AAA", days: int = 60) -> tuple[str, bytes]:
    lines = [f"2024-{1 + day // 28:02d}-{1 + day % 28:02d},{100 + day % 7},{200 + day % 5}" for day in range(days)]
    return f"{symbol}.csv", "\n".join([header, *lines]).encode()


def trades(symbol: str = "AAA", count: int = 60) -> tuple[str, bytes]:
    """Several a day: one price a date is a bar."""
    lines = [f"2024-01-02 09:{at:02d}:00,{100 + at % 7},{200 + at % 5}" for at in range(count)]
    return f"{symbol}.csv", "\n".join(["date,price,size", *lines]).encode()


def upload(test: AppTest, *files: tuple[str, bytes]) -> AppTest:
    for name, content in files:
        test.file_uploader[0].upload(name, content)
    return opened(test.run())


def opened(test: AppTest) -> AppTest:
    """The page with every file's box open."""
    for file in test.session_state["kept_files"]:
        test.session_state[f"file-{file.id}"] = True
    test.run()
    assert not test.exception, test.exception
    return test


def of_role(test: AppTest, role: str, at: int = 0) -> Any:
    return [box for box in test.selectbox if box.label == role][at]


def press(test: AppTest, label: str) -> AppTest:
    next(button for button in test.button if button.label == label).click().run()
    assert not test.exception, test.exception
    return test


def found(test: AppTest) -> Upload:
    held = test.session_state["last_upload"]
    assert isinstance(held, Upload)
    return held


def table(test: AppTest, column: str) -> Any:
    return next(frame.value for frame in test.dataframe if column in frame.value)


# ---- corrections -------------------------------------------------------------------------------------------------


def test_a_file_that_was_read_shows_how_and_can_be_corrected_and_corrected_back() -> None:
    test = upload(app(HISTORY, source="Upload"), bars(), bars(symbol="BBB"))
    assert "date (by its name)" in words(test)
    rows = table(test, "close")
    assert list(rows["symbol"].unique()) == ["AAA"]
    assert rows["close"].tolist()[:3] == [100.0, 101.0, 102.0]
    assert str(rows["time"].dt.tz) == "UTC"
    assert "columns not used: 'settle'" in words(test)
    of_role(test, "close").select("settle").run()
    assert not test.exception
    assert "columns not used: 'close'" in words(test)
    assert table(test, "close")["close"].tolist()[:3] == [200.0, 201.0, 202.0]
    assert "settle (chosen)" in words(test)
    assert found(test).frames["BBB"]["close"][0] == 100.0
    press(test, "Undo corrections")
    assert of_role(test, "close").value == "close"
    assert found(test).frames["AAA"]["close"][0] == 100.0
    assert not [button for button in test.button if button.label == "Undo corrections"]


def test_a_refused_file_shows_its_rows_and_is_read_once_it_is_corrected() -> None:
    test = upload(app(HISTORY, source="Upload"), bars("date,open,settle"), bars(symbol="BBB"))
    assert len(test.error) == 1
    assert read(test.error[0].proto.title) == "AAA.csv cannot be read"
    assert read(test.error[0].value).startswith("Line 1: no column for high and low")
    assert table(test, "settle")["settle"].tolist()[:2] == ["200", "201"]
    of_role(test, "open").select("").run()
    of_role(test, "close").select("settle").run()
    assert not test.exception
    assert [read(error.value) for error in test.error] == []
    assert found(test).frames["AAA"]["close"][0] == 200.0
    assert test.metric


def test_a_column_plays_one_role() -> None:
    test = upload(app(HISTORY, source="Upload"), trades(), trades("BBB"))
    assert of_role(test, "quantity").value == "size"
    of_role(test, "price").select("size").run()
    assert of_role(test, "quantity").value == ""
    of_role(test, "quantity").select("size").run()
    assert of_role(test, "quantity").value == "size"
    assert not test.exception
    assert of_role(test, "price").value == "price"  # what was found before


def test_the_symbol_of_a_file_can_be_named() -> None:
    test = upload(app(HISTORY, source="Upload"), bars(symbol="prices"), bars(symbol="BBB"))
    next(box for box in test.text_input if box.label.startswith("Symbol in prices")).set_value(" wti ").run()
    assert not test.exception
    assert set(found(test).symbols) == {"WTI", "BBB"}


def test_a_file_is_looked_at_and_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: dict[str, int] = {"inspect": 0, "read": 0}
    for name in counts:
        before = getattr(views.shared.uploads, name)

        def counted(*args: Any, name: str = name, before: Any = before) -> Any:
            counts[name] += 1
            return before(*args)

        monkeypatch.setattr(views.shared.uploads, name, counted)
    test = upload(app(HISTORY, source="Upload"), bars(), ("bad.csv", b"date,close\n2024-01-01,1\nx,2\n2024-01-03,3\n"))
    test.run()
    test.run()
    assert counts == {"inspect": 2, "read": 2}
    of_role(test, "close").select("settle").run()
    assert counts == {"inspect": 2, "read": 3}


def roles_of(test: AppTest) -> list[str]:
    """Labels of what is offered for columns; a page has other boxes, too."""
    return [box.label for box in test.selectbox if box.label not in ("Time zone", "Rows")]


def test_only_roles_of_the_rows_kind_are_offered() -> None:
    test = upload(app(HISTORY, source="Upload"), trades())
    offered = roles_of(test)
    assert offered == ["time", "time of day", "symbol", "price", "quantity", "trade id", "side"]
    assert of_role(test, "side").options == ["not used", "date", "price", "size"]
    test.segmented_control(key=f"kind-{test.session_state['kept_files'][0].id}").set_value("Bars").run()
    offered = roles_of(test)
    assert offered == ["time", "time of day", "symbol", "open", "high", "low", "close", "adjusted close", "volume"]
    of_role(test, "close").select("price").run()
    assert not test.exception
    assert found(test).kind == "bars"
    press(test, "Undo corrections")
    assert found(test).kind == "ticks"


def test_columns_of_symbols_can_be_read_alone() -> None:
    wide = "date,KO,PEP\n" + "\n".join(f"2024-01-{day:02d},{60 + day % 3},{170 - day % 4}" for day in range(1, 29))
    test = upload(app(HISTORY, source="Upload"), ("wide.csv", wide.encode()))
    assert roles_of(test)[:3] == ["time", "time of day", "symbol"]
    assert "Each column of prices is a symbol" in words(test)
    test.segmented_control(key=f"kind-{test.session_state['kept_files'][0].id}").set_value("Bars").run()
    of_role(test, "close").select("PEP").run()
    assert found(test).symbols == ("PEP",)
    of_role(test, "close").select("").run()
    assert found(test).symbols == ("KO", "PEP")


def test_an_archive_says_what_is_in_it() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in (bars(), bars(symbol="BBB")):
            archive.writestr(name, content)
    test = upload(app(HISTORY, source="Upload"), ("both.zip", packed.getvalue()))
    assert "120 bars, 2 symbols, each in files of its own" in words(test)
    assert "2 files inside, all are read: this is both.zip/AAA.csv" in words(test)
    assert not test.text_input  # no name is that of both


def test_files_of_two_kinds_do_not_belong_together() -> None:
    test = upload(app(HISTORY, source="Upload"), trades(), bars(symbol="BBB"))
    assert read(test.error[0].value) == "Files of one kind are needed, not AAA.csv: ticks, BBB.csv: bars"


def slashed(symbol: str, days: int) -> tuple[str, bytes]:
    """From the first of August on, day first."""
    lines = [f"{1 + day:02d}/08/2024,{100 + day % 7}" for day in range(days)]
    return f"{symbol}.csv", "\n".join(["date,close", *lines]).encode()


def first_day(test: AppTest, symbol: str) -> str:
    return str(found(test).frames[symbol]["time_ns"].to_numpy()[:1].astype("M8[ns]").astype("M8[D]")[0])


def test_the_order_of_dates_is_chosen_where_the_rows_do_not_tell() -> None:
    test = upload(app(HISTORY, source="Upload"), ("AAA.csv", b"date,close\n01/08/2024,1\n04/08/2024,2\n"))
    assert "the rows do not tell which" in read(test.error[0].value)
    select = of_role(test, "Order of the dates")
    assert select.options == [
        "Please choose",
        "Day first: 01/08/2024 is 1 Aug 2024",
        "Month first: 01/08/2024 is 8 Jan 2024",
    ]
    select.select("DMY").run()
    assert not test.exception
    assert first_day(test, "AAA") == "2024-08-01"
    of_role(test, "Order of the dates").select("MDY").run()
    assert first_day(test, "AAA") == "2024-01-08"
    test.switch_page("views/alerts/page.py").run()
    opened(test.switch_page(HISTORY).run())
    assert of_role(test, "Order of the dates").value == "MDY"
    press(test, "Undo corrections")
    assert "the rows do not tell which" in read(test.error[0].value)


def test_the_order_of_dates_can_be_corrected_of_a_file_that_was_read() -> None:
    test = upload(app(HISTORY, source="Upload"), slashed("AAA", 9))
    assert first_day(test, "AAA") == "2024-08-01"
    of_role(test, "Order of the dates").select("MDY").run()
    assert first_day(test, "AAA") == "2024-01-08"
    of_role(test, "Order of the dates").select("").run()
    assert first_day(test, "AAA") == "2024-08-01"
    test = upload(app(HISTORY, source="Upload"), slashed("BBB", 28))  # the 13th is no month
    assert not [box for box in test.selectbox if box.label == "Order of the dates"]


# ---- what stays --------------------------------------------------------------------------------------------------


def test_files_and_corrections_are_there_on_other_pages_and_after_coming_back() -> None:
    test = upload(app(HISTORY, source="Upload"), bars(), bars(symbol="BBB"))
    of_role(test, "close").select("settle").run()
    test.switch_page("views/alerts/page.py").run()
    test.switch_page("views/scanner/page.py").run()
    assert not test.exception
    assert of_role(opened(test), "close").value == "settle"
    opened(test.switch_page(HISTORY).run())
    assert of_role(test, "close").value == "settle"
    assert found(test).frames["AAA"]["close"][0] == 200.0
    assert test.metric


def test_the_same_browser_finds_its_files_after_a_reload_and_another_does_not(
    browser: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    test = upload(app(HISTORY, source="Upload"), bars(), bars(symbol="BBB"))
    of_role(test, "close").select("settle").run()
    monkeypatch.setattr(views.shared.uploads, "read", None)  # nothing is read again
    again = opened(page_of("history"))  # a new session of the same browser
    assert of_role(again, "close").value == "settle"
    assert again.metric
    assert found(again).frames["AAA"]["close"][0] == 200.0
    browser[0] = YOU
    assert "No file yet" in words(app(HISTORY, source="Upload"))


def test_without_a_cookie_nothing_is_found_after_a_reload(browser: list[Any]) -> None:
    browser[0] = None
    upload(app(HISTORY, source="Upload"), bars(), bars(symbol="BBB"))
    assert "No file yet" in words(app(HISTORY, source="Upload"))


def test_files_that_are_removed_are_gone_for_good(browser: list[str]) -> None:
    test = upload(app(HISTORY, source="Upload"), bars(), bars(symbol="BBB"))
    press(test, "Remove file")
    assert found(test).symbols == ("BBB",)
    assert found(app(HISTORY, source="Upload")).symbols == ("BBB",)
    upload(test, bars(symbol="CCC"))
    assert set(found(test).symbols) == {"BBB", "CCC"}
    press(test, "Remove all files")
    assert "No file yet" in words(test)
    assert "No file yet" in words(app(HISTORY, source="Upload"))


def test_what_does_not_fit_beside_what_is_kept_is_named_and_the_rest_stays(
    browser: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    test = upload(app(HISTORY, source="Upload"), bars())
    monkeypatch.setattr(get_shelf(), "_max_bytes", sum(file.held_bytes for file in test.session_state["kept_files"]))
    upload(test, bars(symbol="BBB"))
    fleeting = [read(info.value) for info in test.info if "too large to be kept" in info.value]
    assert [text.split(":")[0] for text in fleeting] == ["BBB.csv"]
    assert set(found(test).symbols) == {"AAA", "BBB"}  # here as long as the page is
    assert found(app(HISTORY, source="Upload")).symbols == ("AAA",)
    press(test, "Remove file")
    assert not any("too large to be kept" in info.value for info in test.info)
    assert found(app(HISTORY, source="Upload")).symbols == ("BBB",)


def test_a_file_that_was_read_before_a_click_ended_the_run_is_not_read_again(
    browser: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A click while the second file is read ends the run there."""
    real, counts = views.shared.progress.reading, {"AAA.csv": 0, "BBB.csv": 0}

    def cut_off(name: str, *args: Any) -> Any:
        counts[name] += 1
        if name == "BBB.csv" and counts[name] == 1:
            st.stop()
        return real(name, *args)

    monkeypatch.setattr(views.shared.uploads, "reading", cut_off)
    test = app(HISTORY, source="Upload")
    for content in (bars(), bars(symbol="BBB")):
        test.file_uploader[0].upload(*content)
    test.run()
    assert counts == {"AAA.csv": 1, "BBB.csv": 1}
    assert set(found(app(HISTORY, source="Upload")).symbols) == {"AAA", "BBB"}  # the browser's next session
    assert counts == {"AAA.csv": 1, "BBB.csv": 2}


def test_nothing_is_held_of_a_file_that_no_correction_can_mend() -> None:
    test = upload(app(HISTORY, source="Upload"), ("a.csv", b"\0\1\2" * 1_000), bars("date,open,obs", "BBB"))
    assert "zero bytes" in words(test)
    nothing, correctable = test.session_state["kept_files"]
    assert (nothing.name, nothing.held_bytes) == ("a.csv", 0)
    assert correctable.held_bytes > 0
    test.run()
    assert "zero bytes" in words(test)


def test_what_there_is_no_memory_for_is_let_go_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    test = upload(app(HISTORY, source="Upload"), bars())
    budget = get_file_budget()
    kept = test.session_state["kept_files"][0]
    monkeypatch.setattr(budget, "_free", lambda: 3 * kept.held_bytes + 200_000)
    upload(test, ("large.csv", b"x" * 400_000), bars("date,open,settle", "BBB"))
    assert "With this your files would take" in words(test)
    assert [bool(file.data) for file in test.session_state["kept_files"]] == [True, False, True]
    monkeypatch.setattr(budget, "_free", lambda: 0)  # others took it since
    of_role(test, "open", 1).select("").run()
    assert not test.exception
    of_role(test, "close", 1).select("settle").run()
    assert not test.exception
    last = test.session_state["kept_files"][2]
    assert last.upload is None
    assert "With this your files would take" in words(test)
    monkeypatch.undo()
    press(test, "Undo corrections")
    assert test.session_state["kept_files"][2].data


def test_a_removed_file_is_no_last_upload_and_nothing_holds_its_rows() -> None:
    test = upload(app(HISTORY, source="Upload"), bars(), bars(symbol="BBB"))
    assert test.metric
    rows = weakref.ref(test.session_state["kept_files"][0].upload.frames["AAA"])
    press(test, "Remove file")
    assert found(test).symbols == ("BBB",)
    gc.collect()
    assert rows() is None
    test.run()
    sources = next(control for control in test.button_group if control.label == "Source")
    assert "Last upload" in sources.options
    press(test, "Remove file")
    sources = next(control for control in test.button_group if control.label == "Source")
    assert "Last upload" not in sources.options


def test_the_same_file_can_be_brought_again() -> None:
    test = upload(app(HISTORY, source="Upload"), bars())
    press(test, "Remove file")
    upload(test, bars())
    assert found(test).symbols == ("AAA",)


def test_symbols_of_another_page_do_not_stand_where_files_have_others(browser: list[str]) -> None:
    upload(app(HISTORY, source="Upload"), bars(), bars(symbol="BBB"))
    test = app(HISTORY, source="Upload")  # by way of the live page, whose pair is another
    assert not test.exception
    assert test.metric
    assert "y=ETHUSDT" not in str(test.query_params)
