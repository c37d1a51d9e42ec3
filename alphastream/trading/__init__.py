"""Events, sources and dispatchers, orders, costs and a simulated broker.

Words and behaviour follow basana 1.11; docs/decisions/0015-the-event-core.md lists the differences.
"""

from alphastream.trading.broker.account import Account
from alphastream.trading.broker.costs import (
    BrokerRules,
    Contract,
    Fees,
    FillRule,
    FixedFunding,
    FixedLatency,
    PowerImpact,
    RecordedFunding,
    VenueFunding,
)
from alphastream.trading.broker.margin import Ended, Margin
from alphastream.trading.broker.orders import (
    Cancel,
    Fill,
    FundingPayment,
    LegOrder,
    OrderRequest,
    SpreadOrder,
    SpreadRequest,
    Target,
)
from alphastream.trading.broker.simulated import SimulatedBroker
from alphastream.trading.engine.backtesting import BacktestingDispatcher, backtesting_dispatcher
from alphastream.trading.engine.bar_files import CsvBarSource
from alphastream.trading.engine.clock import local_now, utc_now
from alphastream.trading.engine.dispatcher import EventDispatcher
from alphastream.trading.engine.errors import DispatchError, EventOrderError, InvalidBar
from alphastream.trading.engine.events import BarEvent, Event, PairBar
from alphastream.trading.engine.pairs import Pair, PairInfo, PrecisionMode, round_decimal, truncate_decimal
from alphastream.trading.engine.realtime import RealtimeDispatcher, realtime_dispatcher
from alphastream.trading.engine.signals import (
    BaseTradingSignal,
    OrderOperation,
    Position,
    TradingSignal,
    TradingSignalSource,
)
from alphastream.trading.engine.sources import EventSource, FifoQueueEventSource, Producer
from alphastream.trading.engine.token_bucket import TokenBucketLimiter
from alphastream.trading.engine.trade_bars import TradesToBars

__all__ = [
    "Account",
    "BacktestingDispatcher",
    "BarEvent",
    "BaseTradingSignal",
    "BrokerRules",
    "Cancel",
    "Contract",
    "CsvBarSource",
    "DispatchError",
    "Ended",
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
    "Margin",
    "OrderOperation",
    "OrderRequest",
    "Pair",
    "PairBar",
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
    "TradesToBars",
    "TradingSignal",
    "TradingSignalSource",
    "VenueFunding",
    "backtesting_dispatcher",
    "local_now",
    "realtime_dispatcher",
    "round_decimal",
    "truncate_decimal",
    "utc_now",
]
