"""Dates and split on the history page: what is used, and what the test part says."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.views.running import page_of, words

pytestmark = pytest.mark.usefixtures("replaying")


def closes(rows: int = 600) -> bytes:
    rng = np.random.default_rng(8)
    x = 100 * np.exp(np.cumsum(rng.normal(size=rows)) / 80)
    y = x**0.8 * np.exp(rng.normal(size=rows) / 100)
    dates = pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d")
    return pd.DataFrame({"Date": dates, "AAA": y, "BBB": x}).to_csv(index=False).encode()


def history(**query: str) -> AppTest:
    test = page_of("history", source="Upload", window="60", y="AAA", x="BBB", **query)
    test.file_uploader[0].upload("closes.csv", closes())
    test.run()
    assert not test.exception, test.exception
    return test


def table(test: AppTest) -> dict[str, tuple[str, str]]:
    (found,) = [frame.value for frame in test.dataframe if "of the spread" in frame.value]
    return {str(name): (str(train), str(tested)) for name, train, tested in found.itertuples(index=False)}


def test_the_split_has_its_own_tests_on_either_side() -> None:
    test = history(split="60")
    found = table(test)
    assert found["bars with trades of both"] == ("360", "240")
    ratio, held = found["hedge ratio, notional"]
    assert ratio == held == found["fitted on this part alone"][0] != found["fitted on this part alone"][1]
    assert "had no say in it" in words(test)
    assert "comes back" in words(test)
    assert not [frame for frame in history().dataframe if "of the spread" in frame.value]


def test_another_split_is_computed_anew_and_the_same_is_kept() -> None:
    test = history(split="60")
    test.number_input(key="split").set_value(70.0).run()
    assert not test.exception
    assert table(test)["bars with trades of both"] == ("420", "180")
    test.slider(key="window").set_value(80).run()
    assert not test.exception
    assert table(test)["bars with trades of both"] == ("420", "180")


def test_dates_leave_rows_out_and_presets_set_them() -> None:
    test = history(start="2020-03-01T00:00", end="2020-12-31T23:59")
    assert "306 bars of 1d" not in words(test)  # what was read stays what it is
    assert "306 of 306 rows have both legs fresh" in words(test)
    assert test.selectbox(key="rows_preset").value == "Dates"
    test.selectbox(key="rows_preset").select("2021").run()
    assert not test.exception
    assert test.session_state["start"] == datetime.fromisoformat("2021-01-01")
    assert "234 of 234 rows have both legs fresh" in words(test)
    test.selectbox(key="rows_preset").select("All").run()
    assert "600 of 600 rows have both legs fresh" in words(test)
    assert test.session_state["start"] is None


def test_dates_without_rows_are_told_of() -> None:
    assert "the data go from 2020-01-01 to 2021-08-22" in words(history(start="2025-01-01T00:00"))


def test_dates_between_two_rows_are_told_of() -> None:
    assert "need" in words(history(start="2020-03-01T00:10", end="2020-03-01T23:50"))
