"""A pair's history made ready for the compiled path: rows, and what orders meet that are decided on them.

That does not depend on the strategy, so that it is done once for all runs, sweeps and walks over the history.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphastream.backtest import kernel
from alphastream.backtest.market import LegTrades, Market
from alphastream.bars import PairRows
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.pairs import PairSpec
from alphastream.trading.broker.costs import BrokerRules, FixedLatency, PowerImpact


@dataclass(frozen=True, slots=True, eq=False)
class PairHistory:
    """Closed rows of a pair, and what orders meet that are decided on them.

    Parameters
    ----------
    rows : oldest first.
    rules : under which orders are filled.
    market : the same for the kernels.
    """

    rows: PairRows
    rules: BrokerRules
    market: kernel.KernelMarket

    def __len__(self) -> int:
        return len(self.rows)

    def cut(self, start: int, stop: int) -> "PairHistory":
        """Rows from ``start`` on, before ``stop``; trades after the last of them do not come."""
        marks, prices, times, due, rates = self.market
        times = times[start:stop].copy()
        fill_row = times[:, kernel.FILL_ROW : kernel.FILL_TIME]
        np.minimum(fill_row - start, stop - start, out=fill_row)
        inside = (due[:, kernel.DUE_ROW] >= start) & (due[:, kernel.DUE_ROW] < stop)
        due = due[inside]
        due[:, kernel.DUE_ROW] -= start
        rows = PairRows(*(getattr(self.rows, item.name)[start:stop] for item in fields(self.rows)))
        marks = marks[:, start:stop].copy()
        market = kernel.KernelMarket(marks, prices[start:stop].copy(), times, due, rates[inside])
        return PairHistory(replace(rows, y=marks[0], x=marks[1]), self.rules, market)


def pair_history(market: Market, pair: PairSpec, rules: BrokerRules | None = None) -> PairHistory:
    """Make the history of a pair ready for any strategy on it with bars of this interval.

    Raises
    ------
    ParameterError : no row has a price of both legs, or the rules ask for what the compiled path has not: books,
        shares of trades, time limits of orders, an impact that is not ``PowerImpact``. ``backtest`` has all of it.
    """
    rules = rules or BrokerRules()
    y, x = (market.tape(leg, rules.fill, pair.interval_ns) for leg in (pair.y, pair.x))
    return ready(market.rows(pair.y, pair.x, pair.interval_ns), (y, x), (pair.y, pair.x), rules)


def ready(
    rows: PairRows, tapes: tuple[LegTrades, LegTrades], symbols: tuple[str, str], rules: BrokerRules
) -> PairHistory:
    """Make a history of rows and of the tapes of leg y and leg x; see ``pair_history``."""
    _refuse(rows, tapes, symbols, rules)
    prices = np.empty((len(rows), kernel.PRICE_COLUMNS))
    times = np.empty((len(rows), kernel.TIME_COLUMNS), dtype=np.int64)
    prices[:, kernel.VOLUME], prices[:, kernel.VOLUME + 1] = rows.y_volume, rows.x_volume
    times[:, kernel.END] = rows.end_ns
    for leg, (tape, symbol) in enumerate(zip(tapes, symbols, strict=True)):
        from_ns = rows.end_ns + _latency(rules, symbol, rows.end_ns)
        kernel.next_trades(leg, from_ns, _column(tape.time_ns, np.int64), _column(tape.price), prices, times)
    marks = np.array((rows.y, rows.x))
    market = kernel.KernelMarket(marks, prices, times, *_funding(rules, symbols, rows.end_ns))
    return PairHistory(replace(rows, y=marks[0], x=marks[1]), rules, market)


def _refuse(rows: PairRows, tapes: tuple[LegTrades, LegTrades], symbols: tuple[str, str], rules: BrokerRules) -> None:
    if not len(rows):
        raise ParameterError(f"no row has a price of both {symbols[0]} and {symbols[1]}: take longer data")
    for symbol, price, tape in zip(symbols, (rows.y, rows.x), tapes, strict=True):
        if not np.isfinite(price).all():
            raise ParameterError(f"{symbol} has a price that is no number: leave those rows out")
        if np.any(tape.time_ns[1:] < tape.time_ns[:-1]):
            raise ParameterError(f"trades of {symbol} are not in order of time: sort them")
    lacking = {
        "fill at recorded depth": rules.fill == "recorded_depth",
        "max_share": rules.max_share is not None,
        "timeout_ns": rules.timeout_ns is not None,
        f"impact {type(rules.impact).__name__}": not isinstance(rules.impact, PowerImpact),
    }
    if found := [name for name, asked in lacking.items() if asked]:
        raise ParameterError(f"the compiled path has no {', '.join(found)}: leave that out, or use backtest")


def _latency(rules: BrokerRules, symbol: str, end_ns: Ints) -> Ints | int:
    """From the end of a row until an order of it can meet a trade."""
    if rules.fill == "next_close":
        return 1  # not the close of the row itself, which is now
    if rules.fill != "next_trade":
        return 0
    if isinstance(rules.latency, FixedLatency):
        return rules.latency.ns
    return np.array([rules.latency.delay_ns(symbol, decided_ns) for decided_ns in end_ns.tolist()], dtype=np.int64)


def _funding(rules: BrokerRules, symbols: tuple[str, str], end_ns: Ints) -> tuple[Ints, Floats]:
    """Time, row and leg, (F, 3), and rate and mark, (F, 2), of every payment over the rows, in order of time."""
    found: list[tuple[int, int, float, float]] = []
    first_ns, last_ns = int(end_ns[0]), int(end_ns[-1])
    for leg, symbol in enumerate(symbols if rules.funding is not None else ()):
        assert rules.funding is not None
        due = rules.funding.due(symbol, first_ns)
        while due is not None and due.time_ns <= last_ns:
            found.append((due.time_ns, leg, due.rate, np.nan if due.mark is None else due.mark))
            due = rules.funding.due(symbol, due.time_ns)
    found.sort(key=lambda each: each[:2])
    times = [each[0] for each in found]
    table = np.array([times, np.searchsorted(end_ns, times), [each[1] for each in found]], dtype=np.int64)
    return table.T.copy(), np.array([each[2:] for each in found], dtype=np.float64).reshape(-1, kernel.RATE_COLUMNS)


def _column(values: NDArray[Any], kind: Any = np.float64) -> NDArray[Any]:
    """Contiguous and writable, a copy only where it is not: numba compiles a kernel again for every other layout."""
    return np.require(values, kind, ["C", "W"])
