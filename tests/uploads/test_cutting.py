"""A part of uploaded rows by dates, and where a share of them ends."""

import numpy as np
import pandas as pd
import pytest

from alphastream.uploads import Upload
from alphastream.uploads.cutting import rows_between, split_time


def upload() -> Upload:
    frames = {
        name: pd.DataFrame({"time_ns": np.arange(first, first + 5, dtype=np.int64), "price": 1.0, "quantity": 1.0})
        for name, first in (("A", 0), ("B", 10))
    }
    return Upload(("a.csv",), "ticks", frames, (), None)


@pytest.mark.parametrize(
    ("start", "end", "rows"),
    [
        (None, 2, {"A": [0, 1, 2]}),
        (3, 11, {"A": [3, 4], "B": [10, 11]}),
        (14, None, {"B": [14]}),
        (5, 9, {}),
    ],
)
def test_both_ends_are_included_and_symbols_without_rows_are_left_out(
    start: int | None, end: int | None, rows: dict[str, list[int]]
) -> None:
    cut = rows_between(upload(), start, end)
    assert {name: frame["time_ns"].tolist() for name, frame in cut.frames.items()} == rows
    assert cut.files == ("a.csv",)


def test_all_rows_are_the_same_object() -> None:
    whole = upload()
    assert rows_between(whole, None, None) is whole


def test_a_split_needs_rows() -> None:
    assert split_time([], 0.5) is None
    assert split_time([np.arange(10), np.arange(20, 30)], 0.5) == 20
