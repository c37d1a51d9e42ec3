"""Open, high, low and close are found by their numbers: whatever the order, no wrong one is called sure."""

from itertools import permutations

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.uploads.bar_order import USUAL, lie_still, ohlc_order


def bars(count: int, seed: int = 0, gap: float = 0.0001) -> list[Floats]:
    """Open, high, low and close of a walk, shape (count,) each."""
    rng = np.random.default_rng(seed)
    paths = np.cumsum(rng.normal(0, 0.0005, (count, 40)), axis=1)
    ends = np.cumsum(paths[:, -1] + rng.normal(0, gap, count))
    paths += (ends - paths[:, -1])[:, None]
    prices = 100 * np.exp(paths)
    return [prices[:, 0], prices.max(axis=1), prices.min(axis=1), prices[:, -1]]


@pytest.mark.parametrize("written", list(permutations(range(4))))
@pytest.mark.parametrize("newest_first", [False, True])
def test_every_order_is_found_in_many_rows(written: tuple[int, ...], newest_first: bool) -> None:
    columns = [bars(100)[role][:: -1 if newest_first else 1] for role in written]
    found = ohlc_order(columns, newest_first)
    assert found.orders == (tuple(written.index(role) for role in range(4)),)


def test_a_wrong_direction_of_time_is_not_needed_for_high_and_low() -> None:
    columns = bars(100)
    assert {order[1:3] for order in ohlc_order(columns, newest_first=True).orders} == {(1, 2)}


def test_flat_bars_leave_the_usual_order() -> None:
    flat = np.array([1.0, 2.0, 1.5])
    assert ohlc_order([flat] * 4).orders == (USUAL,)


def test_one_row_in_the_usual_order_is_likely() -> None:
    found = ohlc_order([np.array([price]) for price in (10.0, 12.0, 9.0, 11.0)])
    assert (found.certainty, found.orders) == ("likely", (USUAL,))


def test_one_row_in_another_order_is_a_question() -> None:
    found = ohlc_order([np.array([price]) for price in (12.0, 9.0, 10.0, 11.0)])
    assert found.certainty == "open"
    assert found.orders == ((2, 0, 1, 3), (3, 0, 1, 2))


def test_columns_without_a_highest_have_no_order() -> None:
    rng = np.random.default_rng(1)
    assert ohlc_order([rng.uniform(1, 2, 50) for _ in range(4)]).orders == ()
    assert ohlc_order([np.full(3, np.nan)] * 4).orders == ()


def test_instruments_are_followed_one_by_one() -> None:
    first, second = bars(50, 1), [2 * column for column in bars(50, 2)]
    mixed = [np.stack(pair, axis=1).ravel() for pair in zip(first, second, strict=True)]
    written = (0, 3, 1, 2)
    found = ohlc_order([mixed[role] for role in written], groups=np.tile([0, 1], 50))
    assert found.orders == (tuple(written.index(role) for role in range(4)),)


def test_a_few_bad_bars_hide_nothing() -> None:
    columns = bars(100)
    columns[1][7] = columns[2][7] / 2
    assert ohlc_order(columns).orders == (USUAL,)


def test_four_instruments_lie_still_and_bars_do_not() -> None:
    rng = np.random.default_rng(3)
    instruments = [level * np.exp(rng.normal(0, 1e-3, 30)) for level in (100.0, 120.0, 90.0, 95.0)]
    assert lie_still(instruments, USUAL)
    assert not lie_still(bars(30), USUAL)
    assert not lie_still([column[:3] for column in instruments], USUAL)
