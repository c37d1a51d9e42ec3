"""What every window has in common: it is a fold over trades.

    rows, state = window.run(trades, state=None)

``rows`` are the windows that closed, ``state`` is what the next call goes on from; ``forming(state)`` are those that
are still open. Any split of the trades gives the same bits.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

import numpy as np

from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.windows import kernels
from alphastream.windows.trades import Trades


@dataclass(frozen=True, slots=True, eq=False)
class WindowRows:
    """What happened in each window, (W,) each, oldest first; a window in which nothing happened has no row.

    Parameters
    ----------
    window : its number, from which it can be found again; numbers grow and skip windows without rows.
    start_ns, end_ns : its borders in time; of windows that are not cut by time, those of its rows.
    first_ns, last_ns : times of its first and last row.
    open, high, low, close : prices; NaN in a window of quotes alone.
    volume, buy_volume, sell_volume : quantity in all, and by the side of the taker.
    quote_volume : sum of price times quantity.
    trades, buys : how many there were, and how many of them the taker bought.
    bid, ask : the last that were known in the window; NaN where none was.
    spread : mean of ask − bid over the rows that have both, each counting the same; NaN where none has.
    """

    window: Ints
    start_ns: Ints
    end_ns: Ints
    first_ns: Ints
    last_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    quote_volume: Floats
    buy_volume: Floats
    sell_volume: Floats
    trades: Ints
    buys: Ints
    bid: Floats
    ask: Floats
    spread: Floats

    def __len__(self) -> int:
        return len(self.window)

    @property
    def vwap(self) -> Floats:
        """Volume-weighted average price, (W,); NaN where nothing traded."""
        undefined: Floats = np.full(len(self), np.nan)
        return np.divide(self.quote_volume, self.volume, out=undefined, where=self.volume > 0.0)

    @property
    def signed_volume(self) -> Floats:
        """What takers bought less what they sold, (W,)."""
        return self.buy_volume - self.sell_volume

    def take(self, rows: slice | Ints) -> "WindowRows":
        """The same columns, some rows of them."""
        return WindowRows(*(getattr(self, item.name)[rows] for item in fields(self)))

    def followed_by(self, newer: "WindowRows") -> "WindowRows":
        """These rows and newer ones behind them."""
        both = (np.concatenate((getattr(self, item.name), getattr(newer, item.name))) for item in fields(self))
        return WindowRows(*both)


@dataclass(frozen=True, slots=True, eq=False)
class WindowState:
    """What a window remembers of the rows before; no more panes than two windows have.

    Parameters
    ----------
    of : whose state it is; no other window accepts it.
    next_window : the first that has not closed.
    frontier : the pane in which the next row can be.
    newest_ns : time of the newest row.
    place : what tells the pane of the next row, where that is not its time alone.
    ids, table, times : panes, oldest first.
    """

    of: "Window"
    next_window: int
    frontier: int
    newest_ns: int
    place: tuple[float, ...]
    ids: Ints
    table: Floats
    times: Ints


class Window(ABC):
    """Base of the windows: a subclass says in which pane each row is, and where a window begins and ends."""

    __slots__ = ()

    @property
    @abstractmethod
    def _reach(self) -> int:
        """Window j is made of the panes 2j to 2(j + reach)."""

    @abstractmethod
    def _panes(self, trades: Trades, place: tuple[float, ...], newest_ns: int) -> tuple[Ints, int, tuple[float, ...]]:
        """The pane of each row, (T,), the earliest pane that the next row can be in, and the next place.

        Parameters
        ----------
        trades : at least one row.
        place : what this gave for the rows before; empty at the beginning.
        newest_ns : time of the row before; that of the first row at the beginning.
        """

    def _first(self, time_ns: int, pane: int) -> int:
        """The first window there is, given the time and the pane of the first row."""
        return pane // 2

    def _borders(self, window: Ints, times: Ints) -> tuple[Ints, Ints]:
        """Begin and end of windows, UTC ns; of those that are not cut by time, their rows'."""
        return times[:, kernels.FIRST_NS], times[:, kernels.LAST_NS]

    def run(self, trades: Trades, state: WindowState | None = None) -> tuple[WindowRows, WindowState | None]:
        """Fold new trades into the windows that they close.

        Parameters
        ----------
        trades : rows after those of the state.
        state : what the call before returned, None at the beginning; it is not changed.

        Returns
        -------
        rows : windows that cannot get another row.
        state : for the next call; None as long as there was no row at all.

        Raises
        ------
        ParameterError
            A state of another window, or rows older than those before.
        """
        if state is not None:
            self._check(trades, state)
        if not len(trades):
            return self._rows(_NO_WINDOWS, np.empty((0, kernels.FIELDS)), np.empty((0, 2), np.int64)), state
        newest_ns = int(trades.time_ns[0]) if state is None else state.newest_ns
        panes, frontier, place = self._panes(trades, () if state is None else state.place, newest_ns)
        held = 0 if state is None else len(state.ids)
        room = held + 1 + int(np.count_nonzero(panes[1:] != panes[:-1]))
        ids, table, times = np.empty(room, np.int64), np.empty((room, kernels.FIELDS)), np.empty((room, 2), np.int64)
        if state is not None:
            ids[:held], table[:held], times[:held] = state.ids, state.table, state.times
        columns = (trades.time_ns, trades.price, trades.quantity, trades.buyer_is_maker, trades.bid, trades.ask)
        known = kernels.fold_panes(panes, *columns, held, ids, table, times)
        ids, table, times = ids[:known], table[:known], times[:known]
        begin = self._first(int(trades.time_ns[0]), int(panes[0])) if state is None else state.next_window
        rows, next_window = self._closed(ids, table, times, frontier, begin)
        needed = int(np.searchsorted(ids, min(2 * next_window, frontier)))
        kept = (ids[needed:].copy(), table[needed:].copy(), times[needed:].copy())
        for column in kept:
            column.setflags(write=False)
        return rows, WindowState(self, next_window, frontier, int(trades.time_ns[-1]), place, *kept)

    def forming(self, state: WindowState | None) -> WindowRows:
        """The windows that are still open, as they are so far; with ``run`` before it, all windows of the rows."""
        if state is None or not len(state.ids):
            return self._rows(_NO_WINDOWS, np.empty((0, kernels.FIELDS)), np.empty((0, 2), np.int64))
        beyond = int(state.ids[-1]) + 2 * self._reach + 2
        panes = (state.ids.copy(), state.table.copy(), state.times.copy())
        return self._closed(*panes, beyond, state.next_window)[0]

    def _check(self, trades: Trades, state: WindowState) -> None:
        if state.of != self:
            raise ParameterError(f"state belongs to {state.of!r}, not to {self!r}: begin with state=None")
        if len(trades) and trades.time_ns[0] < state.newest_ns:
            late = state.newest_ns - int(trades.time_ns[0])
            raise ParameterError(f"the first row is {late} ns older than the newest before it: begin with state=None")

    def _closed(self, ids: Ints, table: Floats, times: Ints, frontier: int, begin: int) -> tuple[WindowRows, int]:
        none, nothing, never = _NO_WINDOWS, np.empty((0, kernels.FIELDS)), np.empty((0, 2), np.int64)
        panes = (ids, table, times, frontier, begin, self._reach)
        count, next_window = kernels.slide(*panes, none, nothing, never)
        window, found = np.empty(count, np.int64), np.empty((count, kernels.FIELDS))
        found_times = np.empty((count, 2), np.int64)
        if count:
            kernels.slide(*panes, window, found, found_times)
        return self._rows(window, found, found_times), next_window

    def _rows(self, window: Ints, table: Floats, times: Ints) -> WindowRows:
        def column(place: int) -> Floats:
            return table[:, place].copy()

        quotes = table[:, kernels.QUOTES]
        start_ns, end_ns = self._borders(window, times)
        return WindowRows(
            window=window,
            start_ns=start_ns,
            end_ns=end_ns,
            first_ns=times[:, kernels.FIRST_NS].copy(),
            last_ns=times[:, kernels.LAST_NS].copy(),
            open=column(kernels.OPEN),
            high=column(kernels.HIGH),
            low=column(kernels.LOW),
            close=column(kernels.CLOSE),
            volume=column(kernels.VOLUME),
            quote_volume=column(kernels.QUOTE_VOLUME),
            buy_volume=column(kernels.BUY_VOLUME),
            sell_volume=column(kernels.SELL_VOLUME),
            trades=table[:, kernels.TRADES].astype(np.int64),
            buys=table[:, kernels.BUYS].astype(np.int64),
            bid=column(kernels.BID),
            ask=column(kernels.ASK),
            spread=np.divide(
                table[:, kernels.SPREAD_SUM], quotes, out=np.full(len(window), np.nan), where=quotes > 0.0
            ),
        )


_NO_WINDOWS: Ints = np.empty(0, np.int64)
