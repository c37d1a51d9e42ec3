"""The periods that a report speaks of: UTC days where a run is long enough for them, else its rows."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.core.types import Floats, Ints
from alphastream.graph import interval_name
from alphastream.performance import period_returns
from alphastream.performance.metrics import YEAR_NS
from alphastream.reports.run import Run

DAY_NS: Final = 86_400 * 10**9
DAYS: Final = 30  # from which on days are spoken of


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """Returns of P periods, up to the one in which nothing was left.

    Parameters
    ----------
    word, words : of one period and of several.
    time_ns : (P,), ends of their last rows.
    returns : (P,).
    rows : (P,) places of those rows in the run.
    per_year : pace; NaN with one period.
    """

    word: str
    words: str
    time_ns: Ints
    returns: Floats
    rows: Ints
    per_year: float

    def __len__(self) -> int:
        return len(self.returns)

    @property
    def window(self) -> int:
        """Periods that moving figures look at: a tenth of all, at least 20, at most half a year of days."""
        most = 126 if self.word == "day" else 10_000
        return int(min(max(20, len(self) // 10), most))


def basis_of(run: Run) -> Basis:
    """The periods of a run."""
    equity, time_ns = np.asarray(run.equity), np.asarray(run.time_ns)
    long = int(time_ns[-1] - time_ns[0]) >= DAYS * DAY_NS
    if long and run.interval_ns < DAY_NS:
        found = period_returns(time_ns, equity, "D", run.capital)
        returns, rows, word = found.returns, found.last_row, "day"
    else:
        before = np.concatenate(([run.capital], equity[:-1]))
        alive = np.logical_and.accumulate(before > 0.0)
        returns = np.full(len(equity), np.nan)
        returns[alive] = equity[alive] / before[alive] - 1.0
        rows = np.arange(len(equity), dtype=np.int64)
        word = "day" if run.interval_ns == DAY_NS else f"bar of {interval_name(run.interval_ns)}"
    left = np.isfinite(returns) & (equity[rows] > 0.0)
    rows = rows[left]
    span = int(time_ns[rows[-1]] - time_ns[rows[0]]) if rows.size > 1 else 0
    pace = (rows.size - 1) * YEAR_NS / span if span else float("nan")
    words = word.replace("bar", "bars", 1) if word != "day" else "days"
    return Basis(word, words, time_ns[rows], returns[left], rows, pace)
