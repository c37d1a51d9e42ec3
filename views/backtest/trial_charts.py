"""Charts of many trials: a sweep or a walk-forward in, ``plotly.graph_objects.Figure`` out; no Streamlit."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from alphastream.backtest import Sweep, WalkForward
from alphastream.core.types import Floats
from alphastream.reports.palette import GREY, LIGHT, diverging, palette
from alphastream.reports.panels import TRANSPARENT, drawn_times
from alphastream.reports.thinning import MAX_POINTS, thin_out

METRICS: Final = ("plain Sharpe", "profit", "drawdown", "trades")
_RISING: Final = [[0.0, "#E6E6E6"], [0.5, "#67A9CF"], [1.0, "#08519C"]]


def metric_of(result: Sweep, metric: str, capital: float, yearly: float = 1.0) -> tuple[Floats, str]:
    """Values (W, E) of a metric and its name with the unit.

    Parameters
    ----------
    metric : one of ``METRICS``.
    capital : that the sweep began with.
    yearly : what makes a Sharpe ratio of a bar one of a year; 1 leaves it.
    """
    if metric == "profit":
        idle = result.trades == 0
        return np.where(idle, np.nan, result.final_equity - capital), "net profit"
    if metric == "drawdown":
        return np.where(result.trades == 0, np.nan, result.drawdown * 100.0), "max drawdown, %"
    if metric == "trades":
        return result.trades.astype(np.float64), "round trips"
    return result.sharpe * yearly, "plain Sharpe, annualised" if yearly > 1.0 else "plain Sharpe per bar"


def sweep_map(
    result: Sweep,
    metric: str,
    chosen: tuple[int, float],
    *,
    capital: float,
    yearly: float = 1.0,
    dark: bool = False,
) -> go.Figure:
    """Windows over entries, coloured by a metric; the best Sharpe ratio and the settings of the page are marked.

    Parameters
    ----------
    chosen : window and entry that the page has; marked where they are in the grid.
    capital, yearly : as in ``metric_of``.
    """
    values, name = metric_of(result, metric, capital, yearly)
    windows, entries = [str(window) for window in result.grid.windows], [f"{entry:g}" for entry in result.grid.entries]
    bound = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    signed = metric in ("plain Sharpe", "profit")
    low = -bound if signed else float(np.nanmin(values, initial=0.0))
    heat = go.Heatmap(
        z=values,
        x=entries,
        y=windows,
        zmin=low,
        zmax=bound if signed else max(float(np.nanmax(values, initial=0.0)), low + 1e-12),
        colorscale=diverging(dark=False) if signed else _RISING if metric == "trades" else _RISING[::-1],
        customdata=_notes(result),
        colorbar={"title": {"text": name, "side": "right"}, "thickness": 14, "tickformat": ".3~g"},
        hovertemplate=f"window %{{y}}, entry %{{x}}<br>{name} %{{z:.4~g}}<br>%{{customdata}}<extra></extra>",
        xgap=1,
        ygap=1,
    )
    figure = go.Figure([heat, *_marks(result, chosen)])
    figure.update_layout(
        height=max(300, 20 * len(windows) + 130),
        margin={"l": 60, "r": 10, "t": 40, "b": 50},
        **TRANSPARENT,
        xaxis={"type": "category", "title": {"text": "entry |z|", "standoff": 6}, "showgrid": False},
        yaxis={"type": "category", "title": {"text": "window, bars", "standoff": 6}, "showgrid": False},
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1,
            "yanchor": "bottom",
            # The marks are dark on every page: what they lie on is light, and so is this.
            "font": {"color": "#222222" if dark else LIGHT.neutral},
            "bgcolor": "#E6E6E6" if dark else "rgba(0,0,0,0)",
        },
    )
    return figure


def with_cells(figure: go.Figure, result: Sweep) -> None:
    """Lay a point over each cell of a map, the last trace, so that a click on it can be told.

    They are not seen, and keep the words of the map below.
    """
    heat, (windows, entries) = figure.data[0], np.meshgrid(figure.data[0].y, figure.data[0].x, indexing="ij")
    still = {"marker": {"opacity": 0.0}}
    for mark in figure.data[1:]:
        mark.unselected = {"marker": {"opacity": 1.0}}
    figure.add_scatter(
        x=entries.ravel(),
        y=windows.ravel(),
        mode="markers",
        marker={"opacity": 0.0, "size": 14, "symbol": "square"},
        selected=still,
        unselected=still,
        customdata=_spoken(heat),
        hovertemplate="%{customdata}<extra></extra>",
        hoverlabel={"namelength": -1},
        showlegend=False,
        name="combinations",
    )
    figure.update_layout(hovermode="closest", hoverdistance=-1)


def _spoken(heat: go.Heatmap) -> NDArray[np.object_]:
    """What the map says of each cell, row after row."""
    name = heat.colorbar.title.text
    return np.array(
        [
            f"window {window}, entry {entry}<br>{name} {'none' if np.isnan(value) else f'{value:.4g}'}<br>{note}"
            for window, values, notes in zip(heat.y, heat.z, heat.customdata, strict=True)
            for entry, value, note in zip(heat.x, values, notes, strict=True)
        ],
        dtype=object,
    )


def _notes(result: Sweep) -> NDArray[np.object_]:
    """Round trips of each combination, and whether its account came to its end, in words."""
    notes = np.empty(result.trades.shape, dtype=object)
    for place in np.ndindex(notes.shape):
        end = ", liquidated or ruined" if result.ended[place] else ""
        notes[place] = f"{result.trades[place]:,} round trips{end}"
    return notes


def _marks(result: Sweep, chosen: tuple[int, float]) -> Iterator[go.Scatter]:
    """The best Sharpe ratio, and the settings of the page where they are in the grid."""
    window, threshold = result.best()
    grid = result.grid
    marks = [("best plain Sharpe", grid.windows[window], grid.entries[threshold], "star", "#FFFFFF")]
    if chosen[0] in grid.windows and chosen[1] in grid.entries:
        marks.append(("settings above", *chosen, "circle-open", "#111111"))
    for name, bars, entry, symbol, edge in marks:
        style = {"symbol": symbol, "size": 16, "color": "#111111", "line": {"color": edge, "width": 2}}
        yield go.Scatter(x=[f"{entry:g}"], y=[str(bars)], mode="markers", name=name, hoverinfo="skip", marker=style)


def walk_forward_figure(
    end_ns: NDArray[np.int64], walk: WalkForward, hindsight: Floats, *, dark: bool = False
) -> go.Figure:
    """Equity out of sample, fold after fold, and that of the best setting in hindsight, over one UTC axis.

    Parameters
    ----------
    end_ns, hindsight : (R,), ends of the rows of all tests and the other equity at them.
    """
    colours = palette(dark)
    time = drawn_times(end_ns)
    figure = go.Figure()
    lines: tuple[tuple[str, Floats, str, dict[str, Any]], ...] = (
        ("best in hindsight", hindsight, colours.x_leg, {"dash": "6px,2px", "width": 1.4}),
        ("out of sample", walk.equity, colours.y_leg, {"width": 1.8}),
    )
    for name, values, colour, style in lines:
        x, y = thin_out(time, values, MAX_POINTS)
        figure.add_scatter(x=x, y=y, mode="lines", name=name, line={"color": colour, **style})
    first = walk.rows[0]
    for number, fold in enumerate(walk.folds, 1):
        begins = time[fold.test[0] - first]
        text = {
            "text": f"{number}: {fold.window}, {fold.entry:g}",
            "textposition": "end",
            "textangle": 0,
            "xanchor": "left",
            "yanchor": "bottom",
            "font": {"size": 10, "color": colours.neutral},
        }
        figure.add_shape(
            type="line",
            xref="x",
            yref="paper",
            x0=begins,
            x1=begins,
            y0=0,
            y1=1,
            layer="below",
            line={"color": GREY, "width": 1, "dash": "dot"},
            label=text if len(walk.folds) <= 8 else None,
        )
    figure.update_layout(
        height=330,
        margin={"l": 70, "r": 20, "t": 50, "b": 42},
        **TRANSPARENT,
        hovermode="x unified",
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.07, "yanchor": "bottom", "font": {"color": colours.neutral}},
        xaxis={"type": "date", "title": {"text": "UTC", "standoff": 4}},
        yaxis={"tickformat": ",~f", "hoverformat": ",.2f"},
    )
    return figure
