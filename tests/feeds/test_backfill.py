"""The backfill plan: newest first, bounded, and never twice for what cannot be had."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.events import Tick
from alphastream.feeds import FEEDS, RetryAdvice
from alphastream.feeds.backfill import Backfill, Page
from alphastream.instruments import InstrumentId
from alphastream.tape.id_ranges import IdRuns

CODEC = FEEDS["binance-usdm"]
X, BIG, SMALL = (InstrumentId(CODEC.name, symbol) for symbol in ("X", "BIG", "SMALL"))
NOW = 1_800_000_000 * 10**9
HOUR = 3_600 * 10**9


def tick(number: int, age_ns: int = HOUR) -> Tick:
    return Tick(X, number, 1.0, 1.0, NOW - age_ns, 0, False)


def plan_for(*symbols: InstrumentId) -> Backfill:
    plan = Backfill(CODEC)
    plan.want(symbols, 0.0)
    return plan


def answer(plan: Backfill, page: Page, ids: Sequence[int], age_ns: int = HOUR) -> None:
    plan.answered(page, [tick(number, age_ns) for number in ids], NOW)


def test_nothing_is_due_before_it_is_wanted_and_settled() -> None:
    plan = Backfill(CODEC)
    assert not plan.due(1e9)
    plan.want([X], 10.0)
    assert not plan.due(10.0)  # a trade that was overtaken may still come
    assert plan.due(10.3)
    assert plan.next_page(lambda symbol: [], 10.3) is None
    assert not plan.due(1e9)


def test_the_newest_page_of_the_symbol_that_misses_least_comes_first() -> None:
    gaps = {str(BIG): [(1, 10_000)], str(SMALL): [(5, 9), (20, 1_500)]}
    plan = plan_for(BIG, SMALL)
    assert plan.next_page(gaps.__getitem__, 1.0) == (Page(SMALL, 501, 1_500), 10_000 + 5 + 1_481)


def test_pages_stay_within_the_venue_s_allowance() -> None:
    plan = plan_for(X)
    now_s, weight = 0.0, 0
    while now_s < 60.0:
        now_s += 0.01
        if plan.due(now_s):
            found = plan.next_page(lambda symbol: [(1, 10**9)], now_s)
            assert found is not None
            answer(plan, found[0], range(found[0].first, found[0].last + 1))
            weight += 20
    assert 0.7 * 2_400 < weight <= 0.85 * 2_400


def test_what_was_answered_is_not_asked_again_even_if_the_store_still_lacks_it() -> None:
    plan = plan_for(X)
    found = plan.next_page(lambda symbol: [(1, 30)], 1.0)
    assert found == (Page(X, 1, 30), 30)
    answer(plan, found[0], range(1, 31))
    assert plan.next_page(lambda symbol: [(1, 30)], 9.0) is None
    assert plan.unfillable == ()


def test_what_the_tape_loses_after_the_answer_is_asked_again() -> None:
    plan = plan_for(X)
    answer(plan, Page(X, 1, 30), range(1, 31))
    plan.look_again([X], 10.0)
    assert plan.next_page(lambda symbol: [(5, 6)], 11.0) is None  # it may not be written yet
    plan.look_again([X], 20.0)
    assert plan.next_page(lambda symbol: [(5, 6)], 21.0) == (Page(X, 5, 6), 2)


def test_what_was_given_up_is_not_asked_again() -> None:
    plan = plan_for(X)
    answer(plan, Page(X, 1, 10), [1, 2, 3, 7, 8, 9, 10])
    for now_s in (10.0, 20.0, 30.0):
        plan.look_again([X], now_s)
        assert plan.next_page(lambda symbol: [(4, 6)], now_s + 1.0) is None
    assert len(plan.unfillable) == 1


def test_ids_that_begin_anew_are_not_those_given_up_before() -> None:
    plan = plan_for(X)
    answer(plan, Page(X, 4_999_001, 5_000_000), range(4_999_500, 5_000_500))
    answer(plan, Page(X, 5_000_001, 5_000_010), [5_000_001, 5_000_009, 5_000_010])
    assert plan.next_page(lambda symbol: [(1, 20)], 1.0) is None
    told = plan.unfillable
    plan.forget([X])
    for now_s in (2.0, 3.0):
        plan.look_again([X], now_s)
        assert plan.next_page(lambda symbol: [(1, 20), (5_000_001, 5_000_010)], now_s + 0.5) == (
            Page(X, 5_000_001, 5_000_010),
            30,
        )
    assert plan.unfillable == told


def test_as_far_back_as_was_asked_for() -> None:
    plan = Backfill(CODEC, history_s=3_600.0 * 2)
    plan.want([X], 0.0)
    answer(plan, Page(X, 11, 20), range(11, 21), age_ns=3 * HOUR)
    assert plan.next_page(lambda symbol: [(1, 10)], 1.0) is None
    assert [(lost.reason, lost.before_ns) for lost in plan.unfillable] == [
        ("they are more than 2 h old", NOW - 3 * HOUR)
    ]


def test_the_venue_s_oldest_trade_is_a_floor() -> None:
    plan = plan_for(X)
    gaps = [(1, 5_000_000)]
    answer(plan, Page(X, 4_999_001, 5_000_000), range(4_999_500, 5_000_500))
    assert plan.next_page(lambda symbol: gaps, 1.0) is None
    (lost,) = plan.unfillable
    assert (lost.first, lost.last, lost.reason) == (1, 4_999_499, "the venue no longer keeps them")


def test_a_page_wholly_below_the_floor() -> None:
    plan = plan_for(X)
    answer(plan, Page(X, 1, 10), range(1_000, 1_010))
    assert plan.next_page(lambda symbol: [(1, 10), (990, 999)], 1.0) == (Page(X, 990, 999), 10)
    assert [(lost.first, lost.last) for lost in plan.unfillable] == [(1, 10)]


def test_older_than_the_venue_s_history_is_not_worth_asking() -> None:
    plan = plan_for(X)
    answer(plan, Page(X, 11, 20), range(11, 21), age_ns=49 * HOUR)
    assert plan.next_page(lambda symbol: [(1, 10)], 1.0) is None
    assert plan.unfillable[0].reason == "they are more than 48 h old"


def test_a_hole_inside_an_answer_is_given_up_at_once() -> None:
    plan = plan_for(X)
    answer(plan, Page(X, 1, 10), [1, 2, 3, 7, 8, 9, 10])
    assert plan.next_page(lambda symbol: [(4, 6)], 1.0) is None
    assert [(lost.first, lost.last, lost.before_ns) for lost in plan.unfillable] == [(4, 6, NOW - HOUR)]


def test_the_newest_trades_are_asked_three_times_because_rest_lags() -> None:
    plan = plan_for(X)
    for attempt in range(3):
        found = plan.next_page(lambda symbol: [(1, 10)], float(attempt))
        assert found is not None
        answer(plan, found[0], [1, 2, 3] if attempt == 0 else [])
    assert plan.next_page(lambda symbol: [(1, 10)], 9.0) is None
    assert [(lost.first, lost.last) for lost in plan.unfillable] == [(4, 10)]


@pytest.mark.parametrize(
    ("status", "advice", "pause_s"),
    [
        (429, RetryAdvice("wait", 7.0, ""), 7.0),
        (418, RetryAdvice("banned", 300.0, ""), 300.0),
        (451, RetryAdvice("stop", 0.0, ""), 3_600.0),
        (503, RetryAdvice("retry", 0.0, ""), 1.0),
    ],
)
def test_refusals_pause(status: int, advice: RetryAdvice, pause_s: float) -> None:
    plan = plan_for(X)
    plan.refused(Page(X, 1, 10), status, advice, 100.0)
    assert plan.pause_s(100.0) == pause_s
    assert not plan.due(100.0 + pause_s - 0.01)
    assert plan.due(100.0 + pause_s)
    assert plan.unfillable == ()


def test_a_request_the_venue_calls_wrong_is_not_repeated() -> None:
    plan = plan_for(X)
    plan.refused(Page(X, 1, 10), 400, RetryAdvice("retry", 0.0, "the venue answered with HTTP 400"), 100.0)
    assert plan.next_page(lambda symbol: [(1, 10)], 101.0) is None
    assert plan.unfillable[0].reason == "the venue answered with HTTP 400"


def test_failures_pause_longer_each_time_up_to_a_minute_until_an_answer() -> None:
    plan = plan_for(X)
    pauses = []
    for _ in range(9):
        plan.failed(0.0)
        pauses.append(plan.pause_s(0.0))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    answer(plan, Page(X, 1, 1), [1])
    plan.failed(0.0)
    assert plan.pause_s(0.0) == 1


@settings(max_examples=60, deadline=None)
@given(
    kept=st.sets(st.integers(1, 4_000), max_size=300),
    have=st.sets(st.integers(1, 4_000), min_size=2, max_size=40),
    lossy=st.booleans(),
)
def test_any_venue_and_any_store_come_to_an_end(kept: set[int], have: set[int], lossy: bool) -> None:
    plan = plan_for(X)
    store = IdRuns()
    for number in have:
        store.add(number)
    requests = 0
    while (found := plan.next_page(lambda symbol: store.gaps(), 0.0)) is not None:
        page = found[0]
        requests += 1
        assert requests <= 500
        ids = sorted(number for number in kept if number >= page.first)[: page.last - page.first + 1]
        for number in ids:
            if page.first <= number <= page.last and not (lossy and number % 7 == 0):
                store.add(number)
        answer(plan, page, ids)
    given_up = {number for lost in plan.unfillable for number in range(lost.first, lost.last + 1)}
    left = {number for first, last in store.gaps() for number in range(first, last + 1)}
    assert left <= given_up | ({number for number in kept if number % 7 == 0} if lossy else set())
