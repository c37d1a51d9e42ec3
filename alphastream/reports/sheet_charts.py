"""Figures of a tear sheet: the way down, what each leg earned and paid, what was held."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from alphastream.core.types import Floats
from alphastream.performance import Drawdown, Exposure, ProfitOverTime, drawdown
from alphastream.reports.escaping import in_chart
from alphastream.reports.palette import GREY, palette
from alphastream.reports.panels import (
    TRANSPARENT,
    domains,
    drawn_times,
    headings,
    largest,
    numbered,
    shaded,
    total_height,
)
from alphastream.reports.run import Run
from alphastream.reports.thinning import MAX_POINTS, thin_out

SHADED: Final = 5
"""Worst drawdowns that are marked."""
_GAP: Final = 44
_MARGIN: Final = {"l": 70, "r": 20, "t": 46, "b": 40}

Line = tuple[str, Floats, str, str]
"""Name, values, colour and dash."""


def drawdown_figure(run: Run, worst: Sequence[Drawdown], *, dark: bool = False) -> go.Figure:
    """Share of the highest equity so far that is lost; the worst ones, numbered as in their table, are shaded."""
    colours = palette(dark)
    time = drawn_times(np.asarray(run.time_ns))
    x, y = thin_out(time, drawdown(run.equity) * 100.0, MAX_POINTS)
    figure = go.Figure()
    line = {"color": colours.half_life, "width": 1.4}
    figure.add_scatter(x=x, y=y, mode="lines", name="drawdown, %", fill="tozeroy", line=line, showlegend=True)
    shapes = [_spell(number, each, run) for number, each in enumerate(worst[:SHADED], 1)]
    figure.update_layout(
        **_base(170),
        **headings([1.0], colours.neutral),
        xaxis=_time_axis("y"),
        yaxis={"nticks": 5, "hoverformat": ".3f", "zerolinecolor": GREY},
        shapes=[shape for shape in shapes if shape],
    )
    return figure


def _spell(number: int, each: Drawdown, run: Run) -> dict[str, Any]:
    if each.peak_ns is None:
        return {}
    end_ns = int(run.time_ns[-1]) if each.recovered_ns is None else each.recovered_ns
    return shaded(each.peak_ns, end_ns, "rgba(136,136,136,0.18)", str(number), 11)


def legs_figure(
    run: Run, profit: ProfitOverTime, *, dark: bool = False, names: Mapping[str, str] | None = None
) -> go.Figure:
    """Profit of each leg after costs, before them, and what costs and funding took, as they grew.

    Parameters
    ----------
    profit : of ``profit_over_time``.
    names : how symbols are printed; None: as they are.
    """
    colours, shown = palette(dark), names or {}
    columns = largest(profit.gross)

    def each(values: Floats, word: str) -> Iterator[Line]:
        for number, column in enumerate(columns):
            name = in_chart(shown.get(run.symbols[column], run.symbols[column]))
            yield (f"{name} {word}", values[:, column], *colours.line(number))
        if len(run.symbols) > 1:
            yield (f"all {word}", values.sum(axis=1), colours.neutral, "2px,3px")

    panels = {
        "net": (170, list(each(profit.net, "net"))),
        "gross": (130, list(each(profit.gross, "gross"))),
        "costs": (110, list(each(-profit.costs, "costs"))),
    }
    if np.any(profit.funding):
        panels["funding"] = (90, list(each(profit.funding, "funding")))
    return _panels(run, panels, dark, ",.2f")


def exposure_figure(run: Run, held: Exposure, *, dark: bool = False) -> go.Figure:
    """What was held at the end of each row: long plus short, long less short, and the first over equity."""
    colours = palette(dark)
    gross: Line = ("gross: long plus short", held.gross, colours.y_leg, "solid")
    net: Line = ("net: long less short", held.net, colours.x_leg, "6px,2px")
    leverage: Line = ("leverage: gross over equity", held.leverage, colours.spread, "solid")
    return _panels(run, {"held": (150, [gross, net]), "leverage": (110, [leverage])}, dark, ",.3~f")


def _panels(run: Run, panels: Mapping[str, tuple[int, Sequence[Line]]], dark: bool, hover: str) -> go.Figure:
    colours, time = palette(dark), drawn_times(np.asarray(run.time_ns))
    heights = [height for height, _ in panels.values()]
    places = domains(heights, _GAP)
    figure, axes = go.Figure(), {}
    for place, ((panel, (_, lines)), (bottom, top)) in enumerate(zip(panels.items(), places, strict=True)):
        for name, values, colour, dash in lines:
            x, y = thin_out(time, np.asarray(values, dtype=np.float64), MAX_POINTS)
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines",
                name=name,
                yaxis=numbered("y", place),
                legend=numbered("legend", place),
                showlegend=True,
                connectgaps=False,
                line={"color": colour, "width": 1.4, "dash": dash, "shape": "hv"},
            )
        axes[numbered("yaxis", place)] = {
            "domain": [bottom, top],
            "anchor": "x",
            "zeroline": True,
            "zerolinecolor": GREY,
            "tickformat": ",~g" if panel == "leverage" else ",~s",
            "hoverformat": hover,
            "nticks": 5,
        }
    figure.update_layout(
        **_base(total_height(heights, _GAP)),
        **headings((top for _, top in places), colours.neutral),
        xaxis=_time_axis(numbered("y", len(places) - 1)),
        hoversubplots="axis",
        **axes,
    )
    return figure


def _time_axis(anchor: str) -> dict[str, Any]:
    return {"type": "date", "anchor": anchor, "title": {"text": "UTC", "standoff": 4}}


def _base(height: int) -> dict[str, Any]:
    whole = height + _MARGIN["t"] + _MARGIN["b"]
    return {"height": whole, "margin": _MARGIN, **TRANSPARENT, "hovermode": "x unified"}
