"""A local exchange: Binance's protocol on loopback, fed by a tape of recorded trades, with faults on demand.

See README.md beside this file.
"""

from .faults import (
    Close24h,
    Drop,
    Duplicate,
    Fault,
    Garbage,
    HalfClose,
    JumpIds,
    Mute,
    PingFlood,
    Refuse403,
    Refuse418,
    Refuse429,
    Refuse451,
    Reorder,
    Silence,
    SkipIds,
    SlowClose,
    Stall,
)
from .market import SPOT, USDM, Limits
from .playback import Fast, Rate, RealTime, Stepped
from .server import LocalExchange
from .tape import Tape, Trade
from .venue import LastTrade

__all__ = [
    "SPOT",
    "USDM",
    "Close24h",
    "Drop",
    "Duplicate",
    "Fast",
    "Fault",
    "Garbage",
    "HalfClose",
    "JumpIds",
    "LastTrade",
    "Limits",
    "LocalExchange",
    "Mute",
    "PingFlood",
    "Rate",
    "RealTime",
    "Refuse403",
    "Refuse418",
    "Refuse429",
    "Refuse451",
    "Reorder",
    "Silence",
    "SkipIds",
    "SlowClose",
    "Stall",
    "Stepped",
    "Tape",
    "Trade",
]
