"""A pair and everything computed about it: what is asked for (``PairSpec``), as which series, and the answer.

The same functions serve the live engine, which feeds them new rows as they close, and the history page, which feeds
them everything at once (``analyse``).
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from alphastream.bars import PairRows
from alphastream.cointegration import LEAST_ROWS, newest_tested
from alphastream.cointegration import TEST_ROWS as TEST_ROWS  # these three are known by this place too
from alphastream.cointegration import Cointegration as Cointegration
from alphastream.cointegration import cointegration as cointegration
from alphastream.core.types import Floats
from alphastream.core.units import DAY
from alphastream.errors import ParameterError
from alphastream.estimators import (
    Difference,
    DiscountedRegression,
    FrozenHedge,
    ResidualHalfLife,
    RollingCorrelation,
    RollingEngleGranger,
    RollingHuber,
    RollingOLS,
    RollingTLS,
    Settled,
    ThresholdSignal,
    ZScore,
)
from alphastream.estimators.rolling.discounted_regression import SETTLING_WINDOWS
from alphastream.events import Tick
from alphastream.graph import Graph, Kind, Node, Price, Series, Source
from alphastream.heads import NO_HEAD, PairHead
from alphastream.monitoring import RelationMonitor

Columns = Mapping[str, NDArray[Any]]
Model = Literal["ols", "kalman", "huber", "tls", "frozen"]

MODELS: Final[dict[Model, str]] = {
    "ols": "OLS",
    "kalman": "Kalman (discounted)",
    "huber": "Huber",
    "tls": "TLS",
    "frozen": "Frozen OLS",
}
SETTLING: Final = "settling"  # the step in which a z-score is shown and not yet acted upon
ALARM_DAYS: Final = 20.0  # evidence that comes by chance once in so many days at most counts as shown
EVIDENCE_COLUMNS: Final = {
    "evidence_p": "pvalue",
    "detector": "detector",
    "ended": "ended",
    "relation": "relation",
    "evidence_rows": "rows_seen",
}
"""Columns of a pair that stay valid while one watches, and what ``RelationMonitor`` calls them."""


@dataclass(frozen=True, slots=True)
class PairSpec:
    """One request: which legs, which bars, which model.

    Parameters
    ----------
    y, x : the dependent leg and the leg that hedges it.
    interval_ns : length of a bar.
    model : how the hedge ratio is estimated; "kalman" is ``DiscountedRegression``, "frozen" is ``FrozenHedge``.
    window : bars an estimate looks back; of "kalman" its memory, of "frozen" the bars of a fit and those it is held.
    price : estimate on log prices or on prices.
    entry, exit : |z| at which a position opens and closes.
    """

    y: str
    x: str
    interval_ns: int = 10**9
    model: Model = "ols"
    window: int = 100
    price: Price = "log"
    entry: float = 2.0
    exit: float = 0.5

    def __post_init__(self) -> None:
        if self.y == self.x:
            raise ParameterError(f"both legs are {self.y}: a pair needs two different symbols")
        if self.model not in MODELS:
            raise ParameterError(f"model={self.model!r}: choose one of {', '.join(MODELS)}")
        if self.model == "frozen" and self.window < 3:
            raise ParameterError(f"window={self.window}: a line that is held is fitted on at least 3 bars")

    @property
    def source(self) -> Source:
        """The aligned bars of this pair."""
        return Source((self.y, self.x), self.interval_ns, self.price)

    @property
    def tested_rows(self) -> int:
        """Rows with trades of both legs that each row of the rolling test and of the rolling half-life looks back."""
        return max(self.window, LEAST_ROWS)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an estimator is from its first defined value, or from where its values no longer depend on its start."""

    what: str
    have: int
    needed: int

    @property
    def done(self) -> bool:
        """Whether it has all it needs."""
        return self.have >= self.needed


@dataclass(frozen=True, slots=True)
class Stamps:
    """When the ticks that an answer added were traded and received, and when it was computed: UTC ns.

    Parameters
    ----------
    first_ns, last_ns : receive times of the oldest and the newest tick added.
    traded_ns : the venue's time of the newest.
    """

    first_ns: int
    last_ns: int
    traded_ns: int
    computed_ns: int


@dataclass(frozen=True, slots=True)
class PairAnalytics:
    """The answer to a ``PairSpec``: immutable, numbered, shared by everybody who asked for it.

    Parameters
    ----------
    closed : one array a column, rows of closed bars: ``time_ns`` (bar ends), ``y``, ``x``, ``y_age_ns``,
        ``x_age_ns``, ``y_volume``, ``x_volume``, ``y_trades``, ``x_trades``, the series of ``series_of`` and, of every
        model, ``spread_mean`` and ``settled_zscore``. NaN where not yet defined.
    forming : the same columns for the bars that are not closed yet; provisional.
    calibration : the estimators on the way to a z-score to act upon, first things first.
    last_y, last_x : newest trade of each leg.
    computed : False while only prices are known because the models are still being compiled.
    stamps : None where no tick of either leg was added since the answer before.
    head : which rows rest on bars of before the tape, and how the fetching of those is.
    """

    spec: PairSpec
    version: int
    closed: Columns
    forming: Columns
    calibration: tuple[Progress, ...]
    cointegration: Cointegration
    last_y: Tick | None = None
    last_x: Tick | None = None
    computed: bool = True
    stamps: Stamps | None = None
    head: PairHead = NO_HEAD

    def column(self, name: str) -> NDArray[Any]:
        """Closed and forming rows of a column, oldest first."""
        return np.concatenate((self.closed[name], self.forming[name]))

    @property
    def calibrating(self) -> Progress | None:
        """The first step that still lacks observations, or None; in that of ``SETTLING`` the z-score is defined."""
        return next((step for step in self.calibration if not step.done), None)


