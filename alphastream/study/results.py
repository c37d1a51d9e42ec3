"""What a study's run came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from alphastream.backtest import RunResult
from alphastream.core.types import Floats
from alphastream.performance import Performance, summarise

SUMMARY: Final = (
    "capital",
    "equity",
    "profit",
    "total_return",
    "annual_growth",
    "volatility",
    "sharpe",
    "sharpe_error",
    "plain_sharpe",
    "sortino",
    "calmar",
    "drawdown",
    "orders",
    "fills",
    "round_trips",
    "turnover",
    "fees",
    "spread_cost",
    "impact_cost",
    "funding",
    "rows",
    "rows_per_year",
)
"""Figures of ``StudyResult.summary``, in its order."""


@dataclass(frozen=True, eq=False)
class StudyResult(RunResult):
    """A strategy's run: what ``RunResult`` has, with frames and what analysers found.

    Parameters
    ----------
    analyzers : what each of the study's analysers gave, by name.
    """

    analyzers: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def performance(self) -> Performance:
        """Every figure with its parts; see ``alphastream.performance.summarise``."""
        ended_ns = None if self.ended is None else self.ended.time_ns
        return summarise(
            self.time_ns, self.equity, self.symbols, self.positions, self.marks, self.fills, self.funding,
            capital=self.capital, ended_ns=ended_ns,
        )  # fmt: skip

    def summary(self) -> pd.Series:
        """Figures by name; a year where they have a pace, NaN where undefined."""
        found = self.performance
        ratios = found.ratios
        figures: dict[str, float] = {
            "capital": found.capital,
            "equity": found.equity,
            "profit": found.profit,
            "total_return": found.total_return,
            "annual_growth": ratios.annual_growth,
            "volatility": ratios.volatility,
            "sharpe": ratios.sharpe,
            "sharpe_error": ratios.sharpe_error,
            "plain_sharpe": ratios.plain_sharpe,
            "sortino": ratios.sortino,
            "calmar": ratios.calmar,
            "drawdown": found.drawdown.depth,
            "orders": float(len(self.orders)),
            "fills": float(len(self.fills)),
            "round_trips": float(len(found.round_trips)),
            "turnover": found.turnover.ratio,
            "fees": found.split.fees,
            "spread_cost": found.split.spread,
            "impact_cost": found.split.impact,
            "funding": found.split.funding,
            "rows": float(found.rows),
            "rows_per_year": ratios.rows_per_year,
        }
        return pd.Series(figures.values(), index=list(figures), name=self.name, dtype=np.float64)

    def frame(self) -> pd.DataFrame:
        """A row a bar: equity, cash, price and position of each symbol, and everything observed; time in UTC."""
        columns: dict[str, Any] = {"equity": self.equity, "cash": self.cash}
        for place, symbol in enumerate(self.symbols):
            columns[f"{symbol} price"] = self.marks[:, place]
            columns[f"{symbol} position"] = self.positions[:, place]
        columns |= {name: values for name, values in self.observed.items() if name not in columns}
        return pd.DataFrame(columns, index=pd.DatetimeIndex(pd.to_datetime(self.time_ns, utc=True), name="time"))

    to_frame = frame

    def gross_returns(self) -> Floats:
        """Profit of each row over the gross value that was held at the end of the row before, (T,); 0 where none was.

        Returns without a capital, as books on strategies of one unit have them: what was held is what was staked.
        """
        before = np.abs(self.positions * self.marks)[:-1]
        held = np.where(self.positions[:-1] != 0.0, before, 0.0).sum(axis=1)
        profit = np.diff(self.equity)
        out = np.zeros(len(self))
        out[1:][held > 0.0] = profit[held > 0.0] / held[held > 0.0]
        return out


def study_result(run: RunResult, analyzers: Mapping[str, Any]) -> StudyResult:
    """A run with what each analyser gives for it.

    Parameters
    ----------
    analyzers : by name; functions of the result, or objects with a method ``analyse`` of it.
    """
    found: dict[str, Any] = {}
    result = StudyResult(**{item.name: getattr(run, item.name) for item in fields(RunResult)}, analyzers=found)
    for name, analyzer in analyzers.items():
        found[name] = getattr(analyzer, "analyse", analyzer)(result)
    return result
