"""Charts of single trades and of the book: data in, ``plotly.graph_objects.Figure`` out; no Streamlit."""

from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from alphastream.microstructure import DepthMap, TradeSizes, VolumeProfile
from alphastream.reports.palette import GREY, palette
from alphastream.reports.panels import TRANSPARENT, drawn_times

_HEIGHT: Final = 320
_MARGIN: Final = {"l": 66, "r": 16, "t": 30, "b": 42}
_FAINT: Final = 0.35  # opacity of rows outside the value area


def _layout(**more: Any) -> dict[str, Any]:
    legend = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 12}}
    return {"height": _HEIGHT, "margin": _MARGIN, **TRANSPARENT, "legend": legend, "dragmode": "zoom", **more}


def profile_figure(profile: VolumeProfile, price_decimals: int, *, dark: bool = False) -> go.Figure:
    """Volume by price, bought and sold behind each other; rows outside the value area are faint."""
    colours = palette(dark)
    rows = np.arange(len(profile))
    opacity = np.where((rows >= profile.low) & (rows <= profile.high), 1.0, _FAINT)
    middle = profile.price + profile.step / 2.0
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "y": middle,
            "x": volume,
            "name": name,
            "width": profile.step,
            "marker": {"color": colour, "opacity": opacity, "line": {"width": 0}},
            "hovertemplate": f"%{{y:,.{price_decimals}f}}: %{{x:,.4g}}<extra>{name}</extra>",
        }
        for name, volume, colour in (
            ("bought", profile.buy_volume, colours.y_leg),
            ("sold", profile.sell_volume, colours.x_leg),
        )
    ]
    shapes, annotations = [], []
    low, high = profile.value_area
    for value, words, dash in (
        (profile.point_of_control, "point of control", "solid"),
        (low, "value area low", "dash"),
        (high, "value area high", "dash"),
    ):
        if np.isfinite(value):
            place = {"xref": "paper", "yref": "y"}
            line = {"color": GREY, "width": 1, "dash": dash}
            shapes.append({"type": "line", **place, "x0": 0, "x1": 1, "y0": value, "y1": value, "line": line})
            text = f"{words} {value:,.{price_decimals}f}"
            annotations.append(
                {
                    "text": text,
                    **place,
                    "x": 1,
                    "xanchor": "right",
                    "y": value,
                    "yanchor": "bottom",
                    "showarrow": False,
                    "font": {"size": 10, "color": colours.neutral},
                }
            )
    return go.Figure(
        data=data,
        layout=_layout(
            barmode="stack",
            bargap=0,
            shapes=shapes,
            annotations=annotations,
            xaxis={"title": {"text": "volume, base units"}},
            yaxis={"tickformat": f",.{price_decimals}f"},
        ),
    )


def sizes_figure(sizes: TradeSizes, *, dark: bool = False) -> go.Figure:
    """How many trades are how large, and how much of the volume they are."""
    colours = palette(dark)
    names = [f"{low:g} – {high:g}" for low, high in zip(sizes.edges[:-1], sizes.edges[1:], strict=True)]
    volume = sizes.buy_volume + sizes.sell_volume
    total = float(volume.sum())
    data: list[dict[str, Any]] = [
        {"type": "bar", "x": names, "y": counts, "name": name, "marker": {"color": colour}}
        for name, counts, colour in (("buys", sizes.buys, colours.y_leg), ("sells", sizes.sells, colours.x_leg))
    ]
    share = {"color": colours.half_life, "width": 1.6, "dash": "dot"}
    data.append(
        {
            "type": "scatter",
            "x": names,
            "y": 100.0 * volume / total if total else volume,
            "name": "share of the volume, % →",
            "mode": "lines+markers",
            "line": share,
            "yaxis": "y2",
        }
    )
    right = {"side": "right", "overlaying": "y", "showgrid": False, "rangemode": "tozero", "tickmode": "auto"}
    return go.Figure(
        data=data,
        layout=_layout(
            barmode="stack",
            xaxis={"title": {"text": "size of a trade, base units"}, "type": "category"},
            yaxis={"title": {"text": "trades"}},
            yaxis2=right,
            margin={**_MARGIN, "r": 46},
        ),
    )


def depth_figure(found: DepthMap, price_decimals: int, *, dark: bool = False) -> go.Figure:
    """What waited at which price, darker for more, with the best bid and ask."""
    colours = palette(dark)
    quantity = found.bid_quantity + found.ask_quantity
    with np.errstate(divide="ignore", invalid="ignore"):
        shade = np.where(quantity > 0.0, np.log10(quantity), np.nan)
    time = drawn_times(found.time_ns)
    data: list[dict[str, Any]] = [
        {
            "type": "heatmap",
            "x": time,
            "y": (found.price[:-1] + found.price[1:]) / 2.0,
            "z": shade,
            "customdata": quantity,
            "colorscale": "Blues" if not dark else "YlGnBu",
            "reversescale": dark,
            "showscale": False,
            "hovertemplate": f"%{{x}}<br>%{{y:,.{price_decimals}f}}: %{{customdata:,.4g}}<extra></extra>",
        }
    ]
    for name, values, colour in (("best ask", found.ask, colours.x_leg), ("best bid", found.bid, colours.y_leg)):
        line = {"color": colour, "width": 1.4, "shape": "hv"}
        data.append({"type": "scatter", "x": time, "y": values, "mode": "lines", "name": name, "line": line})
    return go.Figure(data=data, layout=_layout(xaxis={"type": "date"}, yaxis={"tickformat": f",.{price_decimals}f"}))
