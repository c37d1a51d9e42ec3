"""Answers of SQL as charts: a table in, a figure out. No Streamlit."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from alphastream.reports.palette import palette
from alphastream.reports.thinning import MAX_POINTS, thin_out
from views.history.sql_tables import number_columns, time_columns
from views.shared.escaping import in_chart

MAX_LINES: Final = 15
HEIGHT_PX: Final = 420
PANEL_PX: Final = 190
MAX_BARS: Final = 200
MARKED_POINTS: Final = 30
"""Of a line, each with a mark: a line of one point would be no line."""
MAX_PANELS: Final = 4
"""Lines of one column that get an axis each: prices of two instruments have no scale in common."""


def answer_figure(frame: pd.DataFrame, x: str, ys: Sequence[str], each: str | None, *, dark: bool) -> go.Figure:
    """Lines over times or numbers, bars over anything else.

    Parameters
    ----------
    x : column along the bottom.
    ys : columns of numbers.
    each : column of text of which every value gets lines of its own; None for one line a column.
    """
    is_line = x in time_columns(frame) or x in number_columns(frame)
    parts: list[tuple[str, pd.DataFrame]] = [("", frame)]
    if each is not None:
        parts = [(str(value), part) for value, part in frame.groupby(each, sort=True)]
    is_apart = is_line and each is not None and len(ys) == 1 and len(parts) <= MAX_PANELS
    rows = len(parts) if is_apart else 1
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.05)
    colours = palette(dark)
    for place, (value, part) in enumerate(parts, start=1):
        row = place if is_apart else 1
        for y in ys:
            number = len(figure.data)
            if number == MAX_LINES:
                break
            name = in_chart(" ".join(filter(None, (value, y if len(ys) > 1 or not value else ""))))
            colour, dash = colours.line(number)
            if is_line:
                along = part.sort_values(x, kind="stable")
                points: Any = thin_out(_values(along[x]), along[y].to_numpy(np.float64), MAX_POINTS)
                style = {"color": colour, "dash": dash, "width": 1.4}
                mode = "lines+markers" if len(points[0]) <= MARKED_POINTS else "lines"
                figure.add_scatter(x=points[0], y=points[1], name=name, mode=mode, line=style, row=row, col=1)
            else:
                shown = part.head(MAX_BARS)
                labels = [in_chart(text) for text in shown[x]]
                figure.add_bar(
                    x=labels, y=shown[y].to_numpy(np.float64), name=name, marker_color=colour, row=row, col=1
                )
    figure.update_layout(
        height=max(HEIGHT_PX, PANEL_PX * rows),
        margin={"l": 8, "r": 8, "t": 52, "b": 8},
        showlegend=len(figure.data) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        hovermode="x unified",
        barmode="group",
    )
    figure.update_xaxes(title=in_chart(f"{x}, UTC" if x in time_columns(frame) else x), row=rows, col=1)
    figure.update_yaxes(title=in_chart(ys[0]) if len(ys) == 1 else None)
    return figure


def _values(column: "pd.Series[Any]") -> Any:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert(None).to_numpy()
    return column.to_numpy()
