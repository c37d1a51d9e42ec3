"""What the newest signal of a pair is worth since it began: both legs at closes, the hedge ratio as it was then."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from alphastream.errors import ParameterError

BPS: Final = 1e4


@dataclass(frozen=True, slots=True)
class SignalResult:
    """The newest signal of a pair, from the close of the bar that gave it.

    Parameters
    ----------
    side : 1 long the spread, -1 short.
    began_ns : end of the bar that gave it, UTC ns; of one that is not ``whole``, of the first row.
    ended_ns : end of the bar that took it back; None while it is open.
    bars : rows since it began.
    y, x : closes of the legs at its beginning.
    hedge_ratio : at its beginning: notional of x for one of y on log prices, units for a unit on prices.
    log : whether the ratio is one of notionals.
    gross_bps : at closes until now, or until it ended, in bps of y's notional at the beginning; no costs in it. NaN
        where a price or the ratio was not known, and where the signal is not whole.
    whole : False where it was open at the first row already: nobody knows there at which prices it began.
    """

    side: int
    began_ns: int
    ended_ns: int | None
    bars: int
    y: float
    x: float
    hedge_ratio: float
    log: bool
    gross_bps: float
    whole: bool = True

    def gross_at(self, y: float, x: float) -> float:
        """What it would be worth at these prices, in bps of y's notional at its beginning."""
        if not (self.whole and self.y > 0.0 and self.x > 0.0):
            return float(np.nan)
        moved_y, moved_x = y - self.y, x - self.x
        if self.log:
            earned = moved_y / self.y - self.hedge_ratio * moved_x / self.x
        else:
            earned = (moved_y - self.hedge_ratio * moved_x) / self.y
        return self.side * earned * BPS

    @property
    def hedge_notional(self) -> float:
        """Notional of x for one of y at its beginning; negative where both legs were bought or sold."""
        return self.hedge_ratio if self.log else self.hedge_ratio * self.x / self.y

    def net_bps(self, fill_cost_bps: float) -> float:
        """What is left after four fills, two of each leg, that cost so many bps of the notional at the beginning."""
        return self.gross_bps - 2.0 * fill_cost_bps * (1.0 + abs(self.hedge_notional))


def signal_result(
    time_ns: npt.ArrayLike,
    y: npt.ArrayLike,
    x: npt.ArrayLike,
    hedge_ratio: npt.ArrayLike,
    position: npt.ArrayLike,
    *,
    log: bool = True,
) -> SignalResult | None:
    """The newest signal and its result; None where there was none.

    A signal begins at the close of the bar in which ``position`` became another and ends likewise; one that turns from
    long to short is two. The units of both legs are held from beginning to end: with prices ``y0``, ``x0`` and the
    ratio ``h`` of the beginning it earns ``side · ((y/y0 - 1) - h (x/x0 - 1))`` of y's notional where ``h`` is a ratio
    of notionals, and ``side · ((y - y0) - h (x - x0)) / y0`` where it is one of units.

    Parameters
    ----------
    time_ns : (T,) ends of the closed bars, UTC ns, oldest first.
    y, x : (T,) closes of the legs.
    hedge_ratio : (T,) as the spread of each bar has it.
    position : (T,) -1, 0 or 1 after each bar; NaN counts as 0.
    log : whether the ratio is one of notionals, as on log prices; else of units.

    Raises
    ------
    ParameterError
        Where the columns have different lengths.

    Examples
    --------
    >>> result = signal_result([1, 2, 3], [100.0, 100.0, 101.0], [50.0, 50.0, 50.2], [0.5] * 3, [0, 1, 1])
    >>> result.side, result.began_ns, round(result.gross_bps, 6)
    (1, 2, 80.0)
    """
    times = np.asarray(time_ns, np.int64)
    columns = [np.asarray(values, np.float64) for values in (y, x, hedge_ratio, position)]
    if any(values.shape != times.shape for values in columns):
        shapes = ", ".join(str(values.shape) for values in (times, *columns))
        raise ParameterError(f"time_ns, y, x, hedge_ratio and position have shapes {shapes}: give one value a bar each")
    closes_y, closes_x, ratios, sides = columns
    sides = np.sign(np.nan_to_num(sides))
    held = np.flatnonzero(sides)
    if not len(held):
        return None
    last = int(held[-1])
    side = int(sides[last])
    before = np.flatnonzero(sides[:last] != side)
    begin = int(before[-1]) + 1 if len(before) else 0
    end = last + 1 if last + 1 < len(times) else None  # the bar that took it back
    newest = last if end is None else end
    result = SignalResult(
        side=side,
        began_ns=int(times[begin]),
        ended_ns=None if end is None else int(times[end]),
        bars=newest - begin,
        y=float(closes_y[begin]),
        x=float(closes_x[begin]),
        hedge_ratio=float(ratios[begin]),
        log=log,
        gross_bps=np.nan,
        whole=bool(len(before)),
    )
    return replace(result, gross_bps=result.gross_at(float(closes_y[newest]), float(closes_x[newest])))
