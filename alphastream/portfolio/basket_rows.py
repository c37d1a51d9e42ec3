"""Baskets for the position optimiser: answers become rows of prices and signals by leg, as those of pairs do."""

from collections.abc import Sequence

import numpy as np

from alphastream.baskets import BasketAnalytics
from alphastream.pairs import Progress
from alphastream.portfolio.allocation import AllocationRows, Style


def basket_rows(answers: Sequence[BasketAnalytics], style: Style = "reversal") -> AllocationRows:
    """Rows for the legs of baskets.

    The signal of a symbol is the sum, over the baskets that have a z-score on this bar, of the z-score times the
    symbol's share of the spread in notional: its weight, and with baskets of prices its weight times its price over
    that of the first leg. Reversal takes −z, momentum z. A basket counts on bars in which all its legs traded.

    Parameters
    ----------
    answers : of ``analyse_basket``, with closed rows alone.
    """
    assets = tuple(dict.fromkeys(symbol for answer in answers for symbol in answer.spec.symbols))
    ends = np.unique(np.concatenate([np.empty(0, np.int64), *(answer.closed["time_ns"] for answer in answers)]))
    prices = np.full((len(ends), len(assets)), np.nan)
    total, known = np.zeros(prices.shape), np.zeros(prices.shape, dtype=bool)
    for answer in answers:
        spec, closed = answer.spec, answer.closed
        at = np.searchsorted(ends, closed["time_ns"])
        legs = range(1, len(spec.symbols) + 1)
        marks = np.column_stack([closed[f"price_{leg}"] for leg in legs])
        traded = np.column_stack([closed[f"trades_{leg}"] for leg in legs]) != 0
        share = np.column_stack([closed[name] for name in spec.weight_columns])
        if not spec.log:
            share = share * marks / marks[:, :1]
        push = (closed["zscore"] if style == "momentum" else -closed["zscore"])[:, np.newaxis] * share
        counts = np.isfinite(push).all(axis=1) & traded.all(axis=1)
        for leg, symbol in enumerate(spec.symbols):
            column, fresh = assets.index(symbol), traded[:, leg]
            prices[at[fresh], column] = marks[fresh, leg]
            total[at[counts], column] += push[counts, leg]
            known[at[counts], column] = True
    waits = tuple((a.spec.name, Progress("weights", a.have, a.needed)) for a in answers if a.have < a.needed)
    return AllocationRows(assets, ends, prices, np.where(known, total, np.nan), waits)
