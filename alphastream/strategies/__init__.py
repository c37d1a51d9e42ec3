"""Strategies: what they read, how they decide, how large they trade."""

from alphastream.strategies.optimiser import PositionOptimiser
from alphastream.strategies.sizers import BetaNeutral, FixedNotional, Sizer, Units, VolatilityTarget
from alphastream.strategies.strategy import Decision, PairColumns, Strategy, Table, pair_table
from alphastream.strategies.threshold import InnovationThreshold, ThresholdRule, ZScoreThreshold

__all__ = [
    "BetaNeutral",
    "Decision",
    "FixedNotional",
    "InnovationThreshold",
    "PairColumns",
    "PositionOptimiser",
    "Sizer",
    "Strategy",
    "Table",
    "ThresholdRule",
    "Units",
    "VolatilityTarget",
    "ZScoreThreshold",
    "pair_table",
]
