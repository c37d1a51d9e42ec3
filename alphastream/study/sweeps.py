"""What each combination of parameters came to, and how much of the best is luck."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from alphastream.core.types import Floats
from alphastream.performance import ReturnMoments, deflated_sharpe
from alphastream.study.trials import MOMENTS
from alphastream.study.variants import Variant

DEFLATED: Final = ("deflated_sharpe", "luck_sharpe", "trials")


def table_of(names: Sequence[str], variants: Sequence[Variant], found: Floats, summary: Sequence[str]) -> pd.DataFrame:
    """A row a combination: its values, its figures, and beside them what the best of so many is worth.

    Parameters
    ----------
    found : (variants, F) figures: those of ``summary``, then ``MOMENTS``.

    Returns
    -------
    Also ``deflated_sharpe``, the probability that the combination has more skill than the luckiest of all of them
    would without any; ``luck_sharpe``, the Sharpe ratio a year that this luckiest is expected to have; ``trials``, how
    many traded. ``attrs`` name the index of the ``best``.
    """
    columns: dict[str, Any] = {
        name: [variant.values[place] for variant in variants] for place, name in enumerate(names)
    }
    figures = pd.DataFrame(found[:, : len(summary)], columns=list(summary))
    for name in ("orders", "fills", "round_trips", "rows"):
        figures[name] = figures[name].astype(np.int64)
    moments = pd.DataFrame(found[:, len(summary) :], columns=list(MOMENTS))
    deflated = [_deflated(row, moments, pace) for row, pace in zip(found, figures["rows_per_year"], strict=True)]
    table = pd.concat([pd.DataFrame(columns), figures, pd.DataFrame(deflated, columns=list(DEFLATED))], axis=1)
    table.attrs["best"] = best_of(found, summary)
    return table


def best_of(found: Floats, summary: Sequence[str]) -> int:
    """Place of the highest plain Sharpe ratio; the first of equals, and the first of all where none is defined."""
    sharpe = found[:, list(summary).index("plain_sharpe")]
    return int(np.argmax(np.where(np.isnan(sharpe), -np.inf, sharpe)))


def _deflated(row: Floats, moments: pd.DataFrame, rows_per_year: float) -> tuple[float, float, int]:
    rows, mean, std, skew, kurtosis, factor = row[-len(MOMENTS) :].tolist()
    with np.errstate(invalid="ignore", divide="ignore"):
        sharpes = (moments["mean"] / moments["std"]).to_numpy(dtype=np.float64)
    trials = int(np.isfinite(sharpes).sum())
    if not rows or not std > 0.0:
        return math.nan, math.nan, trials
    shared = 1.0 if math.isnan(factor) else factor
    chosen = ReturnMoments(int(rows), mean, std, skew, kurtosis).over_many_rows(factor)
    found = deflated_sharpe(chosen, sharpes[np.isfinite(sharpes)] / shared)
    return found.probability, found.expected_maximum * math.sqrt(rows_per_year), trials
