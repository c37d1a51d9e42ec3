"""What a book offers, by hand."""

import numpy as np
import pandas as pd
import pytest

from alphastream.books import BookColumns
from alphastream.core.units import SECOND
from alphastream.microstructure import (
    LargePrints,
    Resilience,
    book_imbalance,
    depth,
    depth_map,
    effective_spread_bps,
    mid,
    quoted_spread_bps,
    reach_bps,
    resilience,
)
from alphastream.windows import Trades
from tests.windows.tapes import quoted

NAN = np.nan


def book(*samples: tuple[float, list[tuple[float, float]], list[tuple[float, float]]]) -> BookColumns:
    """Samples of seconds, bids and asks, as many levels as are given."""
    bids, asks = (np.array([sample[side] for sample in samples]) for side in (1, 2))
    times = np.array([int(sample[0] * SECOND) for sample in samples])
    return BookColumns(times, times, bids[:, :, 0], bids[:, :, 1], asks[:, :, 0], asks[:, :, 1])


LOPSIDED = book((1.0, [(9_999.0, 2.0), (9_996.0, 5.0), (9_989.0, 9.0)], [(10_001.0, 1.0), (10_005.0, 3.0), (NAN, NAN)]))


def test_a_lopsided_book_by_hand() -> None:
    assert mid(LOPSIDED).tolist() == [10_000.0]
    assert quoted_spread_bps(LOPSIDED)[0] == pytest.approx(2.0)
    assert book_imbalance(LOPSIDED)[0] == pytest.approx(1.0 / 3.0)
    assert book_imbalance(LOPSIDED, 3)[0] == pytest.approx((16.0 - 4.0) / 20.0)


@pytest.mark.parametrize(
    ("bps", "bid", "ask", "bid_is_whole", "ask_is_whole"),
    [
        (1.0, 9_999.0 * 2, 10_001.0, True, True),
        (5.0, 9_999.0 * 2 + 9_996.0 * 5, 10_001.0 + 10_005.0 * 3, True, False),
        (10.0, 9_999.0 * 2 + 9_996.0 * 5, 10_001.0 + 10_005.0 * 3, True, False),
        (11.0, 9_999.0 * 2 + 9_996.0 * 5 + 9_989.0 * 9, 10_001.0 + 10_005.0 * 3, False, False),
        (0.5, 0.0, 0.0, True, True),
    ],
)
def test_depth_within_a_distance_by_hand(
    bps: float, bid: float, ask: float, bid_is_whole: bool, ask_is_whole: bool
) -> None:
    found = depth(LOPSIDED, bps)
    assert (found.bid[0], found.ask[0]) == pytest.approx((bid, ask))
    assert (found.bid_is_whole[0], found.ask_is_whole[0]) == (bid_is_whole, ask_is_whole)


def test_how_far_the_levels_go() -> None:
    assert reach_bps(LOPSIDED)[0] == pytest.approx(5.0)
    assert np.isnan(reach_bps(book((1.0, [(NAN, NAN)], [(11.0, 1.0)])))[0])


def test_a_book_with_an_empty_side_has_no_spread_and_no_depth() -> None:
    empty = book((1.0, [(NAN, NAN)], [(11.0, 1.0)]))
    found = depth(empty, 5.0)
    assert np.isnan([quoted_spread_bps(empty)[0], found.bid[0], found.both[0]]).all()
    assert book_imbalance(empty)[0] == -1.0
    assert not found.is_whole[0]
    none = book((1.0, [(NAN, NAN)], [(NAN, NAN)]))
    assert np.isnan(book_imbalance(none)[0])


def test_effective_spread_is_that_of_an_as_of_join_on_recorded_quotes() -> None:
    rows = quoted()
    is_trade = ~np.isnan(rows.price)
    quotes = BookColumns(
        rows.time_ns[~is_trade],
        rows.time_ns[~is_trade],
        *(side[~is_trade, np.newaxis] for side in (rows.bid, rows.bid, rows.ask, rows.ask)),
    )
    trades = Trades(*(getattr(rows, name)[is_trade] for name in ("time_ns", "price", "quantity", "buyer_is_maker")))
    found = effective_spread_bps(trades, quotes)
    joined = pd.merge_asof(
        pd.DataFrame({"at": trades.time_ns, "price": trades.price, "sold": trades.buyer_is_maker}),
        pd.DataFrame({"at": quotes.time_ns, "mid": (rows.bid + rows.ask)[~is_trade] / 2.0}),
        on="at",
        allow_exact_matches=False,
    )
    side = np.where(joined["sold"], -1.0, 1.0)
    np.testing.assert_allclose(found, 2e4 * side * (joined["price"] - joined["mid"]) / joined["mid"], rtol=1e-9)
    assert 0.0 < np.nanmedian(found) < 1.0  # a tick of ETHUSDT is 0.04 bps


