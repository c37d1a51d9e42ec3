"""Times of day in columns of their own, judged by the whole column."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.uploads.cells import CellError
from alphastream.uploads.clocks import split_clocks
from alphastream.uploads.times import TimeReader, Times


def _read(dates: list[str], clocks: list[str], block: int = 10**6) -> Times:
    reader = TimeReader()
    for start in range(0, len(dates), block):
        reader.add(pa.array(dates[start : start + block]), pa.array(clocks[start : start + block]))
    return reader.finish()


@pytest.mark.parametrize(
    ("clocks", "seconds"),
    [
        (["153000"], [55800]),
        (["93000", "153000"], [34200, 55800]),  # the zero in front is lost
        (["930", "1530"], [34200, 55800]),
        (["0930", "0931"], [34200, 34260]),
        (["093000123", "153000000"], [34200.123, 55800]),
        (["34200", "34260"], [34200, 34260]),  # 3:42:60 is no time: seconds
        (["34200.017", "34261.5"], [34200.017, 34261.5]),
        (["34200000", "34260000"], [34200, 34260]),  # milliseconds
        (["093000.5"], [34200.5]),
        (["15.30", "9.05"], [55800, 32700]),
        (["9.30.15"], [34215]),
        (["9h30", "15h30"], [34200, 55800]),
        (["9:30 AM", "12:00 PM", "12:01 a.m."], [34200, 43200, 60]),
        (["1899-12-30 09:30:00"], [34200]),
        (["24:00"], [86400]),
        (["0", "0"], [0, 0]),
    ],
)
def test_clocks_of_many_spellings(clocks: list[str], seconds: list[float]) -> None:
    for date in ("20240802", "2024-08-02", "02.08.2024", "Aug 2, 2024"):
        midnight = np.datetime64("2024-08-02", "ns").astype(np.int64)
        read = _read([date] * len(clocks), clocks)
        assert ((read.time_ns - midnight) / 1e9).tolist() == seconds
        assert not read.dates_only


@pytest.mark.parametrize(
    ("clocks", "word"),
    [
        (["34200"], "hhmmss or seconds after midnight"),
        (["0", "5", "10"], "hhmm or hours or seconds"),
        (["0.395833333"], "fraction of a day"),
        (["996199"], "no such day or time"),
        (["noon"], "no such day or time"),
        (["9:30", ""], "no such day or time"),
    ],
)
def test_what_clocks_do_not_tell_is_asked(clocks: list[str], word: str) -> None:
    with pytest.raises(CellError, match=word):
        _read(["2024-08-02"] * len(clocks), clocks)


def test_the_whole_column_is_judged_not_its_beginning() -> None:
    """The first block of a day could be hhmm."""
    clocks = ["0", "1", "130", "2359", "130000"]
    read = _read(["20240802"] * 5, clocks, block=2)
    assert ((read.time_ns - read.time_ns[0]) / 1e9).tolist() == [0, 1, 90, 1439, 46800]
    assert read.notes[0] == "times of day read as hhmmss"


def test_the_row_of_a_bad_clock_is_counted_over_all_blocks() -> None:
    with pytest.raises(CellError, match="no such") as caught:
        _read(["20240802"] * 5, ["093000", "093001", "093002", "093075", "093004"], block=2)
    assert caught.value.row == 3
    with pytest.raises(CellError, match="date is needed beside"):
        _read(["1722470400"], ["93000"])


@given(st.lists(st.tuples(st.text("0123456789:. T-+PM下é", max_size=14), st.integers(0, 86399)), max_size=8))
def test_only_digits_of_clocks_are_changed(rows: list[tuple[str, int]]) -> None:
    """Whatever stands around a clock stays, and zeros stand where its digits were."""
    cells = [f"{text} {second // 3600}:{second // 60 % 60:02}:{second % 60:02}" for text, second in rows]
    try:
        texts, clock_ns = split_clocks(pa.array(cells, pa.string()))
    except CellError:
        return
    assert len(clock_ns) == len(cells)
    for cell, text in zip(cells, texts.to_pylist(), strict=True):
        assert len(text) >= len(cell) - 1
        if cell.count(":") == 2:
            assert [char for char in text if not char.isdigit()] == [char for char in cell if not char.isdigit()]
