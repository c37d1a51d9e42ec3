"""Columns in, ``plotly.graph_objects.Figure`` out: no Streamlit, no clock, no network.

The live page and the history page draw the same figure. Which column feeds which trace is stated once, where the
trace is built: ``trace.meta = {"x": "time", "y": column}``, and ``annotation.name = "last:" + column`` for the
last-value tags. The live component reads those marks and updates what this module drew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import astuple
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from alphastream.core.pvalues import RESOLUTION
from alphastream.reports.palette import DARK, GREY, LIGHT, Palette, palette
from alphastream.reports.panels import TRANSPARENT, domains, headings, total_height
from alphastream.reports.thinning import MAX_POINTS, sparse, thin_out
from views.shared.escaping import in_chart
from views.shared.series import SIGNIFICANT, Columns, PairSeries, column_decimals, is_known, series_columns

_PANELS: Final = {"price": 210, "spread": 120, "zscore": 160, "hedge": 100, "stationarity": 110, "volume": 80}
_GAP: Final = 28
WIDE_GAP: Final = 40
"""Between panels where a heading may need two lines: on a narrow page whose figure does not know its width."""

P_COLUMNS: Final = ("pvalue", "evidence_p")
_MARGIN: Final = {"l": 70, "r": 70, "t": 26, "b": 42}

_BAND_FILL: Final = "rgba(136,136,136,0.13)"


def pair_figure(series: PairSeries, *, dark: bool = False, max_points: int = MAX_POINTS, gap: int = _GAP) -> go.Figure:
    """One figure of six panels over a shared UTC axis.

    Prices; spread with bands; z-score with thresholds and signals; hedge ratio and correlation; rolling test and
    half-life; volumes.

    Parameters
    ----------
    series : the rows to draw; none is allowed.
    dark : colours for a dark page. Paper and plot are transparent; the font colour is the page's.
    max_points : a trace with more rows keeps the lowest and highest of each pixel's worth of rows.
    gap : pixels between panels, where their headings stand.
    """
    colours = palette(dark)
    columns = series_columns(series)
    data = []
    for trace in _traces(series, colours):
        thin = sparse if trace["mode"] == "markers" else thin_out
        x, y = thin(columns["time"], columns[trace["meta"]["y"]], max_points)
        data.append({"type": "scatter", "x": x, "y": y, **trace})
    tags = list(_last_value_tags(series, columns, colours))
    return go.Figure(data=data, layout={**_layout(series, colours, gap), "annotations": tags})


def _traces(series: PairSeries, colours: Palette) -> Iterator[dict[str, Any]]:
    """The traces without their numbers, in drawing order."""

    def line(column: str, name: str, axis: str, legend: str, colour: str, **more: Any) -> dict[str, Any]:
        style = {"color": colour, "width": 1.4, **more.pop("line", {})}
        mark = {"meta": {"x": "time", "y": column}, "mode": "lines", "xaxis": "x", "yaxis": axis, "legend": legend}
        return {**mark, "name": name, "line": style, "connectgaps": False, **more}

    def marker(column: str, name: str, symbol: str, colour: str) -> dict[str, Any]:
        style = {"symbol": symbol, "color": colour, "size": 10, "line": {"width": 1.5, "color": colour}}
        mark = line(column, name, "y4", "legend3", colour, hoverinfo="skip")
        return {**mark, "mode": "markers", "marker": style}

    y, x = in_chart(series.y_symbol), in_chart(series.x_symbol)
    yield line("y_price", y, "y", "legend", colours.y_leg)
    yield line("x_price", x, "y2", "legend", colours.x_leg, line={"dash": "6px,2px"})
    band: dict[str, Any] = {"hoverinfo": "skip", "legendgroup": "band"}
    yield line("spread_upper", "upper band", "y3", "legend2", GREY, line={"width": 1}, showlegend=False, **band)
    name = f"mean ± {series.entry_z:g} std"
    fill = {"fill": "tonexty", "fillcolor": _BAND_FILL}
    yield line("spread_lower", name, "y3", "legend2", GREY, line={"width": 1}, **fill, **band)
    yield line("spread_mean", "mean", "y3", "legend2", GREY, line={"dash": "dot"}, showlegend=False, **band)
    yield line("spread", "spread", "y3", "legend2", colours.spread)
    yield line("zscore", "z-score", "y4", "legend3", colours.spread)
    yield marker("long_entry", "long", "triangle-up", colours.y_leg)
    yield marker("short_entry", "short", "triangle-down", colours.x_leg)
    yield marker("exit", "exit", "circle-open", colours.neutral)
    yield line("hedge_ratio", "hedge ratio", "y5", "legend4", colours.neutral)
    yield line("correlation", "correlation →", "y8", "legend4", GREY, line={"dash": "dot"})
    yield line("pvalue", f"Engle-Granger p, {series.tested_rows} bars", "y9", "legend5", colours.spread)
    yield line("evidence_p", "p since start", "y9", "legend5", colours.spread, line={"dash": "2px,3px", "width": 1.8})
    yield line("half_life", "half-life, bars →", "y10", "legend5", colours.half_life, line={"dash": "6px,2px"})
    steps = {"line": {"shape": "vh", "width": 1}, "fill": "tozeroy"}
    yield line("y_volume", f"{y} volume", "y6", "legend6", colours.y_leg, fillcolor=colours.y_fill, **steps)
    yield line("x_volume", f"{x} volume", "y7", "legend6", colours.x_leg, fillcolor=colours.x_fill, **steps)


def _layout(series: PairSeries, colours: Palette, gap: int) -> dict[str, Any]:
    """Axes, legends and thresholds."""
    heights = list(_PANELS.values())
    domain = dict(zip(_PANELS, domains(heights, gap), strict=True))
    decimals = column_decimals(series)

    def axis(panel: str, column: str, title: str, colour: str | None, over: str | None = None) -> dict[str, Any]:
        text = {"font": {"color": colour}} if colour else {}
        right = {"side": "right", "overlaying": over, "showgrid": False, "tickmode": "auto"}
        shown = f",.{decimals[column]}f"
        return {
            **(right if over else {"side": "left"}),
            "domain": list(domain[panel]),
            "title": {"text": title, "standoff": 6, **text},
            "tickfont": {"size": 11, "color": colour or colours.neutral},
            "hoverformat": shown,
            "tickformat": shown if column.endswith("_price") else "",
            "nticks": max(4, _PANELS[panel] // 40),
            "ticklabeloverflow": "allow",  # else every label is measured at every drawing: a fifth of its time
            "zeroline": False,
            "anchor": "x",
        }

    return {
        "height": total_height(heights, gap) + _MARGIN["t"] + _MARGIN["b"],
        "margin": _MARGIN,
        **TRANSPARENT,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "dragmode": "zoom",
        "uirevision": f"{series.y_symbol}/{series.x_symbol}",
        "meta": {
            "decimals": decimals,
            "floors": dict.fromkeys(P_COLUMNS, RESOLUTION),
            "dark": dict(zip(astuple(LIGHT), astuple(DARK), strict=True)),
            "description": f"{series.y_symbol} and {series.x_symbol}: prices, spread, z-score, hedge ratio, "
            "cointegration test with half-life, and volumes",
        },
        "xaxis": {
            "type": "date",
            "anchor": "y6",
            "title": {"text": "UTC", "standoff": 4},
            "tickfont": {"color": colours.neutral},
            "hoverformat": "%Y-%m-%d %H:%M:%S",
            "tickformatstops": [{"dtickrange": [None, 1000], "value": "%H:%M:%S.%L"}],
            "showspikes": True,
            "spikemode": "across",
            "spikesnap": "cursor",
            "spikethickness": 1,
            "spikedash": "dot",
            "spikecolor": GREY,
        },
        "yaxis": axis("price", "y_price", in_chart(series.y_symbol), colours.y_leg),
        "yaxis2": axis("price", "x_price", in_chart(series.x_symbol), colours.x_leg, over="y"),
        "yaxis3": {
            **axis("spread", "spread", "", None),
            "exponentformat": "none",
            "showticklabels": is_known(series.spread),
        },
        "yaxis4": {
            **axis("zscore", "zscore", "std. deviations", None),
            "autorangeoptions": {"include": [-1.25 * series.entry_z, 1.25 * series.entry_z]},  # the triggers are seen
        },
        "yaxis5": {**axis("hedge", "hedge_ratio", "", None), "showticklabels": is_known(series.hedge_ratio)},
        "yaxis6": {**axis("volume", "y_volume", in_chart(series.y_symbol), colours.y_leg), "rangemode": "tozero"},
        "yaxis7": {
            **axis("volume", "x_volume", in_chart(series.x_symbol), colours.x_leg, over="y6"),
            "rangemode": "tozero",
        },
        "yaxis8": {**axis("hedge", "correlation", "", None, over="y5"), "range": [-1.05, 1.05]},
        "yaxis9": {
            **axis("stationarity", "pvalue", "", None),
            "range": [-0.03, 1.03],
            "tickvals": [0, 0.5, 1],
            "ticktext": ["0", "0.5", "1"],
        },
        "yaxis10": {
            **axis("stationarity", "half_life", "", colours.half_life, over="y9"),
            "rangemode": "tozero",
            "showticklabels": is_known(series.half_life),
        },
        "shapes": list(_thresholds(series)),
        **headings((top for _, top in domain.values()), colours.neutral),
    }


def _thresholds(series: PairSeries) -> Iterator[dict[str, Any]]:
    """Lines at zero, entry, exit and the test's level, each named in words as well as told apart by its dash."""

    def level(value: float, label: str, dash: str, axis: str = "y4") -> dict[str, Any]:
        text = {"text": label, "textposition": "start", "yanchor": "bottom", "font": {"size": 10}, "padding": 1}
        place = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": axis, "y0": value, "y1": value}
        return {**place, "layer": "below", "line": {"color": GREY, "width": 1, "dash": dash}, "label": text}

    yield level(0.0, "", "solid")
    yield level(series.entry_z, f"short entry +{series.entry_z:g}", "dash")
    yield level(-series.entry_z, f"long entry -{series.entry_z:g}", "dash")
    if series.exit_z > 0:
        yield level(series.exit_z, f"exit ±{series.exit_z:g}", "dot")
        yield level(-series.exit_z, "", "dot")
    yield level(SIGNIFICANT, f"{SIGNIFICANT:.0%} level", "dash", "y9")