def hedge_node(spec: PairSpec) -> Node:
    """The node that estimates the hedge ratio."""
    legs = (spec.source["x"], spec.source["y"])
    match spec.model:
        case "ols":
            return Node(RollingOLS(spec.window), legs)
        case "tls":
            return Node(RollingTLS(spec.window), legs)
        case "huber":
            return Node(RollingHuber(spec.window), legs)
        case "kalman":
            return Node(DiscountedRegression(spec.window), legs)
        case "frozen":
            return Node(FrozenHedge(spec.window), legs)


def alarm_rows(interval_ns: int) -> float:
    """Evidence, in rows, that comes up by chance on 5 % of days, or of longer bars, at most.

    These are the rows of ``ALARM_DAYS`` days, and as many rows where a bar is longer than a day.
    """
    return ALARM_DAYS * max(DAY / interval_ns, 1.0)


@lru_cache(maxsize=1024)
def series_of(spec: PairSpec) -> Mapping[str, Series]:
    """Column name to series for everything a pair page shows beside prices.

    Of rolling fits the z-score is that of the spread in its own window. Of the discounted regression the spread is the
    forecast error, and its z-score is that error over the deviation expected of it; while that still depends on where
    the rows began, ``settled_zscore`` is NaN, and the position waits. Of the frozen fit the z-score is the spread over
    the deviation of the residuals in training.

    ``pvalue`` and ``half_life`` belong to one ratio fixed over the newest ``spec.tested_rows`` rows in which both legs
    traded, whatever the model is: the residual of a ratio that moves looks stationary even where nothing is. Between
    such rows they keep their values. They say something about one look. ``evidence_p``, ``detector``, ``ended`` and
    ``relation`` stay valid at every look (``RelationMonitor``); they count from the first row that was computed,
    ``evidence_rows`` rows in which both legs traded.
    """
    hedge = hedge_node(spec)
    both = (spec.source["x_both"], spec.source["y_both"])
    returns = tuple(Node(Difference(), (spec.source[leg],))["change"] for leg in ("x", "y"))
    series = {
        "hedge_ratio": hedge["hedge_ratio"],
        "intercept": hedge["intercept"],
        "forecast_error": hedge["spread" if spec.model == "frozen" else "forecast_error"],
        "correlation": Node(RollingCorrelation(spec.window), returns)["correlation"],
    }
    match spec.model:
        case "kalman":
            settled = Node(Settled(SETTLING_WINDOWS * spec.window), (hedge["zscore"],))
            series |= {"spread": hedge["forecast_error"], "spread_std": hedge["innovation_std"]}
            series |= {"zscore": hedge["zscore"], "settled_zscore": settled["value"]}
        case "frozen":
            series |= {"spread": hedge["spread"], "spread_std": hedge["std"], "zscore": hedge["zscore"]}
        case _:
            score = Node(ZScore(spec.window), (hedge["spread"],))
            series |= {"spread": hedge["spread"], "spread_mean": score["mean"], "spread_std": score["std"]}
            series["zscore"] = score["zscore"]
    series["pvalue"] = Node(RollingEngleGranger(spec.tested_rows, rescaled=True, keeps_last=True), both)["pvalue"]
    series["half_life"] = Node(ResidualHalfLife(spec.tested_rows, corrected=True, keeps_last=True), both)["half_life"]
    monitor = Node(RelationMonitor(alarm_rows(spec.interval_ns)), both)
    series |= {name: monitor[column] for name, column in EVIDENCE_COLUMNS.items()}
    traded = series.get("settled_zscore", series["zscore"])
    series["position"] = Node(ThresholdSignal(spec.entry, spec.exit), (traded,))["position"]
    return series


def traded_zscore(spec: PairSpec) -> Series:
    """The z-score that positions follow: NaN also where it is defined but not settled."""
    series = series_of(spec)
    return series.get("settled_zscore", series["zscore"])


@lru_cache(maxsize=1024)
def nodes_of(spec: PairSpec) -> tuple[Node, ...]:
    """The nodes that ``series_of`` reads, each once."""
    return tuple(dict.fromkeys(series.of for series in series_of(spec).values() if isinstance(series.of, Node)))


