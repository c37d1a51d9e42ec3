"""Charts of a paper run: its equity beside that of the backtest; no Streamlit."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from alphastream.backtest import Outage
from alphastream.backtest.parity import Parity
from alphastream.reports.palette import GREY, Palette, palette
from alphastream.reports.panels import TRANSPARENT, drawn_times, headings, shaded
from alphastream.reports.thinning import MAX_POINTS, thin_out
from alphastream.trading import Fill
from views.paper.tables import moment
from views.shared.escaping import in_chart
from views.shared.instruments import labels

MAX_MARKS: Final = 500
HEIGHT: Final = 380
_PAUSE_FILL: Final = "rgba(136,136,136,0.25)"
_NO_AXIS: Final = {"range": [-1, 1], "showticklabels": False, "showgrid": False}
"""Of a difference that is none: an axis from 0 to 1 would speak of sizes that are not there."""
_SAME: Final = {
    "type": "rect",
    "xref": "paper",
    "x0": 0,
    "x1": 1,
    "yref": "y2 domain",
    "y0": 0.5,
    "y1": 1,
    "line": {"width": 0},
    "label": {"text": "No difference", "textposition": "middle center", "font": {"size": 12}},
}
_SHARES: Final = ((0.30, 1.0), (0.0, 0.20))


def equity_figure(
    comparison: Parity, fills: Sequence[Fill], outages: Sequence[Outage], *, dark: bool = False, venue: str = ""
) -> go.Figure:
    """Equity on paper and in the backtest over one UTC axis, below them paper less backtest.

    Parameters
    ----------
    fills : of the paper run; the newest of those in the hours compared are marked.
    outages : pauses of the paper run, shaded.
    venue : whose symbols are printed bare.
    """
    colours = palette(dark)
    history = comparison.history
    time = drawn_times(history.time_ns)
    lines = (
        ("backtest of the same hours", history.equity, colours.x_leg, 5.0, "solid", "y"),
        ("paper", comparison.paper, colours.y_leg, 1.5, "solid", "y"),
        ("paper minus backtest", comparison.paper - history.equity, colours.spread, 1.5, "solid", "y2"),
    )
    data: list[dict[str, Any]] = []
    for name, values, colour, width, dash, axis in lines:
        x, y = thin_out(time, values, MAX_POINTS)
        style = {"color": colour, "width": width, "dash": dash, "shape": "hv"}
        legend = "legend" if axis == "y" else "legend2"
        data.append(
            {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "line": style}
            | {"xaxis": "x", "yaxis": axis, "legend": legend, "opacity": 0.5 if width > 3 else 1.0}
        )
    data += _marks(comparison, fills, colours, venue)
    return go.Figure(data=data, layout=_layout(comparison, outages))


def _marks(comparison: Parity, fills: Sequence[Fill], colours: Palette, venue: str) -> Iterator[dict[str, Any]]:
    """Fills on the line of paper equity, at the end of the bar that they lie in."""
    names = labels(comparison.history.symbols, venue)
    inside = [fill for fill in fills if comparison.from_ns < fill.time_ns <= comparison.until_ns][-MAX_MARKS:]
    for name, symbol, colour, side in (
        ("bought", "triangle-up", colours.y_leg, 1.0),
        ("sold", "triangle-down", colours.x_leg, -1.0),
    ):
        its = [fill for fill in inside if fill.quantity * side > 0.0]
        if not its:
            continue
        when = np.array([fill.time_ns for fill in its], dtype=np.int64)
        rows = np.minimum(np.searchsorted(comparison.history.time_ns, when), len(comparison.history) - 1)
        yield {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": drawn_times(comparison.history.time_ns[rows]),
            "y": comparison.paper[rows],
            "xaxis": "x",
            "yaxis": "y",
            "legend": "legend",
            "text": [
                f"<b>{in_chart(names[fill.symbol])} {fill.quantity:+.5g}</b> at {fill.price:,.8g}, "
                f"{moment(fill.time_ns)} UTC<br>order {fill.order}, trade {fill.round_trip}, fee {fill.fee:,.2f}"
                for fill in its
            ],
            "hovertemplate": "%{text}<extra></extra>",
            "marker": {"symbol": symbol, "size": 8, "color": colour, "line": {"width": 1, "color": GREY}},
        }


def _layout(comparison: Parity, outages: Sequence[Outage]) -> dict[str, Any]:
    axis = {"tickfont": {"size": 11}, "tickformat": ",~f", "hoverformat": ",.2f"}
    is_same = not np.nan_to_num(comparison.paper - comparison.history.equity).any()
    return {
        "height": HEIGHT,
        "margin": {"l": 70, "r": 20, "t": 46, "b": 42},
        **TRANSPARENT,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "uirevision": comparison.from_ns,
        "xaxis": {
            "type": "date",
            "anchor": "y2",
            "title": {"text": "UTC", "standoff": 4},
            "hoverformat": "%Y-%m-%d %H:%M:%S",
        },
        "yaxis": {"domain": list(_SHARES[0]), "anchor": "x", "nticks": 6, **axis},
        "yaxis2": {
            "domain": list(_SHARES[1]),
            "anchor": "x",
            "nticks": 3,
            "zeroline": True,
            "zerolinecolor": GREY,
            "rangemode": "tozero",
            **axis,
            **(_NO_AXIS if is_same else {}),
        },
        "shapes": [
            *(_pause(each) for each in outages if each.to_ns > comparison.from_ns),
            *([_SAME] if is_same else []),
        ],
        **headings(top for _, top in _SHARES),
    }


def _pause(each: Outage) -> dict[str, Any]:
    return shaded(each.from_ns, each.to_ns, _PAUSE_FILL, "pause", 10)
