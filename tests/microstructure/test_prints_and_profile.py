"""Large prints, sizes and the profile against pandas, numpy and a slow reference."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.microstructure import large_prints, nice_step, trade_sizes, volume_profile
from alphastream.windows import Trades
from tests.windows.tapes import quoted, recorded


def trades(price: list[float], quantity: list[float], sold: list[bool] | None = None) -> Trades:
    rows = len(price)
    return Trades(
        np.arange(rows),
        np.array(price),
        np.array(quantity),
        np.array(sold if sold is not None else [False] * rows, bool),
    )


@pytest.mark.parametrize("quantile", [0.5, 0.99, 0.999])
def test_large_prints_are_those_above_the_quantile_of_pandas(quantile: float) -> None:
    tape = Trades.of(recorded("BTCUSDT"))
    found = large_prints(tape, quantile)
    sizes = pd.Series(tape.quantity)
    assert found.threshold == sizes.quantile(quantile, interpolation="higher")
    large = sizes[sizes >= found.threshold].index.to_numpy()
    assert found.time_ns.tolist() == tape.time_ns[large].tolist()
    assert found.notional.tolist() == (tape.price * tape.quantity)[large].tolist()
    assert found.of == len(tape)


def test_quotes_are_no_prints() -> None:
    tape = quoted()
    assert large_prints(tape).of == trade_sizes(tape).buys.sum() + trade_sizes(tape).sells.sum() < len(tape)


def test_a_quantile_needs_trades_enough() -> None:
    with pytest.raises(NotEnoughObservations, match=r"a quantile of 0.99 needs 100 observations, has 99"):
        large_prints(trades([1.0] * 99, [1.0] * 99))
    assert len(large_prints(trades([1.0] * 100, [1.0] * 99 + [2.0]))) == 1
    with pytest.raises(ParameterError, match="above 0 and below 1"):
        large_prints(trades([1.0], [1.0]), 1.0)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_sizes_are_those_of_a_histogram(symbol: str) -> None:
    tape = Trades.of(recorded(symbol))
    found = trade_sizes(tape)
    assert {f"{edge:.0e}"[0] for edge in found.edges} == {"1", "2", "5"}
    assert found.edges[0] <= tape.quantity.min() < found.edges[1]
    assert found.edges[-2] <= tape.quantity.max() < found.edges[-1]
    sizes = pd.Series(tape.quantity)
    bins = pd.cut(sizes, found.edges.tolist(), right=False)
    for side, counts, volume in (
        (False, found.buys, found.buy_volume),
        (True, found.sells, found.sell_volume),
    ):
        mine = tape.buyer_is_maker == side
        of_pandas = sizes[mine].groupby(bins[mine], observed=False)
        assert counts.tolist() == of_pandas.size().tolist()
        np.testing.assert_allclose(volume, of_pandas.sum(), atol=1e-9)


def test_sizes_of_no_trade_and_of_one() -> None:
    assert len(trade_sizes(trades([], [])).edges) == 0
    one = trade_sizes(trades([5.0], [1.0], [True]))
    assert (one.edges.tolist(), one.sells.tolist(), one.buys.tolist()) == ([1.0, 2.0], [1], [0])


def test_volume_by_price_is_that_of_pandas() -> None:
    tape = Trades.of(recorded("ETHUSDT"))
    found = volume_profile(tape, 0.5)
    rows = pd.Series(np.floor(np.round(tape.price * 100) / 50).astype(int))
    for side, volume in ((False, found.buy_volume), (True, found.sell_volume)):
        mine = tape.buyer_is_maker == side
        expected = pd.Series(tape.quantity[mine]).groupby(rows[mine].to_numpy()).sum()
        expected = expected.reindex(range(rows.min(), rows.max() + 1), fill_value=0.0)
        np.testing.assert_allclose(volume, expected, atol=1e-9)
    assert found.price[0] == rows.min() * 0.5


def test_a_profile_by_hand() -> None:
    """Rows 10 to 16 hold 30, so 21 are wanted. From 10 at 13: above 7 + 3, below 2 + 6: 20; then above 1, below 8."""
    found = volume_profile(trades([10, 11, 12, 13, 14, 15, 16.0], [1, 2, 6, 10, 7, 3, 1.0]), 1.0)
    assert found.point_of_control == 13.5
    assert found.value_area == (11.0, 16.0)


def test_ties_go_to_the_middle_then_down_and_the_area_up() -> None:
    assert volume_profile(trades([1, 2, 3, 4.0], [5, 1, 1, 5.0]), 1.0).control == 0
    assert volume_profile(trades([1, 2, 3, 4, 5.0], [5, 1, 5, 1, 5.0]), 1.0).control == 2
    assert volume_profile(trades([1, 2, 3, 4, 5.0], [1, 1, 6, 1, 1.0]), 1.0).value_area == (3.0, 6.0)


def test_a_profile_of_nothing_and_of_one_trade() -> None:
    nothing = volume_profile(trades([], []), 1.0)
    assert len(nothing) == 0
    assert np.isnan([nothing.point_of_control, *nothing.value_area]).all()
    one = volume_profile(trades([0.3], [2.0], [True]), 0.1)
    assert one.price.tolist() == pytest.approx([0.3])
    assert one.sell_volume.tolist() == [2.0]
    assert one.value_area == pytest.approx((0.3, 0.4))


def slow_area(volume: list[float], control: int) -> tuple[int, int]:
    """The value area as the docstring says it."""
    low = high = control
    while sum(volume[low : high + 1]) < 0.7 * sum(volume):
        above, below = volume[high + 1 : high + 3], volume[:low][-2:]
        if above and (sum(above) >= sum(below) or not below):
            high += len(above)
        else:
            low -= len(below)
    return low, high


@settings(max_examples=200, deadline=None)
@given(volume=st.lists(st.integers(0, 20), min_size=1, max_size=15).filter(lambda volume: volume[0] * volume[-1] > 0))
def test_the_value_area_is_that_of_a_slow_reference(volume: list[int]) -> None:
    held = [(row, float(size)) for row, size in enumerate(volume) if size]
    found = volume_profile(trades([100.0 + row for row, _ in held], [size for _, size in held]), 1.0)
    assert found.volume.tolist() == volume
    middle = (len(volume) - 1) / 2
    control = min(
        (row for row, size in enumerate(volume) if size == max(volume)), key=lambda row: (abs(row - middle), row)
    )
    assert found.control == control
    assert (found.low, found.high) == slow_area([float(size) for size in volume], control)


def test_too_small_a_step_is_refused() -> None:
    with pytest.raises(ParameterError, match="step"):
        volume_profile(trades([1.0, 1e6], [1.0, 1.0]), 0.1)


def test_a_step_is_one_that_people_read() -> None:
    assert nice_step(100.0, 130.0, 60, 0.01) == pytest.approx(0.5)
    assert nice_step(100.0, 100.0, 60, 0.1) == pytest.approx(0.1)
    assert nice_step(0.0, 61.0, 60, 0.01) == pytest.approx(2.0)
