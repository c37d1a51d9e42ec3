"""Figures and reports of a run and of the position optimiser, without a page and without a network.

A report is one HTML file with Plotly's code inside: it opens from a disk, light or dark, and prints. Plotly is an
extra, ``pip install 'alphastream[reports]'``; nothing else of the library needs it.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphastream.reports.look import PlotlyMissing, require_plotly
from alphastream.reports.optimiser import PositionReport
from alphastream.reports.run import Run
from alphastream.reports.settings import rules_of, settings_of
from alphastream.trading.broker.costs import BrokerRules

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["PlotlyMissing", "PositionReport", "Run", "plot", "rules_of", "settings_of", "tearsheet", "write_report"]


def plot(run: Run, *, dark: bool = False) -> "go.Figure":
    """Equity net and gross, drawdown, positions, and what the run recorded, over one UTC axis.

    Raises
    ------
    PlotlyMissing : Plotly is not installed.
    ParameterError : the run has no row.
    """
    require_plotly()
    from alphastream.reports.run_report import run_figure

    return run_figure(run, dark=dark)


def tearsheet(run: Run, *, benchmark: Any = None, dark: bool = False) -> "dict[str, go.Figure]":
    """Every figure of the report, by name: books, rolling, distribution, benchmark, symbols, costs.

    Those for which there is too little, as a window that never fills, are left out.

    Parameters
    ----------
    benchmark : levels (prices) of something to compare with, as in ``write_report``.
    """
    require_plotly()
    from alphastream.reports.run_report import run_figures

    return run_figures(run, benchmark=benchmark, dark=dark)


def write_report(
    path: str | os.PathLike[str],
    run: Run,
    *,
    benchmark: Any = None,
    trials: Any = None,
    rules: BrokerRules | None = None,
    settings: Iterable[tuple[str, str]] = (),
) -> Path:
    """Write everything about a run into one HTML file.

    Parameters
    ----------
    path : of the file, which is replaced where there is one.
    benchmark : levels (prices), (T,) at the ends of the rows, or a pandas Series with an index of dates, read as of
        each row; its name is printed.
    trials : how many settings were tried before this one was chosen, or the Sharpe ratio of a row of each, its own
        among them: the Sharpe ratio is deflated for them. None: not known, and the report says so.
    rules : that fills and costs followed, printed among what was assumed.
    settings : further names and values to print there; ``settings_of`` makes them of a strategy and its rules.

    Returns
    -------
    The path.

    Raises
    ------
    PlotlyMissing : Plotly is not installed.
    ParameterError : a benchmark that does not fit the rows.
    """
    require_plotly()
    from alphastream.reports.run_report import run_html

    text = run_html(run, benchmark=benchmark, trials=trials, rules=rules, settings=settings)
    target = Path(path)
    target.write_text(text, encoding="utf-8")
    return target