def test_effective_spread_without_a_quote_before_is_undefined() -> None:
    trade = Trades(np.array([SECOND]), np.array([10_001.0]), np.ones(1), np.zeros(1, bool))
    assert np.isnan(effective_spread_bps(trade, LOPSIDED)).all()  # the sample of the same time may show the trade
    late = Trades(np.array([SECOND + 1]), np.array([10_001.0]), np.ones(1), np.zeros(1, bool))
    assert effective_spread_bps(late, LOPSIDED)[0] == pytest.approx(2.0)


def prints(*at_s: float, is_buy: bool = True) -> LargePrints:
    times = np.array([int(at * SECOND) for at in at_s])
    ones = np.ones(len(times))
    return LargePrints(1.0, 0.99, 100, times, ones, ones, np.full(len(times), is_buy))


def after_a_buy() -> BookColumns:
    """At 10 s the asks are thinned and the spread widens; it is back at 12 s, the quantity at 15 s."""
    far = [(9_990.0, 1.0), (9_900.0, 1.0)]
    return book(
        (9.0, [(9_999.0, 5.0), far[0]], [(10_001.0, 10.0), (10_100.0, 1.0)]),
        (10.0, [(9_999.0, 5.0), far[0]], [(10_003.0, 2.0), (10_100.0, 1.0)]),
        (12.0, [(9_999.0, 5.0), far[0]], [(10_001.0, 4.0), (10_100.0, 1.0)]),
        (15.0, [(9_999.0, 5.0), far[0]], [(10_001.0, 9.5), (10_100.0, 1.0)]),
        (80.0, [(9_999.0, 5.0), far[0]], [(10_001.0, 9.5), (10_100.0, 1.0)]),
    )


def test_resilience_by_hand() -> None:
    found = resilience(prints(10.0), after_a_buy())
    assert found.spread_s.tolist() == [2.0]
    assert found.depth_s.tolist() == [5.0]


def test_the_other_side_was_not_hit() -> None:
    assert resilience(prints(10.0, is_buy=False), after_a_buy()).depth_s.tolist() == [0.0]


def test_a_print_without_a_book_before_or_a_wait_after_does_not_count() -> None:
    found = resilience(prints(5.0, 10.0), after_a_buy())
    assert len(found.spread_s) == 1
    assert len(resilience(prints(10.0), after_a_buy().rows(slice(2))).spread_s) == 0  # it may still come back
    given_up = resilience(prints(10.0), after_a_buy(), wait_ns=SECOND)
    assert np.isnan([*given_up.spread_s, *given_up.depth_s]).all()


def test_the_median_counts_those_that_did_not_come_back() -> None:
    assert Resilience.median(np.array([1.0, 3.0, NAN])) == 3.0
    assert Resilience.median(np.array([1.0, NAN, NAN])) == np.inf
    assert np.isnan(Resilience.median(np.empty(0)))


def test_a_depth_map_by_hand() -> None:
    samples = book(
        (1.0, [(99.0, 2.0), (98.5, 1.0)], [(100.0, 4.0), (NAN, NAN)]),
        (2.0, [(NAN, NAN), (NAN, NAN)], [(NAN, NAN), (NAN, NAN)]),
        (3.0, [(99.0, 5.0), (97.0, 1.0)], [(100.5, 1.0), (100.9, 2.0)]),
    )
    found = depth_map(samples, np.array([0, 1, 2, 3]) * SECOND, 1.0)
    assert found.price.tolist() == [97.0, 98.0, 99.0, 100.0, 101.0]
    np.testing.assert_array_equal(found.bid_quantity[:, 1], [0.0, 1.0, 2.0, 0.0])
    np.testing.assert_array_equal(found.ask_quantity[:, 3], [0.0, 0.0, 0.0, 3.0])
    np.testing.assert_array_equal(found.bid_quantity[:, 3], [1.0, 0.0, 5.0, 0.0])
    assert np.isnan(found.bid_quantity[:, [0, 2]]).all()
    np.testing.assert_array_equal(found.ask, [NAN, 100.0, NAN, 100.5])


def test_a_depth_map_of_nothing() -> None:
    found = depth_map(BookColumns.empty(3), np.array([0, 1]), 1.0)
    assert found.bid_quantity.shape == (0, 2)
    assert np.isnan(found.bid).all()
