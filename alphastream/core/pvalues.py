"""p-values in words: none is shown as zero, which no test can find."""

import math
from typing import Final

RESOLUTION: Final = 1e-4
"""Smaller p-values of a test with a known distribution say nothing more."""
_ROUNDING: Final = 1.0 + 1e-9


def pvalue_text(pvalue: float | None, floor: float = 0.0) -> str:
    """A p-value or a q-value as people read it, with three or four digits behind the point.

    Texts sort as their numbers do: "<" and "≤" come before digits wherever text is sorted by a locale.

    Parameters
    ----------
    pvalue : None and NaN where there is none.
    floor : the smallest that the test can give, as 1/(replications + 1) of a bootstrap; 0 where there is no such.

    Examples
    --------
    >>> [pvalue_text(p) for p in (0.0, 0.00312, 0.0449, 0.9999, math.nan)]
    ['< 0.0001', '0.0031', '0.045', '1', '–']
    >>> pvalue_text(1 / 200, floor=1 / 200), pvalue_text(2 / 200, floor=1 / 200)
    ('≤ 0.005', '0.010')
    """
    if pvalue is None or math.isnan(pvalue):
        return "–"
    if pvalue < RESOLUTION:
        return f"< {RESOLUTION:g}"
    if floor and pvalue <= floor * _ROUNDING:
        return f"≤ {floor:.2g}"
    text = f"{pvalue:.3f}" if pvalue >= 0.00995 else f"{pvalue:.4f}"
    return "1" if text == "1.000" else text
