"""The same strategy with other parameters: of any indicator below it, of its allocation, of itself or of its rules."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Final

from alphastream.errors import ParameterError
from alphastream.graph import Graph, Node, Series, Source, as_of
from alphastream.indicators import FunctionIndicator
from alphastream.indicators.function_signature import signature_of
from alphastream.strategies import PulseStrategy
from alphastream.strategies.pulse import unknown
from alphastream.study.handles import Indicator
from alphastream.trading import BrokerRules

RULES: Final = "rules"
_OWN: Final = ("rebalance",)


@dataclass(frozen=True, slots=True)
class Variant:
    """One combination: a strategy, its broker's rules, and the values that make it this one."""

    strategy: PulseStrategy
    rules: BrokerRules
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Axis:
    """A parameter of a node, of the strategy or of the rules, and the values to try."""

    of: Node | str
    name: str
    label: str
    values: tuple[Any, ...]


def variants(
    strategy: PulseStrategy, rules: BrokerRules, parameters: Mapping[Any, Mapping[str, Sequence[Any]]]
) -> tuple[tuple[str, ...], tuple[Variant, ...]]:
    """Names of the parameters, and every combination of their values, the last one changing fastest.

    Raises
    ------
    ParameterError
        A parameter that nothing has, no values, or something that the strategy does not read.
    """
    axes = _axes(strategy, rules, parameters)
    found = []
    for values in itertools.product(*(axis.values for axis in axes)):
        changes: dict[Node | str, dict[str, Any]] = {}
        for axis, value in zip(axes, values, strict=True):
            changes.setdefault(axis.of, {})[axis.name] = value
        found.append(Variant(_changed(strategy, changes), replace(rules, **changes.get(RULES, {})), values))
    return tuple(axis.label for axis in axes), tuple(found)


def _axes(
    strategy: PulseStrategy, rules: BrokerRules, parameters: Mapping[Any, Mapping[str, Sequence[Any]]]
) -> list[_Axis]:
    reads = strategy.series(strategy.spec).values()
    there = set(_below(reads))
    axes: list[_Axis] = []
    labels: set[str] = set()
    for key, grid in parameters.items():
        of = key.node if isinstance(key, Indicator) else key
        if isinstance(of, Node):
            if of not in there:
                raise ParameterError(
                    f"{of.estimator!r} is read by nothing in {strategy.name}: sweep what it is made of"
                )
            title, known = _title(of), _parameters(of.estimator)
        elif of == RULES or isinstance(of, BrokerRules):
            of, title, known = RULES, RULES, [item.name for item in fields(rules)]
        elif of == strategy or of == strategy.name or of is strategy.allocation:
            of, title, known = strategy.name, strategy.name, [*_OWN, *_parameters(strategy.allocation)]
        else:
            raise ParameterError(f'{key!r} has no parameters here: give an indicator, the strategy, or "{RULES}"')
        if not isinstance(grid, Mapping):
            raise ParameterError(f'{title} has {grid!r}: give {{"parameter": [values]}}')
        for name, values in grid.items():
            if name not in known:
                raise ParameterError(unknown(title, name, known, "choose one of them"))
            if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
                raise ParameterError(f"{title}.{name}={values!r}: give a list of values to try")
            label, number = f"{title}.{name}", 2
            while label in labels:
                label, number = f"{title} {number}.{name}", number + 1
            labels.add(label)
            axes.append(_Axis(of, name, label, tuple(values)))
    if not axes:
        raise ParameterError('there is nothing to sweep: give {indicator: {"window": [10, 20]}}')
    return axes


def _below(series: Any) -> list[Node]:
    """Every node that series are made of, those of longer bars included."""
    found = Graph()
    waiting = list(series)
    while waiting:
        each = waiting.pop()
        if each.held is not None:
            waiting.append(each.held)
        elif isinstance(each.of, Node) and each.of not in found:
            found.add(each.of)
            waiting += [part for node in found.nodes() for part in node.inputs]
    return found.nodes()


def _title(node: Node) -> str:
    estimator = node.estimator
    if isinstance(estimator, FunctionIndicator):
        return str(getattr(estimator.function, "__name__", type(estimator.function).__name__))
    return type(estimator).__name__


def _parameters(value: Any) -> list[str]:
    if isinstance(value, FunctionIndicator):
        given = dict(value.parameters)
        return [*given, *signature_of(value.function, given, value.name).defaults]
    return [item.name for item in fields(value) if item.init] if is_dataclass(value) else []


def _changed(strategy: PulseStrategy, changes: Mapping[Node | str, Mapping[str, Any]]) -> PulseStrategy:
    own = dict(changes.get(strategy.name, {}))
    kept = {name: own.pop(name) for name in _OWN if name in own}
    allocation = replace(strategy.allocation, **own) if own else strategy.allocation  # type: ignore[type-var]
    made: dict[Node, Node] = {}

    def series_of(series: Series) -> Series:
        if series.held is not None:
            assert isinstance(series.of, Source)
            return as_of(series_of(series.held), series.of)
        return series if isinstance(series.of, Source) else Series(node_of(series.of), series.column)

    def node_of(node: Node) -> Node:
        if node not in made:
            estimator, inputs = node.estimator, tuple(map(series_of, node.inputs))
            if new := changes.get(node):
                if isinstance(estimator, FunctionIndicator):
                    estimator = estimator.with_parameters(**new)
                else:
                    estimator = replace(estimator, **new)  # type: ignore[type-var]
            made[node] = Node(estimator, inputs)
        return made[node]

    return replace(
        strategy,
        pulse=series_of(strategy.pulse),
        allocation=allocation,
        reads=tuple((name, series_of(each)) for name, each in strategy.reads),
        hedge=None if strategy.hedge is None else series_of(strategy.hedge),
        **kept,
    )
