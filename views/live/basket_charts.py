"""The figure of a basket: legs, spread with bands, z-score, weights; no Streamlit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from alphastream.baskets import BasketSpec
from alphastream.core.types import Floats
from alphastream.reports.escaping import in_chart
from alphastream.reports.palette import palette
from alphastream.reports.panels import TRANSPARENT, drawn_times

HEIGHT: Final = 720
MAX_POINTS: Final = 2_000  # the newest rows that are drawn
PANELS: Final = ("legs, first bar = 100", "spread", "z-score", "weights")


def basket_figure(
    closed: Mapping[str, NDArray[Any]], spec: BasketSpec, names: Sequence[str], *, dark: bool = False
) -> go.Figure:
    """Draw the newest rows.

    Parameters
    ----------
    closed : columns of ``basket_columns``.
    names : of the legs, as they are printed.
    """
    rows = slice(-MAX_POINTS, None)
    times = drawn_times(closed["time_ns"][rows])
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": times,
            "y": values,
            "name": in_chart(name),
            "showlegend": bool(name),
            "yaxis": _axis("y", panel),
            "legend": _axis("legend", panel),
            "line": {"width": 1.4, **line},
        }
        for panel, name, values, line in _lines({name: each[rows] for name, each in closed.items()}, spec, names, dark)
    ]
    layout: dict[str, Any] = {"height": HEIGHT, "dragmode": "zoom", "margin": {"l": 66, "r": 16, "t": 30, "b": 32}}
    step = 1.0 / len(PANELS)
    for panel, title in enumerate(PANELS):
        top = 1.0 - panel * step
        layout[_axis("yaxis", panel)] = {"domain": [top - step + 0.05, top], "title": {"text": title}}
        layout[_axis("legend", panel)] = {"orientation": "h", "x": 0, "y": top, "yanchor": "bottom"}
    layout["xaxis"] = {"anchor": _axis("y", len(PANELS) - 1)}
    return go.Figure(data, {**layout, **TRANSPARENT})


def _lines(
    closed: Mapping[str, NDArray[Any]], spec: BasketSpec, names: Sequence[str], dark: bool
) -> Iterator[tuple[int, str, Floats, dict[str, Any]]]:
    """Panel, name, numbers and look of each line."""
    colours = palette(dark)
    for leg, name in enumerate(names):
        colour, dash = colours.line(leg)
        price = closed[f"price_{leg + 1}"]
        yield 0, name, price / price[:1] * 100.0, {"color": colour, "dash": dash}
        yield 3, name, closed[f"w_{leg + 1}"], {"color": colour, "dash": dash, "shape": "hv"}
    yield 1, "spread", closed["spread"], {"color": colours.spread}
    yield 2, "z", closed["zscore"], {"color": colours.spread}
    flat = np.ones(len(closed["time_ns"]))
    for name, level, dash in (("entry", spec.entry, "6px,4px"), ("exit", spec.exit, "2px,3px")):
        look = {"color": colours.neutral, "width": 1, "dash": dash}
        for sign, shown in ((1.0, f"±{name}"), (-1.0, "")):  # one place in the legend for both: a phone has no more
            yield 1, shown, sign * level * closed["spread_std"], look
            yield 2, shown, sign * level * flat, look


def _axis(name: str, panel: int) -> str:
    return name if panel == 0 else f"{name}{panel + 1}"
