"""The newest rows of something that grows, and readers who hold older ones."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from alphastream.core.types import Floats, Ints
from alphastream.streaming.growing_rows import History


@dataclass(frozen=True)
class Rows:
    at: Ints
    value: Floats


def _rows(begin: int, count: int) -> Rows:
    at = np.arange(begin, begin + count)
    return Rows(at, at.astype(np.float64) * 0.5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("keep", [1, 7, 100])
def test_it_holds_the_newest_rows_and_readers_keep_theirs(keep: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    history, length = History(keep, _rows(0, 3)), 3
    held: list[tuple[Rows, Floats, Ints]] = []
    for _ in range(300):
        count = int(rng.choice([0, 1, 1, 1, 2, 13, 250], p=[0.1, 0.3, 0.2, 0.2, 0.1, 0.08, 0.02]))
        history.extend(_rows(length, count))
        length += count
        assert_array_equal(history.rows.at, np.arange(max(0, length - keep), length))
        assert_array_equal(history.rows.value, history.rows.at * 0.5)
        held.append((history.rows, history.rows.value.copy(), history.rows.at.copy()))
    for rows, value, at in held:
        assert_array_equal(rows.value, value)
        assert_array_equal(rows.at, at)
    assert history.rows.at.dtype == np.int64


def test_rows_cannot_be_written() -> None:
    history = History(10, _rows(0, 3))
    with pytest.raises(ValueError, match="read-only"):
        history.rows.value[0] = 1.0


def test_what_was_added_is_copied() -> None:
    history, new = History(10, _rows(0, 3)), _rows(3, 2)
    history.extend(new)
    new.value[:] = -1.0
    assert_array_equal(history.rows.value, np.arange(5) * 0.5)


def test_a_shorter_history_leaves_the_longer_one_alone() -> None:
    history = History(5, _rows(0, 4))
    before = history.rows
    shorter = history.without_newest(2)
    shorter.extend(_rows(10, 2))
    history.extend(_rows(4, 2))
    assert before.at.tolist() == [0, 1, 2, 3]
    assert shorter.rows.at.tolist() == [0, 1, 10, 11]
    assert history.rows.at.tolist() == [1, 2, 3, 4, 5]
    assert len(history.without_newest(5).rows.at) == 0
