"""A replayed stream of mark prices tells every funding payment."""

import math

import msgspec
import pytest

from alphastream.carry import FundingWatch, Missed
from alphastream.feeds import FEEDS
from alphastream.feeds.market import FundingPayment, MarkPrice
from tests.carry.mark_prices import BTC, ETH, FIRST_NS, HOUR, SECOND, SECOND_NS, mark_at, mark_prices, rate_at


def test_every_payment_of_both_legs_at_the_mark_and_the_rate_of_its_time() -> None:
    watch = FundingWatch()
    both = zip(mark_prices(BTC), mark_prices(ETH), strict=True)
    found = [paid for pair in both for mark in pair if (paid := watch.add(mark)) is not None]
    assert found == [
        FundingPayment(leg, due_ns, float(rate_at(due_ns - SECOND)), float(mark_at(leg, due_ns)))
        for due_ns in (FIRST_NS, SECOND_NS)
        for leg in (BTC, ETH)
    ]
    assert watch.missed == []


def test_frames_of_binance_tell_the_payments_that_its_list_has() -> None:
    """Through the wire: a combined stream of both legs, and the venue's own list of what was paid."""
    market = FEEDS["binance-usdm"].fresh().market
    assert market is not None
    frames, received = [], []
    for pair in zip(mark_prices(BTC), mark_prices(ETH), strict=True):
        for said in pair:
            ms = said.time_ns // 1_000_000
            frames.append(
                f'{{"stream":"{said.instrument.symbol.lower()}@markPrice@1s","data":{{"e":"markPriceUpdate","E":{ms},'
                f'"s":"{said.instrument.symbol}","p":"{mark_at(said.instrument, said.time_ns)}","i":"{said.index:.8f}",'
                f'"P":"1.0","r":"{rate_at(said.time_ns)}","T":{said.next_funding_ns // 1_000_000}}}}}'.encode()
            )
            received.append(said.receive_ns)
    events = market.parse(frames, received)
    assert len(events) == len(frames)
    watch = FundingWatch()
    found = [paid for event in events if isinstance(event, MarkPrice) and (paid := watch.add(event)) is not None]
    for leg in (BTC, ETH):
        listed = ",".join(
            f'{{"symbol":"{leg.symbol}","fundingRate":"{rate_at(due_ns - SECOND)}","fundingTime":{due_ns // 1_000_000},'
            f'"markPrice":"{mark_at(leg, due_ns)}"}}'
            for due_ns in (FIRST_NS, SECOND_NS)
        )
        assert [paid for paid in found if paid.instrument == leg] == market.parse_past_funding(
            leg, f"[{listed}]".encode()
        )


def test_the_interval_follows_the_stream() -> None:
    watch = FundingWatch()
    intervals = {}
    for mark in mark_prices(BTC):
        watch.add(mark)
        newest = watch.newest(BTC)
        assert newest is not None
        intervals[newest.next_funding_ns] = newest.interval_ns
    assert intervals == {FIRST_NS: 0, SECOND_NS: HOUR, SECOND_NS + HOUR: HOUR}, "nobody knows the first one"
    moved = msgspec.structs.replace(mark_prices(BTC)[-1], next_funding_ns=SECOND_NS + 4 * HOUR)
    assert watch.add(moved) is None
    newest = watch.newest(BTC)
    assert newest is not None
    assert newest.interval_ns == 4 * HOUR


@pytest.mark.parametrize("lag_ns", [SECOND, 4 * SECOND])
def test_a_venue_that_still_names_the_payment_that_is_over(lag_ns: int) -> None:
    watch = FundingWatch()
    found = [paid for mark in mark_prices(BTC, lag_ns) if (paid := watch.add(mark)) is not None]
    assert [(paid.time_ns, paid.mark) for paid in found] == [
        (due_ns, float(mark_at(BTC, due_ns))) for due_ns in (FIRST_NS, SECOND_NS)
    ]
    assert [paid.rate for paid in found] == [float(rate_at(FIRST_NS)), float(rate_at(SECOND_NS))]


def test_a_silence_over_a_payment_is_no_guess() -> None:
    marks = mark_prices(BTC)
    silent = [mark for mark in marks if not FIRST_NS - 10 * SECOND < mark.time_ns < FIRST_NS + 30 * SECOND]
    watch = FundingWatch()
    found = [paid for mark in silent if (paid := watch.add(mark)) is not None]
    assert [paid.time_ns for paid in found] == [SECOND_NS]
    assert watch.missed == [Missed(BTC, FIRST_NS - 10 * SECOND, FIRST_NS + 30 * SECOND)]


def test_a_silence_over_the_next_payment_too() -> None:
    marks = mark_prices(BTC)
    watch = FundingWatch()
    kept = [mark for mark in marks if mark.time_ns <= FIRST_NS or mark.time_ns > SECOND_NS + 60 * SECOND]
    assert [paid.time_ns for mark in kept if (paid := watch.add(mark)) is not None] == [FIRST_NS]
    assert [missed.from_ns for missed in watch.missed] == [FIRST_NS]


def test_what_comes_late_or_says_little_changes_nothing() -> None:
    watch = FundingWatch()
    first, second, *_ = mark_prices(BTC)
    watch.add(second)
    assert watch.add(first) is None
    assert watch.newest(BTC) == second
    bare = MarkPrice(BTC, 61_000.0, second.time_ns + SECOND, 0)
    assert watch.add(bare) is None
    newest = watch.newest(BTC)
    assert newest is not None
    assert (newest.mark, newest.index, newest.funding_rate, newest.next_funding_ns) == (
        61_000.0, second.index, second.funding_rate, FIRST_NS,
    )  # fmt: skip


def test_index_and_funding_may_come_by_messages_of_their_own() -> None:
    """As at OKX: what such a message does not say is no mark price that is not known."""
    watch = FundingWatch()
    found = []
    for said in mark_prices(BTC):
        alone = MarkPrice(BTC, said.mark, said.time_ns, said.receive_ns)
        parts = (alone, msgspec.structs.replace(said, mark=math.nan))
        found += [paid for part in parts if (paid := watch.add(part)) is not None]
    assert [(paid.time_ns, paid.mark) for paid in found] == [
        (due_ns, float(mark_at(BTC, due_ns))) for due_ns in (FIRST_NS, SECOND_NS)
    ]


def test_a_payment_without_a_rate_is_missed() -> None:
    watch = FundingWatch()
    unrated = [msgspec.structs.replace(mark, funding_rate=math.nan) for mark in mark_prices(BTC)]
    assert [paid for mark in unrated if (paid := watch.add(mark)) is not None] == []
    assert [missed.until_ns for missed in watch.missed] == [FIRST_NS, SECOND_NS]
