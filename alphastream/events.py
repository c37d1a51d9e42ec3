"""What happens in a market, as frozen values. Time is int64 UTC nanoseconds.

The events are msgspec structs: frozen and slotted like a dataclass, ten times cheaper to build, which is what
a busy tape needs (docs/decisions/0002-events-are-structs.md).
"""

import msgspec


class Tick(msgspec.Struct, frozen=True, gc=False):
    """One aggregate trade: fills of one taker order at one price.

    Parameters
    ----------
    symbol : venue's spelling in capitals, "BTCUSDT".
    id : the venue's number of the trade, contiguous per symbol; where a venue has none, ascending, no more.
    price : quote units per base unit.
    quantity : base units.
    time_ns : when it traded at the venue.
    receive_ns : when its message reached this machine; 0 where nobody knows.
    buyer_is_maker : True when the taker sold.
    """

    symbol: str
    id: int
    price: float
    quantity: float
    time_ns: int
    receive_ns: int
    buyer_is_maker: bool


class Bar(msgspec.Struct, frozen=True, gc=False):
    """Trades of one symbol in [start_ns, end_ns), summed up.

    ``last_ns`` is the time of the bar's last trade: ``end_ns - last_ns`` is the age of its close.
    """

    symbol: str
    start_ns: int
    end_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    trades: int
    last_ns: int
