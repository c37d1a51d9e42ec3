"""Everything a page says about a run, in one value."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.performance.costs import CostSplit, Turnover, break_even_cost_bps, split_costs, turnover
from alphastream.performance.deflated import DeflatedSharpe, deflated_sharpe
from alphastream.performance.inputs import Fill, Payment, column, positive, times
from alphastream.performance.metrics import (
    Drawdown,
    Exposure,
    ReturnMoments,
    annual_growth,
    calmar_ratio,
    exposure,
    moments,
    returns,
    rows_per_year,
    sharpe_error,
    sortino_ratio,
    worst_drawdown,
)
from alphastream.performance.round_trips import RoundTrip, RoundTripStatistics, round_trip_statistics, round_trips
from alphastream.performance.serial_correlation import lo_sharpe


@dataclass(frozen=True, slots=True)
class Ratios:
    """Figures over the returns of the rows, a year unless said otherwise; NaN where undefined.

    All are NaN if the account came to its end on the way; annual growth and Calmar also over less than a week.

    Parameters
    ----------
    rows_per_year : pace at which figures of a row were made yearly.
    moments : of the returns of a row.
    sharpe, sharpe_error : ratio over the autocorrelation of the rows, and its standard error; see ``lo_sharpe``.
    factor : of the deviation, for that autocorrelation; 1 where there is none.
    plain_sharpe, plain_sharpe_error, plain_sharpe_error_normal : ratio and errors as if rows were independent: with the
        skew and kurtosis of the returns (Mertens 2002), and as if they were normal (Lo 2002, equation 9).
    """

    rows_per_year: float
    moments: ReturnMoments
    annual_growth: float
    volatility: float
    sharpe: float
    sharpe_error: float
    factor: float
    plain_sharpe: float
    plain_sharpe_error: float
    plain_sharpe_error_normal: float
    sortino: float
    calmar: float

    def deflated(self, trial_sharpes: ArrayLike | None = None) -> DeflatedSharpe:
        """The ratio of a row against those of the trials it was chosen from; None: as the only one.

        Parameters
        ----------
        trial_sharpes : plain Sharpe ratios of a row, its own among them. All are taken to have its autocorrelation.
        """
        chosen = self.moments.over_many_rows(self.factor)
        if trial_sharpes is None:
            return deflated_sharpe(chosen, trials=1)
        shared = 1.0 if math.isnan(self.factor) else self.factor
        return deflated_sharpe(chosen, np.asarray(trial_sharpes, dtype=np.float64) / shared)


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """What a run was worth, and why.

    Parameters
    ----------
    rows, start_ns, end_ns : number of rows, times of the first and the last.
    capital, equity : at the beginning and at the end.
    profit : equity − capital; equals ``split.net`` up to rounding.
    total_return : profit over capital.
    ruined_ns : first row with no equity left, or at which the account was liquidated; None if there was none.
    ratios : figures over the returns.
    drawdown, exposure, turnover, split, round_trips, round_trip_statistics : as their classes say.
    break_even_cost_bps : rate of fees, spread and impact at which the profit would be 0.
    deflated : against the trials that were made, as the only one if none were given; the trials are taken to have the
        autocorrelation of this run.
    """

    rows: int
    start_ns: int
    end_ns: int
    capital: float
    equity: float
    profit: float
    total_return: float
    ruined_ns: int | None
    ratios: Ratios
    drawdown: Drawdown
    exposure: Exposure
    turnover: Turnover
    split: CostSplit
    break_even_cost_bps: float
    round_trips: tuple[RoundTrip, ...]
    round_trip_statistics: RoundTripStatistics
    deflated: DeflatedSharpe


def summarise(
    time_ns: ArrayLike,
    equity: ArrayLike,
    symbols: Sequence[str],
    positions: ArrayLike,
    marks: ArrayLike,
    fills: Iterable[Fill],
    funding: Iterable[Payment],
    *,
    capital: float,
    lead: str | None = None,
    trial_sharpes: ArrayLike | None = None,
    ended_ns: int | None = None,
) -> Performance:
    """Sum a run up.

    Parameters
    ----------
    time_ns, equity : (T,) ends of the rows, and cash with positions at their marks.
    symbols : N names, the columns of positions and marks.
    positions, marks : (T, N) units held at the row's end and their prices; NaN where a symbol had no price yet.
    fills, funding : of the whole run, in the order in which they happened.
    capital : equity before the first row.
    lead : symbol whose side is the direction of a round trip, as in ``round_trips``.
    trial_sharpes : Sharpe ratio of a row of every run this one was chosen from, itself among them.
    ended_ns : when the account came to its end and traded no more, None if it did not.
    """
    when = times(time_ns)
    curve = column("equity", equity, rows=when.size)
    start = positive("capital", capital)
    fills, funding = tuple(fills), tuple(funding)
    held = exposure(positions, marks, curve)
    last = np.asarray(marks, dtype=np.float64)[-1].tolist()
    if len(last) != len(symbols):
        raise ParameterError(f"{len(symbols)} symbols, marks of {len(last)}: pass a column for each symbol")
    last_marks = dict(zip(symbols, last, strict=True))
    split, traded = split_costs(fills, funding, last_marks), turnover(fills, when, curve)
    all_round_trips = round_trips(fills, funding, last_marks, lead)
    ruined = np.flatnonzero((curve <= 0.0) | (False if ended_ns is None else when >= ended_ns))
    statistics = round_trip_statistics(all_round_trips)
    ratios = _ratios(when, curve, statistics.mean_holding_ns) if ruined.size == 0 else _no_ratios(when)
    return Performance(
        rows=when.size,
        start_ns=int(when[0]),
        end_ns=int(when[-1]),
        capital=start,
        equity=float(curve[-1]),
        profit=float(curve[-1]) - start,
        total_return=float(curve[-1]) / start - 1.0,
        ruined_ns=int(when[ruined[0]]) if ruined.size else None,
        ratios=ratios,
        drawdown=worst_drawdown(when, curve),
        exposure=held,
        turnover=traded,
        split=split,
        break_even_cost_bps=break_even_cost_bps(split, traded.traded),
        round_trips=all_round_trips,
        round_trip_statistics=statistics,
        deflated=ratios.deflated(trial_sharpes),
    )


def _ratios(when: Ints, curve: Floats, holding_ns: float) -> Ratios:
    row_returns, pace = returns(curve), rows_per_year(when)
    found = moments(row_returns)
    yearly = math.sqrt(pace)
    row_ns = int(when[-1] - when[0]) / max(when.size - 1, 1)
    over_rows = lo_sharpe(row_returns, 1.0, 0.0 if math.isnan(holding_ns) else holding_ns / row_ns)
    return Ratios(
        rows_per_year=pace,
        moments=found,
        annual_growth=annual_growth(when, curve),
        volatility=found.std * yearly,
        sharpe=over_rows.sharpe * yearly,
        sharpe_error=over_rows.error * yearly,
        factor=over_rows.factor,
        plain_sharpe=found.sharpe * yearly,
        plain_sharpe_error=sharpe_error(found.sharpe, found.rows, found.skew, found.kurtosis) * yearly,
        plain_sharpe_error_normal=sharpe_error(found.sharpe, found.rows) * yearly,
        sortino=sortino_ratio(row_returns) * yearly,
        calmar=calmar_ratio(when, curve),
    )


def _no_ratios(when: Ints) -> Ratios:
    nan = math.nan
    return Ratios(rows_per_year(when), ReturnMoments(0, nan, nan, nan, nan), *(nan,) * 10)
