"""Events, sources and dispatchers: one strategy over history, over a recorded tape and live.

Words and behaviour follow basana 1.11; docs/decisions/0015-the-event-core.md lists the differences.
"""

from alphastream.trading.backtesting import BacktestingDispatcher, backtesting_dispatcher
from alphastream.trading.clock import utc_now
from alphastream.trading.dispatcher import EventDispatcher
from alphastream.trading.errors import DispatchError, EventOrderError, InvalidBar
from alphastream.trading.events import Bar, BarEvent, Event
from alphastream.trading.limits import TokenBucketLimiter
from alphastream.trading.pairs import Pair, PairInfo, PrecisionMode, round_decimal, truncate_decimal
from alphastream.trading.realtime import RealtimeDispatcher, realtime_dispatcher
from alphastream.trading.signals import BaseTradingSignal, Position, TradingSignal, TradingSignalSource
from alphastream.trading.sources import EventSource, FifoQueueEventSource, Producer

__all__ = [
    "BacktestingDispatcher",
    "Bar",
    "BarEvent",
    "BaseTradingSignal",
    "DispatchError",
    "Event",
    "EventDispatcher",
    "EventOrderError",
    "EventSource",
    "FifoQueueEventSource",
    "InvalidBar",
    "Pair",
    "PairInfo",
    "Position",
    "PrecisionMode",
    "Producer",
    "RealtimeDispatcher",
    "TokenBucketLimiter",
    "TradingSignal",
    "TradingSignalSource",
    "backtesting_dispatcher",
    "realtime_dispatcher",
    "round_decimal",
    "truncate_decimal",
    "utc_now",
]
