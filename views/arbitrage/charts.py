"""Net edge over time, and the contrast of lags; no Streamlit."""

from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from alphastream.arbitrage import LeadLag
from alphastream.core.units import MS
from alphastream.reports.palette import GREY, palette
from alphastream.reports.panels import TRANSPARENT, drawn_times
from runtime.arbitrage.kept import EdgeHistory

HEIGHT_PX: Final = 280
_SET_FILL: Final = "rgba(136,136,136,0.25)"


def edge_figure(history: EdgeHistory, *, dark: bool = False) -> go.Figure:
    """Net edge of one direction over time, in per cent: as the stamps say, and what is sure."""
    colours = palette(dark)
    time = drawn_times(history.time_ns)
    lines = (("as the stamps say", history.net, colours.x_leg, 1.0), ("sure", history.worst, colours.y_leg, 2.0))
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": time,
            "y": values * 100.0,
            "line": {"color": colour, "width": width, "shape": "hv"},
            "hovertemplate": "%{y:+.4f} %",
        }
        for name, values, colour, width in lines
    ]
    layout = _layout("net edge, %") | {
        "hovermode": "x unified",
        "uirevision": "edge",
        "xaxis": {"type": "date", "title": {"text": "UTC", "standoff": 4}, "hoverformat": "%H:%M:%S"},
    }
    return go.Figure(data=data, layout=layout)


def lead_figure(lead: LeadLag, first: str, second: str, *, dark: bool = False) -> go.Figure:
    """Correlation of moves by the lag of the second instrument; the confidence set is shaded."""
    colours = palette(dark)
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "correlation",
        "x": lead.lags_ns / MS,
        "y": np.round(lead.correlations, 4),
        "line": {"color": colours.y_leg, "width": 1.5},
        "hovertemplate": "%{x:+.0f} ms: %{y:.3f}<extra></extra>",
    }
    found = {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": lead.low_ns / MS,
        "x1": lead.high_ns / MS,
        "y0": 0,
        "y1": 1,
        "fillcolor": _SET_FILL,
        "line": {"width": 0},
        "layer": "below",
        "label": {"text": "95 %", "textposition": "top center", "font": {"size": 10}},
    }
    layout = _layout("correlation of moves") | {
        "shapes": [found],
        "showlegend": False,
        "xaxis": {
            "title": {"text": f"ms by which {second} moves after {first}", "standoff": 4},
            "zeroline": True,
            "zerolinecolor": GREY,
        },
    }
    return go.Figure(data=[line], layout=layout)


def _layout(title: str) -> dict[str, Any]:
    return {
        **TRANSPARENT,
        "height": HEIGHT_PX,
        "margin": {"l": 64, "r": 8, "t": 28, "b": 42},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "yaxis": {"title": {"text": title}, "zeroline": True, "zerolinecolor": GREY},
    }
