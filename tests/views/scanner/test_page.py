"""The scanner: what it finds, refuses and opens."""

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.views.running import app

pytestmark = pytest.mark.usefixtures("replaying")
HISTORY = "views/history/page.py"
SCANNER = "views/scanner/page.py"


def universe(symbols: int = 6, rows: int = 300) -> bytes:
    """Wide daily prices: walks, and one that follows the first."""
    rng = np.random.default_rng(11)
    walks = 100 + np.cumsum(rng.normal(size=(rows, symbols)), axis=0)
    walks[:, -1] = 1.5 * walks[:, 0] + rng.normal(size=rows)
    frame = pd.DataFrame(np.abs(walks) + 50, columns=[f"SYM{i}" for i in range(symbols)])
    frame.insert(0, "Date", pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d"))
    return frame.to_csv(index=False).encode()


def test_scanner_ranks_the_pair_that_belongs_together() -> None:
    test = app(SCANNER, source="Upload")
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
    test = app(SCANNER, source="Upload")
    test.segmented_control(key="source").set_value("This app's tape").run()
    test.selectbox(key="schedule").select("every 30 s").run()
    assert not test.exception
    assert not test.error
    assert len(test.dataframe[-1].value) == 1


def test_scanner_refuses_one_symbol_in_words() -> None:
    test = app(SCANNER, source="Upload")
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
        test.segmented_control(key="source").set_value("Upload").run()
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
    table.loc[0, ["y", "x"]] = [
        f"binance-usdm:{leg}" for leg in pair
    ]  # as if this way round had won: also the pair the page begins with is opened
    choose_row(test)
    test.button(key=f"flow_{page}").click().run()
    assert not test.exception
    assert not test.error
    assert (test.selectbox(key="y").value, test.selectbox(key="x").value) == pair
    sources = [control.value for control in test.segmented_control if control.key == "source"]
    assert sources == ([then] if then else [])


@pytest.mark.parametrize("row", [0, 7, 14])
def test_scanner_opens_a_pair_of_an_upload(row: int) -> None:
    test = choose_row(scanned("Upload"), row)
    pair = test.session_state["scan_result"].table.iloc[row]
    test.button(key="flow_history").click().run()
    assert not test.exception
    assert not test.error
    assert test.segmented_control(key="source").value == "Last upload"
    assert (test.selectbox(key="y").value, test.selectbox(key="x").value) == (pair["y"], pair["x"])
    assert {metric.label for metric in test.metric} >= {"z-score", "Hedge ratio"}


def test_scanner_opens_what_was_scanned_also_after_another_source_was_chosen() -> None:
    test = scanned("Upload")
    test.segmented_control(key="source").set_value("This app's tape").run()
    choose_row(test).button(key="flow_history").click().run()
    assert not test.exception
    assert test.segmented_control(key="source").value == "Last upload"
    assert {test.selectbox(key="y").value, test.selectbox(key="x").value} == {"SYM0", "SYM5"}


def test_scanner_opens_a_pair_of_a_scan_on_a_schedule() -> None:
    test = scanned("This app's tape")
    test.selectbox(key="schedule").select("every 30 s").run()
    choose_row(test).button(key="flow_history").click().run()
    assert not test.exception
    assert {test.selectbox(key="y").value, test.selectbox(key="x").value} == {"BTCUSDT", "ETHUSDT"}
    assert test.selectbox(key="preset").value == "Standard"


def test_a_scan_uses_the_cost_of_a_fill_in_its_address() -> None:
    test = app(SCANNER, fill_cost="3", source="Bundled recording")
    test.button(key="scan").click().run()
    assert list(test.session_state["scan_result"].table["cost_bps"]) == [2 * 3.0]


def hourly(symbol: str, first: str, seed: int) -> tuple[str, bytes]:
    hours = pd.date_range(first, periods=300, freq="h").strftime("%Y-%m-%d %H:%M")
    price = 100 + np.random.default_rng(seed).normal(size=300).cumsum()
    return f"{symbol}.csv", pd.DataFrame({"Date": hours, "Close": price}).to_csv(index=False).encode()


def test_pairs_whose_bars_never_meet_are_warned_of() -> None:
    test = app(SCANNER, source="Upload")
    for file in (
        hourly("AAA", "2024-01-01 00:00", 1),
        hourly("BBB", "2024-01-01", 2),
        hourly("CCC", "2024-01-01 00:05", 3),
    ):
        test.file_uploader[0].upload(*file)
    test.run()
    test.button(key="scan").click().run()
    assert not test.exception
    said = "\n".join(box.value + str(box.proto) for box in test.warning)
    assert "2 of 3 pairs meet in less than half of their bars, AAA and CCC in 0 of 300" in said
    assert "CCC at 2024-01-01 00:05" in said
