"""A basket and everything computed about it: what is asked for (``BasketSpec``), as which series, and the answer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from alphastream.bar_rows import BarRows, BarsSpec, bar_columns, column_of
from alphastream.core.types import Floats
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.estimators import (
    BasketHedge,
    BasketMethod,
    BasketValue,
    ThresholdSignal,
    basket_wild,
    half_life,
    johansen,
)
from alphastream.graph import Graph, Node, Series, Source

Columns = Mapping[str, NDArray[Any]]
FEWEST_LEGS: Final = 3
MOST_LEGS: Final = 10
TEST_ROWS: Final = 500  # newest rows in which all legs traded, that tests look at
LEAST_ROWS: Final = 250


@dataclass(frozen=True, slots=True)
class BasketSpec:
    """One request: which legs, which bars, which weights.

    A long spread holds the weights: one of the first leg, w_2 of the second, and so on. With ``price`` "price" weights
    are units, with "log" they are notionals, each over that of the first leg.

    Parameters
    ----------
    symbols : 3 to 10 legs, the first leg first: its weight is 1.
    interval_ns : length of a bar.
    method : how weights are found, as in ``BasketHedge``.
    window : rows of a fit.
    price : combine log prices or prices.
    entry, exit : |z| at which a position opens and closes.
    hold : rows that a fit serves; None for as many as it was fitted on, 1 for a fit on every row.
    weights, kept, components : of the methods "fixed", "sparse" and "pca".

    Examples
    --------
    >>> spec = BasketSpec(("EWA", "EWC", "IGE"), 86_400 * 10**9, "johansen", 250, "price")
    >>> spec.name
    'EWA+EWC+IGE'
    """

    symbols: tuple[str, ...]
    interval_ns: int = 10**9
    method: BasketMethod = "ols"
    window: int = 250
    price: Literal["log", "price"] = "log"
    entry: float = 2.0
    exit: float = 0.5
    hold: int | None = None
    weights: tuple[float, ...] = ()
    kept: int | None = None
    components: int | None = None

    def __post_init__(self) -> None:
        if not FEWEST_LEGS <= len(self.symbols) <= MOST_LEGS:
            raise ParameterError(f"{len(self.symbols)} legs: a basket has {FEWEST_LEGS} to {MOST_LEGS}; of two, a pair")
        if self.price not in ("log", "price"):
            raise ParameterError(f"price is {self.price!r}: choose 'log' or 'price'")
        self.bars  # noqa: B018 complains about symbols that are there twice
        self.hedge()

    @property
    def bars(self) -> BarsSpec:
        """The bars it reads."""
        return BarsSpec(self.symbols, self.interval_ns)

    @property
    def source(self) -> Source:
        """The aligned bars of the legs."""
        return self.bars.source

    @property
    def name(self) -> str:
        """The legs with a plus between them."""
        return "+".join(self.symbols)

    @property
    def log(self) -> bool:
        """Whether weights are notionals, of log prices."""
        return self.price == "log"

    def hedge(self) -> BasketHedge:
        """The estimator of the weights."""
        return BasketHedge(
            len(self.symbols),
            self.window,
            self.hold,
            self.method,
            self.weights,
            self.kept,
            self.components,
            self.log,
        )

    @property
    def weight_columns(self) -> tuple[str, ...]:
        """``w_1`` to ``w_N``."""
        return tuple(f"w_{leg}" for leg in range(1, len(self.symbols) + 1))

    def units(self, weights: tuple[float, ...], prices: list[float]) -> tuple[float, ...]:
        """Units of each leg against one unit of the first, for weights at these prices."""
        if not self.log:
            return weights
        return tuple(weight * prices[0] / price for weight, price in zip(weights, prices, strict=True))


def leg_series(spec: BasketSpec) -> tuple[Series, ...]:
    """Closes of the legs."""
    return tuple(spec.source[column_of(spec.symbols, symbol, "close")] for symbol in spec.symbols)


@lru_cache(maxsize=1024)
def basket_series(spec: BasketSpec) -> Mapping[str, Series]:
    """Column name to series for everything about a basket beside prices.

    ``spread``, ``intercept``, ``spread_std``, ``zscore``, ``change`` and ``w_1`` to ``w_N`` are those of
    ``BasketHedge``, out of sample; ``position`` is the direction that entry and exit lead to.
    """
    node = Node(spec.hedge(), leg_series(spec))
    series = {name: node[name] for name in ("spread", "intercept", "zscore", "change", *spec.weight_columns)}
    series["spread_std"] = node["std"]
    series["position"] = Node(ThresholdSignal(spec.entry, spec.exit), (node["zscore"],))["position"]
    return series


def value_series(spec: BasketSpec) -> Series:
    """The basket's value with weights that are given, else its spread: what an average may be taken of."""
    if spec.method == "fixed":
        return Node(BasketValue(spec.weights, spec.log), leg_series(spec))["value"]
    return basket_series(spec)["spread"]


