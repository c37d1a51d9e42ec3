"""Charts of a portfolio: an allocation in, ``plotly.graph_objects.Figure`` out; no Streamlit."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from alphastream.core.types import Floats
from alphastream.portfolio import Spectrum, exposure
from alphastream.portfolio.allocation import Allocation, ShrinkTrial
from alphastream.reports.palette import GREY, palette
from alphastream.reports.panels import TRANSPARENT, domains, drawn_times, headings, largest, numbered, total_height
from alphastream.reports.thinning import thin_out
from views.shared.escaping import in_chart
from views.shared.matrix_charts import return_correlation_map

MAX_POINTS: Final = 600
_PANELS: Final = {"positions": 190, "exposure": 130, "turnover": 90, "result": 110}
_GAP: Final = 30
_MARGIN: Final = {"l": 60, "r": 55, "t": 26, "b": 36}


def allocation_figure(allocation: Allocation, gained: Floats, *, dark: bool = False) -> go.Figure:
    """Positions by symbol, gross, net and leverage, turnover, and the net result, over one UTC axis.

    Parameters
    ----------
    gained : (T,), net return of each row on the assets, from ``allocation.net_returns``.
    """
    time = drawn_times(allocation.rows.time_ns)
    data = []
    for trace, values in _traces(allocation, gained, dark):
        x, y = thin_out(time, values, MAX_POINTS)
        data.append({"type": "scatter", "mode": "lines", "connectgaps": False, "x": x, "y": y, **trace})
    return go.Figure(data=data, layout=_layout(allocation))


def _traces(allocation: Allocation, gained: Floats, dark: bool) -> Iterator[tuple[dict[str, Any], Floats]]:
    """Each line and its numbers, in the quote currency unless said otherwise."""
    colours, config = palette(dark), allocation.config

    def line(name: str, axis: str, legend: str, colour: str, dash: str = "solid", **more: Any) -> dict[str, Any]:
        style = {"color": colour, "width": 1.4, "dash": dash, **more.pop("line", {})}
        return {"name": name, "xaxis": "x", "yaxis": axis, "legend": legend, "line": style, **more}

    cash = allocation.positions.cash_position * config.position_scale
    for number, column in enumerate(largest(allocation.positions.held)):
        colour, dash = colours.line(number)
        name = in_chart(allocation.rows.assets[column])
        yield line(name, "y", "legend", colour, dash, line={"shape": "hv"}), cash[:, column]
    flows = exposure(allocation.positions, config)
    live = np.flatnonzero(allocation.positions.status == "valid")
    known = np.ones(len(gained))
    known[: live[0] if live.size else None] = np.nan  # before the first positions nothing was known: not 0
    scale = known * config.position_scale
    steps: dict[str, Any] = {"line": {"shape": "hv"}}
    yield line("gross", "y2", "legend2", colours.y_leg, **steps), flows.gross * scale
    yield line("net", "y2", "legend2", colours.x_leg, "6px,2px", **steps), flows.net * scale
    yield line("× AUM →", "y5", "legend2", colours.neutral, "dot", **steps), flows.leverage * known
    yield line("turnover per bar", "y3", "legend3", colours.spread, **steps), flows.turnover * scale
    yield line("net result, bps of AUM", "y4", "legend4", colours.spread), np.cumsum(gained) * 1e4 * known


def _layout(allocation: Allocation) -> dict[str, Any]:
    heights = list(_PANELS.values())
    places = domains(heights, _GAP)
    axes = {
        numbered("yaxis", number): {
            "domain": [bottom, top],
            "anchor": "x",
            "zeroline": True,
            "zerolinecolor": GREY,
            "zerolinewidth": 1,
            "nticks": 5,
            "tickfont": {"size": 11},
            "tickformat": "~s" if number < 3 else "",
            "hoverformat": ",.2f",
        }
        for number, (bottom, top) in enumerate(places)
    }
    right = {"overlaying": "y2", "side": "right", "showgrid": False, "anchor": "x", "tickmode": "auto"}
    axes["yaxis2"]["rangemode"] = "tozero"
    axes["yaxis3"]["rangemode"] = "tozero"
    cap = allocation.config.max_turnover
    label = {"text": "cap", "textposition": "start", "yanchor": "bottom", "font": {"size": 10}}
    level = (cap or 0.0) * allocation.config.position_scale
    line: dict[str, Any] = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y3", "y0": level, "y1": level}
    return {
        "height": total_height(heights, _GAP) + _MARGIN["t"] + _MARGIN["b"],
        "margin": _MARGIN,
        **TRANSPARENT,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "uirevision": ",".join(allocation.rows.assets),
        "xaxis": {"type": "date", "anchor": "y4", "title": {"text": "UTC", "standoff": 4}},
        "shapes": []
        if cap is None
        else [{**line, "line": {"color": GREY, "width": 1, "dash": "dash"}, "label": label}],
        **axes,
        "yaxis5": {**right, "rangemode": "tozero", "nticks": 5, "tickfont": {"size": 11}, "hoverformat": ".3f"},
        **headings(top for _, top in places),
    }


def matrix_map(allocation: Allocation, *, dark: bool = False) -> go.Figure:
    """The matrix that was solved on the newest row, with the rows both symbols have a return on under the pointer."""
    returned = np.isfinite(allocation.rows.prices)
    returned = returned[1:] & returned[:-1]
    if allocation.config.covariance is not None:
        returned = returned[-allocation.config.covariance.window :]
    counts = returned.T.astype(np.int64) @ returned.astype(np.int64)
    return return_correlation_map(allocation.rows.assets, allocation.matrix, counts, dark=dark)


def spectrum_figure(time_ns: NDArray[np.int64], spectrum: Spectrum, *, dark: bool = False) -> go.Figure:
    """Condition number (log, left) and effective rank (right) over time."""
    colours = palette(dark)
    time = drawn_times(time_ns)
    finite = np.where(np.isfinite(spectrum.condition_number), spectrum.condition_number, np.nan)
    lines = (
        ("condition number", finite, "y", colours.y_leg, "solid"),
        ("effective rank →", spectrum.effective_rank, "y2", colours.x_leg, "6px,2px"),
    )
    figure = go.Figure()
    for name, values, axis, colour, dash in lines:
        x, y = thin_out(time, values, MAX_POINTS)
        figure.add_scatter(
            x=x, y=y, mode="lines", name=name, yaxis=axis, line={"color": colour, "dash": dash, "width": 1.4}
        )
    figure.update_layout(
        **_small("UTC"),
        yaxis={"type": "log", "hoverformat": ",.1f"},
        yaxis2={"overlaying": "y", "side": "right", "showgrid": False, "tickmode": "auto", "hoverformat": ".2f"},
        uirevision="spectrum",
    )
    return figure


def shrinkage_figure(trials: Sequence[ShrinkTrial], chosen: float, *, dark: bool = False) -> go.Figure:
    """Sharpe ratio (Lo) per bar over shrinkage, with one standard error up and down; the value in use is marked."""
    colours = palette(dark)
    figure = go.Figure()
    figure.add_scatter(
        x=[trial.shrink for trial in trials],
        y=[trial.sharpe for trial in trials],
        error_y={"type": "data", "array": [trial.error for trial in trials], "thickness": 1, "color": GREY},
        mode="lines+markers",
        name="Sharpe (Lo) per bar ± standard error",
        line={"color": colours.y_leg, "width": 1.4},
    )
    figure.add_vline(chosen, line={"color": colours.x_leg, "dash": "dash", "width": 1}, annotation={"text": "in use"})
    figure.update_layout(**_small("shrink"), yaxis={"zeroline": True, "zerolinecolor": GREY, "hoverformat": ".4f"})
    return figure


def _small(title: str) -> dict[str, Any]:
    return {
        "height": 240,
        "margin": {"l": 55, "r": 50, "t": 26, "b": 40},
        **TRANSPARENT,
        "hovermode": "x unified",
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        "xaxis": {"title": {"text": title, "standoff": 4}},
    }
