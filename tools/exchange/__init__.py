"""A local exchange: venues' protocols on loopback, fed by a tape of recorded trades, with faults on demand.

See README.md beside this file.
"""

from .events import Trade
from .faults import (
    Close24h,
    Drop,
    Duplicate,
    Fault,
    Garbage,
    HalfClose,
    JumpIds,
    LateAnswer,
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
from .limits import Limits
from .playback import Fast, Rate, RealTime, Stepped
from .protocols.binance import SPOT, USDM
from .server import LocalExchange
from .tape import SPOT_TAPE_PATH, TAPE_PATH, Tape
from .venue import LastTrade

__all__ = [
    "SPOT",
    "SPOT_TAPE_PATH",
    "TAPE_PATH",
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
    "LateAnswer",
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
