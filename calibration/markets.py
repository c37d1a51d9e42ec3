"""Simulated markets of two legs whose truth is known: walks that nothing holds together, or pairs with a half-life.

Prices walk about a level of 100,000 in steps whose standard deviation is 1 a bar, so log prices and prices show the
same. A market says what makes inference hard: fat tails, changing volatility, bid-ask bounce, ticks, a leg that trades
rarely, one bad tick.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from alphastream.bars import PairRows
from alphastream.core.compilation import kernel
from alphastream.core.types import Floats, Ints
from alphastream.core.units import SECOND

Volatility = Literal["constant", "garch", "rises", "falls"]
"""One variance; GARCH(1, 1) with Student-t innovations of 4 degrees of freedom; times or over 4 from half-way on."""

LEVEL: Final = 100_000.0
BAD_TICK: Final = 50.0  # standard deviations of a bar's step
WITHIN_BAR: Final = 20  # moments of a bar at which a leg may trade, where trades come at any time

_BREAK = 4.0
_GARCH = (0.02, 0.10, 0.88)  # constant, of the square before, of the variance before: variance 1 on average
_DEGREES = 4.0


@dataclass(frozen=True, slots=True)
class Market:
    """What two legs have in common, and how their trades are observed.

    The legs are x and y = b·x + c·s: x walks; s walks too, or returns with a half-life. Both have steps of standard
    deviation 1, with b = ``correlation`` and c = √(1 − b²), so that walks have steps with this correlation. Legs
    that are held together need some b: where the correlation is 0 it is y = x + s.

    Parameters
    ----------
    correlation : of the two legs' steps, in [0, 1).
    drift : of x and, where it walks, of s: standard deviations of a step a bar.
    volatility : of the steps.
    bounce : half a bid-ask spread, in standard deviations of a step: each trade is at the bid or at the ask, by chance.
    tick : prices are multiples of it, in standard deviations of a step; 0 for none.
    y_trades, x_trades : trades a bar on average, at most ``moments``.
    moments : of a bar at which a leg may trade, equally spaced, the last at the bar's end. With one of them legs trade
        at the ends of bars only.
    bad_tick : y has one price ``BAD_TICK`` off, anywhere.
    """

    correlation: float = 0.0
    drift: float = 0.0
    volatility: Volatility = "constant"
    bounce: float = 0.0
    tick: float = 0.0
    y_trades: float = 1.0
    x_trades: float = 1.0
    moments: int = 1
    bad_tick: bool = False

    @property
    def share_of_both(self) -> float:
        """Share of bars in which both legs trade."""
        y_none, x_none = ((1.0 - trades / self.moments) ** self.moments for trades in (self.y_trades, self.x_trades))
        return (1.0 - y_none) * (1.0 - x_none)

    def rows(self, rng: np.random.Generator, bars: int, half_life: float = math.inf) -> PairRows:
        """Draw aligned rows of bars of one second.

        Parameters
        ----------
        rng : of all that is random.
        bars : rows at most: bars in which no leg trades leave none.
        half_life : of s, in bars; infinite for legs that nothing holds together.
        """
        steps = bars * self.moments
        normals = rng.standard_normal((steps, 2))
        # Student's t is a normal over the root of an independent chi-squared: one for all moments of a bar
        tails = np.ones((bars, 2))
        if self.volatility == "garch":
            tails = np.sqrt((_DEGREES - 2.0) / rng.chisquare(_DEGREES, (bars, 2)))
        trades = rng.random((steps, 2)) < np.array([self.y_trades, self.x_trades]) / self.moments
        trades[0] = True
        sides = np.where(rng.random((steps, 2)) < 0.5, -self.bounce, self.bounce)
        b = self.correlation if self.correlation > 0.0 or math.isinf(half_life) else 1.0
        c = math.sqrt(1.0 - self.correlation**2)
        keeps = 2.0 ** (-1.0 / (half_life * self.moments))
        start = 0.0 if math.isinf(half_life) else rng.standard_normal() / math.sqrt(self.moments * (1.0 - keeps**2))
        change = {"constant": 1.0, "garch": 1.0, "rises": _BREAK, "falls": 1.0 / _BREAK}[self.volatility]
        scales = _scales(normals, tails, self.moments, _GARCH if self.volatility == "garch" else (1.0, 0.0, 0.0))
        scales[bars // 2 :] *= change
        drifts = (self.drift, self.drift if math.isinf(half_life) else 0.0)
        price, count, moment = _observe(normals, scales, drifts, keeps, start, b, c, trades, sides)
        if self.bad_tick:
            price[rng.integers(1, bars - 1), 0] += BAD_TICK
        if self.tick > 0.0:
            price = np.round(price / self.tick) * self.tick
        return _pair_rows(price + LEVEL, count, moment, self.moments)


@kernel
def _scales(normals: Floats, tails: Floats, moments: int, garch: tuple[float, float, float]) -> Floats:
    """Standard deviations of the steps of x and of s in each bar, (bars, 2)."""
    bars = tails.shape[0]
    scales = np.empty((bars, 2))
    for leg in range(2):
        variance = 1.0
        for bar in range(bars):
            scales[bar, leg] = math.sqrt(variance) * tails[bar, leg]
            step = 0.0
            for moment in range(bar * moments, (bar + 1) * moments):
                step += normals[moment, leg]
            step *= scales[bar, leg] / math.sqrt(moments)
            variance = garch[0] + garch[1] * step * step + garch[2] * variance
    return scales


@kernel
def _observe(
    normals: Floats,
    scales: Floats,
    drifts: tuple[float, float],
    keeps: float,
    start: float,
    b: float,
    c: float,
    trades: NDArray[np.bool_],
    sides: Floats,
) -> tuple[Floats, Ints, Ints]:
    """Last prices of y and x at the end of each bar, trades in it, and the moment of the last trade: (bars, 2) each."""
    bars = scales.shape[0]
    moments = normals.shape[0] // bars
    price, count, last = np.empty((bars, 2)), np.zeros((bars, 2), np.int64), np.empty((bars, 2), np.int64)
    x, s = 0.0, start
    shown_y = shown_x = 0.0
    last_y = last_x = 0
    for bar in range(bars):
        for moment in range(bar * moments, (bar + 1) * moments):
            x += drifts[0] / moments + scales[bar, 0] * normals[moment, 0] / math.sqrt(moments)
            s = keeps * s + drifts[1] / moments + scales[bar, 1] * normals[moment, 1] / math.sqrt(moments)
            if trades[moment, 0]:
                shown_y, last_y = b * x + c * s + sides[moment, 0], moment
                count[bar, 0] += 1
            if trades[moment, 1]:
                shown_x, last_x = x + sides[moment, 1], moment
                count[bar, 1] += 1
        price[bar, 0], price[bar, 1] = shown_y, shown_x
        last[bar, 0], last[bar, 1] = last_y, last_x
    return price, count, last


def _pair_rows(price: Floats, count: Ints, last: Ints, moments: int) -> PairRows:
    end = np.arange(1, len(price) + 1) * SECOND
    age = end[:, None] - (last + 1) * (SECOND // moments)
    kept = count.any(axis=1)
    price, count, age, end = (np.ascontiguousarray(column[kept]) for column in (price, count, age, end))
    volume = count.astype(np.float64)
    return PairRows(
        end, *(np.ascontiguousarray(each[:, leg]) for each in (price, age, volume, count) for leg in range(2))
    )


FRESH: Final[dict[str, Market]] = {
    "Gaussian": Market(),
    "correlation .9": Market(correlation=0.9),
    "drift .1 sd a bar": Market(drift=0.1),
    "GARCH, t4": Market(volatility="garch"),
    "volatility × 4": Market(volatility="rises"),
    "volatility ÷ 4": Market(volatility="falls"),
    "tick 3 sd": Market(tick=3.0),
    "one bad tick": Market(bad_tick=True),
}
"""Both legs trade in every bar, and there is no bid-ask spread."""

BOUNCING: Final[dict[str, Market]] = {
    f"bounce {bounce:g} sd, ρ {correlation:g}": Market(correlation=correlation, bounce=bounce)
    for correlation in (0.0, 0.9)
    for bounce in (0.5, 1.0, 2.0)
}
"""Both legs trade in every bar, at the bid or at the ask."""

STALE: Final[dict[str, Market]] = {
    f"y in {share:g} of bars, ρ {correlation:g}": Market(correlation=correlation, y_trades=share)
    for correlation in (0.0, 0.5, 0.9, 0.97)
    for share in (0.2, 0.5, 0.9)
} | {
    f"y {rate:g} trades a bar, ρ {correlation:g}": Market(
        correlation=correlation, y_trades=rate, x_trades=5.0, moments=WITHIN_BAR
    )
    for correlation in (0.0, 0.5, 0.9, 0.97)
    for rate in (0.2, 0.5, 1.0, 2.0)
}
"""y trades rarely: at the ends of some bars, or at any time, against five trades of x."""

CONDITIONS: Final = FRESH | BOUNCING | STALE
