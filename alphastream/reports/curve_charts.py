"""Figures over the periods of a run: what moves over a window, how returns lie, a benchmark."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from alphastream.core.types import Floats, Ints
from alphastream.performance import rolling_sharpe, rolling_sharpe_error, rolling_volatility
from alphastream.reports.basis import Basis
from alphastream.reports.escaping import in_chart
from alphastream.reports.palette import GREY, palette
from alphastream.reports.panels import TRANSPARENT, domains, drawn_times, headings, total_height
from alphastream.reports.thinning import MAX_POINTS, thin_out

BINS: Final = 60
_GAP: Final = 40
_MARGIN: Final = {"l": 60, "r": 20, "t": 44, "b": 40}


SURE: Final = 1.96
"""Errors to either side of a ratio within which 95 of 100 would lie, were returns independent."""


def rolling_figure(basis: Basis, *, annual: bool, dark: bool = False) -> go.Figure:
    """Plain Sharpe ratio with its band of ``SURE`` errors, and volatility, of the newest ``basis.window`` periods.

    Parameters
    ----------
    annual : a year; else of one period.
    """
    colours, pace = palette(dark), basis.per_year if annual else 1.0
    sharpe = rolling_sharpe(basis.returns, basis.window, pace)
    deviation = rolling_volatility(basis.returns, basis.window, pace) * 100.0
    heights = [150, 120]
    (bottom, top), (low, high) = domains(heights, _GAP)
    figure = go.Figure()
    time = drawn_times(basis.time_ns)
    band = rolling_sharpe_error(basis.returns, basis.window, pace)
    for piece in _known_pieces(band.error):  # a fill goes straight across what is not known
        for side, fill in ((-SURE, None), (SURE, "tonexty")):
            figure.add_scatter(
                x=time[band.row[piece]],
                y=(band.sharpe + side * band.error)[piece],
                mode="lines",
                name="95 % band" if fill else "lower end of the band",
                fill=fill,
                fillcolor=colours.y_fill,
                legend="legend",
                legendgroup="band",
                showlegend=fill is not None and len(figure.data) == 1,
                line={"color": colours.y_leg, "width": 0.4},
            )
    for name, values, axis, legend, colour in (
        ("Sharpe ratio (plain)", sharpe, "y", "legend", colours.y_leg),
        ("volatility, %", deviation, "y2", "legend2", colours.x_leg),
    ):
        x, y = thin_out(time, values, MAX_POINTS)
        figure.add_scatter(
            x=x, y=y, mode="lines", name=name, yaxis=axis, legend=legend, showlegend=True, line=_line(colour)
        )
    figure.update_layout(
        **_base(total_height(heights, _GAP)),
        **headings((top, high), colours.neutral),
        xaxis=_time_axis("y2"),
        yaxis={"domain": [bottom, top], "zeroline": True, "zerolinecolor": GREY, "hoverformat": ".2f", "nticks": 5},
        yaxis2={"domain": [low, high], "anchor": "x", "rangemode": "tozero", "hoverformat": ".3f", "nticks": 5},
    )
    return figure


def _known_pieces(values: Floats) -> list[slice]:
    """Where values are numbers without a break.

    >>> _known_pieces(np.array([np.nan, 1.0, 2.0, np.nan, 3.0]))
    [slice(1, 3, None), slice(4, 5, None)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], np.isfinite(values), [False])).astype(np.int8)))
    return [slice(begin, end) for begin, end in edges.reshape(-1, 2).tolist()]