def source_columns(rows: PairRows, price: Kind, names: Container[str] | None = None) -> dict[str, Floats]:
    """What a ``Source`` of this pair holds, (T,) each.

    ``y`` and ``x`` are the legs as log prices or as prices. ``y_both`` and ``x_both`` are the same where both legs
    traded in the bar and NaN elsewhere: for estimators that an old price would mislead. ``time_ns`` are the bars' ends.
    ``y_price`` and ``x_price`` are prices whatever ``price`` is, ``*_buy_volume`` and ``*_sell_volume`` what takers
    bought and sold of each leg in the bar, NaN where nobody knows: for the measures of ``alphastream.microstructure``.

    Parameters
    ----------
    names : which of them, None for all.
    """
    y, x = (np.log(rows.y), np.log(rows.x)) if price == "log" else (rows.y, rows.x)
    columns: dict[str, Callable[[], Floats]] = {
        "y": lambda: y,
        "x": lambda: x,
        "y_both": lambda: np.where(rows.both_traded, y, np.nan),
        "x_both": lambda: np.where(rows.both_traded, x, np.nan),
        "time_ns": lambda: rows.end_ns.astype(np.float64),
        "y_price": lambda: rows.y,
        "x_price": lambda: rows.x,
        "y_buy_volume": lambda: rows.y_buy_volume,
        "x_buy_volume": lambda: rows.x_buy_volume,
        "y_sell_volume": lambda: rows.y_volume - rows.y_buy_volume,
        "x_sell_volume": lambda: rows.x_volume - rows.x_buy_volume,
    }
    return {name: column() for name, column in columns.items() if names is None or name in names}


def tested_prices(answer: PairAnalytics) -> tuple[Floats, Floats]:
    """y and x of the closed bars that ``answer.cointegration`` is about, as the model saw them."""
    tested = newest_tested(answer.closed["y_trades"], answer.closed["x_trades"])
    y, x = source_prices(answer)
    return y[tested], x[tested]


def source_prices(answer: PairAnalytics) -> tuple[Floats, Floats]:
    """y and x of the closed bars as the model saw them: log prices or prices."""
    y, x = answer.closed["y"], answer.closed["x"]
    return (np.log(y), np.log(x)) if answer.spec.price == "log" else (y, x)


def pair_columns(spec: PairSpec, rows: PairRows, outputs: Mapping[Node, Any]) -> dict[str, NDArray[Any]]:
    """Prices and series side by side, (T,) each; series are NaN where their node has no outputs yet."""
    values = {}
    for name, series in series_of(spec).items():
        assert isinstance(series.of, Node)
        values[name] = (
            getattr(outputs[series.of], series.column) if series.of in outputs else np.full(len(rows), np.nan)
        )
    return beside_prices(rows, values)


def beside_prices(rows: PairRows, values: Mapping[str, Floats]) -> dict[str, NDArray[Any]]:
    """Prices beside the values of all series of ``series_of``, and the columns that some models have no series for."""
    columns: dict[str, NDArray[Any]] = {
        "time_ns": rows.end_ns,
        "y": rows.y,
        "x": rows.x,
        "y_age_ns": rows.y_age_ns,
        "x_age_ns": rows.x_age_ns,
        "y_volume": rows.y_volume,
        "x_volume": rows.x_volume,
        "y_trades": rows.y_trades,
        "x_trades": rows.x_trades,
        **values,
    }
    columns.setdefault("settled_zscore", columns["zscore"])
    columns.setdefault("spread_mean", columns["spread_std"] * 0.0)  # out of sample a spread is expected to be 0
    return columns


def calibration(spec: PairSpec, graph: Graph) -> tuple[Progress, ...]:
    """Progress of the estimators that lead to the z-score, and of its settling where it has to."""
    series = series_of(spec)
    steps = [("hedge ratio", series["hedge_ratio"].of), ("z-score", series["zscore"].of)]
    steps += [(SETTLING, series["settled_zscore"].of)] if "settled_zscore" in series else []
    seen: dict[Node, Progress] = {}
    for what, node in steps:
        assert isinstance(node, Node)
        seen.setdefault(node, Progress(what, *graph.progress(node)))
    return tuple(seen.values())


def rows_needed(spec: PairSpec) -> int:
    """Rows with trades of both legs after which every estimate of a pair is defined, and settled where it has to be."""
    windows = SETTLING_WINDOWS + 1 if spec.model == "kalman" else 1 if spec.model == "frozen" else 2
    return max(windows * spec.window, spec.tested_rows) + 10


def not_computed(spec: PairSpec, rows: int) -> tuple[Progress, ...]:
    """Progress while the models are being compiled: the rows are there, nothing has looked at them."""
    return (Progress("hedge ratio", min(rows, spec.window - 1), spec.window),)


def analyse(rows: PairRows, spec: PairSpec) -> PairAnalytics:
    """Everything about a pair whose rows are all known."""
    graph = Graph(nodes_of(spec))
    columns = source_columns(rows, spec.price)
    outputs = graph.run(spec.source, columns)
    closed = pair_columns(spec, rows, outputs)
    return PairAnalytics(
        spec=spec,
        version=1,
        closed=closed,
        forming={name: values[:0] for name, values in closed.items()},
        calibration=calibration(spec, graph),
        cointegration=cointegration(rows, spec.price),
    )
