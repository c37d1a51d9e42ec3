"""Rows of a pair as charts draw them: the columns, where they come from, and how many decimals each shows.

No Streamlit, no clock, no network.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from alphastream.bars import Bars
from alphastream.errors import ParameterError
from alphastream.feeds import Instrument
from alphastream.pairs import PairAnalytics, PairSpec
from views.shared.chart_columns import OHLC, Candles, base_prices, candles_at, first_price
from views.shared.chart_options import ChartOptions, Panel
from views.shared.head_words import figure_note
from views.shared.instruments import labels
from views.shared.waiting import waiting_words

FloatArray = npt.NDArray[np.float64]
Columns = dict[str, npt.NDArray[Any]]

NONE: Final = np.empty(0)

SIGNIFICANT: Final = 0.05
"""p-value below which a page speaks of cointegration."""

AS_USUAL: Final = ChartOptions()
_COLUMNS: Final[Mapping[Panel, tuple[str, ...]]] = {
    "price": ("y_price", "x_price"),
    "ratio": ("ratio",),
    "spread": ("spread_upper", "spread_lower", "spread_mean", "spread"),
    "zscore": ("zscore", "long_entry", "short_entry", "exit"),
    "hedge": ("hedge_ratio", "correlation"),
    "stationarity": ("pvalue", "evidence_p", "half_life"),
    "volume": ("y_volume", "x_volume"),
}
_DECISIVE: Final[Mapping[Panel, tuple[str, ...]]] = {
    "price": ("y_price", "x_price"),
    "ratio": ("ratio",),
    "spread": ("spread",),
    "zscore": ("zscore",),
    "hedge": ("hedge_ratio",),
    "stationarity": ("pvalue", "evidence_p"),
}
"""Columns without any of which a panel has nothing to show."""


@dataclass(frozen=True, slots=True)
class PairSeries:
    """What an engine snapshot knows about one pair, row by row.

    Every array has shape (T,), oldest row first. NaN means undefined: a window that is not full yet, a bar without a
    trade. The last row may belong to the bar that is still forming.

    Parameters
    ----------
    y_symbol, x_symbol : the dependent leg and its hedge, as they are printed.
    time_ns : int64 UTC ns, the bar ends, strictly increasing.
    y_price, x_price : last trade of each leg at or before the bar end, quote units.
    spread, spread_mean, spread_std : spread and its rolling mean and standard deviation.
    zscore : standard deviations of the spread from its mean.
    hedge_ratio : units of x for one unit of y.
    correlation : of the two legs, −1 to 1.
    pvalue : of the Engle-Granger test of one ratio fixed over the rows before, 0 to 1.
    evidence_p : p-value since the first row, valid however often one looks, 0 to 1.
    half_life : of that test's residual, in bars; ``inf`` where nothing pulls it back.
    y_volume, x_volume : base units traded in the bar.
    position : −1 short the spread, 0 flat, 1 long, at the bar end; NaN counts as flat.
    entry_z, exit_z : |z| that opens a position and that closes it.
    tested_rows : rows that ``pvalue`` and ``half_life`` look back.
    y_decimals, x_decimals : decimals of each leg's tick size.
    candles : the bars of a leg, where they are drawn.
    bases : prices of y and x that count as 100; None: those of the first row.
    waiting : why a panel is empty, where it may be.
    note : what prices and z-score rest on, where that is not what happened.
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
    evidence_p: FloatArray
    half_life: FloatArray
    y_volume: FloatArray
    x_volume: FloatArray
    position: npt.NDArray[Any]
    entry_z: float
    exit_z: float
    tested_rows: int
    y_decimals: int
    x_decimals: int
    candles: Candles | None = None
    bases: tuple[float, float] | None = None
    waiting: Mapping[Panel, str] = field(default_factory=dict)
    note: str = ""

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
        return replace(self, **newest, candles=self.candles and self.candles.last(rows))


