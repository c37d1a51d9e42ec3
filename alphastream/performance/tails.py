"""How returns lie: their quantiles, and how often they are far out beside what a normal law would give."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from alphastream.performance.inputs import sample
from alphastream.performance.metrics import moments

FAR: Final = (2.0, 3.0, 4.0)
LEVELS: Final = (0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Tail:
    """Returns further from the mean than some deviations.

    Parameters
    ----------
    deviations : how far.
    below, above : how many returns there are on either side.
    expected : how many a normal law with the same mean and deviation gives on each side.
    """

    deviations: float
    below: int
    above: int
    expected: float


@dataclass(frozen=True, slots=True)
class Tails:
    """Ends of a distribution of returns; NaN where undefined.

    Parameters
    ----------
    rows : returns that are numbers.
    far : by distance.
    value_at_risk, shortfall : by level: the loss (positive) that is passed in 1 − level of the returns, and the mean of
        the returns from there on, as a loss.
    """

    rows: int
    far: tuple[Tail, ...]
    value_at_risk: dict[float, float]
    shortfall: dict[float, float]


def tails(row_returns: ArrayLike) -> Tails:
    """Count what is far out, and read the losses off the returns themselves: no law is assumed of them.

    Source: value at risk and shortfall as P. Artzner et al., "Coherent measures of risk", 1999, section 5, over the
    empirical distribution: shortfall is the mean of the ⌈(1 − level)·T⌉ lowest returns, and the value at risk the
    highest of those.

    Examples
    --------
    >>> found = tails([-0.04, 0.01, 0.02, 0.03])
    >>> found.value_at_risk[0.95], found.shortfall[0.95]
    (0.04, 0.04)
    """
    known = sample(row_returns)
    known = known[np.isfinite(known)]
    found = moments(known)
    far = []
    if found.std > 0.0:
        away = (known - found.mean) / found.std
        for limit in FAR:
            share = NormalDist().cdf(-limit) * known.size
            far.append(Tail(limit, int((away < -limit).sum()), int((away > limit).sum()), share))
    lowest = np.sort(known)
    risk, mean = {}, {}
    for level in LEVELS:
        count = math.ceil(round((1.0 - level) * known.size, 9))
        risk[level] = -float(lowest[count - 1]) if count else math.nan
        mean[level] = -float(lowest[:count].mean()) if count else math.nan
    return Tails(known.size, tuple(far), risk, mean)
