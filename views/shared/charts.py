"""Columns in, ``plotly.graph_objects.Figure`` out: no Streamlit, no clock, no network.

The live page and the history page draw the same figure. Which column feeds which trace is stated once, where the
trace is built: ``trace.meta = {"x": "time", "y": column}``, and ``annotation.name = "last:" + column`` for the
last-value tags. The live component reads those marks and updates what this module drew.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from alphastream.errors import ParameterError
from views.shared.thinning import sparse, thin_out

FloatArray = npt.NDArray[np.float64]
Columns = dict[str, npt.NDArray[Any]]

MAX_POINTS: Final = 2_000
"""Most points a trace shows: about what a wide screen has pixels."""

_PANELS: Final = {"price": 210, "spread": 120, "zscore": 160, "hedge": 100, "stationarity": 110, "volume": 80}
_GAP: Final = 28
WIDE_GAP: Final = 40
"""Between panels where a heading may need two lines: on a narrow page whose figure does not know its width."""

_MARGIN: Final = {"l": 70, "r": 70, "t": 26, "b": 42}

SIGNIFICANT: Final = 0.05
"""p-value below which a page speaks of cointegration."""


def _plot_height(gap: int) -> int:
    return sum(_PANELS.values()) + gap * (len(_PANELS) - 1)


FIGURE_HEIGHT: Final = _plot_height(_GAP) + _MARGIN["t"] + _MARGIN["b"]
"""Height of the pair figure in pixels, the same for every width, so that nothing on the page jumps."""


@dataclass(frozen=True, slots=True)
class PairSeries:
    """What an engine snapshot knows about one pair, row by row.

    Every array has shape (T,), oldest row first. NaN means undefined: a window that is not full yet, a bar without a
    trade. The last row may belong to the bar that is still forming.

    Parameters
    ----------
    y_symbol, x_symbol : the dependent leg and its hedge.
    time_ns : int64 UTC ns, the bar ends, strictly increasing.
    y_price, x_price : last trade of each leg at or before the bar end, quote units.
    spread, spread_mean, spread_std : spread and its rolling mean and standard deviation.
    zscore : standard deviations of the spread from its mean.
    hedge_ratio : units of x for one unit of y.
    correlation : of the two legs, −1 to 1.
    pvalue : of the Engle-Granger test of one ratio fixed over the rows before, 0 to 1.
    half_life : of that test's residual, in bars; ``inf`` where nothing pulls it back.
    y_volume, x_volume : base units traded in the bar.
    position : −1 short the spread, 0 flat, 1 long, at the bar end; NaN counts as flat.
    entry_z, exit_z : |z| that opens a position and that closes it.
    tested_rows : rows that ``pvalue`` and ``half_life`` look back.
    y_decimals, x_decimals : decimals of each leg's tick size.
    """

    y_symbol: str
    x_symbol: str
    time_ns: npt.NDArray[np.int64]
    y_price: FloatArray
    x_price: FloatArray
    spread: FloatArray
    spread_mean: FloatArray
    spread_std: FloatArray
    zscore: FloatArray
    hedge_ratio: FloatArray
    correlation: FloatArray
    pvalue: FloatArray
    half_life: FloatArray
    y_volume: FloatArray
    x_volume: FloatArray
    position: npt.NDArray[Any]
    entry_z: float
    exit_z: float
    tested_rows: int
    y_decimals: int
    x_decimals: int

    def __post_init__(self) -> None:
        for name, array in self.arrays().items():
            if array.shape != self.time_ns.shape or array.ndim != 1:
                raise ParameterError(
                    f"{name} has shape {array.shape}, time_ns has {self.time_ns.shape}: "
                    "every column needs one value for each row"
                )

    def __len__(self) -> int:
        return int(self.time_ns.shape[0])

    def arrays(self) -> Columns:
        """The array fields by name."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}

    def last(self, rows: int) -> "PairSeries":
        """The newest ``rows`` rows, or all where there are fewer."""
        if len(self) <= rows:
            return self
        cut = len(self) - rows
        newest: dict[str, Any] = {name: array[cut:] for name, array in self.arrays().items()}
        return replace(self, **newest)


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of the Okabe-Ito set, told apart by people who do not see red and green alike.

    Source: M. Okabe and K. Ito, Color Universal Design (2008). Lines keep a contrast of 3:1 or more with the page.
    """

    y_leg: str
    x_leg: str
    y_fill: str
    x_fill: str
    spread: str
    half_life: str
    neutral: str
    surface: str


LIGHT: Final = Palette(
    y_leg="#0072B2",
    x_leg="#D55E00",
    y_fill="rgba(0,114,178,0.22)",
    x_fill="rgba(213,94,0,0.22)",
    spread="#00805D",
    half_life="#9C4F7E",
    neutral="#4D4D4D",
    surface="rgba(255,255,255,0.92)",
)
DARK: Final = Palette(
    y_leg="#56B4E9",
    x_leg="#E69F00",
    y_fill="rgba(86,180,233,0.22)",
    x_fill="rgba(230,159,0,0.22)",
    spread="#00B386",
    half_life="#CC79A7",
    neutral="#C4C4C4",
    surface="rgba(14,17,23,0.92)",
)
_GREY: Final = "#888888"
_BAND_FILL: Final = "rgba(136,136,136,0.13)"


def series_columns(series: PairSeries) -> Columns:
    """Every column the pair figure draws, by the name its trace carries in ``meta["y"]``.

    Returns
    -------
    dict
        ``time`` as datetime64[ms] in UTC, all others float64, each of shape (T,). ``long_entry``, ``short_entry`` and
        ``exit`` hold the z-score at rows where the position changed and NaN elsewhere; whether it changed at the
        first row nobody knows, so nothing is marked there. A ``half_life`` longer than the window it was measured in
        is NaN: the window cannot tell it from none.
    """
    position = np.nan_to_num(np.asarray(series.position, dtype=np.float64))
    changed = position != np.concatenate([position[:1], position[:-1]])
    height = np.nan_to_num(series.zscore, nan=0.0)
    width = series.entry_z * series.spread_std

    def marks(side: int) -> FloatArray:
        return np.where(changed & (position == side), height, np.nan)

    return {
        "time": series.time_ns.astype("datetime64[ns]").astype("datetime64[ms]"),
        "y_price": series.y_price,
        "x_price": series.x_price,
        "spread_upper": series.spread_mean + width,
        "spread_lower": series.spread_mean - width,
        "spread_mean": series.spread_mean,
        "spread": series.spread,
        "zscore": series.zscore,
        "long_entry": marks(1),
        "short_entry": marks(-1),
        "exit": marks(0),
        "hedge_ratio": series.hedge_ratio,
        "correlation": series.correlation,
        "pvalue": series.pvalue,
        "half_life": np.where(series.half_life <= series.tested_rows, series.half_life, np.nan),
        "y_volume": series.y_volume,
        "x_volume": series.x_volume,
    }


def column_decimals(series: PairSeries) -> dict[str, int]:
    """Decimals worth showing of each column: the tick size for a price, three digits of its size for the others.

    The last row may still move and does not count.
    """

    def digits(values: FloatArray) -> int:
        finite = np.abs(values[:-1][np.isfinite(values[:-1])])
        size = float(np.median(finite)) if finite.size else 0.0
        return int(np.clip(2 - np.floor(np.log10(size)), 0, 10)) if size > 0 else 4

    spread = digits(series.spread_std)
    return {
        "y_price": series.y_decimals,
        "x_price": series.x_decimals,
        **dict.fromkeys(("spread_upper", "spread_lower", "spread_mean", "spread"), spread),
        **dict.fromkeys(("zscore", "long_entry", "short_entry", "exit"), 2),
        "hedge_ratio": max(4, digits(series.hedge_ratio)),
        "correlation": 3,
        "pvalue": 3,
        "half_life": 1,
        "y_volume": 3,
        "x_volume": 3,
    }


def is_known(values: FloatArray) -> bool:
    """Whether a column has a value that stays: an axis without any would count from 0 to 4 all the same."""
    return bool(np.isfinite(values[:-1]).any())


def pair_figure(series: PairSeries, *, dark: bool = False, max_points: int = MAX_POINTS, gap: int = _GAP) -> go.Figure:
    """One figure of six panels over a shared UTC axis.

    Prices; spread with bands; z-score with thresholds and signals; hedge ratio and correlation; rolling test and
    half-life; volumes.

    Parameters
    ----------
    series : the rows to draw; none is allowed.
    dark : colours for a dark page. Paper and plot are transparent; the font colour is the page's.
    max_points : a trace with more rows keeps the lowest and highest of each pixel's worth of rows.
    gap : pixels between panels, where their headings stand.
    """
    colours = DARK if dark else LIGHT
    columns = series_columns(series)
    data = []
    for trace in _traces(series, colours):
        thin = sparse if trace["mode"] == "markers" else thin_out
        x, y = thin(columns["time"], columns[trace["meta"]["y"]], max_points)
        data.append({"type": "scatter", "x": x, "y": y, **trace})
    tags = list(_last_value_tags(series, columns, colours))
    return go.Figure(data=data, layout={**_layout(series, colours, gap), "annotations": tags})


def _traces(series: PairSeries, colours: Palette) -> Iterator[dict[str, Any]]:
    """The traces without their numbers, in drawing order."""

    def line(column: str, name: str, axis: str, legend: str, colour: str, **more: Any) -> dict[str, Any]:
        style = {"color": colour, "width": 1.4, **more.pop("line", {})}
        mark = {"meta": {"x": "time", "y": column}, "mode": "lines", "xaxis": "x", "yaxis": axis, "legend": legend}
        return {**mark, "name": name, "line": style, "connectgaps": False, **more}

    def marker(column: str, name: str, symbol: str, colour: str) -> dict[str, Any]:
        style = {"symbol": symbol, "color": colour, "size": 10, "line": {"width": 1.5, "color": colour}}
        mark = line(column, name, "y4", "legend3", colour, hoverinfo="skip")
        return {**mark, "mode": "markers", "marker": style}

    y, x = series.y_symbol, series.x_symbol
    yield line("y_price", y, "y", "legend", colours.y_leg)
    yield line("x_price", x, "y2", "legend", colours.x_leg, line={"dash": "6px,2px"})
    band: dict[str, Any] = {"hoverinfo": "skip", "legendgroup": "band"}
    yield line("spread_upper", "upper band", "y3", "legend2", _GREY, line={"width": 1}, showlegend=False, **band)
    name = f"mean ± {series.entry_z:g} std"
    fill = {"fill": "tonexty", "fillcolor": _BAND_FILL}
    yield line("spread_lower", name, "y3", "legend2", _GREY, line={"width": 1}, **fill, **band)
    yield line("spread_mean", "mean", "y3", "legend2", _GREY, line={"dash": "dot"}, showlegend=False, **band)
    yield line("spread", "spread", "y3", "legend2", colours.spread)
    yield line("zscore", "z-score", "y4", "legend3", colours.spread)
    yield marker("long_entry", "long", "triangle-up", colours.y_leg)
    yield marker("short_entry", "short", "triangle-down", colours.x_leg)
    yield marker("exit", "exit", "circle-open", colours.neutral)
    yield line("hedge_ratio", "hedge ratio", "y5", "legend4", colours.neutral)
    yield line("correlation", "correlation →", "y8", "legend4", _GREY, line={"dash": "dot"})
    yield line("pvalue", f"Engle-Granger p, {series.tested_rows} bars", "y9", "legend5", colours.spread)
    yield line("half_life", "half-life, bars →", "y10", "legend5", colours.half_life, line={"dash": "6px,2px"})
    steps = {"line": {"shape": "vh", "width": 1}, "fill": "tozeroy"}
    yield line("y_volume", f"{y} volume", "y6", "legend6", colours.y_leg, fillcolor=colours.y_fill, **steps)
    yield line("x_volume", f"{x} volume", "y7", "legend6", colours.x_leg, fillcolor=colours.x_fill, **steps)


def _layout(series: PairSeries, colours: Palette, gap: int) -> dict[str, Any]:
    """Axes, legends and thresholds. A panel's legend is its heading, so it stays readable on a narrow screen."""
    top: dict[str, float] = {}
    bottom: dict[str, float] = {}
    whole = _plot_height(gap)
    edge = float(whole)
    for panel, height in _PANELS.items():
        top[panel], bottom[panel] = edge / whole, max(0.0, (edge - height) / whole)
        edge -= height + gap
    decimals = column_decimals(series)

    def axis(panel: str, column: str, title: str, colour: str | None, over: str | None = None) -> dict[str, Any]:
        text = {"font": {"color": colour}} if colour else {}
        right = {"side": "right", "overlaying": over, "showgrid": False, "tickmode": "auto"}
        shown = f",.{decimals[column]}f"
        return {
            **(right if over else {"side": "left"}),
            "domain": [bottom[panel], top[panel]],
            "title": {"text": title, "standoff": 6, **text},
            "tickfont": {"size": 11, "color": colour or colours.neutral},
            "hoverformat": shown,
            "tickformat": shown if column.endswith("_price") else "",
            "nticks": max(4, _PANELS[panel] // 40),
            "ticklabeloverflow": "allow",  # else every label is measured at every drawing: a fifth of its time
            "zeroline": False,
            "anchor": "x",
        }

    legends = {
        ("legend" if index == 0 else f"legend{index + 1}"): {
            "orientation": "h",
            "x": 0,
            "y": top[panel],
            "yanchor": "bottom",
            "font": {"size": 12, "color": colours.neutral},
            "bgcolor": "rgba(0,0,0,0)",
            "itemwidth": 30,
        }
        for index, panel in enumerate(_PANELS)
    }
    return {
        "height": whole + _MARGIN["t"] + _MARGIN["b"],
        "margin": _MARGIN,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "dragmode": "zoom",
        "uirevision": f"{series.y_symbol}/{series.x_symbol}",
        "meta": {
            "decimals": decimals,
            "dark": dict(zip(astuple(LIGHT), astuple(DARK), strict=True)),
            "description": f"{series.y_symbol} and {series.x_symbol}: prices, spread, z-score, hedge ratio, "
            "cointegration test with half-life, and volumes",
        },
        "xaxis": {
            "type": "date",
            "anchor": "y6",
            "title": {"text": "UTC", "standoff": 4},
            "tickfont": {"color": colours.neutral},
            "hoverformat": "%Y-%m-%d %H:%M:%S",
            "tickformatstops": [{"dtickrange": [None, 1000], "value": "%H:%M:%S.%L"}],
            "showspikes": True,
            "spikemode": "across",
            "spikesnap": "cursor",
            "spikethickness": 1,
            "spikedash": "dot",
            "spikecolor": _GREY,
        },
        "yaxis": axis("price", "y_price", series.y_symbol, colours.y_leg),
        "yaxis2": axis("price", "x_price", series.x_symbol, colours.x_leg, over="y"),
        "yaxis3": {
            **axis("spread", "spread", "", None),
            "exponentformat": "none",
            "showticklabels": is_known(series.spread),
        },
        "yaxis4": {
            **axis("zscore", "zscore", "std. deviations", None),
            "autorangeoptions": {"include": [-1.25 * series.entry_z, 1.25 * series.entry_z]},  # the triggers are seen
        },
        "yaxis5": {**axis("hedge", "hedge_ratio", "", None), "showticklabels": is_known(series.hedge_ratio)},
        "yaxis6": {**axis("volume", "y_volume", series.y_symbol, colours.y_leg), "rangemode": "tozero"},
        "yaxis7": {**axis("volume", "x_volume", series.x_symbol, colours.x_leg, over="y6"), "rangemode": "tozero"},
        "yaxis8": {**axis("hedge", "correlation", "", None, over="y5"), "range": [-1.05, 1.05]},
        "yaxis9": {
            **axis("stationarity", "pvalue", "", None),
            "range": [-0.03, 1.03],
            "tickvals": [0, 0.5, 1],
            "ticktext": ["0", "0.5", "1"],
        },
        "yaxis10": {
            **axis("stationarity", "half_life", "", colours.half_life, over="y9"),
            "rangemode": "tozero",
            "showticklabels": is_known(series.half_life),
        },
        "shapes": list(_thresholds(series)),
        **legends,
    }


def _thresholds(series: PairSeries) -> Iterator[dict[str, Any]]:
    """Lines at zero, entry, exit and the test's level, each named in words as well as told apart by its dash."""

    def level(value: float, label: str, dash: str, axis: str = "y4") -> dict[str, Any]:
        text = {"text": label, "textposition": "start", "yanchor": "bottom", "font": {"size": 10}, "padding": 1}
        place = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": axis, "y0": value, "y1": value}
        return {**place, "layer": "below", "line": {"color": _GREY, "width": 1, "dash": dash}, "label": text}

    yield level(0.0, "", "solid")
    yield level(series.entry_z, f"short entry +{series.entry_z:g}", "dash")
    yield level(-series.entry_z, f"long entry -{series.entry_z:g}", "dash")
    if series.exit_z > 0:
        yield level(series.exit_z, f"exit ±{series.exit_z:g}", "dot")
        yield level(-series.exit_z, "", "dot")
    yield level(SIGNIFICANT, f"{SIGNIFICANT:.0%} level", "dash", "y9")


def _last_value_tags(series: PairSeries, columns: Columns, colours: Palette) -> Iterator[dict[str, Any]]:
    """The newest value of a line, on the axis it belongs to."""
    decimals = column_decimals(series)
    places = [
        ("y_price", "y", 0, colours.y_leg),
        ("x_price", "y2", 1, colours.x_leg),
        ("spread", "y3", 1, colours.spread),
        ("zscore", "y4", 1, colours.spread),
        ("hedge_ratio", "y5", 0, colours.neutral),
        ("pvalue", "y9", 0, colours.spread),
        ("half_life", "y10", 1, colours.half_life),
    ]
    for column, axis, side, colour in places:
        values = columns[column]
        value = float(values[-1]) if values.size else np.nan
        known = bool(np.isfinite(value))
        yield {
            "name": f"last:{column}",
            "text": f"{value:,.{decimals[column]}f}" if known else "",
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
