"""Train and test of a pair in a table. No Streamlit."""

import math

import numpy as np
import pandas as pd

from alphastream.core.pvalues import pvalue_text
from alphastream.core.types import Floats, Ints
from alphastream.diagnosis import Holdout
from alphastream.pairs import PairAnalytics, source_prices


def traded_together(answer: PairAnalytics) -> tuple[Ints, Floats, Floats]:
    """Ends, y and x of the closed bars in which both legs traded, as the model saw them."""
    both = np.flatnonzero((answer.closed["y_trades"] != 0) & (answer.closed["x_trades"] != 0))
    y, x = source_prices(answer)
    return answer.closed["time_ns"][both], y[both], x[both]


def holdout_frame(found: Holdout, price: str) -> pd.DataFrame:
    """Both parts side by side.

    Parameters
    ----------
    price : "log" or "price": what the ratio is of.
    """

    def number(value: float, form: str = ".4g") -> str:
        return "∞" if value == math.inf else format(value, form) if math.isfinite(value) else "–"

    train, test, ratio = found.train, found.test, number(found.hedge_ratio)
    unit = "notional" if price == "log" else "units"
    rows = [
        ("bars with trades of both", f"{train.rows:,}", f"{test.rows:,}"),
        (f"hedge ratio, {unit}", ratio, ratio),
        ("fitted on this part alone", number(train.own_ratio), number(test.own_ratio)),
        ("p, no return", pvalue_text(train.pvalue, train.pvalue_floor), pvalue_text(test.pvalue, test.pvalue_floor)),
        ("half-life, bars", number(train.half_life, ".1f"), number(test.half_life, ".1f")),
        ("mean of the spread", number(0.0 if train.rows else math.nan), number(test.mean)),
        ("deviation of the spread", number(train.std), number(test.std)),
    ]
    for part, words in ((train, "train"), (test, "test")):
        if part.refusal is not None:
            rows.append((f"why no p, {words}", part.refusal * (part is train), part.refusal * (part is test)))
    return pd.DataFrame(rows, columns=["of the spread", "train", "test"])