def pair_series(
    answer: PairAnalytics | None,
    spec: PairSpec,
    instruments: Mapping[str, Instrument],
    newest: int | None = None,
    *,
    venue: str = "",
    options: ChartOptions = AS_USUAL,
    bars: tuple[Bars, int] | None = None,
) -> PairSeries:
    """The newest rows of an answer, forming ones last; no rows while there is no answer.

    Parameters
    ----------
    instruments : tick sizes, where the venue publishes them; else the prices themselves show their decimals.
    venue : whose symbols are printed bare.
    bars : of the leg that is drawn as candles, and their length in ns.
    """

    def column(name: str) -> NDArray[Any]:
        if answer is None:
            return NONE
        values = answer.column(name)
        return values if newest is None else values[-newest:]

    y, x = column("y"), column("x")
    names = labels((spec.y, spec.x), venue)
    times = column("time_ns").astype(np.int64)
    candles = bases = None
    if answer is not None and options.candles and bars is not None:
        candles = candles_at(times, len(times) - len(answer.forming["time_ns"]), *bars)
    if answer is not None and options.from_100 and options.since_ns is not None:
        bases = base_prices(answer, options.since_ns)
    return PairSeries(
        y_symbol=names[spec.y],
        x_symbol=names[spec.x],
        time_ns=times,
        y_price=y,
        x_price=x,
        spread=column("spread"),
        spread_mean=column("spread_mean"),
        spread_std=column("spread_std"),
        zscore=column("zscore"),
        hedge_ratio=column("hedge_ratio"),
        correlation=column("correlation"),
        pvalue=column("pvalue"),
        evidence_p=column("evidence_p"),
        half_life=column("half_life"),
        y_volume=column("y_volume"),
        x_volume=column("x_volume"),
        position=column("position"),
        entry_z=spec.entry,
        exit_z=spec.exit,
        tested_rows=spec.tested_rows,
        y_decimals=price_decimals(spec.y, y, instruments),
        x_decimals=price_decimals(spec.x, x, instruments),
        candles=candles,
        bases=bases,
        waiting=waiting_words(answer, spec),
        note=figure_note(answer),
    )


def price_decimals(symbol: str, prices: NDArray[np.float64], instruments: Mapping[str, Instrument]) -> int:
    """Decimals of a leg's tick size, or as many as its newest prices use, of nine digits that say something at most.

    Prices that were computed, as adjusted ones or the middle of bid and ask, have sixteen digits.
    """
    if symbol in instruments:
        return instruments[symbol].price_decimals
    newest = [price for price in prices[-50:].tolist() if np.isfinite(price)]
    exponents = [Decimal(_as_written(price)).as_tuple().exponent for price in newest]
    return max((min(max(-int(exponent), 1), 10) for exponent in exponents), default=2)


def _as_written(price: float) -> str:
    """Digits of a price; of one that went through four bytes, written with six decimals or not, those it had before.

    >>> _as_written(179.309998), _as_written(179.30999755859375), _as_written(179.309), _as_written(61692.123456)
    ('179.31', '179.31', '179.309', '61692.1235')
    """
    text, short = f"{price:.9g}", np.float32(price)
    wide = float(short)
    went_through_four_bytes = len(text.partition(".")[2]) > 3 and (
        math.isclose(wide, price, rel_tol=1e-15) or round(wide, 6) == price
    )
    return str(short) if went_through_four_bytes else text


def series_columns(series: PairSeries, options: ChartOptions = AS_USUAL) -> Columns:
    """Every column the pair figure draws, by the name its trace carries in ``meta["y"]``; none of a hidden panel.

    Returns
    -------
    dict
        ``time`` as datetime64[ms] in UTC, all others float64, each of shape (T,). ``long_entry``, ``short_entry`` and
        ``exit`` hold the z-score at rows where the position changed and NaN elsewhere; whether it changed at the
        first row nobody knows, so nothing is marked there. A ``half_life`` longer than the window it was measured in
        is NaN: the window cannot tell it from none. Candles are ``open``, ``high``, ``low`` and ``close``.
    """
    columns: Columns = {"time": series.time_ns.astype("datetime64[ns]").astype("datetime64[ms]")}
    for panel in options.panels:
        made = _MADE[panel](series, options) if panel in _MADE else {}
        columns |= {name: made[name] if name in made else getattr(series, name) for name in _COLUMNS[panel]}
        columns |= {name: values for name, values in made.items() if name not in columns}
    return columns


