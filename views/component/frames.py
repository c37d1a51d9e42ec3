"""From rows of a pair to a frame of its figure: the look once, the numbers as columns."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NotRequired, TypedDict

import numpy as np

from alphastream.reports.thinning import MAX_POINTS
from runtime.channel.topics import Frame
from views.shared.charts import pair_figure
from views.shared.series import PairSeries, is_known, series_columns

Tone = Literal["neutral", "flat", "long", "short", "ok", "warn"]
"""Drawn as a sign and read aloud as a word: neutral has none, a dash, ▲, ▼, ✓ and ● in this order."""

Group = Literal["", "ready"]
"""Which row a card stands in: the numbers, or the list of what speaks for trading now."""

_LOOK: Final = ("y_symbol", "x_symbol", "entry_z", "exit_z", "y_decimals", "x_decimals", "tested_rows")


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
) -> Frame:
    """What the pair figure shows now.

    Parameters
    ----------
    series : its newest ``max_points`` rows are shown.
    status, stamps, clock : see ``topics``.
    view : what a zoom is of, as bars and window; under another one the chart shows the whole again.
    """
    series = series.last(max_points)
    columns = series_columns(series)
    return Frame(
        look=(view, *_look(series)),
        columns={**columns, "time": columns["time"].astype(np.int64)},
        template=lambda: template(series, view),
        cards=[{**card} for card in cards],  # type: ignore[dict-item]  # a card's fields are all text
        status=status,
        stamps=stamps,
        clock=clock,
    )


def _look(series: PairSeries) -> tuple[Any, ...]:
    """What the template depends on. Its axes and decimals are chosen when the first settled values are there, and
    then stay: a size that hovers about a power of ten would begin a new figure with every bar."""
    first_seen = (series.spread, series.spread_std, series.hedge_ratio, series.half_life)
    return (*(getattr(series, name) for name in _LOOK), *(is_known(values) for values in first_seen))


def template(series: PairSeries, view: str = "") -> dict[str, Any]:
    """Layout and traces of the pair figure without a number in them.

    Hidden traces stay hidden as long as the legs are the same, zoom and pan as long as ``view`` is, too.
    """
    figure: dict[str, Any] = pair_figure(series).to_plotly_json()
    traces = [{key: value for key, value in trace.items() if key not in ("x", "y")} for trace in figure["data"]]
    for tag in figure["layout"]["annotations"]:
        tag.update(text="", y=0, visible=False)
    figure["layout"].pop("template", None)
    return {"layout": with_view(figure["layout"], view), "data": traces}


def with_view(layout: Mapping[str, Any], view: str) -> dict[str, Any]:
    """A layout whose axes forget zoom and pan where ``view`` is another; hidden traces stay hidden."""
    kept = f"{layout['uirevision']} {view}"
    axes = {name: {**axis, "uirevision": kept} for name, axis in layout.items() if name.startswith(("xaxis", "yaxis"))}
    return {**layout, **axes}
