"""A strategy, its broker's rules and its capital as plain data and back, so that a run can be written down."""

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from types import FunctionType
from typing import Any, Final

import numpy as np

from alphastream.backtest.functions import (
    FUNCTION,
    INDICATOR,
    function_at,
    made_indicator,
    plain_function,
    plain_indicator,
)
from alphastream.bar_rows import BarsSpec, column_of
from alphastream.baskets import BasketSpec
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.estimators import ESTIMATORS
from alphastream.graph import Node, Series, Source, as_of
from alphastream.indicators import INDICATORS, FunctionIndicator
from alphastream.pairs import PairSpec
from alphastream.portfolio import PositionConfig, SlidingWindow
from alphastream.registry import Kind, Registered, extends, registered, registered_as
from alphastream.strategies import (
    AtrRisk,
    BasketLinear,
    BasketThreshold,
    BetaNeutral,
    EquityShare,
    FixedNotional,
    InnovationThreshold,
    PositionOptimiser,
    PulseStrategy,
    Strategy,
    ThresholdRule,
    Units,
    VolatilityTarget,
    ZScoreThreshold,
)
from alphastream.trading.broker.costs import (
    BrokerRules,
    Contract,
    Fees,
    FixedFunding,
    FixedLatency,
    PowerImpact,
    RecordedFunding,
    VenueFunding,
)
from alphastream.trading.broker.margin import Margin

KINDS: Final[dict[str, Any]] = {
    kind.__name__: kind
    for kind in (
        *ESTIMATORS.values(),
        *INDICATORS.values(),
        AtrRisk,
        BarsSpec,
        BasketLinear,
        BasketSpec,
        BasketThreshold,
        BetaNeutral,
        BrokerRules,
        Contract,
        EquityShare,
        Fees,
        FixedFunding,
        FixedLatency,
        FixedNotional,
        InnovationThreshold,
        Margin,
        Node,
        PairSpec,
        PositionConfig,
        PositionOptimiser,
        PowerImpact,
        PulseStrategy,
        RecordedFunding,
        Series,
        SlidingWindow,
        Source,
        ThresholdRule,
        Units,
        VenueFunding,
        VolatilityTarget,
        ZScoreThreshold,
    )
}
"""What a written definition may be made of; ``alphastream.registry`` adds what others write."""

_OF_OTHERS: Final[tuple[Kind, ...]] = ("strategies", "sizers", "costs", "indicators")
for _kind in _OF_OTHERS:
    extends(_kind, KINDS)

FLOAT: Final = "float"

RENAMED: Final[dict[str, dict[str, str]]] = {"VolatilityTarget": {"most": "max_leverage"}}
"""Parameters by their names in definitions that were written earlier, and what they are called now."""


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything that decides what a run does, beside the tape.

    Parameters
    ----------
    capital : in the quote currency.
    """

    strategy: Strategy
    rules: BrokerRules = field(default_factory=BrokerRules)
    capital: float = 100_000.0

    def plain(self) -> dict[str, Any]:
        """As dictionaries, lists, text and numbers. Raises ParameterError for a kind that is not known here."""
        return {"strategy": _plain(self.strategy), "rules": _plain(self.rules), "capital": self.capital}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Definition":
        """Return the definition that was written.

        Raises
        ------
        ParameterError : something in it is of no known kind, or is missing.
        """
        with _as_written():
            strategy = _made(plain["strategy"])
            if not hasattr(strategy, "decide"):
                raise TypeError(f"a {type(strategy).__name__} decides nothing")
            return cls(strategy, rules_of(plain), float(plain["capital"]))


def rules_of(plain: Mapping[str, Any]) -> BrokerRules:
    """The broker's rules of a definition that was written. Raises ParameterError."""
    with _as_written():
        rules = _made(plain["rules"])
        if not isinstance(rules, BrokerRules):
            raise TypeError(f"a {type(rules).__name__} as rules")
        return rules


@contextmanager
def _as_written() -> Iterator[None]:
    try:
        yield
    except AlphaStreamError:
        raise
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ParameterError(f"the definition cannot be read ({error!r}): it was written by another version") from error


def names_in(definition: Definition) -> tuple[str, ...]:
    """Every instrument that a definition names: legs of pairs, contracts and recorded funding rates."""
    found: dict[str, str] = {}
    _with_names(definition, lambda name: found.setdefault(name, name))
    return tuple(found)


def renamed(definition: Definition, names: Mapping[str, str]) -> Definition:
    """Return the same definition with other names for its instruments; those that ``names`` lacks stay.

    Contracts and funding rates follow, which would silently count as none under a name that nobody asks for.
    """
    return _with_names(definition, lambda name: names.get(name, name))  # type: ignore[no-any-return]


