"""What a run came to: the books at every row, every order and every fill."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Floats, Ints
from alphastream.reports import plot, write_report
from alphastream.strategies import Table
from alphastream.trading.broker.account import Account
from alphastream.trading.broker.costs import BrokerRules
from alphastream.trading.broker.margin import Ended
from alphastream.trading.broker.orders import Fill, FundingPayment, SpreadOrder

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """A strategy over T rows of N symbols; amounts in the quote currency.

    Parameters
    ----------
    name : of the strategy.
    time_ns : (T,), ends of the rows.
    marks : (T, N), last trades.
    positions : (T, N), units held at the end of each row, what was filled by then included.
    cash, equity : (T,); equity is cash and positions at the marks, and at least 0: more than it has, an account does
        not lose.
    orders, fills, funding : in order of time.
    observed : the strategy's columns and what else was asked for, (T,) each.
    ended : how the account came to its end, after which nothing was traded but what closed its positions; None where
        it did not.
    rules : that fills and costs followed; None where nobody said.
    """

    name: str
    symbols: tuple[str, ...]
    interval_ns: int
    capital: float
    time_ns: Ints
    marks: Floats
    positions: Floats
    cash: Floats
    equity: Floats
    orders: tuple[SpreadOrder, ...]
    fills: tuple[Fill, ...]
    funding: tuple[FundingPayment, ...]
    observed: Mapping[str, Floats]
    ended: Ended | None = None
    rules: BrokerRules | None = None

    def __len__(self) -> int:
        return len(self.time_ns)

    def plot(self, *, dark: bool = False) -> "go.Figure":
        """Equity, drawdown, positions and what was recorded, as a Plotly figure; see ``alphastream.reports.plot``."""
        return plot(self, dark=dark)

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        benchmark: Any = None,
        trials: Any = None,
        settings: Iterable[tuple[str, str]] = (),
    ) -> Path:
        """Write everything about the run into one HTML file; see ``alphastream.reports.write_report``."""
        return write_report(path, self, benchmark=benchmark, trials=trials, rules=self.rules, settings=settings)


def books(account: Account, time_ns: Ints, marks: Floats) -> tuple[Floats, Floats, Floats]:
    """Positions (T, N), cash (T,) and equity (T,) of an account at the ends of rows."""
    moved_ns = np.array([entry[0] for entry in account.journal], dtype=np.int64)
    seen = np.searchsorted(moved_ns, time_ns, side="right")  # entries by the end of each row
    cash = np.array([account.capital, *(entry[3] for entry in account.journal)])[seen]
    positions = np.zeros((len(time_ns), len(account.symbols)))
    legs = np.array([entry[1] for entry in account.journal], dtype=np.int64)
    held = np.array([entry[2] for entry in account.journal])
    for leg in range(len(account.symbols)):
        mine = legs == leg
        at = np.searchsorted(moved_ns[mine], time_ns, side="right")
        positions[:, leg] = np.concatenate(([0.0], held[mine]))[at]
    worth = np.where(positions != 0.0, positions * marks, 0.0).sum(axis=1)  # a symbol not held needs no price
    return positions, cash, np.maximum(cash + worth, 0.0)


def result_of(
    name: str,
    interval_ns: int,
    account: Account,
    orders: tuple[SpreadOrder, ...],
    table: Table,
    observed: Mapping[str, NDArray[np.float64]],
    ended: Ended | None = None,
    rules: BrokerRules | None = None,
) -> RunResult:
    """Make a result of the books of a run."""
    positions, cash, equity = books(account, table.time_ns, table.marks)
    columns = {column: values for column, values in table.columns.items() if values.ndim == 1}
    return RunResult(
        name=name,
        symbols=account.symbols,
        interval_ns=interval_ns,
        capital=account.capital,
        time_ns=table.time_ns,
        marks=table.marks,
        positions=positions,
        cash=cash,
        equity=equity,
        orders=orders,
        fills=tuple(account.fills),
        funding=tuple(account.funding),
        observed={**table.recorded, **columns, **observed},
        ended=ended,
        rules=rules,
    )
