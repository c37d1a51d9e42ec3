"""The monitor against a slow reference, in pieces against in one, and where nothing may be claimed."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.arbitrage import (
    Alignment,
    ArbitrageMonitor,
    Assumptions,
    Leg,
    MonitorState,
    Signal,
    TopLevels,
    default_taker_bps,
    levels_of_quotes,
    levels_of_trades,
    signals_frame,
)
from alphastream.errors import ParameterError
from tests.arbitrage import slow_reference
from tests.arbitrage.recorded import FUTURES, SPOT, recorded_quotes, rows_of

MS = 10**6
NO_COSTS = Assumptions(transfer_bps=0.0)
SURE = Alignment("venue", 0, 0, 0)


def monitor_of(fee_bps: float, error_ms: int, assumptions: Assumptions = NO_COSTS) -> ArbitrageMonitor:
    """Both recorded legs by their arrival, as if both were spot."""
    alignment = Alignment.of_arrival(0, 2 * error_ms * MS)
    return ArbitrageMonitor("BTC/USDT", (Leg(FUTURES, fee_bps, alignment), Leg(SPOT, fee_bps, alignment)), assumptions)


def end_of(quotes: dict[str, TopLevels], monitor: ArbitrageMonitor) -> int:
    return monitor.known_until(min(int(each.receive_ns[-1]) for each in quotes.values()))


def digits(value: float) -> float:
    return float(f"{value:.9g}")


def rounded(signals: list[Signal]) -> list[slow_reference.Episode]:
    return [
        (
            *(each.buy, each.sell, each.opened_ns, each.best_ns, each.closed_ns or 0),
            *(digits(each.net), digits(each.gross), digits(each.value)),
        )
        for each in signals
    ]


@pytest.mark.parametrize(
    ("fee_bps", "error_ms", "count"),
    [(0.0, 0, 3), (1.5, 0, 11), (2.0, 0, 32), (2.0, 20, 27), (2.0, 100, 16), (10.0, 20, 0)],
)
def test_signals_equal_a_slow_reference_on_recorded_quotes(fee_bps: float, error_ms: int, count: int) -> None:
    quotes = recorded_quotes()
    monitor = monitor_of(fee_bps, error_ms)
    until = end_of(quotes, monitor)
    signals, _ = monitor.run(quotes, until)
    legs = [
        slow_reference.Quoted(
            name=name,
            time=each.receive_ns - error_ms * MS,
            bid=each.bid_price[:, 0],
            bid_quantity=each.bid_quantity[:, 0],
            ask=each.ask_price[:, 0],
            ask_quantity=each.ask_quantity[:, 0],
            error=error_ms * MS,
            fee=fee_bps / 1e4,
        )
        for name, each in quotes.items()
    ]
    expected = [
        (*times, digits(net), digits(gross), digits(value))
        for *times, net, gross, value in slow_reference.episodes(legs[0], legs[1], until)
    ]
    assert rounded(signals) == expected
    assert len(signals) == count
    if fee_bps == 10.0:  # what Binance takes of spot: nothing of these minutes paid
        assert not signals
        assert not monitor.open(monitor.run(quotes, until)[1])


def test_a_wider_error_claims_less() -> None:
    quotes = recorded_quotes()
    lasted = []
    for error_ms in (0, 20, 100):
        monitor = monitor_of(2.0, error_ms)
        signals, _ = monitor.run(quotes, end_of(quotes, monitor))
        lasted.append(sum((each.closed_ns or 0) - each.opened_ns for each in signals))
    assert lasted[0] > lasted[1] > lasted[2] > 0


@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(1, 44_000), min_size=1, max_size=40), error_ms=st.sampled_from([0, 20, 100]))
def test_stream_equals_batch(cuts: list[int], error_ms: int) -> None:
    quotes = recorded_quotes()
    monitor = monitor_of(2.0, error_ms)
    whole, last = monitor.run(quotes, end_of(quotes, monitor))
    begin = min(int(each.receive_ns[0]) for each in quotes.values())
    state: MonitorState | None = None
    signals: list[Signal] = []
    known = begin - 1
    for now in [*(begin + cut * MS for cut in sorted(set(cuts))), end_of(quotes, monitor) + 10 * error_ms * MS]:
        now = min(now, min(int(each.receive_ns[-1]) for each in quotes.values()))
        new = {
            name: rows_of(each, slice(*each.receive_ns.searchsorted([known, now], side="right").tolist()))
            for name, each in quotes.items()
        }
        some, state = monitor.run(new, monitor.known_until(now), state)
        signals += some
        known = now
    assert state is not None
    assert signals == whole
    assert state.late == 0
    assert monitor.open(state) == monitor.open(last)
    np.testing.assert_array_equal(state.books, last.books)
    assert [dataclasses.astuple(each) for each in monitor.edges(state)] == [
        dataclasses.astuple(each) for each in monitor.edges(last)
    ]


def test_a_state_stays_as_it_was() -> None:
    quotes = recorded_quotes()
    monitor = monitor_of(2.0, 20)
    middle = int(quotes[SPOT].receive_ns[2_000])
    _, state = monitor.run(quotes, middle)
    once, _ = monitor.run({}, end_of(quotes, monitor), state)
    again, _ = monitor.run({}, end_of(quotes, monitor), state)
    assert once == again
    assert once


def test_the_state_holds_the_quotes_of_the_error_only() -> None:
    quotes = recorded_quotes()
    monitor = monitor_of(2.0, 20)
    _, state = monitor.run(quotes, end_of(quotes, monitor))
    for name, times in zip(quotes, state.times, strict=True):
        newest = quotes[name].receive_ns[-1]
        assert len(times) <= 1 + (quotes[name].receive_ns >= newest - 250 * MS).sum()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), error_ms=st.integers(0, 200))
def test_one_feed_at_two_venues_with_shuffled_stamps_claims_nothing(seed: int, error_ms: int) -> None:
    """Each stamp is off by up to the error, so that stamps of one venue run backwards and overtake the other's."""
    generator = np.random.default_rng(seed)
    feed = rows_of(recorded_quotes()[FUTURES], slice(2_000))
    error = error_ms * MS
    quotes = {}
    for name in (FUTURES, SPOT):
        shuffled = feed.receive_ns + generator.integers(-error, error + 1, len(feed.receive_ns))
        quotes[name] = dataclasses.replace(feed, time_ns=shuffled)
    alignment = Alignment.of_venue_clock(0, error, 0)
    legs = (Leg(FUTURES, 0.0, alignment), Leg(SPOT, 0.0, alignment))
    monitor = ArbitrageMonitor("BTC/USDT", legs, NO_COSTS)
    signals, state = monitor.run(quotes, int(feed.receive_ns[-1]))
    assert not signals
    assert not monitor.open(state)


