"""What ``add_indicator`` gives back, and what it takes: nodes of the graph by their parts."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.graph import Node, Series, Source, as_of
from alphastream.indicators import FunctionIndicator
from alphastream.strategies.pulse import unknown
from alphastream.study.data import Data, Instrument


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator over its inputs: equal to another with the same estimator, parameters and inputs in order.

    As an input or a pulse it stands for its first column; ``indicator["signal"]`` is another one.
    """

    node: Node

    def __getitem__(self, column: str) -> Series:
        known = columns_of(self.node)
        if known and column not in known:
            raise ParameterError(unknown(repr(self.node.estimator), column, known, "choose one of them"))
        return self.node[column]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns."""
        return columns_of(self.node)

    @property
    def series(self) -> Series:
        """The column that is meant where none is named."""
        return series_of(self)

    @property
    def name(self) -> str:
        """Estimator, parameters and inputs."""
        return self.node.name


def columns_of(node: Node) -> tuple[str, ...]:
    """Names of a node's columns; of a function what it says when asked, () where it fails then."""
    kind = getattr(node.estimator, "row_type", None)
    if kind is not None:
        return tuple(kind.__match_args__)
    try:
        rows, _ = node.estimator.run(*[np.empty(0)] * len(node.inputs))
    except (AlphaStreamError, ArithmeticError, LookupError, TypeError, ValueError):
        return ()  # it says so with real rows, when it runs
    return tuple(getattr(type(rows), "__match_args__", ())) or tuple(vars(rows))


def series_of(value: Any) -> Series:
    """A series, or the one that an indicator or a node stands for.

    Raises
    ------
    ParameterError
        Data without a column, or something else.
    """
    if isinstance(value, Series):
        return value
    node = value.node if isinstance(value, Indicator) else value
    if isinstance(node, Node):
        output = getattr(node.estimator, "output", None) or next(iter(columns_of(node)), None)
        if output is None:
            raise ParameterError(f"{node.estimator!r} does not say which column is meant: name one, indicator['…']")
        return node[output]
    if isinstance(value, Data | Instrument | Source):
        raise ParameterError('data is many columns: choose one, such as data["close"]')
    raise ParameterError(f"an input is a {type(value).__name__}: give a column of data or an indicator")


def on_one_source(values: tuple[Any, ...]) -> tuple[Series, ...]:
    """Series on the rows of the shortest bars among them, longer ones as of their newest closed bar."""
    found = [series_of(value) for value in values]
    finest = min(found, key=lambda series: series.source.interval_ns).source
    return tuple(as_of(series, finest) for series in found)


def node_of(indicator: Any, inputs: tuple[Any, ...], look_back: int | None, parameters: dict[str, Any]) -> Node:
    """A node of an estimator, a class of one, or a plain function of arrays.

    Raises
    ------
    ParameterError
        Another number of inputs than it takes, or parameters that do not fit.
    """
    if not inputs:
        raise ParameterError("an indicator needs inputs: give columns of data or other indicators")
    if isinstance(indicator, type) and hasattr(indicator, "run"):
        indicator, parameters = _made(indicator, parameters), {}
    if hasattr(indicator, "run") and hasattr(indicator, "progress"):
        if parameters or look_back is not None:
            raise ParameterError(
                f"{indicator!r} has its parameters already: give none beside it, or the class and all parameters"
            )
        estimator = indicator
    else:
        estimator = FunctionIndicator.of(indicator, look_back=look_back, **parameters)
    wanted = tuple(getattr(estimator, "inputs", ()))
    if wanted and len(wanted) != len(inputs):
        raise ParameterError(
            f"{estimator!r} takes {len(wanted)} inputs ({', '.join(wanted)}), got {len(inputs)}: give them in order"
        )
    return Node(estimator, on_one_source(inputs))


def _made(kind: Any, parameters: dict[str, Any]) -> Any:
    known = list(getattr(kind, "__dataclass_fields__", ()))
    for name in parameters:
        if name not in known:
            raise ParameterError(unknown(kind.__name__, name, known, "choose one of them"))
    return kind(**parameters)
