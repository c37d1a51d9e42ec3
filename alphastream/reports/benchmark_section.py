"""A run beside something else that one could have held: what is read of a benchmark, and its part of the report."""

import math
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """A run beside a benchmark.

    Parameters
    ----------
    name : of the benchmark.
    levels : (T,) at the ends of the rows.
    rows : figure, value and what it is.
    caption : of these rows.
    says : both returns in a sentence.
    """

    name: str
    levels: Floats
    rows: list[tuple[str, str, str]]
    caption: str
    says: str


def beside(run: Run, basis: Basis, benchmark: Any, *, annual: bool) -> Beside:
    """Alpha, beta, correlation and tracking error over the periods of the report, with errors and reasons.

    Parameters
    ----------
    annual : make figures yearly; else they are of one period.
    """
    levels, name = benchmark_levels(benchmark, run)
    at = levels[basis.rows]
    other = np.concatenate(([np.nan], at[1:] / at[:-1] - 1.0)) if len(at) else at
    found = against_benchmark(basis.returns, other, basis.per_year if annual and len(basis) > 1 else 1.0)
    unit = "a year, not compounded" if annual else f"of a {basis.word}"
    total = float(levels[-1] / levels[0] - 1.0)

    def row(figure: str, value: float, text: str, words: str, why: str) -> tuple[str, str, str]:
        return (figure, text, words) if math.isfinite(value) else (figure, UNKNOWN, f"not defined: {why}")

    still, too_close = "the benchmark does not move", "both moved alike, or there are fewer than two returns"
    beta_words = f"± {found.beta_error:.4f}; covariance over the variance of the benchmark"
    decimals = _decimals(found.alpha_error)
    alpha_words = f"± {found.alpha_error:.{decimals}%}, {unit}, without a riskless rate"
    if abs(found.alpha) < 2.0 * found.alpha_error:
        alpha_words += "; within two errors of 0, so it may be luck"
    rows = [
        (f"Return of {name}", f"{total:+.3%}", "from the first row to the last"),
        row("Beta", found.beta, f"{found.beta:.4f}", beta_words, still),
        row("Alpha", found.alpha, f"{found.alpha:+.{decimals}%}", alpha_words, still),
        row(
            "Correlation", found.correlation, f"{found.correlation:.3f}", "of the returns", "one of both does not move"
        ),
        row(
            "Tracking error",
            found.tracking_error,
            f"{found.tracking_error:.{_decimals(found.tracking_error)}%}",
            f"deviation, {unit}",
            too_close,
        ),
        row("Information ratio", found.information_ratio, f"{found.information_ratio:.2f}", unit, too_close),
    ]
    own = float(run.equity[-1] / run.equity[0] - 1.0)
    return Beside(
        name=name,
        levels=levels,
        rows=rows,
        caption=f"Least squares over {found.rows:,} returns of a {basis.word}; errors (±) as if they were independent",
        says=f"Run {own:+.3%}, {name} {total:+.3%} over the same time.",
    )


def _decimals(share: float) -> int:
    """Decimals of a percentage, three or as many as show two digits: what one second earns is small.

    >>> _decimals(0.013), _decimals(2.4e-7), _decimals(float("nan"))
    (3, 6, 3)
    """
    size = abs(share) * 100.0
    return max(3, 1 - math.floor(math.log10(size))) if 0.0 < size < math.inf else 3


def benchmark_section(run: Run, found: Beside, meaning: str = "") -> Section:
    """Cumulative returns of both, and how they hang together.

    Parameters
    ----------
    meaning : what the comparison says, below it; may be empty.
    """
    curve = np.asarray(run.equity) / run.equity[0]
    figure = benchmark_figure(run.time_ns, curve, found.levels / found.levels[0], found.name)
    return Section(
        f"Beside {found.name}",
        (
            doc.drawing(figure, "benchmark", found.says),
            doc.pairs_table(found.rows, found.caption, ("figure", "value", "what it is")),
            *([doc.words(meaning, "soft")] if meaning else []),
        ),
    )
