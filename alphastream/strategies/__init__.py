"""Strategies: what they read, how they decide, how large they trade."""

from alphastream.strategies.allocations import AtrRisk, EquityShare
from alphastream.strategies.basket import BasketLinear, BasketThreshold
from alphastream.strategies.optimiser import PositionOptimiser
from alphastream.strategies.pair_thresholds import PairThresholds, pair_thresholds, round_trip_cost
from alphastream.strategies.pulse import Allocation, Portfolio, PulseStrategy
from alphastream.strategies.sizers import BasketSizer, BetaNeutral, FixedNotional, Sizer, Units, VolatilityTarget
from alphastream.strategies.strategy import Action, BarsColumns, Decision, PairColumns, Strategy, Table, pair_table
from alphastream.strategies.threshold import InnovationThreshold, ThresholdRule, ZScoreThreshold
from alphastream.strategies.thresholds import Thresholds, at_bar_ends, expected, watched_always

__all__ = [
    "Action",
    "Allocation",
    "AtrRisk",
    "BarsColumns",
    "BasketLinear",
    "BasketSizer",
    "BasketThreshold",
    "BetaNeutral",
    "Decision",
    "EquityShare",
    "FixedNotional",
    "InnovationThreshold",
    "PairColumns",
    "PairThresholds",
    "Portfolio",
    "PositionOptimiser",
    "PulseStrategy",
    "Sizer",
    "Strategy",
    "Table",
    "ThresholdRule",
    "Thresholds",
    "Units",
    "VolatilityTarget",
    "ZScoreThreshold",
    "at_bar_ends",
    "expected",
    "pair_table",
    "pair_thresholds",
    "round_trip_cost",
    "watched_always",
]
