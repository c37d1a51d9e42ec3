"""Sampled books as arrays."""

import numpy as np

from alphastream.books import BookColumns, MarkColumns


def test_parts_of_different_depth_join_to_the_deepest() -> None:
    one, two = BookColumns.empty(2, 3), BookColumns.empty(5, 1)
    two.bid_price[0] = np.arange(5)
    joined = BookColumns.joined([one, two])
    assert (len(joined), joined.levels) == (4, 5)
    assert np.array_equal(joined.bid_price[3], np.arange(5))
    assert np.isnan(joined.ask_quantity).all()


def test_rows_of_a_time() -> None:
    marks = MarkColumns.of([(t, t + 1, 100.0 + t, 100.0, 1e-4, 50, 8) for t in range(5)])
    assert marks.between(1, 3).mark.tolist() == [101.0, 102.0]
    assert marks.next_funding_ns.dtype == np.int64
    assert len(MarkColumns.of([])) == 0
