"""What a run of the compiled path came to: what happened is kept, and what follows from it is made when it is asked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from alphastream.backtest import kernel
from alphastream.backtest.pair_history import PairHistory
from alphastream.backtest.pair_series import PairSeries, PairStrategy, pair_series
from alphastream.backtest.result import RunResult
from alphastream.core.types import Floats, Ints
from alphastream.performance import LoSharpe, ReturnMoments, lo_sharpe, returns
from alphastream.trading.broker.margin import Ended
from alphastream.trading.broker.orders import Fill, FundingPayment


@dataclass(frozen=True, slots=True, eq=False)
class FillTable:
    """Fills in order of time, (K,) each; a fill that turns a position is two lines.

    Parameters
    ----------
    row : that was decided on.
    leg : 0 for y, 1 for x.
    round_trip : number of the round trip.
    quantity : units, buying positive.
    trade_price, price : of the trade in the market; what was paid.
    fee, spread_cost, impact_cost : in the quote currency, costs positive.
    """

    row: Ints
    leg: Ints
    time_ns: Ints
    round_trip: Ints
    quantity: Floats
    trade_price: Floats
    price: Floats
    fee: Floats
    spread_cost: Floats
    impact_cost: Floats

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, eq=False)
class VectorisedRun:
    """What a run came to; amounts in the quote currency.

    Parameters
    ----------
    lines : (K, kernel.COLUMNS), the table of fills as the kernel wrote it.
    moves : (M, kernel.MOVE_COLUMNS), the rows at which cash or positions changed, and what they were from there on.
    numbers : (kernel.STATISTICS,), what equity came to.
    payments : (F,) funding received, negative where paid, in the order of ``history.market.due``.
    trades : round trips of which a leg was filled.
    ended : how the account came to its end, None where it did not.
    refused : decisions whose order was beyond the leverage limit; one that is adjusted on every row counts on each.
    refusal : the first of them with its numbers, None where there was none.
    given : what the strategy computed and the directions that were traded; None where they follow from the history.
    """

    strategy: PairStrategy
    history: PairHistory
    capital: float
    lines: Floats
    moves: Floats
    numbers: Floats
    payments: Floats
    trades: int
    ended: Ended | None = None
    refused: int = 0
    refusal: str | None = None
    given: tuple[PairSeries, Floats] | None = None

    def _from_moves(self, column: slice | int, before: float) -> Floats:
        """A column of the moves on all rows."""
        rows = self.moves[:, kernel.MOVE_ROW].astype(np.int64)
        after: Floats = self.moves[:, column]
        values = np.concatenate((np.full((1, *after.shape[1:]), before), after))
        return np.repeat(values, np.diff(rows, prepend=0, append=len(self.history)), axis=0)

    @cached_property
    def fills(self) -> FillTable:
        """All fills."""
        return _fill_table(self.lines, self.history.market)

    @cached_property
    def positions(self) -> Floats:
        """Units of y and x at the end of each row, (T, 2)."""
        return self._from_moves(slice(kernel.MOVE_POSITION, kernel.MOVE_COLUMNS), 0.0)

    @cached_property
    def cash(self) -> Floats:
        """At the end of each row, (T,)."""
        return self._from_moves(kernel.MOVE_CASH, self.capital)

    @cached_property
    def equity(self) -> Floats:
        """Cash and positions at their marks at the end of each row, at least 0, (T,)."""
        rows, held = self.history.rows, self.positions
        return np.maximum(self.cash + (held[:, 0] * rows.y + held[:, 1] * rows.x), 0.0)

    @cached_property
    def observed(self) -> Mapping[str, Floats]:
        """The strategy's z-score, hedge ratio and direction, (T,) each."""
        if self.given is None:
            series = pair_series(self.history.rows, self.strategy)
            direction = self.strategy.signal().run(series.zscore)[0].position
        else:
            series, direction = self.given
        return {"zscore": series.zscore, "hedge_ratio": series.hedge_ratio, "direction": direction}

    @property
    def moments(self) -> ReturnMoments:
        """Of the returns of a row, as ``performance.moments`` finds them up to rounding; NaN after an end."""
        of = self.numbers
        numbers = (of[kernel.MEAN], of[kernel.STD], of[kernel.SKEW], of[kernel.KURTOSIS])
        return ReturnMoments(int(of[kernel.ROWS]), *map(float, numbers))

    @property
    def drawdown(self) -> float:
        """The deepest, a fraction of the peak, at most 0."""
        return float(self.numbers[kernel.DRAWDOWN])

    @property
    def final_equity(self) -> float:
        """Equity at the end of the last row."""
        return float(self.numbers[kernel.FINAL])

    @property
    def sharpe(self) -> LoSharpe:
        """Sharpe ratio of a row over the autocorrelation of the rows; NaN after an end, or where nothing moved."""
        if self.ended is not None or self.equity.min() <= 0.0:
            return LoSharpe(math.nan, math.nan, math.nan, 0)
        held = np.count_nonzero(self.positions.any(axis=1))
        return lo_sharpe(returns(self.equity), holding_rows=held / max(self.trades, 1))

    @property
    def result(self) -> RunResult:
        """The same in the form of the event path. Orders are not kept: a fill's order counts decisions with fills."""
        rows, symbols = self.history.rows, self.strategy.symbols
        return RunResult(
            name=self.strategy.name,
            symbols=symbols,
            interval_ns=self.strategy.pair.interval_ns,
            capital=self.capital,
            time_ns=rows.end_ns,
            marks=np.column_stack((rows.y, rows.x)),
            positions=self.positions,
            cash=self.cash,
            equity=self.equity,
            orders=(),
            fills=_fill_values(self.fills, symbols),
            funding=self._funding(symbols),
            observed=self.observed,
            ended=self.ended,
            rules=self.history.rules,
        )

    def _funding(self, symbols: tuple[str, ...]) -> tuple[FundingPayment, ...]:
        due, table = self.history.market.due, self.fills
        found = []
        for at in np.flatnonzero(self.payments):
            leg, due_ns = int(due[at, kernel.DUE_LEG]), int(due[at, kernel.DUE])
            held = np.flatnonzero((table.leg == leg) & (table.time_ns < due_ns))
            round_trip = int(table.round_trip[held[-1]])
            found.append(FundingPayment(due_ns, symbols[leg], float(self.payments[at]), round_trip))
        return tuple(found)


