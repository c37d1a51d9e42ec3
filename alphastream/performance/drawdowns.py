"""Every way down from a peak and back, the deepest first."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from alphastream.performance.inputs import column, times
from alphastream.performance.metrics import Drawdown, drawdown

WORST: Final = 10


def worst_drawdowns(time_ns: ArrayLike, equity: ArrayLike, most: int = WORST) -> tuple[Drawdown, ...]:
    """The deepest drawdowns, none of which overlap: each lasts from a peak until equity is back at it.

    Parameters
    ----------
    time_ns, equity : (T,) ends of the rows, and what there was; the first above 0.
    most : how many at most, fewer where there are fewer.

    Returns
    -------
    Deepest first; ``under_water_ns`` is the time from the peak to the recovery, or to the last row where there is none.

    Examples
    --------
    >>> found = worst_drawdowns(range(6), [4.0, 3.0, 4.0, 5.0, 4.0, 3.0])
    >>> [(round(each.depth, 2), each.peak_ns, each.recovered_ns) for each in found]
    [(-0.4, 3, None), (-0.25, 0, 2)]
    """
    when = times(time_ns)
    lost = drawdown(column("equity", equity, rows=when.size))
    peaks = np.flatnonzero(lost == 0.0)
    ends = np.append(peaks[1:], when.size)
    depths = np.minimum.reduceat(lost, peaks)
    deepest = np.argsort(depths, kind="stable")[: max(most, 0)]
    spells = [(int(peaks[place]), int(ends[place])) for place in deepest if depths[place] < 0.0]
    found = [(peak, peak + int(np.argmin(lost[peak:end])), end) for peak, end in spells]
    return tuple(
        Drawdown(
            depth=float(lost[trough]),
            peak_ns=int(when[peak]),
            trough_ns=int(when[trough]),
            recovered_ns=int(when[end]) if end < when.size else None,
            under_water_ns=int(when[min(end, when.size - 1)] - when[peak]),
        )
        for peak, trough, end in found
    )
