"""Events, sources and dispatchers, orders, costs and a simulated broker.

Words and behaviour follow basana 1.11; docs/decisions/0015-the-event-core.md lists the differences.
"""

from alphastream.trading.backtesting import BacktestingDispatcher, backtesting_dispatcher
from alphastream.trading.broker import SimulatedBroker
from alphastream.trading.clock import utc_now
from alphastream.trading.costs import (
    BrokerRules,
    Contract,
    Fees,
    FillRule,
    FixedFunding,
    FixedLatency,
    PowerImpact,
    RecordedFunding,
)
from alphastream.trading.dispatcher import EventDispatcher
from alphastream.trading.errors import DispatchError, EventOrderError, InvalidBar
from alphastream.trading.events import Bar, BarEvent, Event
from alphastream.trading.ledger import Account
from alphastream.trading.limits import TokenBucketLimiter
from alphastream.trading.orders import Fill, FundingPayment, LegOrder, SpreadOrder, SpreadRequest, Target
from alphastream.trading.pairs import Pair, PairInfo, PrecisionMode, round_decimal, truncate_decimal
from alphastream.trading.realtime import RealtimeDispatcher, realtime_dispatcher
from alphastream.trading.signals import BaseTradingSignal, Position, TradingSignal, TradingSignalSource
from alphastream.trading.sources import EventSource, FifoQueueEventSource, Producer

__all__ = [
    "Account",
    "BacktestingDispatcher",
    "Bar",
    "BarEvent",
    "BaseTradingSignal",
    "BrokerRules",
    "Contract",
    "DispatchError",
    "Event",
    "EventDispatcher",
    "EventOrderError",
    "EventSource",
    "Fees",
    "FifoQueueEventSource",
    "Fill",
    "FillRule",
    "FixedFunding",
    "FixedLatency",
    "FundingPayment",
    "InvalidBar",
    "LegOrder",
    "Pair",
    "PairInfo",
    "Position",
    "PowerImpact",
    "PrecisionMode",
    "Producer",
    "RealtimeDispatcher",
    "RecordedFunding",
    "SimulatedBroker",
    "SpreadOrder",
    "SpreadRequest",
    "Target",
    "TokenBucketLimiter",
    "TradingSignal",
    "TradingSignalSource",
    "backtesting_dispatcher",
    "realtime_dispatcher",
    "round_decimal",
    "truncate_decimal",
    "utc_now",
]
