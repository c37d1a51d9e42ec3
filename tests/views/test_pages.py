"""Every page under AppTest, empty and full, with good and bad input. The feed is the bundled recording."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from alphastream.pairs import PairSpec
from views.shared.controls import link_to
from views.shared.system import get_settings, get_system

ROOT = Path(__file__).resolve().parents[2]
HISTORY = "views/history/page.py"
SCANNER = "views/scanner/page.py"


@pytest.fixture(scope="module", autouse=True)
def replaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One system for the pages of this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHASTREAM_FEED", "replay")
        patch.setenv("ALPHASTREAM_DATA_DIR", str(tmp_path_factory.mktemp("var")))
        patch.setenv("ALPHASTREAM_MAX_UPLOAD_MB", "1")
        st.cache_resource.clear()
        yield
        get_system().stop()
        st.cache_resource.clear()
    get_settings.clear()


def app(page: str | None = None, **query: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    return test.switch_page(page).run() if page else test


def words(test: AppTest) -> str:
    parts = [*test.error, *test.warning, *test.info, *test.caption, *test.markdown]
    return "\n".join(str(part.value) for part in parts) + "\n".join(m.label + m.value + m.delta for m in test.metric)


def original(rows: int = 900, header: str = " Timestamp , SYMBOL,Price , size") -> bytes:
    """Ticks in the original kind of file, spaces and mixed case in the header."""
    rng = np.random.default_rng(3)
    lines = [header]
    for i in range(rows):
        symbol, level = (("BTCUSDT", 60_000.0), ("ETHUSDT", 2_600.0))[i % 2]
        price = level * (1 + 1e-4 * rng.normal())
        lines.append(f"2024-08-08 00:{i // 120:02d}:{i % 120 / 2:06.3f},{symbol},{price:.2f},0.5")
    return "\n".join(lines).encode()


def packed(name: str, content: bytes, method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def upload(*files: tuple[str, bytes]) -> AppTest:
    test = app(HISTORY)
    for name, content in files:
        test.file_uploader[0].upload(name, content)
    return test.run()


def test_live_page_says_that_it_replays() -> None:
    test = app()
    assert not test.exception
    assert "2024-08-08" in words(test)
    assert [box.label for box in test.selectbox][:5] == ["Preset", "Dependent leg (y)", "Hedge leg (x)", "Bar", "Model"]
    assert test.selectbox(key="y").value == "ETHUSDT"
    assert test.selectbox(key="x").value == "BTCUSDT"


def test_the_address_restores_every_setting() -> None:
    query = {"interval": "5s", "model": "Kalman", "window": "60", "entry": "2.5", "exit": "0.25", "price": "price"}
    test = app(y="BTCUSDT", x="ETHUSDT", **query)
    assert not test.exception
    for key, value in {"y": "BTCUSDT", "x": "ETHUSDT", "interval": "5s", "model": "Kalman", "price": "price"}.items():
        assert test.selectbox(key=key).value == value
    assert test.slider(key="window").value == 60
    assert test.number_input(key="entry").value == 2.5
    assert any("model=Kalman" in code.value and "interval=5s" in code.value for code in test.code)


def standing(test: AppTest) -> dict[str, object]:
    """Where the controls of the pair stand."""
    boxes = {key: test.selectbox(key=key).value for key in ("preset", "interval", "model", "price")}
    numbers = {key: test.number_input(key=key).value for key in ("entry", "exit")}
    return {**boxes, **numbers, "window": test.slider(key="window").value}


SCALP = {"interval": "1s", "model": "OLS", "price": "log", "entry": 2.5, "exit": 0.5, "window": 120}


def test_a_preset_in_the_address_sets_every_control_and_the_rest_of_the_address_wins() -> None:
    assert standing(app(preset="Scalp")) == {"preset": "Scalp", **SCALP}
    test = app(preset="Scalp", window="60", exit="1.0")
    assert not test.exception
    assert standing(test) == {"preset": "Scalp", **SCALP, "window": 60, "exit": 1.0}
    assert any("window=60" in code.value and "entry=2.5" in code.value for code in test.code)


def test_choosing_a_preset_moves_every_control_and_they_move_on_from_there() -> None:
    test = app(window="60")
    test.selectbox(key="preset").select("Swing").run()
    swing = {"interval": "5m", "model": "Huber", "price": "log", "entry": 2.0, "exit": 0.0, "window": 290}
    assert standing(test) == {"preset": "Swing", **swing}
    test.slider(key="window").set_value(100).run()
    assert standing(test) == {"preset": "Swing", **swing, "window": 100}
    test.selectbox(key="preset").select("Standard").run()
    assert standing(test)["window"] == get_settings().window_bars
    assert not test.exception
    assert not test.warning


def test_an_unknown_preset_is_the_standard() -> None:
    assert standing(app(preset="Moon"))["preset"] == "Standard"


def test_a_pair_of_one_symbol_is_refused_in_words() -> None:
    test = app()
    test.selectbox(key="x").select("ETHUSDT").run()
    assert not test.exception
    assert "choose two different symbols" in words(test)


def test_thresholds_the_wrong_way_round_are_refused_in_words() -> None:
    test = app()
    test.number_input(key="exit").set_value(3.0).run()
    assert not test.exception
    assert "not inside entry" in words(test)


def test_history_is_empty_without_a_file() -> None:
    test = app(HISTORY)
    assert not test.exception
    assert "No file yet" in words(test)


def test_bundled_recording_is_analysed() -> None:
    test = app(HISTORY)
    test.segmented_control(key="source").set_value("Bundled recording").run()
    assert not test.exception
    assert {metric.label for metric in test.metric} >= {"z-score", "Hedge ratio", "Engle-Granger p", "Half-life"}
    assert "13,399 ticks" in words(test)


def test_tests_are_shown_with_their_findings() -> None:
    test = app(HISTORY)
    test.segmented_control(key="source").set_value("Bundled recording").run()
    test.session_state["tests"] = True
    test.run()
    assert not test.exception
    table = next(frame.value for frame in test.dataframe if "finding" in frame.value)
    assert {"Engle-Granger", "KPSS"} <= {name.split(" ")[0] for name in table["test"]}
    assert table["finding"].str.len().gt(10).all()
    assert "Hayashi-Yoshida" in words(test)


def test_own_tape_is_analysed() -> None:
    app()  # the live page starts the feed
    test = app(HISTORY)
    test.segmented_control(key="source").set_value("This app's tape").run()
    assert not test.exception


def test_original_file_works() -> None:
    test = upload(("trades.csv", original()))
    assert not test.exception
    assert [error.value for error in test.error] == []
    assert "900 ticks" in words(test)
    assert {metric.label for metric in test.metric} >= {"z-score", "Signal"}


def test_two_files_one_symbol_each() -> None:
    lines = original().decode().splitlines()
    files = []
    for symbol in ("BTCUSDT", "ETHUSDT"):
        own = [lines[0], *(line for line in lines if symbol in line)]
        files.append((f"{symbol}.csv", "\n".join(own).encode()))
    test = upload(*files)
    assert not test.exception
    assert [error.value for error in test.error] == []
    assert test.metric


def test_wide_bars_and_zip() -> None:
    days = pd.date_range("2020-01-01", periods=300, tz="UTC")
    rng = np.random.default_rng(1)
    base = 100 + rng.normal(size=300).cumsum()
    frame = pd.DataFrame({"Date": days.strftime("%Y-%m-%d"), "Brent": base + 5, "WTI": base + rng.normal(size=300)})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("crude.csv", frame.to_csv(index=False))
    test = upload(("crude.zip", packed.getvalue()))
    assert not test.exception
    assert [error.value for error in test.error] == []
    assert "bars of 1d" in words(test)


BAD: list[tuple[str, bytes, tuple[str, ...]]] = [
    ("empty.csv", b"", ("empty.csv",)),
    ("columns.csv", b"foo,bar\n1,2\n3,4\n", ("columns.csv",)),
    (
        "text.csv",
        original(20).replace(b",0.5", b",0.5", 1) + b"\n2024-08-08 00:01:00,BTCUSDT,cheap,1",
        ("line 22", "cheap"),
    ),
    ("negative.csv", original(20) + b"\n2024-08-08 00:01:00,BTCUSDT,-5,1", ("line 22", "-5")),
    ("zero.csv", original(20) + b"\n2024-08-08 00:01:00,BTCUSDT,0,1", ("line 22",)),
    (
        "one.csv",
        b"\n".join(line for line in original(200).splitlines() if b"ETH" not in line),
        ("BTCUSDT", "two symbols"),
    ),
    ("page.csv", b"<!DOCTYPE html><html></html>", ("page.csv",)),
    ("cut.csv.gz", gzip.compress(original(200))[:-9], ("cut.csv.gz", "cut off or damaged")),
    ("lzma.zip", packed("a.csv", original(20), zipfile.ZIP_LZMA), ("lzma.zip", "packed with lzma")),
    ("half.txt", original(20).decode().encode("utf-16")[:-1], ("line 21", "half a UTF-16 character")),
    ("bomb.csv.gz", gzip.compress(original(1) + b"\n" * 2**21), ("more comes out", "1.0 MB")),
    (
        "bare_ETHUSD.csv",
        b"1722470400,1,3,?,2\n1722474000,1,3,1,2\n1722477600,1,3,1,2\n",
        ("line 1", "a number is needed"),
    ),
    ("names.csv", b"time,price,a,a,a (2)\n1723075200,1,1,1,1\n", ("only NAMES", "two symbols")),
]


@pytest.mark.parametrize(("name", "content", "said"), BAD, ids=[row[0] for row in BAD])
def test_bad_files_are_one_clear_error(name: str, content: bytes, said: tuple[str, ...]) -> None:
    test = upload((name, content))
    assert not test.exception
    assert len(test.error) == 1
    for part in said:
        assert part in test.error[0].value
    assert not test.metric


def test_unsorted_and_repeated_rows_are_noted() -> None:
    head, *lines = original(400).decode().splitlines()
    wild = "\n".join([head, *reversed(lines)])
    test = upload(("wild.csv", wild.encode()))
    assert not test.exception
    assert [error.value for error in test.error] == []
    assert "sorted" in words(test)


def test_links_carry_every_control() -> None:
    link = link_to(PairSpec("A", "B", 5 * 10**9, "huber", 50, "price", 2.5, 0.25), "http://host/live?old=1")
    assert link_to(PairSpec("A", "B"), "http://host/live", 6.5).endswith("&price=log&round_trip_cost=6.5")
    assert link == "http://host/live?y=A&x=B&interval=5s&model=Huber&window=50&entry=2.5&exit=0.25&price=price"


def universe(symbols: int = 6, rows: int = 300) -> bytes:
    """Wide daily prices: walks, and one that follows the first."""
    rng = np.random.default_rng(11)
    walks = 100 + np.cumsum(rng.normal(size=(rows, symbols)), axis=0)
    walks[:, -1] = 1.5 * walks[:, 0] + rng.normal(size=rows)
    frame = pd.DataFrame(np.abs(walks) + 50, columns=[f"SYM{i}" for i in range(symbols)])
    frame.insert(0, "Date", pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d"))
    return frame.to_csv(index=False).encode()


def test_scanner_ranks_the_pair_that_belongs_together() -> None:
    test = app(SCANNER)
    assert not test.exception
    test.file_uploader[0].upload("universe.csv", universe())
    test.run()
    test.button(key="scan").click().run()
    assert not test.exception
    table = test.dataframe[-1].value
    assert len(table) == 15
    assert {table.iloc[0]["y"], table.iloc[0]["x"]} == {"SYM0", "SYM5"}
    said = "\n".join(box.value for box in [*test.success, *test.warning])
    assert "15 pairs" in said
    assert "Benjamini-Hochberg" in said


def test_scanner_scans_the_running_tape_on_a_schedule() -> None:
    app()  # the live page starts the feed
    test = app(SCANNER)
    test.segmented_control(key="source").set_value("This app's tape").run()
    test.selectbox(key="schedule").select("every 30 s").run()
    assert not test.exception
    assert not test.error
    assert len(test.dataframe[-1].value) == 1


def test_scanner_refuses_one_symbol_in_words() -> None:
    test = app(SCANNER)
    test.file_uploader[0].upload("one.csv", universe(1))
    test.run()
    assert not test.exception
    assert test.error


def scanned(source: str) -> AppTest:
    """The scanner with a result and its first row chosen, after other pages whose controls stand elsewhere."""
    test = app(y="BTCUSDT", x="ETHUSDT")
    test.switch_page(HISTORY).run()
    test.switch_page(SCANNER).run()
    if source == "Upload":
        test.file_uploader[0].upload("universe.csv", universe())
    else:
        test.segmented_control(key="source").set_value(source)
    test.run()
    test.button(key="scan").click().run()
    return choose_row(test)


def choose_row(test: AppTest, row: int = 0) -> AppTest:
    test.session_state["scan_table"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    return test.run()


@pytest.mark.parametrize("pair", [("ETHUSDT", "BTCUSDT"), ("BTCUSDT", "ETHUSDT")])
@pytest.mark.parametrize(
    ("source", "page", "then"),
    [("Bundled recording", "history", "Bundled recording"), ("This app's tape", "live", None)],
)
def test_scanner_opens_a_pair_of_trades(source: str, page: str, then: str | None, pair: tuple[str, str]) -> None:
    test = scanned(source)
    table = test.session_state["scan_result"].table
    table.loc[0, ["y", "x"]] = pair  # as if this way round had won: also the pair the page begins with is opened
    choose_row(test)
    button = test.button(key="open_pair")
    assert button.label == f"Open {pair[0]} against {pair[1]} on the {page} page"
    button.click().run()
    assert not test.exception
    assert not test.error
    assert (test.selectbox(key="y").value, test.selectbox(key="x").value) == pair
    sources = [control.value for control in test.segmented_control if control.key == "source"]
    assert sources == ([then] if then else [])


@pytest.mark.parametrize("row", [0, 7, 14])
def test_scanner_opens_a_pair_of_an_upload(row: int) -> None:
    test = choose_row(scanned("Upload"), row)
    pair = test.session_state["scan_result"].table.iloc[row]
    test.button(key="open_pair").click().run()
    assert not test.exception
    assert not test.error
    assert test.segmented_control(key="source").value == "Last upload"
    assert (test.selectbox(key="y").value, test.selectbox(key="x").value) == (pair["y"], pair["x"])
    assert {metric.label for metric in test.metric} >= {"z-score", "Hedge ratio"}


def test_scanner_opens_what_was_scanned_also_after_another_source_was_chosen() -> None:
    test = scanned("Upload")
    test.segmented_control(key="source").set_value("This app's tape").run()
    choose_row(test).button(key="open_pair").click().run()
    assert not test.exception
    assert test.segmented_control(key="source").value == "Last upload"
    assert {test.selectbox(key="y").value, test.selectbox(key="x").value} == {"SYM0", "SYM5"}


def test_scanner_opens_a_pair_of_a_scan_on_a_schedule() -> None:
    test = scanned("This app's tape")
    test.selectbox(key="schedule").select("every 30 s").run()
    choose_row(test).button(key="open_pair").click().run()
    assert not test.exception
    assert {test.selectbox(key="y").value, test.selectbox(key="x").value} == {"BTCUSDT", "ETHUSDT"}
    assert test.selectbox(key="preset").value == "Standard"


def test_the_cost_of_a_round_trip_and_of_a_fill_never_meet() -> None:
    test = app()
    test.number_input(key="round_trip_cost").set_value(12.0).run()
    test.switch_page(SCANNER).run()
    test.segmented_control(key="source").set_value("Bundled recording").run()
    assert test.number_input(key="fill_cost").value == 5.0
    test.number_input(key="fill_cost").set_value(3.0).run()
    test.switch_page("views/portfolio/page.py").run()
    assert test.number_input(key="fee").value == 2.0
    test.switch_page("views/live/page.py").run()
    assert test.number_input(key="round_trip_cost").value == 12.0
    assert any("round_trip_cost=12" in code.value for code in test.code)
    assert not test.exception
    assert not test.warning


def test_a_scan_uses_the_cost_of_a_fill_in_its_address() -> None:
    test = app(SCANNER, fill_cost="3", source="Bundled recording")
    test.button(key="scan").click().run()
    assert list(test.session_state["scan_result"].table["cost_bps"]) == [2 * 3.0]


@pytest.mark.parametrize(("page", "key"), [(None, "round_trip_cost"), (SCANNER, "fill_cost")])
def test_a_cost_in_an_old_link_is_not_used_and_that_is_said(page: str | None, key: str) -> None:
    usual = app(page, source="Bundled recording").number_input(key=key).value
    test = app(page, cost="3", source="Bundled recording")
    assert not test.exception
    assert test.number_input(key=key).value == usual
    assert "cost=3, which may be the cost of one fill or of a round trip" in words(test)
    assert "cost=3" not in words(app(page, source="Bundled recording"))


PAGES: list[tuple[str, dict[str, str]]] = [
    ("live", {}),
    ("history", {"source": "Bundled recording"}),
    ("scanner", {"source": "Bundled recording"}),
    ("scanner", {"source": "This app's tape"}),
    ("portfolio", {}),
    ("portfolio", {"of": "symbols", "cov": "sliding window"}),
    ("backtest", {}),
    ("backtest", {"data": "Files", "source": "Bundled recording", "timeout": "5"}),
    ("backtest", {"strategy": "Kalman innovation", "filter": "given"}),
    ("backtest", {"strategy": "optimiser"}),
    ("paper", {"paper_tab": "Start a run"}),
    ("paper", {"paper_tab": "Start a run", "strategy": "optimiser"}),
]


def test_a_key_that_pages_share_has_one_meaning() -> None:
    """What is set on one page goes over to the next, so a control there must ask the same question."""
    app()
    labels: dict[str, set[str]] = {}
    for name, query in PAGES:
        test = app(f"views/{name}/page.py", **query)
        assert not test.exception
        boxes = [*test.number_input, *test.selectbox, *test.slider, *test.segmented_control, *test.multiselect]
        for box in (*boxes, *test.toggle, *test.text_input):
            if box.key is not None:
                labels.setdefault(box.key, set()).add(box.label)
    assert {key: found for key, found in labels.items() if len(found) > 1} == {}
    assert {"round_trip_cost", "fill_cost", "fee", "taker", "capital", "interval", "stop"} <= labels.keys()
