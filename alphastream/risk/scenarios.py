"""Value at risk and expected shortfall from what prices have done, without a law of returns.

Two answers to one question. ``historical`` takes past moves as they were. ``ewma_scaled`` scales each by how volatile
the market was then and is now. In both the tail is what happened, so no normal tail is assumed.

Sources: J. Hull and A. White, "Incorporating volatility updating into the historical simulation method for value at
risk", Journal of Risk 1 (1998); J.P. Morgan/Reuters, "RiskMetrics technical document" (1996) for the average.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.core.types import Floats
from alphastream.errors import ParameterError

DECAY: Final = 0.94
IN_TAIL: Final = 5
"""Scenarios beyond the level that an answer needs: of fewer the shortfall is one day's luck."""
_WARM_UP: Final = 30  # moves before the average counts for anything


@dataclass(frozen=True, slots=True)
class TailRisk:
    """Loss that is not exceeded, and what is lost on average where it is. Quote units, losses positive.

    Parameters
    ----------
    level : of confidence, .99 for one in a hundred.
    horizon_bars : how long what is held is kept.
    scenarios : that were counted.
    refusal : why there is no answer; "" where there is one, else both losses are NaN.
    """

    value_at_risk: float
    expected_shortfall: float
    level: float
    horizon_bars: int
    scenarios: int
    refusal: str = ""


def tail_risk(pnl: Floats, level: float, horizon_bars: int = 1) -> TailRisk:
    """Return the loss at a level and the mean loss beyond it, of scenarios.

    The value at risk is the smallest loss that at most a share ``1 − level`` of the scenarios exceeds; the shortfall is
    the mean over that share, a part of the scenario at its edge counted as that part (Acerbi and Tasche, 2002).

    Parameters
    ----------
    pnl : shape (S,), quote units, gains positive; not a number where a scenario is not known.

    Examples
    --------
    >>> risk = tail_risk(np.arange(-100.0, 0.0), 0.95)
    >>> risk.value_at_risk, round(risk.expected_shortfall, 9)
    (95.0, 98.0)
    """
    if not 0.5 < level < 1.0:
        raise ParameterError(f"level is {level!r}: give a confidence between 0.5 and 1, such as 0.99")
    losses = np.sort(-pnl[np.isfinite(pnl)])[::-1]
    beyond = len(losses) * (1.0 - level)
    if beyond < IN_TAIL - 1e-9:
        needed = math.ceil(IN_TAIL / (1.0 - level) - 1e-9)
        why = f"needs {needed:,} scenarios for {level:.1%}, there are {len(losses):,}"
        return TailRisk(math.nan, math.nan, level, horizon_bars, len(losses), why)
    whole = math.floor(beyond + 1e-9)
    part = max(beyond - whole, 0.0)
    edge = losses[min(whole, len(losses) - 1)]
    shortfall = (losses[:whole].sum() + part * edge) / beyond
    return TailRisk(float(edge), float(shortfall), level, horizon_bars, len(losses))


def historical(returns: Floats, notional: Floats, level: float, horizon_bars: int = 1) -> TailRisk:
    """Return the risk of holding these notionals through the moves of the past.

    Parameters
    ----------
    returns : shape (T, N), simple returns of bars, oldest first; a row with NaN is no scenario.
    notional : shape (N,), quote units, negative where short.
    horizon_bars : moves of so many bars on end, which do not overlap: overlapping ones would count one fall often.
    """
    return tail_risk(_sums(returns @ notional, horizon_bars), level, horizon_bars)


def ewma_scaled(
    returns: Floats, notional: Floats, level: float, horizon_bars: int = 1, decay: float = DECAY
) -> TailRisk:
    """Return the risk where each past move is scaled to the volatility of now.

    The volatility is that of the held positions' profit: the square root of the exponentially weighted mean of squares
    up to the bar before. The first thirty bars only begin that mean.

    Parameters
    ----------
    returns, notional, horizon_bars : as in ``historical``.
    decay : weight of the mean so far at each bar.
    """
    pnl = returns @ notional
    pnl = pnl[np.isfinite(pnl)]
    scale = _volatility(pnl, decay)
    if not len(pnl) or scale[-1] <= 0.0:
        return tail_risk(np.empty(0), level, horizon_bars)
    past = scale[_WARM_UP:-1]
    usable = past > 0.0
    scaled = pnl[_WARM_UP:][usable] * (scale[-1] / past[usable])
    return tail_risk(_sums(scaled, horizon_bars), level, horizon_bars)


def _volatility(pnl: Floats, decay: float) -> Floats:
    """Return the volatility before each row and, last, after all of them; shape (T + 1,)."""
    mean, out = 0.0, np.zeros(len(pnl) + 1)
    weight = 0.0
    for row, value in enumerate(pnl.tolist()):
        mean, weight = decay * mean + (1.0 - decay) * value * value, decay * weight + (1.0 - decay)
        out[row + 1] = math.sqrt(mean / weight)
    return out


def _sums(pnl: Floats, horizon_bars: int) -> Floats:
    if horizon_bars < 1:
        raise ParameterError(f"horizon_bars is {horizon_bars}: give 1 or more")
    if horizon_bars == 1:
        return pnl
    known = pnl[np.isfinite(pnl)]
    count = len(known) // horizon_bars
    return np.asarray(known[len(known) - count * horizon_bars :].reshape(count, horizon_bars).sum(axis=1))
