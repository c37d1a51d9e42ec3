"""A stream of mark prices across two payments, between which the venue changes the interval."""

from decimal import Decimal

from alphastream.feeds.market import MarkPrice
from alphastream.instruments import InstrumentId

SECOND = 10**9
HOUR = 3_600 * SECOND
FIRST_NS = 1_723_132_800 * SECOND  # 2024-08-08 16:00:00 UTC, eight hours after the payment before
SECOND_NS = FIRST_NS + HOUR
BEGIN_NS, END_NS = FIRST_NS - 600 * SECOND, SECOND_NS + 600 * SECOND
BTC, ETH = InstrumentId("binance-usdm", "BTCUSDT"), InstrumentId("binance-usdm", "ETHUSDT")
AT = {BTC: (Decimal("60000.10"), Decimal("0.01")), ETH: (Decimal("2600.05"), Decimal("-0.003"))}


def mark_at(instrument: InstrumentId, time_ns: int) -> Decimal:
    """A straight line, so that a mark tells its second."""
    start, step = AT[instrument]
    return start + step * ((time_ns - BEGIN_NS) // SECOND)


def rate_at(time_ns: int) -> Decimal:
    """What is expected changes every second."""
    return Decimal("0.00010000") + Decimal("0.00000001") * ((time_ns - BEGIN_NS) // SECOND)


def mark_prices(instrument: InstrumentId, lag_ns: int = 0) -> list[MarkPrice]:
    """One a second; the frame of a payment's own second speaks of the next payment already.

    Parameters
    ----------
    lag_ns : so long after a payment it is still called the next one.
    """
    found = []
    for time_ns in range(BEGIN_NS, END_NS, SECOND):
        passed = time_ns - lag_ns
        next_ns = FIRST_NS if passed < FIRST_NS else SECOND_NS if passed < SECOND_NS else SECOND_NS + HOUR
        mark = float(mark_at(instrument, time_ns))
        found.append(
            MarkPrice(instrument, mark, time_ns, time_ns + 90_000_000, mark * 0.9999, float(rate_at(time_ns)), next_ns)
        )
    return found
