"""Sweeps and walk-forwards in words and tables. No Streamlit."""

import math
from typing import Any, Final

import numpy as np
import pandas as pd

from alphastream.backtest import PairHistory
from alphastream.backtest.sweep import Sweep
from alphastream.backtest.walk_forward import WalkForward, WalkForwardFold
from alphastream.performance import DeflatedSharpe
from views.shared.exports import csv_bytes

CONVINCING: Final = 0.95
"""Probability from which a page speaks of more than luck; what is usual for a test at 5 %."""
FEW_TRADES: Final = 30
"""Round trips below which a page says that they are few."""


def luck_sentence(result: Sweep, luck: DeflatedSharpe, yearly: float = 1.0) -> tuple[str, str]:
    """Title and sentence on the best of a sweep and how much of it is luck.

    Parameters
    ----------
    yearly : what makes a Sharpe ratio of a bar one of a year; 1 leaves it.
    """
    window, threshold = result.best()
    unit = "annualised" if yearly > 1.0 else "per bar"
    best = f"Window {result.grid.windows[window]}, entry {result.grid.entries[threshold]:g}: "
    trades = int(result.trades[window, threshold])
    best += f"Sharpe (Lo) {luck.sharpe * yearly:+.4g} {unit}, {trades:,} round trip{'s'[: trades != 1]}."
    best += " So few say little, whatever the ratios say." if trades < FEW_TRADES else ""
    if not math.isfinite(luck.probability):
        return "Luck cannot be told from skill", f"{best} Its returns do not allow a deflated Sharpe ratio."
    chance = f"Of {luck.trials:,.0f} combinations without any skill, luck alone would give the best about "
    chance += f"{luck.expected_maximum * yearly:+.4g}."
    prob = f"The probability that the true ratio of the best is above that is {_share(luck.probability)}"
    if luck.sharpe <= 0.0:
        return "No combination made money", f"{best} Even the best lost: there is nothing to choose here."
    if luck.probability < 0.5:
        return "No better than luck", f"{best} {chance} {prob}: these bars show no skill in it."
    if luck.probability < CONVINCING:
        return (
            "Not shown to be more than luck",
            f"{best} {chance} {prob}: less than the {CONVINCING:.0%} needed to believe it.",
        )
    return "More than luck, on these bars", f"{best} {chance} {prob}. It is still in sample: see the walk-forward."


def _share(probability: float) -> str:
    if probability < 0.001:
        return "under 0.1 %"
    return f"{probability:.1%}" if probability < 0.999 else "over 99.9 %"


def ended_sentence(result: Sweep) -> str:
    """How many accounts came to their end, and of how many orders were refused; empty where neither happened."""
    ended, refused = int(result.ended.sum()), int((result.refused > 0).sum())
    words = ""
    if ended:
        which = "account was" if ended == 1 else "accounts were"
        words = f" {ended:,} {which} liquidated or ruined: profit and trades until then, no Sharpe ratio."
    if refused:
        words += f" Orders of {refused:,} combinations were refused, beyond the leverage limit."
    return words


def folds_frame(history: PairHistory, walk: WalkForward, yearly: float = 1.0) -> pd.DataFrame:
    """One line a fold, oldest first; Sharpe ratios NaN where nothing was traded."""
    ends = history.rows.end_ns

    def moment(row: int) -> pd.Timestamp:
        return pd.Timestamp(int(ends[row]), unit="ns", tz="UTC")

    lines: list[dict[str, Any]] = [
        {
            "fold": number,
            "train_from": moment(fold.train[0]),
            "train_bars": fold.train[1] - fold.train[0],
            "test_from": moment(fold.test[0]),
            "test_bars": fold.test[1] - fold.test[0],
            "window": fold.window,
            "entry": fold.entry,
            "train_sharpe": fold.train_sharpe * yearly,
            "test_sharpe": fold.test_sharpe * yearly,
            "trades": fold.trades,
            "gained": fold.profitable,
            "ended": fold.ended,
        }
        for number, fold in enumerate(walk.folds, 1)
    ]
    return pd.DataFrame(lines)


def trained_on(history: PairHistory, fold: WalkForwardFold) -> str:
    """The rows that the settings of a fold were chosen on, and those that tested them, in words."""
    ends = pd.DatetimeIndex(history.rows.end_ns, tz="UTC")
    (begin, stop), (first, last) = fold.train, fold.test
    form = "%Y-%m-%d %H:%M:%S"
    return (
        f"{stop - begin:,} bars from {ends[begin]:{form}} to {ends[stop - 1]:{form}} UTC and tested on the "
        f"{last - first:,} from {ends[first]:{form}} on"
    )


def sweep_frame(result: Sweep, capital: float, yearly: float = 1.0) -> pd.DataFrame:
    """A line for each combination, the best first; its place in the grid in the last two columns."""
    at = np.indices(result.grid.shape).reshape(2, -1)
    idle = result.trades.ravel() == 0
    columns = {
        "window": np.asarray(result.grid.windows)[at[0]],
        "entry": np.asarray(result.grid.entries)[at[1]],
        "sharpe": result.sharpe.ravel() * yearly,
        "profit": np.where(idle, np.nan, result.final_equity.ravel() - capital),
        "drawdown": np.where(idle, np.nan, result.drawdown.ravel() * 100.0),
        "trades": result.trades.ravel(),
        "window_at": at[0],
        "entry_at": at[1],
    }
    return pd.DataFrame(columns).sort_values("sharpe", ascending=False, kind="stable", ignore_index=True)


def sweep_csv(result: Sweep) -> bytes:
    """A line for each combination; Sharpe ratios are per bar."""
    windows, entries = np.meshgrid(result.grid.windows, result.grid.entries, indexing="ij")
    exits = np.broadcast_to(np.asarray(result.grid.exits), windows.shape)
    columns = {
        "window": windows,
        "entry": entries,
        "exit": exits,
        "sharpe_per_bar": result.sharpe,
        "final_equity": result.final_equity,
        "drawdown": result.drawdown,
        "trades": result.trades,
        "turnover": result.turnover,
        "ended": result.ended,
        "refused": result.refused,
        "skew": result.skew,
        "kurtosis": result.kurtosis,
    }
    return csv_bytes(pd.DataFrame({name: values.ravel() for name, values in columns.items()}))


def walk_forward_csv(history: PairHistory, walk: WalkForward, hindsight: Any) -> bytes:
    """A line for each bar of the tests: fold, settings, equity out of sample and in hindsight."""
    start, stop = walk.rows
    lengths = [fold.test[1] - fold.test[0] for fold in walk.folds]

    def spread(values: list[Any]) -> Any:
        return np.repeat(values, lengths)

    frame = {
        "time": pd.to_datetime(history.rows.end_ns[start:stop], utc=True),
        "fold": spread(list(range(1, len(lengths) + 1))),
        "window": spread([fold.window for fold in walk.folds]),
        "entry": spread([fold.entry for fold in walk.folds]),
        "equity_out_of_sample": walk.equity,
        "equity_best_in_hindsight": hindsight,
    }
    return csv_bytes(pd.DataFrame(frame))
