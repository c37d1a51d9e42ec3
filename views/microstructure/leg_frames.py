"""One leg as a live figure: its columns, its look, and the cards above it. No Streamlit."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from alphastream.core.types import Floats
from alphastream.reports.palette import GREY, ON_DARK, Palette, palette
from alphastream.reports.panels import TRANSPARENT, domains, headings, numbered, total_height
from alphastream.streaming.leg_flows import LegAnalytics
from runtime.channel.topics import Frame
from views.component import Card
from views.component.frames import with_view
from views.microstructure.cards import leg_cards
from views.shared.clock import UTC, offset_now, put_offsets
from views.shared.escaping import in_chart
from views.shared.series import is_known

Columns = dict[str, NDArray[Any]]

_OF_TRADES: Final = {"price": 150, "cvd": 100, "imbalance": 100, "vpin": 80, "lambda": 110}
_OF_BOOK: Final = {"spread": 90, "depth": 110}
_GAP: Final = 30
_MARGIN: Final = {"l": 66, "r": 40, "t": 26, "b": 42}
_BAND: Final = "rgba(136,136,136,0.18)"
_PLAIN: Final = ("price", "cvd", "flow_imbalance", "book_imbalance", "vpin", "price_impact", "quoted_spread_bps")
_DEPTHS: Final = ("depth_1bps", "depth_5bps", "depth_10bps")


def figure_columns(answer: LegAnalytics, shown: int) -> Columns:
    """What the figure draws of a leg: ``time`` int64 ms UTC, the others float64, newest ``shown`` rows.

    λ has a band of 1.96 standard errors.
    """
    columns: Columns = {name: answer.column(name)[-shown:] for name in (*_PLAIN, *_DEPTHS)}
    error = 1.96 * answer.column("price_impact_error")[-shown:]
    columns["impact_upper"] = columns["price_impact"] + error
    columns["impact_lower"] = columns["price_impact"] - error
    return {"time": answer.column("time_ns")[-shown:].astype(np.int64) // 1_000_000, **columns}


def leg_frame(
    answer: LegAnalytics,
    name: str,
    shown: int,
    price_decimals: int,
    status: str = "",
    extra: tuple[Card, ...] = (),
    zone: str = UTC,
) -> Frame:
    """What a leg's figure and cards show now.

    Parameters
    ----------
    name : the instrument as it is printed.
    extra : cards behind those of the leg.
    status : see ``topics``.
    zone : of the time axis.
    """
    columns = figure_columns(answer, shown)
    view = f"{answer.spec.interval_ns} {answer.spec.window} {shown}"
    seen = is_known(columns["price_impact"])  # an axis is chosen once its first values are there
    decimals = column_decimals(columns, price_decimals)
    times_ns = columns["time"] * 1_000_000

    def template() -> dict[str, Any]:
        made = _template(columns, name, decimals, view, has_book=answer.has_book)
        put_offsets(made["layout"], zone, times_ns)
        return made

    return Frame(
        look=(name, view, price_decimals, answer.has_book, seen, zone, offset_now(zone, times_ns)),
        columns=columns,
        template=template,
        cards=[{**card} for card in (*leg_cards(answer, shown, price_decimals), *extra)],  # type: ignore[dict-item]
        status=status,
    )


def column_decimals(columns: Columns, price_decimals: int) -> dict[str, int]:
    """Decimals worth showing of each column."""

    def digits(values: Floats) -> int:
        finite = np.abs(values[np.isfinite(values)])
        size = float(np.median(finite)) if finite.size else 0.0
        return int(np.clip(2 - np.floor(np.log10(size)), 0, 10)) if size > 0 else 3

    impact = max(digits(columns["price_impact"]), digits(columns["impact_upper"] - columns["impact_lower"]))
    return {
        **dict.fromkeys(columns, 3),
        "price": price_decimals,
        **dict.fromkeys(("price_impact", "impact_upper", "impact_lower"), impact),
        **dict.fromkeys(_DEPTHS, 0),
    }


def leg_figure(
    columns: Columns, name: str, decimals: dict[str, int], *, has_book: bool, dark: bool = False
) -> go.Figure:
    """Price, CVD, imbalances, VPIN, λ with its band, and of a leg with a book spread and depth, over one UTC axis."""
    colours = palette(dark)
    panels = {**_OF_TRADES, **(_OF_BOOK if has_book else {})}
    time = columns["time"].astype("datetime64[ms]")
    data = [
        {"type": "scatter", "x": time, "y": columns[trace["meta"]["y"]], **trace}
        for trace in _traces(colours, in_chart(name), has_book=has_book)
    ]
    tags = list(_tags(columns, decimals, colours))
    layout = _layout(panels, name, decimals, colours, has_impact=is_known(columns["price_impact"]))
    return go.Figure(data=data, layout={**layout, "annotations": tags})


def _traces(colours: Palette, name: str, *, has_book: bool) -> Iterator[dict[str, Any]]:
    def line(column: str, words: str, place: int, colour: str, dash: str = "solid", **more: Any) -> dict[str, Any]:
        style = {"color": colour, "width": 1.4, "dash": dash}
        axes = {"xaxis": "x", "yaxis": numbered("y", place), "legend": numbered("legend", place)}
        mark = {"meta": {"x": "time", "y": column}, "mode": "lines", "showlegend": True}
        return {**mark, "name": words, "line": style, **axes, **more}

    yield line("price", name, 0, colours.y_leg)
    yield line("cvd", "CVD, base units", 1, colours.spread)
    yield line("flow_imbalance", "flow imbalance", 2, colours.spread)
    if has_book:
        yield line("book_imbalance", "book imbalance, best level", 2, colours.x_leg, "dot")
    yield line("vpin", "VPIN", 3, colours.half_life)
    band: dict[str, Any] = {"hoverinfo": "skip", "legendgroup": "band"}
    yield line("impact_upper", "upper", 4, GREY, showlegend=False, **band)
    yield line("impact_lower", "± 1.96 errors", 4, GREY, fill="tonexty", fillcolor=_BAND, **band)
    yield line("price_impact", "Kyle's λ", 4, colours.y_leg)
    if has_book:
        yield line("quoted_spread_bps", "quoted spread, bps", 5, colours.neutral)
        for column, dash, colour in zip(
            _DEPTHS, ("solid", "6px,2px", "dot"), (colours.y_leg, colours.spread, colours.half_life), strict=True
        ):
            within = column.removeprefix("depth_").removesuffix("bps")
            yield line(column, f"depth within {within} bps", 6, colour, dash)


def _layout(
    panels: dict[str, int], name: str, decimals: dict[str, int], colours: Palette, *, has_impact: bool
) -> dict[str, Any]:
    heights = list(panels.values())
    places = domains(heights, _GAP)

    def axis(place: int) -> dict[str, Any]:
        return {
            "domain": list(places[place]),
            "tickfont": {"size": 11, "color": colours.neutral},
            "nticks": max(4, heights[place] // 30),
            "ticklabeloverflow": "allow",
            "zeroline": False,
            "anchor": "x",
            "side": "left",
            "exponentformat": "SI",
        }

    axes = {numbered("yaxis", place): axis(place) for place in range(len(panels))}
    axes["yaxis"] |= {"tickformat": f",.{decimals['price']}f", "hoverformat": f",.{decimals['price']}f"}
    axes["yaxis3"] |= {"range": [-1.05, 1.05], "tickvals": [-1, 0, 1], "ticktext": ["-1", "0", "1"]}
    axes["yaxis5"] |= {"showticklabels": has_impact}
    axes["yaxis4"] |= {"range": [-0.03, 1.03], "tickvals": [0, 0.5, 1], "ticktext": ["0", "0.5", "1"]}
    for place in range(5, len(panels)):
        axes[numbered("yaxis", place)] |= {"rangemode": "tozero"}
    zeros = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "yref": numbered("y", place),
            "y0": 0,
            "y1": 0,
            "layer": "below",
            "line": {"color": GREY, "width": 1, "dash": "dot"},
        }
        for place in (2, 4)
    ]
    return {
        "height": total_height(heights, _GAP) + _MARGIN["t"] + _MARGIN["b"],
        "margin": _MARGIN,
        **TRANSPARENT,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "dragmode": "zoom",
        "uirevision": name,
        "meta": {
            "decimals": decimals,
            "dark": ON_DARK,
            "description": f"{name}: price, cumulative volume delta, imbalance, VPIN, Kyle's lambda"
            + (", spread and depth" if len(panels) > len(_OF_TRADES) else ""),
        },
        "xaxis": {
            "type": "date",
            "anchor": numbered("y", len(panels) - 1),
            "title": {"text": "UTC", "standoff": 4},
            "tickfont": {"color": colours.neutral},
            "hoverformat": "%Y-%m-%d %H:%M:%S",
            "tickformatstops": [{"dtickrange": [None, 1000], "value": "%H:%M:%S.%L"}],
        },
        **axes,
        "shapes": zeros,
        **headings((top for _, top in places), colours.neutral),
    }


def _tags(columns: Columns, decimals: dict[str, int], colours: Palette) -> Iterator[dict[str, Any]]:
    """The newest price, on its axis."""
    values = columns["price"]
    value = float(values[-1]) if len(values) else np.nan
    known = bool(np.isfinite(value))
    yield {
        "name": "last:price",
        "text": f"{value:,.{decimals['price']}f}" if known else "",
        "visible": known,
        "xref": "paper",
        "x": 0,
        "xanchor": "right",
        "yref": "y",
        "y": value if known else 0.0,
        "showarrow": False,
        "font": {"size": 11, "color": colours.neutral},
        "bgcolor": colours.surface,
        "bordercolor": colours.y_leg,
        "borderwidth": 1,
        "borderpad": 2,
    }


def _template(columns: Columns, name: str, decimals: dict[str, int], view: str, *, has_book: bool) -> dict[str, Any]:
    """Layout and traces without a number in them."""
    figure: dict[str, Any] = leg_figure(columns, name, decimals, has_book=has_book).to_plotly_json()
    traces = [{key: value for key, value in trace.items() if key not in ("x", "y")} for trace in figure["data"]]
    for tag in figure["layout"]["annotations"]:
        tag.update(text="", y=0, visible=False)
    figure["layout"].pop("template", None)
    return {"layout": with_view(figure["layout"], view), "data": traces}
