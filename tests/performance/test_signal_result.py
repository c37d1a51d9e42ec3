"""The newest signal since it began, against sums worked out by hand."""

import math

import numpy as np
import pytest

from alphastream.errors import ParameterError
from alphastream.performance import SignalResult, signal_result

TIMES = np.arange(1, 7, dtype=np.int64) * 10**9
Y = np.array([100.0, 100.0, 102.0, 101.0, 103.0, 99.0])
X = np.array([50.0, 50.0, 51.0, 50.0, 49.0, 50.5])
RATIO = np.array([9.0, 0.5, 0.7, 0.6, 0.8, 0.9])


def of(position: list[float], rows: int | None = None, *, log: bool = True) -> SignalResult | None:
    cut = slice(None, rows)
    return signal_result(TIMES[cut], Y[cut], X[cut], RATIO[cut], np.array(position[cut]), log=log)


def test_a_short_spread_on_log_prices_by_hand() -> None:
    # From bar 3: short one notional of y at 102, long 0.7 of x at 51. At 99 and 50.5:
    # y fell by 3/102 = 2.941176 %, x by 0.5/51 = 0.980392 %, of which 0.7: 2.941176 - 0.686275 = 2.254902 %.
    result = of([0, 0, -1, -1, -1, -1])
    assert result is not None
    assert (result.side, result.began_ns, result.ended_ns, result.bars) == (-1, TIMES[2], None, 3)
    assert (result.y, result.x, result.hedge_ratio, result.whole) == (102.0, 51.0, 0.7, True)
    assert result.gross_bps == pytest.approx(225.4902, abs=1e-4)


def test_a_long_spread_of_units_by_hand() -> None:
    # From bar 2: long one y at 100, short 0.5 x at 50. At 99 and 50.5: (-1 - 0.5 * 0.5) / 100 = -1.25 %.
    result = of([0, 1, 1, 1, 1, 1], log=False)
    assert result is not None
    assert result.gross_bps == pytest.approx(-125.0)


def test_four_fills_are_paid_on_what_each_leg_is_worth_at_the_beginning() -> None:
    result = of([0, 1, 1, 1, 1, 1])  # one of y at 100, half as much of x
    assert result is not None
    assert result.net_bps(2.0) == pytest.approx(result.gross_bps - 2 * 2.0 * 1.5)
    units = of([0, 1, 1, 1, 1, 1], log=False)  # half a unit of x at 50: a quarter of y's 100
    assert units is not None
    assert units.hedge_notional == 0.25
    assert units.net_bps(2.0) == pytest.approx(-125.0 - 5.0)


def test_a_ratio_below_zero_buys_both_legs() -> None:
    result = signal_result([1, 2, 3], [10.0, 10.0, 11.0], [10.0, 10.0, 11.0], [-1.0] * 3, [0, 1, 1])
    assert result is not None
    assert result.gross_bps == pytest.approx(2_000.0)


def test_the_forming_bar_is_asked_for_apart() -> None:
    result = of([0, 1, 1, 1, 1, 1])
    assert result is not None
    assert result.gross_at(101.0, 50.0) == pytest.approx(100.0)
    assert result.gross_at(99.0, 50.5) == pytest.approx(result.gross_bps)


def test_a_signal_that_ended_counts_to_the_bar_that_took_it_back() -> None:
    result = of([0, 1, 1, 0, 0, 0])
    assert result is not None
    assert (result.began_ns, result.ended_ns, result.bars) == (TIMES[1], TIMES[3], 2)
    assert result.gross_bps == pytest.approx(100.0)  # y from 100 to 101, x back at 50


def test_one_that_turns_begins_again() -> None:
    result = of([0, 1, 1, 1, -1, -1])
    assert result is not None
    assert (result.side, result.began_ns) == (-1, TIMES[4])
    assert result.gross_bps == pytest.approx(1e4 * (4 / 103 + 0.8 * 1.5 / 49))


def test_at_its_first_bar_it_has_earned_nothing() -> None:
    result = of([0, 0, 0, 0, 0, 1])
    assert result is not None
    assert (result.bars, result.gross_bps) == (0, 0.0)


def test_of_one_that_was_open_at_the_first_row_nobody_knows() -> None:
    result = of([1, 1, 1, 1, 1, 1])
    assert result is not None
    assert not result.whole
    assert math.isnan(result.gross_bps)
    assert math.isnan(result.gross_at(100.0, 50.0))


def test_nothing_before_the_first_signal() -> None:
    assert of([0, 0, math.nan, 0, 0, 0]) is None
    assert of([], 0) is None


def test_what_is_not_known_stays_unknown() -> None:
    ratio = np.where(np.arange(6) == 1, math.nan, RATIO)
    result = signal_result(TIMES, Y, X, ratio, np.array([0, 1, 1, 1, 1, 1]))
    assert result is not None
    assert math.isnan(result.gross_bps)


def test_later_bars_do_not_move_its_beginning() -> None:
    position: list[float] = [0, 1, 1, 1, 1, 1]
    begun = {(found.began_ns, found.hedge_ratio) for rows in range(2, 7) if (found := of(position, rows)) is not None}
    assert begun == {(TIMES[1], 0.5)}


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"\(2,\).*give one value a bar"):
        signal_result([1, 2], [1.0], [1.0, 2.0], [1.0, 1.0], [0, 1])
