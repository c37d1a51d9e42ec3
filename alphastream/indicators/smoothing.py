"""Exponential smoothing that begins with a mean, as TA-Lib's does.

Its first value is the mean of the first n values; after that s += alpha · (value - s). Alpha is 2 / (n + 1) for what
is called an exponential average, and 1 / n for Wilder's.
"""

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats

# Places in a smoother: values so far up to n, and their sum until there are n, the smoothed value after.
HAVE, VALUE, SMOOTHER = 0, 1, 2


@kernel
def push_smoothed(smoother: Floats, value: float, rows: int, alpha: float) -> float:
    """Smooth one value more; what it returns means something once there were ``rows`` of them."""
    if smoother[HAVE] >= rows:
        smoother[VALUE] += alpha * (value - smoother[VALUE])
        return float(smoother[VALUE])
    smoother[HAVE] += 1.0
    smoother[VALUE] += value
    if smoother[HAVE] >= rows:
        smoother[VALUE] /= rows
    return float(smoother[VALUE])