def _prices(series: PairSeries, options: ChartOptions) -> Columns:
    """Prices as they were, or in percent of those that count as 100."""
    y, x = (first_price(series.y_price), first_price(series.x_price)) if series.bases is None else series.bases
    y_unit, x_unit = (100.0 / y, 100.0 / x) if options.from_100 else (1.0, 1.0)
    columns: Columns = {"y_price": series.y_price * y_unit, "x_price": series.x_price * x_unit}
    if series.candles is not None and options.candles:
        unit = y_unit if options.candles == "y" else x_unit
        columns |= {name: getattr(series.candles, name) * unit for name in OHLC}
        columns["forming"] = series.candles.forming
    return columns


def _ratio(series: PairSeries, _: ChartOptions) -> Columns:
    return {
        "ratio": np.divide(series.y_price, series.x_price, out=np.full(len(series), np.nan), where=series.x_price != 0)
    }


def _bands(series: PairSeries, _: ChartOptions) -> Columns:
    width = series.entry_z * series.spread_std
    return {"spread_upper": series.spread_mean + width, "spread_lower": series.spread_mean - width}


def _marks(series: PairSeries, _: ChartOptions) -> Columns:
    position = np.nan_to_num(np.asarray(series.position, dtype=np.float64))
    changed = position != np.concatenate([position[:1], position[:-1]])
    height = np.nan_to_num(series.zscore, nan=0.0)
    sides = {"long_entry": 1, "short_entry": -1, "exit": 0}
    return {name: np.where(changed & (position == side), height, np.nan) for name, side in sides.items()}


def _half_life(series: PairSeries, _: ChartOptions) -> Columns:
    return {"half_life": np.where(series.half_life <= series.tested_rows, series.half_life, np.nan)}


_MADE: Final = {"price": _prices, "ratio": _ratio, "spread": _bands, "zscore": _marks, "stationarity": _half_life}


def column_decimals(series: PairSeries, options: ChartOptions = AS_USUAL) -> dict[str, int]:
    """Decimals worth showing of each column: the tick size for a price, three digits of its size for the others.

    The last row may still move and does not count.
    """

    def digits(values: FloatArray, significant: int = 3) -> int:
        finite = np.abs(values[:-1][np.isfinite(values[:-1])])
        size = float(np.median(finite)) if finite.size else 0.0
        return int(np.clip(significant - 1 - np.floor(np.log10(size)), 0, 10)) if size > 0 else 4

    spread = digits(series.spread_std)
    prices = (3, 3) if options.from_100 else (series.y_decimals, series.x_decimals)
    candles = prices[options.candles == "x"]
    known = {
        "y_price": prices[0],
        "x_price": prices[1],
        **dict.fromkeys(OHLC, candles),
        "forming": 0,
        **dict.fromkeys(_COLUMNS["spread"], spread),
        **dict.fromkeys(_COLUMNS["zscore"], 2),
        "hedge_ratio": max(4, digits(series.hedge_ratio)),
        "correlation": 3,
        "pvalue": 4,
        "evidence_p": 4,
        "half_life": 1,
        "y_volume": 3,
        "x_volume": 3,
    }
    if "ratio" in options.panels:
        known["ratio"] = digits(_ratio(series, options)["ratio"], 6)
    return known


def empty_panels(series: PairSeries, columns: Columns, options: ChartOptions) -> dict[Panel, str]:
    """Panels with nothing to show, and why."""
    empty: dict[Panel, str] = {}
    for panel in options.panels:
        if panel == "volume":
            nothing = not any(np.nan_to_num(columns[name]).any() for name in _COLUMNS[panel])
        else:
            nothing = not any(is_known(columns[name]) for name in _DECISIVE[panel])
        if nothing:
            empty[panel] = series.waiting.get(panel, "No values")
    return empty


def is_known(values: FloatArray) -> bool:
    """Whether a column has a value that stays: an axis without any would count from 0 to 4 all the same."""
    return bool(np.isfinite(values[:-1]).any())