def test_the_same_feed_without_its_error_would_be_claimed() -> None:
    """What the error is for: stamps off by 50 ms that are believed give dozens of edges that nobody had."""
    generator = np.random.default_rng(1)
    feed = recorded_quotes()[FUTURES]
    off = generator.integers(-50 * MS, 50 * MS, len(feed.receive_ns))
    quotes = {FUTURES: dataclasses.replace(feed, time_ns=feed.receive_ns)}
    quotes[SPOT] = dataclasses.replace(feed, time_ns=np.maximum.accumulate(feed.receive_ns + off))
    monitor = ArbitrageMonitor("BTC/USDT", (Leg(FUTURES, 0.0, SURE), Leg(SPOT, 0.0, SURE)), NO_COSTS)
    signals, _ = monitor.run(quotes, int(feed.receive_ns[-1]))
    assert len(signals) > 30


def book(bids: list[tuple[float, float]], offers: list[tuple[float, float]], time: int = 1) -> TopLevels:
    sides = [np.array([[level[at] for level in levels]]) for levels in (bids, offers) for at in (0, 1)]
    return TopLevels(np.array([time]), np.array([time]), *sides)


def test_sizes_go_through_the_depth_by_hand() -> None:
    """Fees of 10 bps each: 101.0 on 102.0, 101.3 on 102.0 and 101.5 on 101.8 pay, 101.5 on 101.6 does not."""
    quotes = {
        "a:X": book([(100.0, 9.0)], [(101.0, 2.0), (101.3, 1.0), (101.5, 4.0)]),
        "b:X": book([(102.0, 2.5), (101.8, 1.5), (101.6, 9.0)], [(103.0, 9.0)]),
    }
    monitor = ArbitrageMonitor("X/USD", (Leg("a:X", 10.0, SURE), Leg("b:X", 10.0, SURE)), NO_COSTS)
    _, state = monitor.run(quotes, 10)
    (signal,) = monitor.open(state)
    paid = 2 * 101.0 + 1 * 101.3 + 1 * 101.5
    got = 2.5 * 102.0 + 1.5 * 101.8
    assert signal.quantity == pytest.approx(4.0)
    assert signal.value == pytest.approx(paid)
    assert signal.gross == pytest.approx(got / paid - 1)
    assert signal.net == pytest.approx((got * 0.999 - paid * 1.001) / paid)
    one_way = next(each for each in monitor.edges(state) if each.buy == "a:X")
    other = next(each for each in monitor.edges(state) if each.buy == "b:X")
    assert one_way.since_ns == 1
    assert one_way.net == one_way.worst == signal.net
    assert other.since_ns is None
    assert other.net == pytest.approx((100.0 * 0.999 - 103.0 * 1.001) / 103.0)
    assert other.value == 0.0


