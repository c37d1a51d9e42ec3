"""SymbolRing and the values of a tape, without a store around them: the time is an argument here."""

import numpy as np
import pytest

from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.tape.columns import TickColumns
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Gap, SymbolRing

BTC = "BTCUSDT"


def tick(trade_id: int, time_ns: int | None = None) -> Tick:
    """A trade, at the nanosecond of its id unless told otherwise."""
    return Tick(BTC, trade_id, 84551.1, 0.03, trade_id if time_ns is None else time_ns, 7, trade_id % 3 == 0)


def admit(ring: SymbolRing, late: Tick, now_ns: int) -> str:
    """What the ring makes of a tick."""
    admission, *_ = ring.admit(TickColumns.of([late]), now_ns)
    counts = {
        "new": len(admission.new),
        "refilled": len(admission.refilled),
        "backwards": len(admission.backwards),
        "duplicate": admission.duplicates,
    }
    (verdict,) = (name for name, count in counts.items() if count)
    return verdict


def ring_of(*ids: int, ring_ticks: int = 100, retention_ns: int | None = None) -> SymbolRing:
    ring = SymbolRing(BTC, ring_ticks, retention_ns)
    for trade_id in ids:
        assert admit(ring, tick(trade_id), now_ns=trade_id) == "new"
    return ring


def test_nothing_is_known_before_the_first_tick() -> None:
    ring = SymbolRing(BTC, 10, retention_ns=5)
    assert (list(ring.since(None)), ring.gaps(), ring.coverage(), ring.newest) == ([], [], None, None)
    assert ring.oldest_kept_ns(now_ns=1_000) == 0


@pytest.mark.parametrize(
    ("late", "now_ns", "verdict"),
    [
        (tick(200), 200, "duplicate"),
        (tick(150), 200, "new"),
        (tick(99, 100), 200, "new"),
        (tick(99, 101), 200, "backwards"),  # a smaller id at a later time: the venue counts anew
        (tick(80, 80), 200, "new"),  # exactly as old as retention keeps
        (tick(79, 79), 200, "backwards"),
        (tick(79, 79), 199, "new"),
    ],
)
def test_an_id_decides_what_a_tick_is(late: Tick, now_ns: int, verdict: str) -> None:
    ring = ring_of(100, 200, retention_ns=120)
    assert admit(ring, late, now_ns) == verdict
    assert (late in ring.since(2)) is (verdict == "new")


def test_retention_counts_from_now_when_the_newest_tick_is_from_the_future() -> None:
    ring = SymbolRing(BTC, 10, retention_ns=100)
    admit(ring, tick(1, time_ns=10**9), now_ns=500)
    assert ring.oldest_kept_ns(now_ns=500) == 400
    assert ring.oldest_kept_ns(now_ns=2 * 10**9) == 10**9 - 100


def test_a_given_up_tick_is_a_gap_until_it_comes_again() -> None:
    ring = ring_of(1, 2, 3, 6)
    ring.lost.add(3)
    assert ring.gaps() == [Gap(3, 5)], "given up and never seen are one range"
    coverage = ring.coverage()
    assert coverage is not None
    assert (coverage.ticks, coverage.missing, coverage.complete) == (3, 3, False)
    assert admit(ring, tick(3), now_ns=9) == "refilled"
    assert list(ring.since(4)) == [], "readers have seen it"
    assert ring.gaps() == [Gap(4, 5)]


def test_a_restored_ring_counts_its_cursor_from_what_it_holds() -> None:
    ring = SymbolRing(BTC, ring_ticks=2)
    ring.restore(IdRuns([(1, 2), (5, 6)]), IdRuns(), TickColumns.of([tick(5), tick(6)]), first_ns=1)
    batch = ring.since(None)
    assert ([t.id for t in batch], batch.cursor, batch.missed) == ([5, 6], 2, 0)
    assert ring.gaps() == [Gap(3, 4)]
    admit(ring, tick(7), now_ns=7)
    assert ([t.id for t in ring.since(0)], ring.since(0).missed) == ([6, 7], 1)
    with pytest.raises(ParameterError, match="cursor 4 was never given out for BTCUSDT"):
        ring.since(4)


def test_dropping_old_ticks_is_no_gap_and_leaves_the_ring() -> None:
    ring = ring_of(1, 2, 5, 6)
    ring.lost.add(2)
    ring.drop_below(5, first_ns=5)
    assert ring.gaps() == []
    coverage = ring.coverage()
    assert coverage is not None
    assert (coverage.first_id, coverage.first_ns, coverage.ticks) == (5, 5, 2)
    assert len(ring.since(None)) == 4


def test_merged_columns_hold_every_id_once_and_ascending() -> None:
    parts = [TickColumns.of([tick(4), tick(2)]), TickColumns.of([]), TickColumns.of([tick(3), tick(4)])]
    merged = TickColumns.merged(parts)
    assert merged.ticks(BTC) == [tick(2), tick(3), tick(4)]
    assert [a.dtype for a in (merged.id, merged.price, merged.buyer_is_maker)] == [np.int64, np.float64, np.bool_]
    assert len(TickColumns.merged([TickColumns.of([])])) == 0
