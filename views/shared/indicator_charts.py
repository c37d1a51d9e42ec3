"""The chart of an indicator: what it was made of above, what it gave below; no Streamlit."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import plotly.graph_objects as go

from alphastream.core.types import Floats, Ints
from alphastream.reports.escaping import in_chart
from alphastream.reports.palette import palette
from alphastream.reports.panels import TRANSPARENT, drawn_times

HEIGHT: Final = 360
MAX_POINTS: Final = 2_000  # the newest rows that are drawn


def indicator_figure(
    time_ns: Ints, inputs: Mapping[str, Floats], lines: Mapping[str, Floats], *, dark: bool = False
) -> go.Figure:
    """Draw the newest rows.

    Parameters
    ----------
    time_ns : (T,), ends of bars.
    inputs : what the indicator reads, (T,) each, by name; drawn in the upper half.
    lines : what it gives, (T,) each, by name; in the same panel where its values lie among those of the inputs, such
        as an average of prices, else in the lower half.
    """
    rows, colours = slice(-MAX_POINTS, None), palette(dark)
    times = drawn_times(time_ns[rows])
    above = {name: overlaps(values, inputs) for name, values in lines.items()}
    has_below = not all(above.values())
    data = []
    for place, (name, values) in enumerate((*inputs.items(), *lines.items())):
        is_input = place < len(inputs)
        colour, dash = (colours.neutral, "solid") if is_input else colours.line(place - len(inputs))
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": times,
                "y": values[rows],
                "name": in_chart(name),
                "line": {"color": colour, "dash": dash, "width": 1 if is_input else 1.5},
                "opacity": 0.6 if is_input else 1.0,
                "yaxis": "y" if is_input or above[name] else "y2",
            }
        )
    axes = {"yaxis": {"domain": [0.42, 1.0] if has_below else [0.0, 1.0]}}
    if has_below:
        axes["yaxis2"] = {"domain": [0.0, 0.36]}
    legend = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"}
    margin = {"l": 66, "r": 16, "t": 30, "b": 32}
    return go.Figure(
        data, {"height": HEIGHT, "margin": margin, "legend": legend, "dragmode": "zoom", **TRANSPARENT, **axes}
    )


def overlaps(values: Floats, inputs: Mapping[str, Floats]) -> bool:
    """Whether most values of a line lie within the range of what it was made of, so that one axis serves both."""
    known = values[np.isfinite(values)]
    given = np.concatenate([each[np.isfinite(each)] for each in inputs.values()])
    if not len(known) or not len(given):
        return False
    reach = np.ptp(given) * 0.5
    inside = (known >= given.min() - reach) & (known <= given.max() + reach)
    return bool(np.mean(inside) > 0.9)