def _tag_text(column: str, value: float, decimals: Mapping[str, int]) -> str:
    """A last value; no p is shown as zero, as the browser has it from ``meta.floors``."""
    if column in P_COLUMNS and value < RESOLUTION:
        return f"< {RESOLUTION:g}"
    return f"{value:,.{decimals[column]}f}"


def _last_value_tags(series: PairSeries, columns: Columns, colours: Palette) -> Iterator[dict[str, Any]]:
    """The newest value of a line, on the axis it belongs to."""
    decimals = column_decimals(series)
    places = [
        ("y_price", "y", 0, colours.y_leg),
        ("x_price", "y2", 1, colours.x_leg),
        ("spread", "y3", 1, colours.spread),
        ("zscore", "y4", 1, colours.spread),
        ("hedge_ratio", "y5", 0, colours.neutral),
        ("pvalue", "y9", 0, colours.spread),
        ("half_life", "y10", 1, colours.half_life),
    ]
    for column, axis, side, colour in places:
        values = columns[column]
        value = float(values[-1]) if values.size else np.nan
        known = bool(np.isfinite(value))
        yield {
            "name": f"last:{column}",
            "text": _tag_text(column, value, decimals) if known else "",
            "visible": known,
            "xref": "paper",
            "x": side,
            "xanchor": "left" if side else "right",
            "yref": axis,
            "y": value if known else 0.0,
            "showarrow": False,
            "font": {"size": 11, "color": colours.neutral},
            "bgcolor": colours.surface,
            "bordercolor": colour,
            "borderwidth": 1,
            "borderpad": 2,
        }
