"""The spread of one fixed ratio over time, with its bands and where parts of the rows end. No Streamlit."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from alphastream.core.types import Floats, Ints
from alphastream.reports.palette import GREY, palette
from alphastream.reports.panels import TRANSPARENT
from alphastream.reports.thinning import thin_out
from views.shared.escaping import in_chart

HEIGHT_PX: Final = 270
POINTS: Final = 1_500
_BAND: Final = "rgba(136,136,136,0.10)"


def spread_figure(
    time_ns: Ints,
    spread: Floats,
    mean: float,
    std: float,
    marks: Sequence[tuple[int, str, str]] = (),
    *,
    dark: bool = False,
) -> go.Figure:
    """A spread with its mean and bands of one and two standard deviations, and z on the right.

    Parameters
    ----------
    time_ns, spread : (T,), UTC ns.
    mean, std : that z is counted by.
    marks : time, what is before it, what begins with it.
    """
    times, values = thin_out(time_ns.astype("M8[ns]"), spread, POINTS)
    colour = palette(dark).spread
    figure = go.Figure(
        go.Scatter(
            x=times, y=values, mode="lines", line={"color": colour, "width": 1.3}, name="spread", showlegend=False
        )
    )
    usable = bool(np.isfinite(mean) and np.isfinite(std) and std > 0.0)
    reach = max(2.6, float(np.nanmax(np.abs(spread - mean)) / std) * 1.05) if usable and len(spread) else 2.6
    for deviations in (1.0, 2.0) if usable else ():
        figure.add_hrect(mean - deviations * std, mean + deviations * std, fillcolor=_BAND, line_width=0, layer="below")
    if usable:
        figure.add_hline(mean, line={"color": GREY, "width": 1, "dash": "dot"}, layer="below")
    mark_times(figure, marks)
    axis: dict[str, Any] = {"zeroline": False, "tickfont": {"size": 11}}
    limits = [mean - reach * std, mean + reach * std] if usable else None
    figure.add_scatter(x=[], y=[], yaxis="y2", showlegend=False, hoverinfo="skip")  # else the axis is not drawn
    figure.update_layout(
        **TRANSPARENT,
        height=HEIGHT_PX,
        margin={"l": 62, "r": 44, "t": 26, "b": 30},
        hovermode="x",
        xaxis={"type": "date", "tickfont": {"size": 11}},
        yaxis={**axis, "title": {"text": "spread", "standoff": 4}, "range": limits, "exponentformat": "none"},
        yaxis2={
            **axis,
            "title": {"text": "z", "standoff": 4},
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "range": [-reach, reach],
            "visible": usable,
        },
    )
    return figure


def mark_times(figure: go.Figure, marks: Sequence[tuple[int, str, str]], *, inside: bool = False) -> None:
    """Draw a line at each of these times over all panels, with what is before it and what begins with it.

    Parameters
    ----------
    inside : the words stand in the first panel, below its heading; else above it.
    """
    for time_ns, before, after in marks:
        at = str(np.datetime64(int(time_ns), "ns").astype("M8[ms]"))
        figure.add_shape(
            type="line",
            x0=at,
            x1=at,
            y0=0,
            y1=1,
            yref="paper",
            xref="x",
            line={"color": GREY, "width": 1.5, "dash": "dash"},
        )
        for words, anchor in ((f"← {before} ", "right"), (f" {after} →", "left")):
            figure.add_annotation(
                name="split",
                text=in_chart(words),
                x=at,
                xref="x",
                y=1,
                yref="paper",
                xanchor=anchor,
                yanchor="top" if inside else "bottom",
                showarrow=False,
                font={"size": 11},
            )
