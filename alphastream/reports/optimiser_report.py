"""The position optimiser over a history, in figures and in one HTML file."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from alphastream.core.types import Floats
from alphastream.performance import lo_sharpe
from alphastream.portfolio import (
    exposure,
    ic_statistics,
    information_coefficient,
    returns_over_costs,
    returns_over_lags,
    returns_over_smoothing,
    tilt_and_timing,
)
from alphastream.reports import document as doc
from alphastream.reports.curve_charts import bars_figure, lines_figure
from alphastream.reports.document import Section
from alphastream.reports.look import dressed
from alphastream.reports.metrics import UNKNOWN, money
from alphastream.reports.panels import largest
from alphastream.reports.settings import fields_of

if TYPE_CHECKING:
    from alphastream.reports import PositionReport

HORIZONS = (1, 2, 5, 10)
CAVEATS = (
    "Returns take the price that a signal was made from as the price of the fill; see the lag of 1 for a row later.",
    "Ratios are of one row and not annualised. Their errors are of returns that go on as they were.",
    "The result is in sample wherever signals or parameters were chosen by somebody who has seen these rows; the best "
    "of a grid of costs, lags or windows was chosen on this history and says little of the next.",
    "A negative lag knows the future: it shows how much of the signal is of the past, and cannot be traded.",
)


def optimiser_figures(report: "PositionReport", *, dark: bool = False) -> "dict[str, go.Figure]":
    """Figures by name, as the report has them."""
    return {name: dressed(figure, dark=dark) for name, (_, figure, _) in _drawn(report, dark).items()}


def optimiser_html(report: "PositionReport") -> str:
    """The report as text."""
    positions, config = report.positions, report.config
    valid = int((positions.status == "valid").sum())
    title = f"Positions: {', '.join(positions.assets[:6])}{' and others' if len(positions.assets) > 6 else ''}"
    opening = [
        doc.words(f"{len(positions.status):,} rows of {len(positions.assets)} assets, {valid:,} with positions.")
    ]
    if not valid:
        opening.append(
            doc.words(f"No row has positions: the first can have them after {config.rows_needed} rows.", "warning")
        )
    sections = [Section("Summary", (doc.pairs_table(_summary(report), "Figures of the history", _HEADS),))]
    drawn = _drawn(report, False)
    for name, (heading, figure, says) in drawn.items():
        tables = [doc.pairs_table(*_GRIDS[name](report))] if name in _GRIDS else []
        sections.append(Section(heading, (doc.drawing(figure, name, says), *tables)))
    sections.append(Section("What was assumed", (doc.pairs_table(fields_of(config), "Parameters of the optimiser"),)))
    sections.append(Section("When not to trust this", (doc.bullets(CAVEATS),)))
    return doc.document(title, opening, sections)


_HEADS = ("figure", "value", "what it is")


def _summary(report: "PositionReport") -> list[tuple[str, str, str]]:
    positions, config, solved = report.positions, report.config, report.solved
    gained = report.row_returns
    flows = exposure(positions, config)
    found = lo_sharpe(gained) if gained.size else None
    parts = tilt_and_timing(positions, report.prices, config)
    shown = found is not None and math.isfinite(found.sharpe)
    rows = [
        (
            "Net result",
            f"{gained.sum():+.3%}" if gained.size else UNKNOWN,
            "of the assets, not compounded, after costs",
        ),
        (
            "Sharpe ratio of a row (Lo)",
            f"{found.sharpe:+.4f} ± {found.error:.4f}" if shown and found is not None else UNKNOWN,
            f"over {gained.size:,} rows" if shown else "not defined: no positions, or returns do not vary",
        ),
        ("of the tilt", f"{parts.tilt.sum():+.3%}", "gross, of the mean position of each asset"),
        ("of the timing", f"{parts.timing.sum():+.3%}", "gross, of what was held beyond it; both add up to the gross"),
        ("Leverage, most", f"{float(np.max(flows.leverage, initial=0.0)):.2f}×", f"of {money(config.aum)}"),
        (
            "Turnover of a row, mean",
            f"{_mean(flows.turnover * config.position_scale / config.aum):.2%}",
            "of the assets",
        ),
    ]
    for name, ranked in (("IC (Pearson)", False), ("IC (rank)", True)):
        ic = ic_statistics(information_coefficient(report.prices, report.signals, ranked=ranked))
        known = math.isfinite(ic.icir)
        rows.append((name, f"{ic.mean:+.4f}" if ic.rows else UNKNOWN, f"mean over {ic.rows:,} rows, horizon of a row"))
        rows.append((f"{name}: ICIR", f"{ic.icir:+.4f}" if known else UNKNOWN, "mean over its deviation, of a row"))
    for name, values, text in (
        ("Signal utilisation, median", _median(solved.utilisation), "1: none of a signal is said by others already"),
        ("Condition number, median", _median(solved.condition_number), "of the matrix that is solved"),
        ("Effective rank, median", _median(solved.effective_rank), f"of {len(positions.assets)} assets"),
        ("Solver residual, largest", _most(solved.residual), "‖A·x − μ‖ of a solution by LAPACK"),
    ):
        rows.append((name, f"{values:.4g}" if math.isfinite(values) else UNKNOWN, text))
    return rows


def _drawn(report: "PositionReport", dark: bool) -> "dict[str, tuple[str, go.Figure, str]]":
    """Heading, figure and sentence of each part."""
    x, positions, solved = report.x, report.positions, report.solved
    parts = tilt_and_timing(positions, report.prices, report.config)
    chosen = largest(positions.held)
    names = [positions.assets[column] for column in chosen]
    unit = "units of cash"

    def lines(columns: Mapping[str, Floats], unit: str, *, log: bool = False) -> "go.Figure":
        return lines_figure(x, columns, unit, log=log, dark=dark)

    by_asset = {name: positions.held[:, column] for name, column in zip(names, chosen, strict=True)}
    sums = {name: np.cumsum(getattr(parts, name)) * 100.0 for name in ("total", "tilt", "timing")}
    return {
        "positions": ("Positions", lines(by_asset, unit), "Cash held of each asset after each row."),
        "result": (
            "Result, tilt and timing",
            lines(sums, "% of the assets"),
            f"Gross result {parts.total.sum():+.3%}: tilt {parts.tilt.sum():+.3%}, timing {parts.timing.sum():+.3%}.",
        ),
        "ic": ("Information coefficient", _ic_figure(report, dark), "Mean by the horizon of the return, in rows."),
        "utilisation": (
            "Signal utilisation",
            lines({n: solved.utilisation[:, c] for n, c in zip(names, chosen, strict=True)}, "x / μ"),
            "Part of each signal that is left in the solution: 1 where an asset moves alone.",
        ),
        "matrix": (
            "Condition number and effective rank",
            lines(
                {"condition number": _finite(solved.condition_number), "effective rank": solved.effective_rank},
                "",
                log=True,
            ),
            "Of the matrix of each row, on a logarithmic scale.",
        ),
        "volatility": (
            "Volatility of the assets",
            lines({n: positions.volatility[:, c] * 100.0 for n, c in zip(names, chosen, strict=True)}, "% of a row"),
            "Deviation of the returns of a row that positions are scaled by.",
        ),
        "costs": ("Impact of trading costs", _ratios(_costs(report), "bps of what is traded", dark), _says("cost")),
        "lags": ("Lead and lag", _ratios(_lags(report), "rows later", dark), _says("lag, in rows")),
        "smoothing": ("Smoothed positions", _ratios(_smoothing(report), "rows in the mean", dark), _says("window")),
    }


def _says(what: str) -> str:
    return f"Sharpe ratio of a row (Lo) by {what}; the table has the numbers and their errors."


def _costs(report: "PositionReport") -> Mapping[float, Floats]:
    return returns_over_costs(report.positions, report.prices, report.config)


def _lags(report: "PositionReport") -> Mapping[int, Floats]:
    return returns_over_lags(report.positions, report.prices, report.config)


def _smoothing(report: "PositionReport") -> Mapping[int, Floats]:
    return returns_over_smoothing(report.positions, report.prices, report.config)


def _ic_figure(report: "PositionReport", dark: bool) -> "go.Figure":
    groups = {
        name: [
            ic_statistics(information_coefficient(report.prices, report.signals, horizon=h, ranked=ranked)).mean
            for h in HORIZONS
        ]
        for name, ranked in (("Pearson", False), ("rank", True))
    }
    return bars_figure(groups, map(str, HORIZONS), "mean coefficient", dark=dark)


def _ratios(trials: Mapping[Any, Floats], name: str, dark: bool) -> "go.Figure":
    ratios = [lo_sharpe(values).sharpe if values.size else math.nan for values in trials.values()]
    return bars_figure({name: ratios}, (f"{key:g}" for key in trials), "Sharpe ratio of a row", dark=dark)


def _grid(trials: Mapping[Any, Floats], name: str) -> tuple[list[tuple[str, ...]], str, Sequence[str]]:
    rows: list[tuple[str, ...]] = []
    for key, values in trials.items():
        found = lo_sharpe(values) if values.size else None
        known = found is not None and math.isfinite(found.sharpe)
        ratio = (f"{found.sharpe:+.4f}", f"{found.error:.4f}") if found is not None and known else (UNKNOWN, UNKNOWN)
        rows.append((f"{key:g}", f"{values.sum():+.3%}" if values.size else UNKNOWN, *ratio))
    return rows, "Net result and Sharpe ratio of a row", (name, "net result", "Sharpe ratio (Lo)", "its error")


_GRIDS: Mapping[str, Any] = {
    "costs": lambda report: _grid(_costs(report), "cost, bps"),
    "lags": lambda report: _grid(_lags(report), "rows later"),
    "smoothing": lambda report: _grid(_smoothing(report), "rows in the mean"),
}


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else math.nan


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else math.nan


def _most(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if known.size else math.nan
