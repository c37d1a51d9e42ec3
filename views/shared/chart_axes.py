"""Axes, legends, thresholds, tags and words of the pair's figure: what stands around its lines."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from alphastream.core.pvalues import RESOLUTION
from alphastream.reports.palette import GREY, ON_DARK, Palette
from alphastream.reports.panels import TRANSPARENT, domains, headings, numbered, total_height
from views.shared.chart_options import HEIGHTS, ChartOptions, Panel
from views.shared.escaping import in_chart
from views.shared.series import SIGNIFICANT, Columns, PairSeries, column_decimals, empty_panels, is_known

GAP: Final = 28
WIDE_GAP: Final = 40
"""Between panels where a heading may need two lines: on a narrow page whose figure does not know its width."""

P_COLUMNS: Final = ("pvalue", "evidence_p")
_MARGIN: Final = {"l": 70, "r": 70, "t": 26, "b": 42}

_MAIN_AXES: Final[Mapping[Panel, str]] = {
    "price": "y",
    "ratio": "y11",
    "spread": "y3",
    "zscore": "y4",
    "hedge": "y5",
    "stationarity": "y9",
    "volume": "y6",
}
_LEGENDS: Final = ("price", "spread", "zscore", "hedge", "stationarity", "volume", "ratio")

_EMPTY: Final = {"range": [0, 1], "showticklabels": False, "showgrid": False, "title": {"text": ""}}
_FLAT_SHARE: Final = 0.005  # of a value that never changes, room on either side of it


def pair_layout(
    series: PairSeries, columns: Columns, colours: Palette, gap: int, options: ChartOptions
) -> dict[str, Any]:
    """Everything but the traces."""
    panels = options.panels
    heights = [HEIGHTS[panel] for panel in panels]
    domain = dict(zip(panels, domains(heights, gap), strict=True))
    empty = empty_panels(series, columns, options)
    decimals = column_decimals(series, options)
    axes = {
        name: axis
        for panel in panels
        for name, axis in _axes(panel, series, columns, colours, decimals, options).items()
    }
    for axis in axes.values():
        panel = axis.pop("panel")
        axis["domain"] = list(domain[panel])
        if panel in empty:
            axis |= _EMPTY
            for name in ("tickvals", "ticktext", "autorangeoptions"):
                axis.pop(name, None)
    tags = _last_value_tags(columns, colours, decimals, options)
    named = f"{series.y_symbol}/{series.x_symbol}"
    shown = {numbered("legend", _LEGENDS.index(panel)): _heading(domain[panel][1], colours) for panel in panels}
    return {
        "height": total_height(heights, gap) + _MARGIN["t"] + _MARGIN["b"],
        "margin": _MARGIN,
        **TRANSPARENT,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "dragmode": "zoom",
        "uirevision": named,
        "boxgap": 0.3,
        "boxgroupgap": 0,
        "meta": {
            "decimals": {name: decimals[name] for name in columns if name != "time"},
            "floors": dict.fromkeys(P_COLUMNS, RESOLUTION),
            "dark": ON_DARK,
            "description": f"{series.y_symbol} and {series.x_symbol}: {_described(panels)}",
        },
        "xaxis": {
            "type": "date",
            "anchor": _MAIN_AXES[panels[-1]],
            "title": {"text": "UTC", "standoff": 4},
            "tickfont": {"color": colours.neutral},
            "hoverformat": "%Y-%m-%d %H:%M:%S",
            "tickformatstops": [{"dtickrange": [None, 1000], "value": "%H:%M:%S.%L"}],
            "showspikes": True,
            "spikemode": "across",
            "spikesnap": "cursor",
            "spikethickness": 1,
            "spikedash": "dot",
            "spikecolor": GREY,
            "rangeslider": {"visible": False},
        },
        **axes,
        "shapes": [
            *(line for panel, line in _thresholds(series) if panel in panels and panel not in empty),
            *(_words(f"empty:{panel}", panel, why, colours) for panel, why in empty.items()),
            *(
                _words(f"note:{panel}", panel, series.note, colours, "top left")
                for panel in ("price", "zscore")
                if series.note and panel in panels
            ),
        ],
        "annotations": list(tags),
        **shown,
    }


def _heading(top: float, colours: Palette) -> dict[str, Any]:
    return headings([top], colours.neutral)["legend"]


_DESCRIBED: Final[Mapping[Panel, str]] = {
    "price": "prices",
    "ratio": "their ratio",
    "spread": "spread",
    "zscore": "z-score",
    "hedge": "hedge ratio",
    "stationarity": "cointegration test with half-life",
    "volume": "volumes",
}


def _described(panels: tuple[Panel, ...]) -> str:
    """What a screen reader says the figure shows."""
    *before, last = (_DESCRIBED[panel] for panel in panels)
    return f"{', '.join(before)}, and {last}" if before else last


def _axes(
    panel: Panel,
    series: PairSeries,
    columns: Columns,
    colours: Palette,
    decimals: Mapping[str, int],
    options: ChartOptions,
) -> dict[str, dict[str, Any]]:
    """The axes of a panel; ``panel`` in each says which."""

    def axis(column: str, title: str, colour: str | None, over: str | None = None) -> dict[str, Any]:
        text = {"font": {"color": colour}} if colour else {}
        right = {"side": "right", "overlaying": over, "showgrid": False, "tickmode": "auto"}
        shown = f",.{decimals[column]}f"
        return {
            **(right if over else {"side": "left"}),
            "panel": panel,
            "title": {"text": title, "standoff": 6, **text},
            "tickfont": {"size": 11, "color": colour or colours.neutral},
            "hoverformat": shown,
            "tickformat": shown if column.endswith("_price") and not options.from_100 else "",
            "nticks": max(5, HEIGHTS[panel] // 40),  # of four a small range shows one
            "ticklabeloverflow": "allow",  # else every label is measured at every drawing: a fifth of its time
            "zeroline": False,
            "anchor": "x",
            "showticklabels": is_known(columns[column]),
            **_around(columns[column]),
        }

    y, x = in_chart(series.y_symbol), in_chart(series.x_symbol)
    match panel:
        case "price" if options.from_100:
            return {"yaxis": axis("y_price", "", None)}
        case "price":
            return {
                "yaxis": axis("y_price", y, colours.y_leg),
                "yaxis2": axis("x_price", x, colours.x_leg, over="y"),
            }
        case "ratio":
            return {"yaxis11": {**axis("ratio", "", None), "exponentformat": "none"}}
        case "spread":
            return {"yaxis3": {**axis("spread", "", None), "exponentformat": "none"}}
        case "zscore":
            room = [-1.25 * series.entry_z, 1.25 * series.entry_z]  # the triggers are seen
            return {"yaxis4": {**axis("zscore", "std. deviations", None), "autorangeoptions": {"include": room}}}
        case "hedge":
            return {
                "yaxis5": axis("hedge_ratio", "", None),
                "yaxis8": {**axis("correlation", "", None, over="y5"), "range": [-1.05, 1.05]},
            }
        case "stationarity":
            p_ticks = {"tickvals": [0, 0.5, 1], "ticktext": ["0", "0.5", "1"], "showticklabels": True}
            return {
                "yaxis9": {**axis("pvalue", "", None), "range": [-0.03, 1.03], **p_ticks},
                "yaxis10": {**axis("half_life", "bars", colours.half_life, over="y9"), "rangemode": "tozero"},
            }
        case "volume":
            return {
                "yaxis6": {**axis("y_volume", y, colours.y_leg), "rangemode": "tozero"},
                "yaxis7": {**axis("x_volume", x, colours.x_leg, over="y6"), "rangemode": "tozero"},
            }


def _around(values: Any) -> dict[str, Any]:
    """Room about a value that is always the same: Plotly would take one unit either way, whatever the value."""
    finite = values[np.isfinite(values)]
    if not finite.size or float(np.ptp(finite)) > 0.0 or float(finite[0]) == 0.0:
        return {}
    value = float(finite[0])
    room = abs(value) * _FLAT_SHARE
    return {"autorangeoptions": {"include": [value - room, value + room]}}


def _thresholds(series: PairSeries) -> Iterator[tuple[Panel, dict[str, Any]]]:
    """Lines at zero, entry, exit and the test's level, each named in words as well as told apart by its dash."""

    def level(value: float, label: str, dash: str, axis: str = "y4") -> dict[str, Any]:
        text = {"text": label, "textposition": "start", "yanchor": "bottom", "font": {"size": 10}, "padding": 1}
        place = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": axis, "y0": value, "y1": value}
        return {**place, "layer": "below", "line": {"color": GREY, "width": 1, "dash": dash}, "label": text}

    yield "zscore", level(0.0, "", "solid")
    yield "zscore", level(series.entry_z, f"short entry +{series.entry_z:g}", "dash")
    yield "zscore", level(-series.entry_z, f"long entry -{series.entry_z:g}", "dash")
    if series.exit_z > 0:
        yield "zscore", level(series.exit_z, f"exit ±{series.exit_z:g}", "dot")
        yield "zscore", level(-series.exit_z, "", "dot")
    yield "stationarity", level(SIGNIFICANT, f"{SIGNIFICANT:.0%} level", "dash", "y9")


