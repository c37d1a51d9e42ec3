"""Funding payments out of a stream of mark prices: what was paid, when, and where the interval changed."""

import math
from typing import Any, Final

import msgspec

from alphastream.core.units import SECOND
from alphastream.feeds.market import FundingPayment, MarkPrice
from alphastream.instruments import InstrumentId

MARK_STALE_NS: Final = 5 * SECOND
"""Mark prices come every second or every third. With none so shortly before a payment the rate may have changed."""


class Missed(msgspec.Struct, frozen=True, gc=False):
    """A time in which a payment fell due that the stream does not tell: the venue's history does.

    Parameters
    ----------
    from_ns, until_ns : the mark price before that time, or a payment that was seen, and the first one after it.
    """

    instrument: InstrumentId
    from_ns: int
    until_ns: int


class FundingWatch:
    """A fold over mark prices, in the order of arrival.

    A payment has happened when a mark price of its time or later arrives. Its rate is the last one said of that
    payment, its mark that of the last mark price up to its time. One that comes late, of a time before the newest, is
    left out.

    Attributes
    ----------
    missed : where a payment fell due and the newest mark price before it was older than ``MARK_STALE_NS``.
    """

    def __init__(self) -> None:
        self.missed: list[Missed] = []
        self._newest: dict[InstrumentId, MarkPrice] = {}
        self._paid_ns: dict[InstrumentId, int] = {}

    def newest(self, instrument: InstrumentId) -> MarkPrice | None:
        """Return the newest mark price, with what earlier ones said where it says nothing; None before the first.

        Its interval is the one from the last payment to the next where the stream does not tell it.
        """
        return self._newest.get(instrument)

    def add(self, mark: MarkPrice) -> FundingPayment | None:
        """Take a mark price in, and return the payment that it shows to have happened."""
        name, before = mark.instrument, self._newest.get(mark.instrument)
        if 0 < mark.next_funding_ns < mark.time_ns:  # it still speaks of a payment that is over
            mark = msgspec.structs.replace(mark, **_SAID_NOTHING)
        if before is None:
            self._newest[name] = mark
            return None
        if mark.time_ns < before.time_ns:
            return None
        due_ns = before.next_funding_ns
        if not due_ns or mark.time_ns < due_ns:
            self._newest[name] = _continued(mark, before, self._paid_ns.get(name, 0))
            return None
        self._paid_ns[name] = due_ns
        following = mark if mark.next_funding_ns > due_ns else msgspec.structs.replace(mark, **_SAID_NOTHING)
        nothing = msgspec.structs.replace(before, **_SAID_NOTHING)
        self._newest[name] = newest = _continued(following, nothing, due_ns)
        return self._paid(mark, before, due_ns, newest.interval_ns)

    def _paid(self, mark: MarkPrice, before: MarkPrice, due_ns: int, interval_ns: int) -> FundingPayment | None:
        at_once = mark.time_ns == due_ns
        rate = before.funding_rate if due_ns - before.time_ns <= MARK_STALE_NS else math.nan
        if at_once and mark.next_funding_ns == due_ns and not math.isnan(mark.funding_rate):
            rate = mark.funding_rate
        if math.isnan(rate):
            self.missed.append(Missed(mark.instrument, before.time_ns, mark.time_ns))
            return None
        if interval_ns and mark.time_ns - due_ns >= interval_ns:
            self.missed.append(Missed(mark.instrument, due_ns, mark.time_ns))
        price = before.mark if math.isnan(mark.mark) or not at_once else mark.mark
        return FundingPayment(mark.instrument, due_ns, rate, price)


_SAID_NOTHING: Final[dict[str, Any]] = {"next_funding_ns": 0, "funding_rate": math.nan, "interval_ns": 0}


def _continued(mark: MarkPrice, before: MarkPrice, paid_ns: int) -> MarkPrice:
    """Fill what a mark price does not say with what was said before."""
    next_ns = mark.next_funding_ns or before.next_funding_ns
    counted_ns = next_ns - paid_ns if paid_ns and next_ns else before.interval_ns
    return MarkPrice(
        mark.instrument,
        before.mark if math.isnan(mark.mark) else mark.mark,
        mark.time_ns,
        mark.receive_ns,
        before.index if math.isnan(mark.index) else mark.index,
        before.funding_rate if math.isnan(mark.funding_rate) else mark.funding_rate,
        next_ns,
        mark.interval_ns or counted_ns,
    )
