"""Columns in, ``plotly.graph_objects.Figure`` out: no Streamlit, no clock, no network.

The live page and the history page draw the same figure. Which column feeds which trace is stated once, where the
trace is built: ``trace.meta = {"x": "time", "y": column}``, and ``annotation.name = "last:" + column`` for the
last-value tags. The live component reads those marks and updates what this module drew.

A panel has the same axes whichever others are shown, so a zoom holds while panels come and go.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import plotly.graph_objects as go

from alphastream.reports.palette import GREY, Palette, palette
from alphastream.reports.thinning import MAX_POINTS, sparse, thin_out
from views.shared.chart_axes import GAP, WIDE_GAP, pair_layout
from views.shared.chart_columns import OHLC, joined
from views.shared.chart_options import ChartOptions, Panel
from views.shared.escaping import in_chart
from views.shared.series import AS_USUAL, Columns, PairSeries, series_columns

__all__ = ["WIDE_GAP", "pair_figure"]

_BAND_FILL: Final = "rgba(136,136,136,0.13)"
_NO_FILL: Final = "rgba(0,0,0,0)"


def pair_figure(
    series: PairSeries,
    *,
    dark: bool = False,
    max_points: int = MAX_POINTS,
    gap: int = GAP,
    options: ChartOptions = AS_USUAL,
) -> go.Figure:
    """One figure of panels over a shared time axis in UTC.

    Prices; their ratio; spread with bands; z-score with thresholds and signals; hedge ratio and correlation; rolling
    test and half-life; volumes.

    Parameters
    ----------
    series : the rows to draw; none is allowed.
    dark : colours for a dark page. Paper and plot are transparent; the font colour is the page's.
    max_points : a trace with more rows keeps the lowest and highest of each pixel's worth of rows.
    gap : pixels between panels, where their headings stand.
    """
    colours = palette(dark)
    if series.candles is None and options.candles:
        options = replace(options, candles="")
    columns = series_columns(series, options)
    data = []
    for trace in _traces(series, colours, options):
        if trace.get("type") == "candlestick":
            data.append(_filled(trace, columns))
            continue
        thin = sparse if trace["mode"] == "markers" else thin_out
        x, y = thin(columns["time"], columns[trace["meta"]["y"]], max_points)
        data.append({"type": "scatter", "x": x, "y": y, **trace})
    return go.Figure(data=data, layout=pair_layout(series, columns, colours, gap, options))


def _traces(series: PairSeries, colours: Palette, options: ChartOptions) -> Iterator[dict[str, Any]]:
    """The traces without their numbers, in drawing order."""
    made = {"price": _prices, "volume": _volumes}
    for panel in options.panels:
        yield from made[panel](series, colours, options) if panel in made else _of_panel(panel, series, colours)


def _line(column: str, name: str, axis: str, legend: str, colour: str, **more: Any) -> dict[str, Any]:
    """A line; ``narrow`` is its name where a phone has no room for the whole."""
    style = {"color": colour, "width": 1.4, **more.pop("line", {})}
    meta = {"x": "time", "y": column}
    if "narrow" in more:
        meta["narrow"] = more.pop("narrow")
    mark = {"meta": meta, "mode": "lines", "xaxis": "x", "yaxis": axis, "legend": legend}
    return {**mark, "uid": column, "name": name, "line": style, "connectgaps": False, **more}


def _marker(column: str, name: str, symbol: str, colour: str) -> dict[str, Any]:
    style = {"symbol": symbol, "color": colour, "size": 10, "line": {"width": 1.5, "color": colour}}
    mark = _line(column, name, "y4", "legend3", colour, hoverinfo="skip")
    return {**mark, "mode": "markers", "marker": style}


def _prices(series: PairSeries, colours: Palette, options: ChartOptions) -> Iterator[dict[str, Any]]:
    legs = [
        ("y", series.y_symbol, "y", colours.y_leg, {}),
        ("x", series.x_symbol, "y" if options.from_100 else "y2", colours.x_leg, {"dash": "6px,2px"}),
    ]
    for leg, symbol, axis, colour, dash in legs:
        name = in_chart(symbol)
        if options.from_100:
            name = f"{name}, 100 at the {'first bar shown' if series.bases is None else 'chosen time'}"
        if options.candles != leg:
            yield _line(f"{leg}_price", name, axis, "legend", colour, line=dash)
            continue
        # Hollow where the price rose, filled where it fell: told apart without colours, which say which leg it is.
        yield {
            "type": "candlestick",
            "meta": {"x": "time", "y": f"{leg}_price", "candles": {each: each for each in OHLC}},
            "uid": f"{leg}_candles",
            "name": f"{name} candles",
            "xaxis": "x",
            "yaxis": axis,
            "legend": "legend",
            "showlegend": True,
            "whiskerwidth": 0,
            "increasing": {"line": {"color": colour, "width": 1.2}, "fillcolor": _NO_FILL},
            "decreasing": {"line": {"color": colour, "width": 1.2}, "fillcolor": colour},
            "hoverlabel": {"split": False},
        }


def _filled(trace: dict[str, Any], columns: Columns) -> dict[str, Any]:
    """Candles with their numbers; where there are too many, neighbours as one, and the name says of how many bars."""
    time, candles, each = joined(columns["time"], {name: columns[name] for name in OHLC})
    name = trace["name"] if each == 1 else f"{trace['name']} of {each} bars"
    return {**trace, "x": time, **candles, "name": name}


def _of_panel(panel: Panel, series: PairSeries, colours: Palette) -> Iterator[dict[str, Any]]:
    match panel:
        case "ratio":
            name = f"{in_chart(series.y_symbol)} / {in_chart(series.x_symbol)}"
            yield _line("ratio", name, "y11", "legend7", colours.neutral)
        case "spread":
            band: dict[str, Any] = {"hoverinfo": "skip", "legendgroup": "band"}
            thin, dot = {"width": 1}, {"dash": "dot"}
            yield _line("spread_upper", "upper band", "y3", "legend2", GREY, line=thin, showlegend=False, **band)
            name = f"mean ± {series.entry_z:g} std"
            fill = {"fill": "tonexty", "fillcolor": _BAND_FILL}
            yield _line("spread_lower", name, "y3", "legend2", GREY, line=thin, **fill, **band)
            yield _line("spread_mean", "mean", "y3", "legend2", GREY, line=dot, showlegend=False, **band)
            yield _line("spread", "spread", "y3", "legend2", colours.spread)
        case "zscore":
            yield _line("zscore", "z-score", "y4", "legend3", colours.spread)
            yield _marker("long_entry", "long", "triangle-up", colours.y_leg)
            yield _marker("short_entry", "short", "triangle-down", colours.x_leg)
            yield _marker("exit", "exit", "circle-open", colours.neutral)
        case "hedge":
            yield _line("hedge_ratio", "hedge ratio", "y5", "legend4", colours.neutral)
            yield _line("correlation", "correlation →", "y8", "legend4", GREY, line={"dash": "dot"})
        case "stationarity":
            dotted, dashed = {"dash": "2px,3px", "width": 1.8}, {"dash": "6px,2px"}
            yield _line("pvalue", f"p, {series.tested_rows} bars", "y9", "legend5", colours.spread)
            yield _line("evidence_p", "p since start", "y9", "legend5", colours.spread, narrow="p, all", line=dotted)
            yield _line("half_life", "half-life →", "y10", "legend5", colours.half_life, line=dashed)


def _volumes(series: PairSeries, colours: Palette, _: ChartOptions) -> Iterator[dict[str, Any]]:
    steps = {"line": {"shape": "vh", "width": 1}, "fill": "tozeroy"}
    y, x = (f"{in_chart(symbol)} volume" for symbol in (series.y_symbol, series.x_symbol))
    yield _line("y_volume", y, "y6", "legend6", colours.y_leg, fillcolor=colours.y_fill, **steps)
    yield _line("x_volume", x, "y7", "legend6", colours.x_leg, fillcolor=colours.x_fill, **steps)