@dataclass(frozen=True, slots=True)
class BasketEvidence:
    """Whether the legs are cointegrated on the newest closed rows in which all traded, or why nobody can know.

    It is about the legs, with one set of weights that is fixed over these rows, whatever the method is: the spread of
    weights that were fitted again and again looks stationary even where nothing is.

    Parameters
    ----------
    rows : tested, or those there are.
    pvalue, statistic : of ``basket_wild``, the first leg on the others.
    half_life_bars : of the residual of that fit, in tested rows; in sample, and too short where it is long.
    trace, trace_critical : Johansen's statistic against no combination at all, and its value at 95 %, for one variance
        in all rows.
    refusal : what was seen and what is needed; None where there is a result.
    """

    rows: int
    pvalue: float = math.nan
    statistic: float = math.nan
    half_life_bars: float = math.nan
    trace: float = math.nan
    trace_critical: float = math.nan
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class BasketAnalytics:
    """The answer to a ``BasketSpec``.

    Parameters
    ----------
    closed : one array a column, (T,): ``time_ns``, ``price_1`` to ``price_N``, ``trades_1`` to ``trades_N``, and the
        series of ``basket_series``.
    have, needed : rows that the weights have and need.
    """

    spec: BasketSpec
    closed: Columns
    evidence: BasketEvidence
    have: int
    needed: int


def evidence(rows: BarRows, spec: BasketSpec) -> BasketEvidence:
    """Test the legs of a basket for cointegration; a refusal in words where that cannot be, nothing is raised."""
    tested = np.flatnonzero((rows.trades != 0).all(axis=1))[-TEST_ROWS:]
    if tested.size < LEAST_ROWS:
        return BasketEvidence(tested.size, refusal=f"{tested.size} of {LEAST_ROWS} bars in which all legs traded")
    prices = rows.close[tested]
    levels = np.log(prices) if spec.log else prices
    try:
        test, combined = basket_wild(levels), johansen(levels)
        slopes = np.linalg.lstsq(np.column_stack([levels[:, 1:], np.ones(len(levels))]), levels[:, 0], rcond=None)[0]
        residual = levels[:, 0] - levels[:, 1:] @ slopes[:-1] - slopes[-1]
        speed = half_life(residual)
    except AlphaStreamError as error:
        return BasketEvidence(tested.size, refusal=str(error))
    return BasketEvidence(
        tested.size,
        test.pvalue,
        test.statistic,
        speed.half_life,
        float(combined.trace[0]),
        float(combined.trace_critical_values[0, 1]),
    )


def basket_columns(rows: BarRows, spec: BasketSpec) -> tuple[Columns, tuple[int, int]]:
    """``closed`` of an answer, and the rows that its weights have and need.

    Raises
    ------
    ParameterError
        When the rows are of other symbols.
    """
    if rows.symbols != spec.symbols:
        raise ParameterError(f"rows are of {', '.join(rows.symbols)}: the basket is of {', '.join(spec.symbols)}")
    series = basket_series(spec)
    graph = Graph(dict.fromkeys(each.of for each in series.values() if isinstance(each.of, Node)))
    outputs = graph.run(spec.source, bar_columns(rows))
    closed: dict[str, Floats | NDArray[Any]] = {"time_ns": rows.end_ns}
    closed |= {f"price_{leg + 1}": rows.close[:, leg] for leg in range(len(spec.symbols))}
    closed |= {f"trades_{leg + 1}": rows.trades[:, leg] for leg in range(len(spec.symbols))}
    for name, each in series.items():
        assert isinstance(each.of, Node)
        closed[name] = getattr(outputs[each.of], each.column)
    weights = series["w_1"].of
    assert isinstance(weights, Node)
    return closed, graph.progress(weights)


def analyse_basket(rows: BarRows, spec: BasketSpec) -> BasketAnalytics:
    """Everything about a basket whose rows are all known.

    Raises
    ------
    ParameterError
        When the rows are of other symbols.
    """
    closed, (have, needed) = basket_columns(rows, spec)
    return BasketAnalytics(spec, closed, evidence(rows, spec), have, needed)
