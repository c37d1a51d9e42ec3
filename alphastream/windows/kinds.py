"""The windows: by time, by trades, by volume, by imbalance, and sessions."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from alphastream.core.types import Ints
from alphastream.core.validation import require_integer, require_number
from alphastream.errors import ParameterError
from alphastream.windows import kernels
from alphastream.windows.trades import Trades
from alphastream.windows.window import Window

Closed = Literal["left", "right", "both", "none"]
CLOSED: Final[dict[Closed, tuple[int, int]]] = {"left": (0, 0), "right": (1, 1), "both": (0, 1), "none": (1, 0)}
"""Nanoseconds by which whole-number borders move so that each holds what [start, end) holds."""


@dataclass(frozen=True, slots=True)
class TimeWindow(Window):
    """Windows of one length that begin every so often, as ``group_by_dynamic`` of Polars cuts them.

    Window j begins at ``offset_ns + j·every_ns``, counted from 1970-01-01 UTC, and lasts ``period_ns``. Windows that
    hold the first row and began long before it are left out: what belongs into their beginning is not there. The first
    is the one whose beginning, less the offset, is the last multiple of ``every_ns`` before that row, or else the
    newest that holds it.

    Polars calls ``start_ns`` the left label, ``end_ns`` the right one and ``first_ns`` that of the datapoint.

    Parameters
    ----------
    every_ns : from the beginning of one window to that of the next.
    period_ns : how long a window lasts; as long as ``every_ns`` where it is None (tumbling). Longer windows overlap
        (sliding), shorter ones leave holes.
    offset_ns : moves all borders.
    closed : which border belongs to a window: the left one, the right one, both or none.

    Examples
    --------
    >>> trades = Trades([1, 4, 12], [10.0, 11.0, 9.0], [1.0, 2.0, 1.0], [False, True, False])
    >>> rows, state = TimeWindow(every_ns=5, period_ns=10).run(trades)
    >>> rows.start_ns.tolist(), rows.close.tolist(), rows.signed_volume.tolist()
    ([0], [11.0], [-1.0])
    >>> TimeWindow(every_ns=5, period_ns=10).forming(state).start_ns.tolist()
    [5, 10]
    """

    every_ns: int
    period_ns: int | None = None
    offset_ns: int = 0
    closed: Closed = "left"

    def __post_init__(self) -> None:
        if self.closed not in CLOSED:
            raise ParameterError(f"closed={self.closed!r}: choose one of {', '.join(CLOSED)}")
        shortest = 2 if self.closed == "none" else 1  # without its borders a window of 1 ns holds nothing
        require_integer("every_ns", self.every_ns, minimum=1 if self.period_ns is not None else shortest)
        if self.period_ns is not None:
            require_integer("period_ns", self.period_ns, minimum=shortest)

    @property
    def _length_ns(self) -> int:
        left, right = CLOSED[self.closed]
        return (self.every_ns if self.period_ns is None else self.period_ns) + right - left

    @property
    def _reach(self) -> int:
        return self._length_ns // self.every_ns

    def _panes(self, trades: Trades, place: tuple[float, ...], newest_ns: int) -> tuple[Ints, int, tuple[float, ...]]:
        index, into = np.divmod(trades.time_ns - (self.offset_ns + CLOSED[self.closed][0]), self.every_ns)
        panes = 2 * index + (into >= self._length_ns % self.every_ns)
        return panes, int(panes[-1]), ()

    def _first(self, time_ns: int, pane: int) -> int:
        return min(time_ns // self.every_ns, pane // 2)

    def _borders(self, window: Ints, times: Ints) -> tuple[Ints, Ints]:
        start_ns = self.offset_ns + window * self.every_ns
        return start_ns, start_ns + (self.every_ns if self.period_ns is None else self.period_ns)


@dataclass(frozen=True, slots=True)
class TradeWindow(Window):
    """Windows of a number of trades; window j begins with trade j·every, counted from the first row.

    A quote counts into the window of the trade after it.

    Parameters
    ----------
    every : trades from the beginning of one window to that of the next.
    period : trades of a window, ``every`` where it is None.

    Examples
    --------
    >>> trades = Trades([1, 2, 3, 4], [1.0, 2.0, 3.0, 4.0], [1.0] * 4, [False] * 4)
    >>> TradeWindow(every=1, period=3).run(trades)[0].open.tolist()
    [1.0, 2.0]
    """

    every: int
    period: int | None = None

    def __post_init__(self) -> None:
        require_integer("every", self.every, minimum=1)
        if self.period is not None:
            require_integer("period", self.period, minimum=1)

    @property
    def _length(self) -> int:
        return self.every if self.period is None else self.period

    @property
    def _reach(self) -> int:
        return self._length // self.every

    def _panes(self, trades: Trades, place: tuple[float, ...], newest_ns: int) -> tuple[Ints, int, tuple[float, ...]]:
        is_trade = ~np.isnan(trades.price)
        before = int(place[0]) if place else 0
        number = before + np.cumsum(is_trade) - is_trade
        after = before + int(is_trade.sum())
        panes = self._pane(np.append(number, after))
        return panes[:-1].copy(), int(panes[-1]), (after,)

    def _pane(self, number: Ints) -> Ints:
        index, into = np.divmod(number, self.every)
        panes: Ints = 2 * index + (into >= self._length % self.every)
        return panes


@dataclass(frozen=True, slots=True)
class VolumeWindow(Window):
    """Windows of a volume; window j holds the trades that begin within [j·every, j·every + period) of what has traded.

    No trade is split: the one that crosses a border belongs to where it begins, and one of several windows' size
    leaves windows without rows behind it. On average a window of ``period = every`` has exactly that volume.

    Parameters
    ----------
    every : base units from the beginning of one window to that of the next.
    period : base units of a window, ``every`` where it is None.

    Examples
    --------
    >>> trades = Trades([1, 2, 3, 4], [1.0, 2.0, 3.0, 4.0], [0.6, 0.6, 0.9, 0.4], [False] * 4)
    >>> rows, state = VolumeWindow(every=1.0).run(trades)
    >>> rows.volume.tolist(), VolumeWindow(every=1.0).forming(state).volume.tolist()
    ([1.2, 0.9], [0.4])
    """

    every: float
    period: float | None = None

    def __post_init__(self) -> None:
        require_number("every", self.every, above=0.0)
        if self.period is not None:
            require_number("period", self.period, above=0.0)

    @property
    def _parts(self) -> tuple[int, float]:
        """Whole steps in a window, and what is left over of one."""
        length = self.every if self.period is None else self.period
        steps = int(np.floor(length / self.every + kernels.ROUNDING))
        rest = length - steps * self.every
        return steps, rest if rest > kernels.ROUNDING * self.every else 0.0

    @property
    def _reach(self) -> int:
        return self._parts[0]

    def _panes(self, trades: Trades, place: tuple[float, ...], newest_ns: int) -> tuple[Ints, int, tuple[float, ...]]:
        index, into = place or (0, 0.0)
        panes, every, rest = np.empty(len(trades), np.int64), float(self.every), float(self._parts[1])
        quantity, price = trades.quantity, trades.price
        index, into = kernels.volume_panes(quantity, price, every, rest, int(index), float(into), panes)
        frontier = 2 * index + int(rest == 0.0 or into + kernels.ROUNDING * every >= rest)
        return panes, frontier, (index, into)


@dataclass(frozen=True, slots=True)
class ImbalanceWindow(Window):
    """Bars that close with the trade at which bought less sold volume reaches a threshold, either way.

    The threshold is fixed. (The bars of López de Prado 2018, section 2.3.2.1, expect it from earlier bars, which makes
    a bar depend on where the tape began.)

    Parameters
    ----------
    threshold : base units.

    Examples
    --------
    >>> trades = Trades([1, 2, 3], [1.0, 2.0, 3.0], [2.0, 1.0, 2.0], [False, True, False])
    >>> ImbalanceWindow(threshold=3.0).run(trades)[0].signed_volume.tolist()
    [3.0]
    """

    threshold: float

    def __post_init__(self) -> None:
        require_number("threshold", self.threshold, above=0.0)

    @property
    def _reach(self) -> int:
        return 1

    def _panes(self, trades: Trades, place: tuple[float, ...], newest_ns: int) -> tuple[Ints, int, tuple[float, ...]]:
        index, signed = place or (0, 0.0)
        panes = np.empty(len(trades), np.int64)
        columns = (trades.quantity, trades.price, trades.buyer_is_maker)
        index, signed = kernels.imbalance_panes(*columns, float(self.threshold), int(index), float(signed), panes)
        return panes, 2 * index + 1, (index, signed)


@dataclass(frozen=True, slots=True)
class SessionWindow(Window):
    """Stretches of rows with no pause longer than a gap between them.

    A session closes with the first row after the pause: a fold knows no other clock than its rows.

    Parameters
    ----------
    gap_ns : the longest pause within a session.

    Examples
    --------
    >>> trades = Trades([1, 2, 9], [1.0, 2.0, 3.0], [1.0] * 3, [False] * 3)
    >>> SessionWindow(gap_ns=5).run(trades)[0].trades.tolist()
    [2]
    """

    gap_ns: int

    def __post_init__(self) -> None:
        require_integer("gap_ns", self.gap_ns, minimum=1)

    @property
    def _reach(self) -> int:
        return 1

    def _panes(self, trades: Trades, place: tuple[float, ...], newest_ns: int) -> tuple[Ints, int, tuple[float, ...]]:
        session = int(place[0]) if place else 0
        pauses = np.diff(trades.time_ns, prepend=newest_ns) > self.gap_ns
        panes = 2 * (session + np.cumsum(pauses)) + 1
        return panes, int(panes[-1]), ((int(panes[-1]) - 1) // 2,)
