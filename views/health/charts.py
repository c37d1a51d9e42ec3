"""Histograms of how long ticks take, hop by hop: ``plotly.graph_objects.Figure`` out; no Streamlit."""

from typing import Final

import plotly.graph_objects as go

from alphastream.core.durations import BOUNDS_S, Durations
from alphastream.reports.palette import palette
from alphastream.reports.panels import TRANSPARENT
from views.health.tables import LAGS

HEIGHT_PX: Final = 260


def lags_figure(lags: dict[str, Durations], *, dark: bool = False) -> go.Figure:
    """Shares of ticks by how long they took; each bucket is named by its upper bound.

    Parameters
    ----------
    lags : by the keys of LAGS; hops without a tick are left out.
    """
    names = [_bound(bound) for bound in BOUNDS_S] + ["more"]
    shown = [place for place in range(len(names)) if any(each.counts[place] for each in lags.values())]
    first, last = (min(shown), max(shown)) if shown else (0, len(names) - 1)
    colours = palette(dark)
    colour_of = {"received": colours.y_leg, "durable": colours.x_leg, "painted": colours.spread}
    pattern_of = {"received": "", "durable": "/", "painted": "."}
    bars = [
        {
            "type": "bar",
            "name": LAGS[name],
            "x": names[first : last + 1],
            "y": [100 * count / each.total for count in each.counts[first : last + 1]],
            "customdata": each.counts[first : last + 1],
            "marker": {"color": colour_of[name], "pattern": {"shape": pattern_of[name]}},
            "hovertemplate": "at most %{x}: %{customdata:,} ticks (%{y:.1f} %)<extra>%{fullData.name}</extra>",
        }
        for name, each in lags.items()
    ]
    layout = {
        **TRANSPARENT,
        "height": HEIGHT_PX,
        "margin": {"l": 44, "r": 8, "t": 8, "b": 36},
        "barmode": "group",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": {"type": "category", "title": {"text": "at most"}, "fixedrange": True},
        "yaxis": {"title": {"text": "% of ticks"}, "rangemode": "tozero", "fixedrange": True},
    }
    return go.Figure(data=bars, layout=layout)


def _bound(seconds: float) -> str:
    return f"{seconds * 1e3:g} ms" if seconds < 1 else f"{seconds:g} s"
