"""Filters show fewer pairs; they change no number of those that are left."""

import numpy as np
import pandas as pd
import pytest

from views.scanner.filters import ALL, DIFFERENT, SAME, PairFilter, shown_words

TABLE = pd.DataFrame(
    {
        "y": ["AA", "AA", "BB", "CC"],
        "x": ["BB", "CC", "CC", "DD"],
        "half_life": [5.0, 20.0, np.inf, np.nan],
        "edge_bps": [10.0, -3.0, 40.0, np.nan],
        "hedge_ratio": [0.5, -0.2, 1.5, np.nan],
        "persists": [True, False, True, False],
        "confirmed": [True, False, False, False],
    }
)
GROUPS = {"AA": "one", "BB": "one", "CC": "two"}


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        (PairFilter(), [0, 1, 2, 3]),
        (PairFilter(half_from=6.0), [1, 2]),
        (PairFilter(half_from=5.0, half_to=20.0), [0, 1]),
        (PairFilter(edge_from=0.0), [0, 2]),
        (PairFilter(ratio_positive=True), [0, 2]),
        (PairFilter(both_halves=True), [0, 2]),
        (PairFilter(confirmed=True), [0]),
        (PairFilter(symbol=" cc"), [1, 2, 3]),
        (PairFilter(group=SAME), [0]),
        (PairFilter(group=DIFFERENT), [1, 2]),
        (PairFilter(group="one"), [0]),
        (PairFilter(group="two"), []),
        (PairFilter(half_to=20.0, symbol="CC"), [1]),
    ],
)
def test_what_is_shown(asked: PairFilter, rows: list[int]) -> None:
    assert asked.rows(TABLE, GROUPS).tolist() == rows


def test_words_say_that_the_family_of_tests_stays() -> None:
    assert shown_words(4950, 4950) == "All 4,950 pairs shown."
    assert shown_words(12, 4950).startswith("12 of 4,950 pairs shown. q-values are those of all 4,950")
    assert PairFilter().asks == 0
    assert PairFilter(half_to=3.0, group=SAME).asks == 2
    assert PairFilter(group=ALL, edge_from=0.0).asks == 1
