"""Three pictures of a recorded pair: two prices, their spread, its z-score with thresholds. Columns in, figures out."""

from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from alphastream.core.units import SECOND
from alphastream.reports.palette import palette

HEIGHT_PX: Final = 230
BPS: Final = 1e4
GRID: Final = "rgba(136,136,136,0.25)"
TRANSPARENT: Final = "rgba(0,0,0,0)"


def price_picture(columns: dict[str, NDArray[Any]], names: tuple[str, str], *, dark: bool) -> go.Figure:
    """Both prices as what they have moved since the first row, in bps."""
    colours = palette(dark)
    figure = _empty(columns)
    for name, leg, colour in zip(names, ("y", "x"), (colours.y_leg, colours.x_leg), strict=True):
        moved = BPS * (columns[leg] / columns[leg][0] - 1.0)
        figure.add_scatter(x=_seconds(columns), y=moved, name=name, mode="lines", line={"color": colour, "width": 1.6})
    figure.update_yaxes(title="bps since the start")
    return figure


def spread_picture(columns: dict[str, NDArray[Any]], *, dark: bool) -> go.Figure:
    """The spread of log prices around its mean, in bps of y."""
    colours = palette(dark)
    figure = _empty(columns)
    x = _seconds(columns)
    level = columns["spread_mean"]
    figure.add_scatter(
        x=x, y=BPS * (columns["spread"] - level), name="spread", mode="lines", line={"color": colours.spread}
    )
    figure.add_hline(0.0, line={"color": colours.neutral, "dash": "dash", "width": 1})
    figure.update_yaxes(title="bps from the mean")
    return figure


def zscore_picture(columns: dict[str, NDArray[Any]], entry: float, *, dark: bool) -> go.Figure:
    """The z-score, the entries, and where the signal is to hold the spread: long below, short above."""
    colours = palette(dark)
    figure = _empty(columns)
    x, zscore, position = _seconds(columns), columns["zscore"], np.nan_to_num(columns["position"])
    for side, name, colour in ((-1.0, "short spread", colours.x_leg), (1.0, "long spread", colours.y_leg)):
        held = np.where(position == side, zscore, np.nan)
        figure.add_scatter(
            x=x, y=held, name=name, mode="lines", line={"color": colour, "width": 5}, opacity=0.55, connectgaps=False
        )
    figure.add_scatter(x=x, y=zscore, name="z-score", mode="lines", line={"color": colours.half_life, "width": 1.4})
    for level in (-entry, entry):
        figure.add_hline(level, line={"color": colours.neutral, "dash": "dash", "width": 1})
    figure.update_yaxes(title="standard deviations")
    return figure


def _seconds(columns: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    elapsed: NDArray[np.float64] = (columns["time_ns"] - columns["time_ns"][0]) / SECOND
    return elapsed


def _empty(columns: dict[str, NDArray[Any]]) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        height=HEIGHT_PX,
        margin={"l": 46, "r": 8, "t": 28, "b": 34},
        legend={"orientation": "h", "x": 0.0, "y": 1.0, "yanchor": "bottom"},
        paper_bgcolor=TRANSPARENT,
        plot_bgcolor=TRANSPARENT,
        hovermode="x",
        dragmode=False,
    )
    figure.update_xaxes(title="seconds", showgrid=False, range=[0.0, float(_seconds(columns)[-1])])
    figure.update_yaxes(gridcolor=GRID, zeroline=False)
    return figure
