"""From rows of a pair to a frame of its figure: the look once, the numbers as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any, Final, Literal, NotRequired, TypedDict

import numpy as np

from alphastream.reports.thinning import MAX_POINTS
from runtime.channel.topics import Frame
from views.shared.chart_columns import OHLC
from views.shared.chart_options import ChartOptions
from views.shared.charts import pair_figure
from views.shared.clock import offset_now, put_offsets
from views.shared.series import AS_USUAL, Columns, PairSeries, empty_panels, is_known, series_columns

Tone = Literal["neutral", "flat", "long", "short", "ok", "warn"]
"""Drawn as a sign and read aloud as a word: neutral has none, a dash, ▲, ▼, ✓ and ● in this order."""

Group = Literal["", "ready"]
"""Which row a card stands in: the numbers, or the list of what speaks for trading now."""

_LOOK: Final = ("y_symbol", "x_symbol", "entry_z", "exit_z", "y_decimals", "x_decimals", "tested_rows", "note")
_MAY_WAIT: Final = ("spread", "spread_mean", "hedge_ratio", "correlation", "half_life", "y_volume", "x_volume", "ratio")
"""Columns whose axis or decimals depend on whether there is a value."""


class Card(TypedDict):
    """One number with its name, above the chart.

    ``id`` (letters, digits, dashes) stays the same for the same card; ``value`` is the number as text, ``sub`` a
    smaller line below it, ``title`` what it means, shown on hover.

    Of what ages, ``at`` is the moment it is of, ms of the frame's clock: ``{age}`` in ``sub`` is counted from it in the
    browser. Past ``limit`` ms the value reads ``late``, and while the server is not heard ``lost``.
    """

    id: str
    label: str
    value: str
    sub: str
    tone: Tone
    title: str
    group: Group
    at: NotRequired[str]
    limit: NotRequired[str]
    late: NotRequired[str]
    lost: NotRequired[str]


def pair_frame(
    series: PairSeries,
    cards: Sequence[Card] = (),
    *,
    status: str = "",
    stamps: Mapping[str, float] | None = None,
    clock: tuple[float, float] | None = None,
    view: str = "",
    max_points: int = MAX_POINTS,
    options: ChartOptions = AS_USUAL,
) -> Frame:
    """What the pair figure shows now.

    Parameters
    ----------
    series : its newest ``max_points`` rows are shown.
    status, stamps, clock : see ``topics``.
    view : what a zoom is of, as bars and window; under another one the chart shows the whole again.
    """
    series = series.last(max_points)
    columns = series_columns(series, options)
    return Frame(
        look=(view, *_look(series, columns, options)),
        columns={**columns, "time": columns["time"].astype(np.int64)},
        template=lambda: template(series, view, options),
        cards=[{**card} for card in cards],  # type: ignore[dict-item]  # a card's fields are all text
        status=status,
        stamps=stamps,
        clock=clock,
    )


def _look(series: PairSeries, columns: Columns, options: ChartOptions) -> tuple[Any, ...]:
    """What the template depends on. Its axes and decimals are chosen when the first settled values are there, and
    then stay: a size that hovers about a power of ten would begin a new figure with every bar."""
    known = tuple(name for name, values in columns.items() if name in _MAY_WAIT and is_known(values))
    empty = tuple(empty_panels(series, columns, options).items())
    return (
        *(getattr(series, name) for name in _LOOK),
        known,
        empty,
        astuple(options),  # values: after a reload of code an equal choice is of another class
        series.bases is None,
        offset_now(options.zone, series.time_ns),
    )


def template(series: PairSeries, view: str = "", options: ChartOptions = AS_USUAL) -> dict[str, Any]:
    """Layout and traces of the pair figure without a number in them.

    Hidden traces stay hidden as long as the legs are the same, zoom and pan as long as ``view`` is, too.
    """
    figure: dict[str, Any] = pair_figure(series, options=options).to_plotly_json()
    numbers = ("x", "y", *OHLC)
    traces = [{key: value for key, value in trace.items() if key not in numbers} for trace in figure["data"]]
    for tag in figure["layout"].setdefault("annotations", []):  # plotly leaves an empty list out
        tag.update(text="", y=0, visible=False)
    figure["layout"].pop("template", None)
    layout = with_view(figure["layout"], view)
    put_offsets(layout, options.zone, series.time_ns)
    if options.from_100 and "yaxis" in layout:
        layout["yaxis"]["uirevision"] += " from 100"  # what was zoomed to were prices
    return {"layout": layout, "data": traces}


def with_view(layout: Mapping[str, Any], view: str) -> dict[str, Any]:
    """A layout whose axes forget zoom and pan where ``view`` is another; hidden traces stay hidden."""
    kept = f"{layout['uirevision']} {view}"
    axes = {name: {**axis, "uirevision": kept} for name, axis in layout.items() if name.startswith(("xaxis", "yaxis"))}
    return {**layout, **axes}
