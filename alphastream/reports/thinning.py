"""Fewer points to draw, none of the extremes lost."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MAX_POINTS: Final = 2_000
"""Most points a trace shows: about what a wide screen has pixels."""


def thin_out(x: NDArray[Any], y: FloatArray, max_points: int) -> tuple[NDArray[Any], FloatArray]:
    """At most ``max_points`` rows: first, last, and the lowest and highest of equal stretches, NaN gaps kept."""
    if y.size <= max_points:
        return x, y
    stretches = max(1, max_points // 2 - 1)
    edges = np.linspace(0, y.size, stretches + 1).astype(np.int64)
    width = int(np.diff(edges).max())
    index = np.minimum(edges[:-1, None] + np.arange(width), edges[1:, None] - 1)
    block = y[index]
    low = np.take_along_axis(index, np.where(np.isnan(block), np.inf, block).argmin(1)[:, None], 1)
    high = np.take_along_axis(index, np.where(np.isnan(block), -np.inf, block).argmax(1)[:, None], 1)
    keep = np.unique(np.concatenate([[0], low[:, 0], high[:, 0], [y.size - 1]]))
    return x[keep], y[keep]


def sparse(x: NDArray[Any], y: FloatArray, max_points: int) -> tuple[NDArray[Any], FloatArray]:
    """Only the rows that hold a mark, the newest ``max_points`` of them."""
    keep = np.flatnonzero(np.isfinite(y))[-max_points:]
    return x[keep], y[keep]
