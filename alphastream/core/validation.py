"""Checks of parameters and inputs: what was seen and what is needed, in words."""

import math
import operator

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.errors import ParameterError

FLOAT64 = np.dtype(np.float64)


def aligned(names: tuple[str, ...], columns: tuple[ArrayLike, ...], ndim: int) -> list[Floats]:
    """Return the inputs as (P, T) arrays of one shape."""
    if len(columns) != len(names):
        raise ParameterError(f"needs {len(names)} inputs ({', '.join(names)}), got {len(columns)}")
    arrays: list[Floats] = []
    for name, column in zip(names, columns, strict=True):
        arrays.append(_matrix(name, column, ndim))
        if arrays[-1].shape != arrays[0].shape:
            shapes = " and ".join(str(np.shape(each)) for each in columns)
            raise ParameterError(f"{' and '.join(names)} need equal shapes, have {shapes}: align the rows first")
    return arrays


def _matrix(name: str, values: ArrayLike, ndim: int) -> Floats:
    array = np.asarray(values)
    if array.dtype is not FLOAT64:
        if array.dtype.kind not in "fiub":
            raise ParameterError(f"{name} holds {array.dtype}, needs real numbers: convert it to float64")
        array = array.astype(np.float64)
    if array.ndim != ndim:
        needed = "(T,); run_many takes (T, P)" if ndim == 1 else "(T, P); run takes (T,)"
        raise ParameterError(f"{name} has shape {array.shape}, needs {needed}")
    array = array[np.newaxis] if ndim == 1 else array.T
    # One layout for all: numba would take a second to compile a kernel again for a read-only or strided array.
    return array if array.flags.carray else array.copy()


def require_integer(name: str, value: int, minimum: int) -> None:
    """Raise ParameterError unless ``value`` is an integer ≥ ``minimum``."""
    try:
        fits = operator.index(value) >= minimum and not isinstance(value, bool)
    except TypeError:
        fits = False
    if not fits:
        raise ParameterError(f"{name} is {value!r}, needs an integer ≥ {minimum}")


def require_number(name: str, value: float, *, above: float | None = None, minimum: float | None = None) -> None:
    """Raise ParameterError unless ``value`` is finite and > ``above`` or ≥ ``minimum``."""
    bound = f"> {above:g}" if above is not None else f"≥ {minimum:g}"
    try:
        fits = math.isfinite(value) and (above is None or value > above) and (minimum is None or value >= minimum)
    except TypeError:
        fits = False
    if not fits:
        raise ParameterError(f"{name} is {value!r}, needs a finite number {bound}")
