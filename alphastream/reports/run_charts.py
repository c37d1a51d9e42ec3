"""Charts of a run: its books in, ``plotly.graph_objects.Figure`` out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from alphastream.core.types import Floats
from alphastream.performance import CostSplit, Performance, drawdown
from alphastream.reports.escaping import in_chart
from alphastream.reports.palette import GREY, palette
from alphastream.reports.panels import TRANSPARENT, domains, drawn_times, headings, largest, numbered, total_height
from alphastream.reports.run import Run
from alphastream.reports.thinning import MAX_POINTS, thin_out
from alphastream.reports.trade_tables import exit_reasons

MAX_MARKS: Final = 1_000
_HEIGHTS: Final = {"equity": 210, "drawdown": 80, "zscore": 160, "position": 120}
_OBSERVED_PX: Final = 90
_GAP: Final = 40  # a heading may need two lines on a narrow page
_MARGIN: Final = {"l": 70, "r": 20, "t": 52, "b": 42}


def gross_equity(run: Run) -> Floats:
    """Equity of each row as it would be at the prices of the market, free of fees, spread, impact and funding."""
    moved = [(fill.time_ns, fill.fee + fill.spread_cost + fill.impact_cost) for fill in run.fills]
    moved += [(payment.time_ns, -payment.amount) for payment in run.funding]
    if not moved:
        return run.equity
    times = np.array([when for when, _ in moved], dtype=np.int64)
    rows = np.searchsorted(run.time_ns, times)  # what happens by the end of a row belongs to it
    paid = np.bincount(np.minimum(rows, len(run) - 1), weights=[amount for _, amount in moved], minlength=len(run))
    return run.equity + np.cumsum(paid)


def backtest_figure(
    run: Run,
    performance: Performance,
    *,
    entry: float | None = None,
    exit_: float | None = None,
    dark: bool = False,
    names: Mapping[str, str] | None = None,
) -> go.Figure:
    """Equity net and gross, drawdown, z-score with trades, positions, and what was observed, over one UTC axis.

    Parameters
    ----------
    entry, exit_ : thresholds of the z-score, where the strategy has them.
    names : how symbols are printed; None: as they are.
    """
    names = names or {symbol: symbol for symbol in run.symbols}
    panels = _panels(run)
    time = drawn_times(run.time_ns)
    data = []
    for trace, values in _lines(run, names, panels, dark):
        x, y = thin_out(time, values, MAX_POINTS)
        data.append({"type": "scatter", "mode": "lines", "connectgaps": False, "x": x, "y": y, **trace})
    if "zscore" in panels:
        data += list(_marks(run, performance, names, panels, dark))
    return go.Figure(data=data, layout=_layout(run, panels, entry, exit_, dark))


def _panels(run: Run) -> dict[str, int]:
    """Place of each panel from the top, by name."""
    names = [name for name in _HEIGHTS if name != "zscore" or _is_known(run, "zscore")]
    own = ("zscore", "direction", "hedge_ratio", "spread", "y_deviation", "x_deviation", "legs_correlation")
    names += [name for name in run.observed if name not in own]
    return {name: place for place, name in enumerate(names)}


def _is_known(run: Run, name: str) -> bool:
    return name in run.observed and bool(np.isfinite(run.observed[name]).any())


def _lines(
    run: Run, names: Mapping[str, str], panels: dict[str, int], dark: bool
) -> Iterator[tuple[dict[str, Any], Floats]]:
    """Each line and its numbers."""
    colours = palette(dark)

    def line(panel: str, name: str, colour: str, dash: str = "solid", **more: Any) -> dict[str, Any]:
        place = panels[panel]
        style = {"color": colour, "width": 1.4, "dash": dash, **more.pop("line", {})}
        legend = numbered("legend", place)
        return {"name": name, "xaxis": "x", "yaxis": numbered("y", place), "legend": legend, "line": style, **more}

    yield line("equity", "gross, free of costs", colours.x_leg, "6px,2px"), gross_equity(run)
    yield line("equity", "equity, net", colours.y_leg, line={"width": 1.8}), run.equity
    fall = drawdown(run.equity) * 100.0
    yield line("drawdown", "drawdown, %", colours.half_life, fill="tozeroy"), fall
    if "zscore" in panels:
        yield line("zscore", "z-score", colours.spread), run.observed["zscore"]
    held = np.where(run.positions != 0.0, run.positions * run.marks, 0.0)
    for number, column in enumerate(largest(run.positions * run.marks)):
        colour, dash = colours.line(number)
        name = f"{in_chart(names[run.symbols[column]])} held"
        yield line("position", name, colour, dash, line={"shape": "hv"}), held[:, column]
    for name in list(panels)[list(panels).index("position") + 1 :]:
        yield line(name, in_chart(name.replace("_", " ")), colours.neutral), run.observed[name]


def _marks(
    run: Run, performance: Performance, names: Mapping[str, str], panels: dict[str, int], dark: bool
) -> Iterator[dict[str, Any]]:
    """Entries and exits at the bars they were decided on, with their trades under the pointer."""
    colours = palette(dark)
    place = panels["zscore"]
    for kind, points in _points(run, performance, names).items():
        symbol, colour = _STYLES[kind](colours)
        rows, texts = [row for row, _ in points], [text for _, text in points]
        at = np.array(rows, dtype=np.int64)
        yield {
            "type": "scatter",
            "mode": "markers",
            "name": kind,
            "x": drawn_times(run.time_ns[at]),
            "y": run.observed["zscore"][at],
            "xaxis": "x",
            "yaxis": numbered("y", place),
            "legend": numbered("legend", place),
            "text": texts,
            "hovertemplate": "%{text}<extra></extra>",
            "marker": {"symbol": symbol, "color": colour, "size": 9, "line": {"width": 1.5, "color": colour}},
        }


_STYLES: Final[dict[str, Any]] = {
    "long": lambda colours: ("triangle-up", colours.y_leg),
    "short": lambda colours: ("triangle-down", colours.x_leg),
    "exit": lambda colours: ("circle-open", colours.neutral),
}


def _points(run: Run, performance: Performance, names: Mapping[str, str]) -> dict[str, list[tuple[int, str]]]:
    """Rows and words of the newest entries and exits, by kind."""
    decided = {order.id: order.decided_ns for order in run.orders}
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for fill in run.fills:
        first.setdefault(fill.round_trip, fill.order)
        last[fill.round_trip] = fill.order
    reasons = exit_reasons(run.orders, run.fills)
    points: dict[str, list[tuple[int, str]]] = {kind: [] for kind in _STYLES}
    rows = {}
    for round_trip in performance.round_trips[-MAX_MARKS:]:
        for order in (first[round_trip.number], last[round_trip.number]):
            rows[order] = int(np.searchsorted(run.time_ns, decided.get(order, round_trip.opened_ns)))
    for round_trip in performance.round_trips[-MAX_MARKS:]:
        legs = [
            (in_chart(names[symbol]), round_trip.legs[symbol]) for symbol in run.symbols if symbol in round_trip.legs
        ]
        into = "<br>".join(f"{name} {leg.quantity:+.4g} at {leg.entry_price:,.6g}" for name, leg in legs)
        kind = "long" if round_trip.direction > 0 else "short"
        points[kind].append((rows[first[round_trip.number]], f"<b>trade {round_trip.number}, {kind}</b><br>{into}"))
        if round_trip.closed_ns is None:
            continue
        out = "<br>".join(f"{name} at {leg.exit_price:,.6g}" for name, leg in legs)
        reason = in_chart(reasons.get(round_trip.number, ""))
        words = f"<b>trade {round_trip.number} exit: {reason}</b><br>{out}<br>net {round_trip.net:+,.2f}"
        points["exit"].append((rows[last[round_trip.number]], words))
    return points


def _layout(run: Run, panels: dict[str, int], entry: float | None, exit_: float | None, dark: bool) -> dict[str, Any]:
    neutral = palette(dark).neutral
    heights = [_HEIGHTS.get(name, _OBSERVED_PX) for name in panels]
    places = domains(heights, _GAP)
    formats = {"equity": ",.2f", "drawdown": ".3f", "zscore": ".2f", "position": ",.2f"}
    axes = {}
    for (name, place), (bottom, top) in zip(panels.items(), places, strict=True):
        axes[numbered("yaxis", place)] = {
            "domain": [bottom, top],
            "anchor": "x",
            "zeroline": name in ("position", "zscore"),
            "zerolinecolor": GREY,
            "zerolinewidth": 1,
            "nticks": 4 if heights[place] < 100 else 6,
            "tickfont": {"size": 11, "color": neutral},
            "tickformat": {"equity": ",~f", "position": "~s"}.get(name, ""),
            "hoverformat": formats.get(name, ".6~g"),
        }
    return {
        "height": total_height(heights, _GAP) + _MARGIN["t"] + _MARGIN["b"],
        "margin": _MARGIN,
        **TRANSPARENT,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "dragmode": "zoom",
        "uirevision": run.name,
        "xaxis": {
            "type": "date",
            "anchor": numbered("y", len(panels) - 1),
            "title": {"text": "UTC", "standoff": 4},
            "hoverformat": "%Y-%m-%d %H:%M:%S",
        },
        "shapes": list(_levels(panels, entry, exit_)),
        **axes,
        **headings((top for _, top in places), neutral),
    }


def _levels(panels: dict[str, int], entry: float | None, exit_: float | None) -> Iterator[dict[str, Any]]:
    """Thresholds of the z-score, each named in words as well as told apart by its dash."""
    if "zscore" not in panels:
        return
    axis = numbered("y", panels["zscore"])
    for value, name, dash in ((entry, "entry", "dash"), (exit_, "exit", "dot")):
        for side in (1.0, -1.0) if value else ():
            level = side * (value or 0.0)
            text = f"{name} ±{value:g}" if side > 0 else ""
            yield {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "yref": axis,
                "y0": level,
                "y1": level,
                "layer": "below",
                "line": {"color": GREY, "width": 1, "dash": dash},
                "label": {"text": text, "textposition": "start", "yanchor": "bottom", "font": {"size": 10}},
            }


def cost_figure(split: CostSplit, *, dark: bool = False) -> go.Figure:
    """From the gross profit to the net one: what each kind of cost took."""
    colours = palette(dark)
    steps: Sequence[tuple[str, float, str]] = (
        ("gross", split.gross, "absolute"),
        ("fees", -split.fees, "relative"),
        ("spread", -split.spread, "relative"),
        ("impact", -split.impact, "relative"),
        ("funding", split.funding, "relative"),
        ("net", 0.0, "total"),
    )
    amounts = [split.net if kind == "total" else amount for _, amount, kind in steps]
    figure = go.Figure(
        go.Waterfall(
            x=[name for name, _, _ in steps],
            y=[amount for _, amount, _ in steps],
            measure=[kind for _, _, kind in steps],
            text=[f"{amount:+,.2f}" if amount else "0" for amount in amounts],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x}: %{text}<extra></extra>",
            increasing={"marker": {"color": colours.spread}},
            decreasing={"marker": {"color": colours.x_leg}},
            totals={"marker": {"color": colours.y_leg}},
            connector={"line": {"color": GREY, "width": 1, "dash": "dot"}},
        )
    )
    figure.update_layout(
        height=300,
        margin={"l": 60, "r": 20, "t": 40, "b": 36},
        **TRANSPARENT,
        showlegend=False,
        title={"text": "From gross to net profit", "font": {"size": 13}, "x": 0, "xref": "paper"},
        yaxis={"zeroline": True, "zerolinecolor": GREY, "tickformat": "~s", "nticks": 6},
    )
    return figure
