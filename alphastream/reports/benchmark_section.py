"""A run beside something else that one could have held: what is read of a benchmark, and its part of the report."""

import math
from typing import Any

import numpy as np
import pandas as pd

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.performance import against_benchmark
from alphastream.reports import document as doc
from alphastream.reports.basis import Basis
from alphastream.reports.curve_charts import benchmark_figure
from alphastream.reports.document import Section
from alphastream.reports.metrics import UNKNOWN
from alphastream.reports.run import Run


def benchmark_levels(benchmark: Any, run: Run) -> tuple[Floats, str]:
    """Levels of the benchmark at the ends of the rows, (T,), and its name.

    A pandas Series with an index of dates is read as of each row: its newest value by then.
    """
    name = str(getattr(benchmark, "name", None) or "benchmark")
    index = getattr(benchmark, "index", None)
    if isinstance(index, pd.DatetimeIndex):
        series = benchmark[~index.duplicated(keep="last")].dropna().sort_index()
        at = series.index.tz_localize("UTC") if series.index.tz is None else series.index
        when = at.as_unit("ns").asi8
        place = np.searchsorted(when, run.time_ns, side="right") - 1
        values = series.to_numpy(dtype=np.float64)
        levels = (
            np.where(place >= 0, values[np.maximum(place, 0)], np.nan) if len(values) else np.full(len(run), np.nan)
        )
    else:
        levels = np.asarray(benchmark, dtype=np.float64)
    if levels.shape != (len(run),):
        raise ParameterError(
            f"the benchmark has shape {levels.shape}, the run {len(run)} rows: give a level for each row, or a Series "
            "with an index of dates"
        )
    if not (levels > 0.0).all():
        row = int(np.flatnonzero(~(levels > 0.0))[0])
        raise ParameterError(
            f"the benchmark is {levels[row]} at row {row}: give levels (prices) above 0 from row 0 on, no returns"
        )
    return levels, name


def benchmark_section(run: Run, basis: Basis, benchmark: Any, *, annual: bool) -> Section:
    """Cumulative returns of both, and alpha, beta and correlation over the periods of the report.

    Parameters
    ----------
    annual : make figures yearly; else they are of one period.
    """
    levels, name = benchmark_levels(benchmark, run)
    at = levels[basis.rows]
    other = np.concatenate(([np.nan], at[1:] / at[:-1] - 1.0)) if len(at) else at
    found = against_benchmark(basis.returns, other, basis.per_year if annual else 1.0)
    unit = "a year, not compounded" if annual else f"of a {basis.word}"
    total = float(levels[-1] / levels[0] - 1.0)

    def row(figure: str, value: float, text: str, words: str, why: str) -> tuple[str, str, str]:
        return (figure, text, words) if math.isfinite(value) else (figure, UNKNOWN, f"not defined: {why}")

    still, too_close = "the benchmark does not move", "both moved alike, or there are fewer than two returns"
    rows = [
        (f"Return of {name}", f"{total:+.3%}", "from the first row to the last"),
        row("Beta", found.beta, f"{found.beta:.3f}", "covariance over the variance of the benchmark", still),
        row("Alpha", found.alpha, f"{found.alpha:+.3%}", f"{unit}, without a riskless rate", still),
        row(
            "Correlation", found.correlation, f"{found.correlation:.3f}", "of the returns", "one of both does not move"
        ),
        row("Tracking error", found.tracking_error, f"{found.tracking_error:.3%}", f"deviation, {unit}", too_close),
        row("Information ratio", found.information_ratio, f"{found.information_ratio:.2f}", unit, too_close),
    ]
    curve = np.asarray(run.equity) / run.equity[0]
    says = f"Run {float(curve[-1]) - 1.0:+.3%}, {name} {total:+.3%} over the same time."
    caption = f"Least squares over {found.rows:,} returns of a {basis.word}"
    return Section(
        f"Beside {name}",
        (
            doc.drawing(benchmark_figure(run.time_ns, curve, levels / levels[0], name), "benchmark", says),
            doc.pairs_table(rows, caption, ("figure", "value", "what it is")),
        ),
    )