def test_the_worst_book_around_a_moment_is_worse_than_each_in_it() -> None:
    """For ± 10 both books of the first venue may hold from 10 to 30: the lower bids, the higher offers, the less."""
    both = [book([(10.0, 5.0), (9.0, 2.0)], [(11.0, 5.0), (12.0, 2.0)], 0)]
    both.append(book([(10.5, 1.0), (8.0, 9.0)], [(11.5, 7.0), (11.8, 1.0)], 20))
    first = TopLevels(*(np.concatenate([getattr(each, name) for each in both]) for name in TopLevels.__annotations__))
    legs = (Leg("a:X", 0.0, Alignment("venue", 0, 10, 0)), Leg("b:X", 0.0, SURE))
    monitor = ArbitrageMonitor("X/USD", legs, NO_COSTS)
    quotes = {"a:X": first, "b:X": book([(1.0, 1.0)], [(99.0, 1.0)], 0)}
    _, state = monitor.run(quotes, 10)
    assert state.books[0].tolist() == [[10.0, 8.0], [1.0, 2.0], [11.5, 12.0], [5.0, 1.0]]
    _, state = monitor.run({}, 29, state)
    assert state.books[0][0].tolist() == [10.0, 8.0]
    _, state = monitor.run({}, 30, state)
    assert state.books[0].tolist() == [[10.5, 8.0], [1.0, 9.0], [11.5, 11.8], [7.0, 1.0]]


def test_what_a_position_with_a_perpetual_costs() -> None:
    """Fees twice, and funding for the hours held: the long pays it, the short gets it."""
    quotes = {
        "spot:X": book([(100.0, 1.0)], [(100.0, 1.0)]),
        "perp:X": book([(101.0, 1.0)], [(101.0, 1.0)]),
    }
    legs = (Leg("spot:X", 10.0, SURE), Leg("perp:X", 5.0, SURE, funding_bps=-2.0))
    monitor = ArbitrageMonitor("X/USD", legs, Assumptions(transfer_bps=50.0, holding_h=12.0))
    _, state = monitor.run(quotes, 2)
    buys_spot, buys_perp = monitor.edges(state)
    assert buys_spot.net == pytest.approx((101.0 * (1 - 0.0010) - 100.0 * (1 + 0.0020 + 0.0003)) / 100.0)
    assert buys_perp.net == pytest.approx((100.0 * (1 - 0.0020) - 101.0 * (1 + 0.0010 - 0.0003)) / 101.0)
    spot_only = ArbitrageMonitor("X/USD", tuple(dataclasses.replace(leg, funding_bps=None) for leg in legs))
    _, state = spot_only.run(quotes, 2)
    assert spot_only.edges(state)[0].net == pytest.approx((101.0 * (1 - 0.0005) - 100.0 * (1 + 0.0010 + 0.0005)) / 100)


