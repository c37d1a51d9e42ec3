"""Prices that were single precision once, with the digits they had: 9.74, not 9.739999771118164.

Parquet and numpy keep 9.74 in 32 bits as 9.739999771118164, and a program that writes it out in 64 bits, or with ten
decimals, writes digits that nobody quoted. The shortest decimal that 32 bits tell from its neighbours is the price.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alphastream.core.types import Floats

_SAMPLE: Final = 200
_LEAST: Final = 3  # so many different numbers are no coincidence
_NEAR: Final = 1 / 512  # in steps of 32 bits: ten decimals are near enough; six, as Yahoo writes, stay what they are
_LAST_BITS: Final = 15


def as_single(columns: Sequence[Floats]) -> list[Floats] | None:
    """Columns with the digits of single precision; None where they are not of it, or have no digits too many.

    Parameters
    ----------
    columns : prices of one origin, such as open, high, low and close; shape (T,) each, NaN where there is none. All
        of their numbers must be of single precision, written with some ten decimals or more.

    Examples
    --------
    >>> as_single([np.array([60.0, 9.739999771118164, 9.8100004196]), np.array([60.25, 9.7600002289, np.nan])])
    [array([60.  ,  9.74,  9.81]), array([60.25,  9.76,   nan])]
    >>> as_single([np.array([60.0, 9.74, 109.00390625])]) is None
    True
    """
    if not _are_single(np.concatenate([column[:_SAMPLE] for column in columns])):
        return None
    if not _are_single(np.concatenate(columns)):
        return None
    return [_shortest(column.astype(np.float32)) for column in columns]


def _are_single(values: Floats) -> bool:
    values = values[np.isfinite(values)]
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if not np.isfinite(single).all():
        return False
    longer = _shortest(single) != values
    if len(np.unique(single[longer])) < _LEAST:
        return False
    if np.any(np.abs(single.astype(np.float64) - values) > np.spacing(single) * _NEAR):
        return False
    # Eighths to 256ths of a point are exact in 32 bits, too, and leave the last bits empty.
    filled = single.view(np.int32)[longer] & _LAST_BITS != 0
    return bool(np.mean(filled) >= 0.5)


def _shortest(single: Any) -> Floats:
    """The shortest decimals of numbers of 32 bits, (T,)."""
    texts = pc.cast(pa.array(single), pa.string())
    return np.asarray(pc.cast(texts, pa.float64()), dtype=np.float64)
