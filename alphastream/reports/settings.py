"""What a run was asked for, as people write it."""

import re
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Protocol

from alphastream.graph import interval_name
from alphastream.pairs import PairSpec
from alphastream.trading.broker.costs import BrokerRules


class Described(Protocol):
    """What is read of a strategy: its name, and the specifications of its rows."""

    @property
    def name(self) -> str: ...
    @property
    def pairs(self) -> Sequence[Any]: ...


def settings_of(strategy: Described, rules: BrokerRules, capital: float, data: str) -> list[tuple[str, str]]:
    """Name and value of everything a run was asked for."""
    lines = [("data", data), ("strategy", strategy.name), ("capital", f"{capital:,.2f}")]
    lines += [_spec(spec) for spec in strategy.pairs]
    return lines + _fields(strategy, ("pair", "specs")) + rules_of(rules)


def rules_of(rules: BrokerRules) -> list[tuple[str, str]]:
    """Name and value of the rules that fills and costs followed."""
    steps = [(f"steps of {symbol}", _words("", contract)) for symbol, contract in rules.contracts.items()]
    return _fields(rules, ("contracts",)) + steps


def _spec(spec: Any) -> tuple[str, str]:
    """What rows are made of: a pair in a line of its own, anything else by its fields."""
    if isinstance(spec, PairSpec):
        return f"pair {spec.y}/{spec.x}", _pair(spec)
    return _label(type(spec).__name__), _words("", spec)


def fields_of(of: Any) -> list[tuple[str, str]]:
    """Name and value of every parameter."""
    return _fields(of, ())


def _fields(of: Any, without: tuple[str, ...]) -> list[tuple[str, str]]:
    names = [item.name for item in fields(of) if item.name not in without] if is_dataclass(of) else []
    return [(_label(name), _words(name, getattr(of, name))) for name in names]


def _label(name: str) -> str:
    return name.removesuffix("_ns").replace("_", " ")


def _words(name: str, value: Any) -> str:
    """A parameter as people write it: a length of time with its unit, parts of a model by name."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and (name == "ns" or name.endswith("_ns")):
        return interval_name(value) if value else "0"
    if is_dataclass(value):
        kind = re.sub(r"(?<!^)(?=[A-Z])", " ", type(value).__name__).lower()
        inside = [f"{_label(item.name)} {_words(item.name, getattr(value, item.name))}" for item in fields(value)]
        return f"{kind}: {', '.join(line.removeprefix('ns ') for line in inside)}"
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")


def _pair(spec: PairSpec) -> str:
    words = f"bars of {interval_name(spec.interval_ns)}, {spec.model}, window {spec.window}, {spec.price}, "
    return f"{words}entry {spec.entry:g}, exit {spec.exit:g}"
