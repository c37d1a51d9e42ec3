"""What trading at different times does to the correlation of two legs."""

from dataclasses import dataclass, replace

import numpy as np

from alphastream.bars import aggregate, align
from alphastream.core.types import Ints
from alphastream.diagnosis.findings import _correlation_of_changes
from alphastream.errors import AlphaStreamError
from alphastream.estimators import (
    Floats,
    hayashi_yoshida,
)
from alphastream.estimators.tests.observations import require


@dataclass(frozen=True, slots=True)
class Asynchrony:
    """What trading at different times does to the correlation of two legs.

    Parameters
    ----------
    ticks : Hayashi-Yoshida correlation, from trades; None where refused.
    bars : correlation of log returns of the aligned bars; None where refused.
    y_age_ns, x_age_ns : median age of each leg's last trade at the bars' ends.
    n_rows : aligned rows.
    refusal : why a correlation is missing, or None.
    """

    ticks: float | None = None
    bars: float | None = None
    y_age_ns: int | None = None
    x_age_ns: int | None = None
    n_rows: int = 0
    refusal: str | None = None


def asynchrony(time_y: Ints, price_y: Floats, time_x: Ints, price_x: Floats, interval_ns: int) -> Asynchrony:
    """Correlation of two tapes with and without bars, over the span that both cover.

    Where that of the bars is much the smaller one, the bars are too short for the slower leg. Bid-ask bounce makes
    the Hayashi-Yoshida correlation too small as well: it adds to the variances and not to the covariance.

    Parameters
    ----------
    time_y, time_x : (n,) and (m,) UTC ns of the trades, oldest first.
    price_y, price_x : (n,) and (m,) prices > 0.
    interval_ns : length of a bar.

    Examples
    --------
    >>> second = 10**9
    >>> time = np.arange(60) * second
    >>> price = 100.0 + np.sin(np.arange(60))
    >>> found = asynchrony(time, price, time, price, second)
    >>> round(found.ticks, 9), round(found.bars, 9), found.y_age_ns == found.x_age_ns == second
    (1.0, 1.0, True)
    """
    found = Asynchrony()
    try:
        require("asynchrony", 2, min(len(time_y), len(time_x)))
        start, end = max(time_y[0], time_x[0]), min(time_y[-1], time_x[-1])
        in_y, in_x = ((time >= start) & (time <= end) for time in (time_y, time_x))
        time_y, price_y, time_x, price_x = time_y[in_y], price_y[in_y], time_x[in_x], price_x[in_x]
        found = replace(found, ticks=hayashi_yoshida(time_y, price_y, time_x, price_x).correlation)
        y, x = aggregate(time_y, price_y, price_y, interval_ns), aggregate(time_x, price_x, price_x, interval_ns)
        rows = align(y, x, interval_ns)
        y_age_ns, x_age_ns = int(np.median(rows.y_age_ns)), int(np.median(rows.x_age_ns))
        found = replace(found, n_rows=len(rows), y_age_ns=y_age_ns, x_age_ns=x_age_ns)
        return replace(found, bars=_correlation_of_changes(np.log(rows.y), np.log(rows.x)))
    except AlphaStreamError as error:
        return replace(found, refusal=str(error))
