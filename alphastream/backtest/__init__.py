"""One strategy over history: through events with a broker, or compiled where its rules allow; and on a growing tape."""

from alphastream.backtest.comparison import BY_HAND, Away, Book, Difference, compare
from alphastream.backtest.definition import Definition
from alphastream.backtest.history import PairHistory, pair_history, ready
from alphastream.backtest.live import LiveRun
from alphastream.backtest.market import BarMarket, Market, Tape, TickMarket
from alphastream.backtest.result import RunResult, books
from alphastream.backtest.runner import backtest, backtests
from alphastream.backtest.sweep import Grid, Sweep, sweep
from alphastream.backtest.vectorised import VectorisedRun, is_compiled, run_pair, warm_up
from alphastream.backtest.walk_forward import Fold, WalkForward, walk_forward

__all__ = [
    "BY_HAND",
    "Away",
    "BarMarket",
    "Book",
    "Definition",
    "Difference",
    "Fold",
    "Grid",
    "LiveRun",
    "Market",
    "PairHistory",
    "RunResult",
    "Sweep",
    "Tape",
    "TickMarket",
    "VectorisedRun",
    "WalkForward",
    "backtest",
    "backtests",
    "books",
    "compare",
    "is_compiled",
    "pair_history",
    "ready",
    "run_pair",
    "sweep",
    "walk_forward",
    "warm_up",
]