def _with_names(value: Any, new: Callable[[str], str]) -> Any:
    if isinstance(value, PairSpec):
        return replace(value, y=new(value.y), x=new(value.x))
    if isinstance(value, BarsSpec | BasketSpec | Source):
        return replace(value, symbols=tuple(map(new, value.symbols)))
    if isinstance(value, Series):
        return _series_with_names(value, new)
    if isinstance(value, PulseStrategy):
        return replace(value, symbols=tuple(map(new, value.symbols)), **_bars_with_names(value, new))
    if isinstance(value, RecordedFunding):
        return replace(value, rates={new(name): rates for name, rates in value.rates.items()})
    if isinstance(value, tuple):
        return tuple(_with_names(each, new) for each in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes = {item.name: _with_names(getattr(value, item.name), new) for item in fields(value) if item.init}
    if isinstance(value, BrokerRules):
        changes["contracts"] = {new(name): contract for name, contract in value.contracts.items()}
    return replace(value, **changes)


def _bars_with_names(strategy: PulseStrategy, new: Callable[[str], str]) -> dict[str, Any]:
    parts = ("spec", "pulse", "allocation", "reads", "hedge")
    return {name: _with_names(getattr(strategy, name), new) for name in parts}


def _series_with_names(series: Series, new: Callable[[str], str]) -> Series:
    """A column of several instruments begins with the name of one."""
    of = _with_names(series.of, new)
    if series.held is not None:
        return as_of(_series_with_names(series.held, new), of)
    if isinstance(of, Source) and of.price == "bars" and len(of.symbols) > 1 and " " in series.column:
        symbol, _, column = series.column.partition(" ")
        return Series(of, column_of(of.symbols, new(symbol), column))
    return Series(of, series.column)


def _plain(value: Any) -> Any:
    if (known := registered_as(value)) is not None and known.made is value:
        return {"kind": known.name}  # an object that was registered as it is
    if isinstance(value, FunctionIndicator):
        return plain_indicator(value, {name: _plain(each) for name, each in value.parameters})
    if isinstance(value, FunctionType):
        return plain_function(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {"kind": _name_of(type(value))} | {
            item.name: _plain(getattr(value, item.name)) for item in fields(value) if item.init
        }
    if isinstance(value, Mapping):
        return {_plain_key(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return {"kind": FLOAT, "name": str(value)}  # which JSON has no word for
    if value is None or isinstance(value, str | int | float):
        return value
    raise ParameterError(f"a {type(value).__name__} cannot be written down: give numbers, text, or a registered class")


def _plain_key(key: Any) -> str:
    """A key as it is read again: text, and not the word that says what is read. Raises ParameterError."""
    if not isinstance(key, str) or key == "kind":
        raise ParameterError(f"a dictionary with the key {key!r} cannot be written down: give keys that are other text")
    return key


def _made(plain: Any) -> Any:
    if isinstance(plain, Mapping):
        made = {key: _made(each) for key, each in plain.items()}
        kind = made.pop("kind", None)
        if kind is None:
            return made
        if kind == FLOAT:
            return float(made["name"])
        if kind == FUNCTION:
            return function_at(made["name"])
        if kind == INDICATOR:
            return made_indicator(**made)
        known = _kind_of(str(kind))
        if not isinstance(known, type):
            return known
        renamed = RENAMED.get(kind, {})
        return known(**{renamed.get(name, name): value for name, value in made.items()})
    if isinstance(plain, list):
        return tuple(_made(each) for each in plain)
    return plain


def _name_of(cls: type[Any]) -> str:
    """What a class is written as; one that stands beside a registered class, with that one's name before its own."""
    name = str(cls.__name__)
    if KINDS.get(name) is cls:
        return name
    for kind in _OF_OTHERS:
        for entry in registered(kind):
            if isinstance(entry.made, type) and cls.__module__ == entry.module and _beside(entry, name) is cls:
                return f"{entry.name}.{name}"
    raise ParameterError(f"{name} cannot be written down: register it, or put it into the file that uses it")


def _kind_of(name: str) -> Any:
    """The class, or the object, that is written under a name. Raises ParameterError."""
    owner, _, part = name.rpartition(".")
    found = KINDS.get(name)
    if found is None and (entry := registered_as(KINDS.get(owner))) is not None:
        found = _beside(entry, part)
    if found is None:
        raise ParameterError(
            f"{name!r} is no known part of a definition: another version wrote it, or its file is not loaded"
        )
    return found


def _beside(entry: Registered, name: str) -> type[Any] | None:
    """A dataclass of this name that was written in the same module as a registered class."""
    found = getattr(sys.modules.get(entry.module), name, None)
    return found if isinstance(found, type) and is_dataclass(found) and found.__module__ == entry.module else None