def _fill_table(lines: Floats, market: kernel.KernelMarket) -> FillTable:
    row, leg, round_trip = lines[:, : kernel.QUANTITY].T.astype(np.int64)
    _, _, _, quantity, price, fee, spread, impact = lines.T.copy()
    return FillTable(
        row=row,
        leg=leg,
        time_ns=market.times[row, kernel.FILL_TIME + leg],
        round_trip=round_trip,
        quantity=quantity,
        trade_price=market.prices[row, kernel.FILL_PRICE + leg],
        price=price,
        fee=fee,
        spread_cost=spread,
        impact_cost=impact,
    )


def _fill_values(table: FillTable, symbols: tuple[str, ...]) -> tuple[Fill, ...]:
    orders = np.unique(table.row, return_inverse=True)[1] + 1
    return tuple(
        Fill(when, symbols[leg], quantity, price, trade_price, fee, spread, impact, order, round_trip)
        for leg, when, round_trip, quantity, trade_price, price, fee, spread, impact, order in zip(
            table.leg.tolist(),
            table.time_ns.tolist(),
            table.round_trip.tolist(),
            table.quantity.tolist(),
            table.trade_price.tolist(),
            table.price.tolist(),
            table.fee.tolist(),
            table.spread_cost.tolist(),
            table.impact_cost.tolist(),
            orders.tolist(),
            strict=True,
        )
    )