def _tag_text(column: str, value: float, decimals: Mapping[str, int]) -> str:
    """A last value; no p is shown as zero, as the browser has it from ``meta.floors``."""
    if column in P_COLUMNS and value < RESOLUTION:
        return f"< {RESOLUTION:g}"
    return f"{value:,.{decimals[column]}f}"


def _last_value_tags(
    columns: Columns, colours: Palette, decimals: Mapping[str, int], options: ChartOptions
) -> Iterator[dict[str, Any]]:
    """The newest value of a line, on the axis it belongs to."""
    places = [
        ("y_price", "y", 0, colours.y_leg),
        ("x_price", "y" if options.from_100 else "y2", 1, colours.x_leg),
        ("ratio", "y11", 1, colours.neutral),
        ("spread", "y3", 1, colours.spread),
        ("zscore", "y4", 1, colours.spread),
        ("hedge_ratio", "y5", 0, colours.neutral),
        ("pvalue", "y9", 0, colours.spread),
        ("half_life", "y10", 1, colours.half_life),
    ]
    for column, axis, side, colour in places:
        if column not in columns:
            continue
        values = columns[column]
        value = float(values[-1]) if values.size else np.nan
        known = bool(np.isfinite(value))
        yield {
            "name": f"last:{column}",
            "text": _tag_text(column, value, decimals) if known else "",
            "visible": known,
            "xref": "paper",
            "x": side,
            "xanchor": "left" if side else "right",
            "yref": axis,
            "y": value if known else 0.0,
            "showarrow": False,
            "font": {"size": 11, "color": colours.neutral},
            "bgcolor": colours.surface,
            "bordercolor": colour,
            "borderwidth": 1,
            "borderpad": 2,
        }


def _words(name: str, panel: Panel, why: str, colours: Palette, position: str = "middle center") -> dict[str, Any]:
    """Why a panel is empty, in its middle, or what it rests on: the label of a frame without a line."""
    return {
        "name": name,
        "type": "rect",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "yref": f"{_MAIN_AXES[panel]} domain",
        "y0": 0,
        "y1": 1,
        "line": {"width": 0},
        "label": {
            "text": in_chart(why),
            "textposition": position,
            "font": {"size": 12, "color": colours.neutral},
        },
    }
