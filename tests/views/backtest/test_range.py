"""Dates and split on the backtest page: which rows are used, and both sides beside each other."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.views.backtest.test_page import FREE, bars, pipeline, system, with_file
from tests.views.running import words

__all__ = ["pipeline", "system"]  # fixtures

QUERY = {**FREE, "y": "AAA", "x": "BBB", "entry": "1.0"}


def sides(test: AppTest) -> dict[str, tuple[str, str]]:
    """The table of both sides, by figure."""
    (found,) = [frame.value for frame in test.dataframe if {"train", "test"} <= set(frame.value.columns)]
    return {str(name): (str(train), str(tested)) for name, train, tested in found.itertuples(index=False)}


def test_both_sides_of_a_split_stand_beside_each_other() -> None:
    test = with_file(bars(), split="60", **QUERY)
    found = sides(test)
    assert found["bars"] == ("240", "160")
    assert found["to"][0] == "2024-01-11"
    assert found["from"][1] == "2024-01-11 01:00"
    assert int(found["Trades"][0]) > 3
    assert int(found["Trades"][1]) > 3
    assert found["Net profit"][0] != found["Net profit"][1]
    assert "Split at 2024-01-11." in words(test)
    assert "This strategy looks ahead" not in words(test)
    swept = with_file(bars(), split="60", backtest_tab="Sweep", window_count="2", entry_count="2", **QUERY)
    assert "Tried on the training alone, up to 2024-01-11" in words(swept)


def test_dates_leave_rows_out() -> None:
    test = with_file(bars(), start="2024-01-05T00:00", end="2024-01-10T23:59", **QUERY)
    assert "AAA 144 bars, 2024-01-05 00:00:00 to 2024-01-10 23:00:00 UTC" in words(test)
    assert not [frame for frame in test.dataframe if "train" in frame.value.columns]


def test_dates_between_two_rows_are_told_of() -> None:
    test = with_file(bars(), start="2024-01-05T00:10", end="2024-01-05T00:50", **QUERY)
    assert "Fewer than two symbols have rows between these dates." in words(test)


@pytest.mark.parametrize("tab", ["Walk-forward", "Thresholds"])
def test_trials_see_the_training_alone(tab: str) -> None:
    assert "Tried on the training alone" in words(with_file(bars(), split="70", backtest_tab=tab, **QUERY))
