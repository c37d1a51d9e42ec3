"""Kept runs over each other: what each made of its capital."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from alphastream.backtest.saved_run import SavedRun
from alphastream.reports.metrics import time_unit
from alphastream.reports.palette import GREY, palette
from alphastream.reports.panels import TRANSPARENT, drawn_times, headings
from views.shared.escaping import in_chart

BY_DATE: Final = "Dates"
SINCE_START: Final = "Time since each began"


def overlay_figure(runs: Sequence[SavedRun], *, since_start: bool = False, dark: bool = False) -> go.Figure:
    """Return of each run on its capital, percent, from 0 on.

    Parameters
    ----------
    since_start : over the time since each began instead of over dates.
    """
    colours = palette(dark)
    figure = go.Figure()
    unit, seconds = time_unit(max((run.end_ns - run.start_ns for run in runs), default=0))
    for number, run in enumerate(runs):
        colour, dash = colours.line(number)
        x: Any = (run.when - run.start_ns) / 1e9 / seconds if since_start else drawn_times(run.when)
        figure.add_scatter(
            x=x,
            y=run.growth * 100.0,
            mode="lines",
            name=in_chart(run.name),
            showlegend=True,
            line={"color": colour, "width": 1.6, "dash": dash},
        )
    axis = {"title": {"text": f"since the beginning, {unit}" if since_start else "UTC", "standoff": 4}}
    figure.update_layout(
        height=380,
        margin={"l": 60, "r": 20, "t": 46 + 20 * (len(runs) // 4), "b": 42},
        **TRANSPARENT,
        hovermode="x unified",
        **headings([1.0], colours.neutral),
        xaxis=axis | ({"hoverformat": ".2f"} if since_start else {"type": "date"}),
        yaxis={"title": {"text": "%", "standoff": 4}, "zeroline": True, "zerolinecolor": GREY, "hoverformat": "+.3f"},
    )
    return figure


def overlap(runs: Sequence[SavedRun]) -> bool:
    """Whether there is a time at which all of them ran."""
    if not runs:
        return False
    return bool(np.max([run.start_ns for run in runs]) < np.min([run.end_ns for run in runs]))
