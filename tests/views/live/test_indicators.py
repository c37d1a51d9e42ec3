"""Indicators below the live figure: shipped ones and those of a user's file."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.views.running import app, words
from tests.views.user_files import user_files

pytestmark = pytest.mark.usefixtures("replaying")

FILE = """
from dataclasses import dataclass
import numpy as np
from alphastream.registry import parameter, register

@dataclass(frozen=True, eq=False)
class HighestRows:
    highest: np.ndarray

@register("indicators")
@dataclass(frozen=True)
class HighestSoFar:
    '''The highest value so far.'''

    inputs = ("value",)
    add: float = parameter(0.0, unit="quote currency")

    def run(self, value, state=None):
        if self.add < 0:
            raise ZeroDivisionError("below")
        start = -np.inf if state is None else state
        rows = np.maximum.accumulate(np.r_[start, value])[1:]
        return HighestRows(rows + self.add), rows[-1]

    def progress(self, state):
        return 1, 1
"""


def opened(**query: str) -> AppTest:
    test = app(window="20", **query)
    test.session_state["indicators"] = True
    test.run()
    assert not test.exception
    return test


def test_shipped_ones_of_bars_and_of_series() -> None:
    test = opened(indicator="ATR")
    assert test.selectbox(key="indicator_of").options[:3] == ["bars of ETHUSDT", "bars of BTCUSDT", "spread"]
    assert test.number_input(key="indicator_ATR_window").value == 14
    assert drawn(test)
    test.selectbox(key="indicator_of").set_value("spread").run()
    assert "ATR reads high, low, close, and there is no high here: choose bars of an instrument." in words(test)
    test.selectbox(key="indicator").set_value("RSI").run()
    assert drawn(test)
    test.number_input(key="indicator_RSI_window").set_value(1).run()
    assert "window" in words(test)
    assert not drawn(test)


def test_one_of_a_users_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHASTREAM_USER", str(tmp_path / "user"))
    with user_files(tmp_path / "user", highest=FILE):
        test = opened(indicator="HighestSoFar")
        assert "The highest value so far. (user/highest.py)" in words(test)
        assert test.selectbox(key="indicator_column").options == ["close", "open", "high", "low", "volume"]
        assert drawn(test)
        test.number_input(key="indicator_HighestSoFar_add").set_value(-1.0).run()
        assert "Line 20 of highest.py failed (ZeroDivisionError: below)." in words(test)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            "return HighestRows(rows + self.add), rows[-1]",
            "return rows, rows[-1]",
            "run gave ndarray and float64: give",
        ),
        ("return HighestRows(rows + self.add), rows[-1]", "return rows", "run gave ndarray: give rows, a dataclass"),
        ("return 1, 1", "return 1.0", "progress gave float: give how many rows it has seen"),
        ("HighestRows(rows + self.add)", "HighestRows([1.0])", "Its highest has the shape (1,) for"),
        ("HighestRows(rows + self.add)", "HighestRows(['a'] * len(rows))", "Its highest holds str32, not numbers"),
    ],
)
def test_what_is_no_indicator_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, says: str
) -> None:
    monkeypatch.setenv("ALPHASTREAM_USER", str(tmp_path / "user"))
    assert before in FILE
    with user_files(tmp_path / "user", highest=FILE.replace(before, after)):
        test = opened(indicator="HighestSoFar")
        assert says in words(test)
        assert "Error" not in words(test)
        assert not drawn(test)


def drawn(test: AppTest) -> bool:
    return any("indicator_figure" in str(chart.proto.id) for chart in test.get("plotly_chart"))