def test_a_side_that_is_not_known_ends_an_episode() -> None:
    first = levels_of_quotes([1, 50], [1, 50], [99.0, math.nan], [1.0, math.nan], [100.0, math.nan], [1.0, math.nan])
    quotes = {"a:X": first, "b:X": book([(101.0, 1.0)], [(102.0, 1.0)])}
    monitor = ArbitrageMonitor("X/USD", (Leg("a:X", 0.0, SURE), Leg("b:X", 0.0, SURE)), NO_COSTS)
    signals, state = monitor.run(quotes, 60)
    assert [(each.opened_ns, each.closed_ns) for each in signals] == [(1, 50)]
    assert all(math.isnan(each.net) and each.value == 0.0 for each in monitor.edges(state))


def test_trades_stand_for_quotes_only_with_their_name() -> None:
    quotes = {
        "a:X": levels_of_trades([1, 9], [1, 9], [100.0, 103.0], half_spread_bps=10.0),
        "b:X": levels_of_trades([1], [1], [102.0], half_spread_bps=10.0),
    }
    legs = (Leg("a:X", 0.0, SURE, prices="trades"), Leg("b:X", 0.0, SURE, prices="trades"))
    signals, _ = ArbitrageMonitor("X/USD", legs, NO_COSTS).run(quotes, 10)
    frame = signals_frame(signals)
    assert frame["prices"].tolist() == ["trades"]
    assert frame["profit_pct"].tolist() == pytest.approx([100 * (102 * 0.999 - 100 * 1.001) / (100 * 1.001)])
    assert frame["volume_usd"].isna().all()


def test_a_quote_that_comes_late_counts_from_then_on() -> None:
    monitor = ArbitrageMonitor("X/USD", (Leg("a:X", 0.0, SURE), Leg("b:X", 0.0, SURE)), NO_COSTS)
    _, state = monitor.run({"a:X": book([(99.0, 1.0)], [(100.0, 1.0)]), "b:X": book([(99.0, 1.0)], [(100.0, 1.0)])}, 50)
    _, state = monitor.run({"b:X": book([(101.0, 1.0)], [(102.0, 1.0)], 20)}, 60, state)
    assert state.late == 1
    assert [each.opened_ns for each in monitor.open(state)] == [51]


def test_the_table_has_the_columns_that_were_asked_for() -> None:
    quotes = recorded_quotes()
    monitor = monitor_of(2.0, 20)
    signals, _ = monitor.run(quotes, end_of(quotes, monitor))
    frame = signals_frame(signals)
    assert list(frame.columns[:8]) == [
        *("exchange_a", "exchange_b", "asset", "profit_pct", "volume_usd", "timestamp", "duration_s", "error_ms")
    ]
    assert set(frame["exchange_a"]) <= {"binance-usdm", "binance-spot"}
    assert (frame["error_ms"] == 40.0).all()
    assert (frame["profit_pct"] > 0).all()
    assert (frame["gross_pct"] > frame["profit_pct"]).all()
    assert str(frame["timestamp"].dtype) == "datetime64[ns, UTC]"
    assert list(signals_frame([]).columns) == list(frame.columns)


def test_what_is_refused() -> None:
    with pytest.raises(ParameterError, match="two or more different instruments"):
        ArbitrageMonitor("X/USD", (Leg("a:X", 0.0, SURE), Leg("a:X", 0.0, SURE)))
    monitor = ArbitrageMonitor("X/USD", (Leg("a:X", 0.0, SURE), Leg("b:X", 0.0, SURE)))
    with pytest.raises(ParameterError, match="c:X: no leg of X/USD"):
        monitor.run({"c:X": book([(1.0, 1.0)], [(2.0, 1.0)])}, 2)
    with pytest.raises(ParameterError, match="0 ≤ fastest ≤ slowest"):
        Alignment.of_arrival(5, 1)
    with pytest.raises(ParameterError, match="six columns of one length"):
        levels_of_quotes([1], [1], [1.0, 2.0], [1.0], [1.0], [1.0])


def test_fees_are_those_of_the_venue() -> None:
    assert default_taker_bps("okx", is_perpetual=True) < default_taker_bps("okx", is_perpetual=False)
    assert default_taker_bps("never-heard-of", is_perpetual=False) > 0
