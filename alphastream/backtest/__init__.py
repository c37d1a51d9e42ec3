"""One strategy over history: through events with a broker, or compiled where its rules allow; and on a growing tape."""

from alphastream.backtest.comparison import BY_HAND, Book, OrderDifference, Outage, compare
from alphastream.backtest.compiled_run import VectorisedRun
from alphastream.backtest.definition import Definition
from alphastream.backtest.holdout import HoldoutRun, holdout_run, market_before
from alphastream.backtest.leg_pnl import LegPnl, pnl_by_leg, returns_on_gross
from alphastream.backtest.live import LiveRun
from alphastream.backtest.market import BarMarket, LegTrades, Market, TickMarket
from alphastream.backtest.pair_history import PairHistory, pair_history, ready
from alphastream.backtest.recorded import RecordedMarket, run_pairs
from alphastream.backtest.result import RunResult, books
from alphastream.backtest.runner import backtest, backtests
from alphastream.backtest.simulation import RowFold, symbols_read, warm_up_ns
from alphastream.backtest.sweep import Grid, Sweep, sweep
from alphastream.backtest.threshold_trials import ThresholdTrial, ThresholdTrials, threshold_trials
from alphastream.backtest.vectorised import is_compiled, run_pair, warm_up
from alphastream.backtest.walk_forward import WalkForward, WalkForwardFold, best_in_hindsight, walk_forward

__all__ = [
    "BY_HAND",
    "BarMarket",
    "Book",
    "Definition",
    "Grid",
    "HoldoutRun",
    "LegPnl",
    "LegTrades",
    "LiveRun",
    "Market",
    "OrderDifference",
    "Outage",
    "PairHistory",
    "RecordedMarket",
    "RowFold",
    "RunResult",
    "Sweep",
    "ThresholdTrial",
    "ThresholdTrials",
    "TickMarket",
    "VectorisedRun",
    "WalkForward",
    "WalkForwardFold",
    "backtest",
    "backtests",
    "best_in_hindsight",
    "books",
    "compare",
    "holdout_run",
    "is_compiled",
    "market_before",
    "pair_history",
    "pnl_by_leg",
    "ready",
    "returns_on_gross",
    "run_pair",
    "run_pairs",
    "sweep",
    "symbols_read",
    "threshold_trials",
    "walk_forward",
    "warm_up",
    "warm_up_ns",
]
