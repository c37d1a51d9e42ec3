"""The same asset at several venues: what buying at one and selling at another leaves, and who leads whom."""

from alphastream.arbitrage.alignment import Alignment
from alphastream.arbitrage.costs import (
    FEES_AS_OF,
    OTHER_TAKER_BPS,
    TAKER_BPS,
    Assumptions,
    Leg,
    cost_factors,
    default_taker_bps,
)
from alphastream.arbitrage.lead_lag import LeadLag, lead_lag
from alphastream.arbitrage.levels import Levels, TopLevels, levels_of_quotes, levels_of_trades
from alphastream.arbitrage.monitor import ArbitrageMonitor, Edge, MonitorState, warm_up
from alphastream.arbitrage.signals import Signal, signals_frame

__all__ = [
    "FEES_AS_OF",
    "OTHER_TAKER_BPS",
    "TAKER_BPS",
    "Alignment",
    "ArbitrageMonitor",
    "Assumptions",
    "Edge",
    "LeadLag",
    "Leg",
    "Levels",
    "MonitorState",
    "Signal",
    "TopLevels",
    "cost_factors",
    "default_taker_bps",
    "lead_lag",
    "levels_of_quotes",
    "levels_of_trades",
    "signals_frame",
    "warm_up",
]
