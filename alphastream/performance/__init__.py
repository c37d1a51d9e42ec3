"""What a run was worth: ratios with their errors, round trips, costs, and the luck of having tried many.

Pure functions over arrays and over anything with the fields of a fill. A figure that is not defined is NaN, never 0.

>>> from alphastream.performance import deflated_sharpe, returns, worst_drawdown
>>> equity = [100.0, 103.0, 101.0, 104.0, 102.0, 106.0]
>>> round(worst_drawdown(range(6), equity).depth, 4)
-0.0194
>>> [round(deflated_sharpe(returns(equity), trials=tried).probability, 2) for tried in (1, 20)]
[0.78, 0.16]
"""

from alphastream.performance.attribution import ProfitOverTime, profit_by_symbol, profit_over_time, split_by_symbol
from alphastream.performance.benchmark import BenchmarkComparison, against_benchmark, held_equally
from alphastream.performance.costs import (
    CostSplit,
    Turnover,
    break_even_cost_bps,
    split_costs,
    traded_notional,
    turnover,
)
from alphastream.performance.deflated import (
    DeflatedSharpe,
    deflated_sharpe,
    effective_trials,
    expected_maximum_sharpe,
    probabilistic_sharpe,
)
from alphastream.performance.drawdowns import worst_drawdowns
from alphastream.performance.inputs import Ruin
from alphastream.performance.metrics import (
    Drawdown,
    Exposure,
    ReturnMoments,
    annual_growth,
    calmar_ratio,
    drawdown,
    exposure,
    moments,
    returns,
    rows_per_year,
    sharpe_error,
    sharpe_ratio,
    sortino_ratio,
    volatility,
    worst_drawdown,
)
from alphastream.performance.periods import PeriodReturns, period_returns, rolling_sharpe, rolling_volatility
from alphastream.performance.rolling_error import RollingSharpe, rolling_sharpe_error
from alphastream.performance.round_trips import (
    RoundTrip,
    RoundTripLeg,
    RoundTripStatistics,
    round_trip_statistics,
    round_trips,
)
from alphastream.performance.serial_correlation import LoSharpe, lo_sharpe
from alphastream.performance.signal_result import SignalResult, signal_result
from alphastream.performance.summary import Performance, Ratios, summarise
from alphastream.performance.tails import Tail, Tails, tails

__all__ = [
    "BenchmarkComparison",
    "CostSplit",
    "DeflatedSharpe",
    "Drawdown",
    "Exposure",
    "LoSharpe",
    "Performance",
    "PeriodReturns",
    "ProfitOverTime",
    "Ratios",
    "ReturnMoments",
    "RollingSharpe",
    "RoundTrip",
    "RoundTripLeg",
    "RoundTripStatistics",
    "Ruin",
    "SignalResult",
    "Tail",
    "Tails",
    "Turnover",
    "against_benchmark",
    "annual_growth",
    "break_even_cost_bps",
    "calmar_ratio",
    "deflated_sharpe",
    "drawdown",
    "effective_trials",
    "expected_maximum_sharpe",
    "exposure",
    "held_equally",
    "lo_sharpe",
    "moments",
    "period_returns",
    "probabilistic_sharpe",
    "profit_by_symbol",
    "profit_over_time",
    "returns",
    "rolling_sharpe",
    "rolling_sharpe_error",
    "rolling_volatility",
    "round_trip_statistics",
    "round_trips",
    "rows_per_year",
    "sharpe_error",
    "sharpe_ratio",
    "signal_result",
    "sortino_ratio",
    "split_by_symbol",
    "split_costs",
    "summarise",
    "tails",
    "traded_notional",
    "turnover",
    "volatility",
    "worst_drawdown",
    "worst_drawdowns",
]