def distribution_figure(basis: Basis, *, dark: bool = False) -> go.Figure:
    """How many returns lie where, beside a normal law with the same mean and deviation."""
    colours = palette(dark)
    percent = basis.returns * 100.0
    counts, edges = np.histogram(percent, BINS)
    middle, width = (edges[:-1] + edges[1:]) / 2.0, float(edges[1] - edges[0])
    law = NormalDist(float(percent.mean()), float(percent.std(ddof=1)))
    curve = [law.pdf(float(x)) * width * percent.size for x in middle]
    figure = go.Figure()
    figure.add_bar(x=middle, y=counts, width=width, name=f"returns of a {basis.word}", marker={"color": colours.y_leg})
    figure.add_scatter(
        x=middle, y=curve, mode="lines", name="normal law", line=_line(colours.x_leg) | {"dash": "6px,2px"}
    )
    figure.update_layout(
        **_base(260),
        legend=_heading(colours.neutral),
        bargap=0,
        xaxis={"title": {"text": "return, %", "standoff": 4}, "hoverformat": ".4f"},
        yaxis={"title": {"text": "periods", "standoff": 4}},
    )
    return figure


def benchmark_figure(time_ns: Ints, run: Floats, benchmark: Floats, name: str, *, dark: bool = False) -> go.Figure:
    """Cumulative returns of a run and of its benchmark, both from 0 %.

    Parameters
    ----------
    run, benchmark : (T,) what one became, 1 at the beginning.
    """
    colours, time = palette(dark), drawn_times(time_ns)
    lines = (("run", run, colours.y_leg, "solid"), (in_chart(name), benchmark, colours.x_leg, "6px,2px"))
    return _curves(time, [(text, (values - 1.0) * 100.0, colour, dash) for text, values, colour, dash in lines], "%")


def lines_figure(
    x: Any, columns: Mapping[str, Floats], unit: str, *, log: bool = False, dark: bool = False
) -> go.Figure:
    """A line a column over rows or times, five colours and then other dashes."""
    colours = palette(dark)
    lines = [(in_chart(name), values, *colours.line(place)) for place, (name, values) in enumerate(columns.items())]
    figure = _curves(x, lines, unit)
    if not np.issubdtype(np.asarray(x).dtype, np.datetime64):
        figure.update_xaxes(type="linear", title={"text": "row", "standoff": 4})
    if log:
        figure.update_yaxes(type="log", hoverformat=".4g")
    return figure


def bars_figure(
    groups: Mapping[str, Sequence[float]], names: Iterable[str], unit: str, *, dark: bool = False
) -> go.Figure:
    """Bars side by side, a colour a group."""
    colours, labels = palette(dark), [in_chart(name) for name in names]
    figure = go.Figure()
    for number, (group, values) in enumerate(groups.items()):
        figure.add_bar(x=labels, y=list(values), name=in_chart(group), marker={"color": colours.line(number)[0]})
    figure.update_layout(
        **_base(240),
        legend=_heading(colours.neutral),
        showlegend=True,
        yaxis={"title": {"text": unit, "standoff": 4}, "zeroline": True, "zerolinecolor": GREY},
        xaxis={"type": "category"},
    )
    return figure


def _curves(time: Any, lines: Sequence[tuple[str, Floats, str, str]], unit: str) -> go.Figure:
    figure = go.Figure()
    for name, values, colour, dash in lines:
        x, y = thin_out(time, values, MAX_POINTS)
        figure.add_scatter(
            x=x, y=y, mode="lines", name=name, showlegend=True, line=_line(colour) | {"dash": dash}, connectgaps=False
        )
    figure.update_layout(
        **_base(280),
        legend=_heading(None),
        xaxis=_time_axis("y"),
        yaxis={"title": {"text": unit, "standoff": 4}, "zeroline": True, "zerolinecolor": GREY, "hoverformat": ",.2f"},
    )
    return figure


def _line(colour: str) -> dict[str, Any]:
    return {"color": colour, "width": 1.4}


def _heading(colour: str | None) -> dict[str, Any]:
    return headings([1.0], colour)["legend"]


def _time_axis(anchor: str) -> dict[str, Any]:
    return {"type": "date", "anchor": anchor, "title": {"text": "UTC", "standoff": 4}}


def _base(height: int) -> dict[str, Any]:
    whole = height + _MARGIN["t"] + _MARGIN["b"]
    return {"height": whole, "margin": _MARGIN, **TRANSPARENT, "hovermode": "x unified"}
