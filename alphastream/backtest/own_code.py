"""Code of others in a definition: which classes, from which files, and whether they are still what they were."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from types import FunctionType
from typing import Any

import msgspec

from alphastream.backtest.definition import Definition, rules_of
from alphastream.backtest.functions import code_of_function, function_at, reference_of
from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.graph import Series
from alphastream.pairs import PairSpec
from alphastream.registry import Kind, Registered, registered, registered_as
from alphastream.strategies import Decision, PairColumns, Table
from alphastream.trading import Account, BrokerRules


class OwnCode(msgspec.Struct, frozen=True):
    """A registered class, or a function of a module, as a file names it.

    Parameters
    ----------
    home : its file, or its module where it had none.
    version, code : of the class and its source, as in ``Registered``.
    """

    kind: Kind
    name: str
    home: str
    version: str = ""
    code: str = ""

    @classmethod
    def of(cls, entry: Registered) -> "OwnCode":
        """What is to be written of a class."""
        return cls(entry.kind, entry.name, entry.home, entry.version, entry.code)

    @property
    def words(self) -> str:
        """For example ``RsiPulse 1 (hash 0a1b2c3d)``."""
        return " ".join(filter(None, (self.name, self.version, f"(hash {self.code[:8]})" if self.code else "")))


def own_code(definition: Definition) -> tuple[OwnCode, ...]:
    """The registered classes and the functions that a definition is made of, each once."""
    found: dict[str, OwnCode] = {}
    for part in _parts((definition.strategy, definition.rules)):
        if isinstance(part, FunctionType):
            found[reference_of(part)] = _of_function(part, reference_of(part))
        elif (entry := registered_as(part)) is not None:
            found[entry.name] = OwnCode.of(entry)
    return tuple(found.values())


def _of_function(function: FunctionType, reference: str) -> OwnCode:
    return OwnCode("indicators", reference, function.__module__, "", code_of_function(function))


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, FunctionType):
        yield value
        return
    if not isinstance(value, Mapping | tuple | list):
        yield value
    if is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            yield from _parts(getattr(value, item.name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _parts(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _parts(each)


def code_now(written: Iterable[OwnCode]) -> tuple[OwnCode | None, ...]:
    """The same classes and functions as they are now; None for one that is not there."""
    return tuple(_now(each) for each in written)


def _now(written: OwnCode) -> OwnCode | None:
    if ":" in written.name:
        try:
            return _of_function(function_at(written.name), written.name)
        except ParameterError:
            return None
    return next((OwnCode.of(entry) for entry in registered(written.kind) if entry.name == written.name), None)


def other_code(written: Sequence[OwnCode]) -> str:
    """What is missing or another version, and what to do, in words; "" where all is as it was written."""
    for then, now in zip(written, code_now(written), strict=True):
        if now is None:
            return f"for {then.home}, which has {then.words}: put that file back, or stop this run"
        if (then.version, then.code) != (now.version, now.code):
            has = now.words.removeprefix(now.name).strip() or "another code"
            return (
                f"written by {then.words}, {now.home} now has {has}: restore the file, "
                "go on with it as it is, or stop this run"
            )
    return ""


@dataclass(frozen=True, slots=True)
class AbsentStrategy:
    """Stands for a strategy whose code is not there: its books can be shown, it decides nothing.

    Parameters
    ----------
    name, symbols : as they were written down.
    """

    name: str
    symbols: tuple[str, ...]

    @property
    def pairs(self) -> tuple[PairSpec, ...]:
        """Unknown."""
        return ()

    def series(self, spec: PairSpec) -> Mapping[str, Series]:
        """Unknown."""
        raise self._absent()

    def table(self, found: Sequence[PairColumns], state: Any) -> tuple[Table, Any]:
        """Unknown."""
        raise self._absent()

    def direction_at(self, row: Any) -> int:
        """Unknown."""
        raise self._absent()

    def decide(self, row: Any, account: Account) -> Decision:
        """Unknown."""
        raise self._absent()

    def _absent(self) -> ParameterError:
        return ParameterError(f"the code of {self.name} is not there as it was: it cannot decide")


def without_code(plain: Mapping[str, Any], name: str, symbols: Sequence[str]) -> Definition:
    """A definition to look at, of a strategy whose code is not there.

    Raises
    ------
    ParameterError : not even its capital can be read.
    """
    try:
        capital = float(plain["capital"])
    except (KeyError, TypeError, ValueError) as error:
        raise ParameterError(f"the definition cannot be read ({error!r})") from error
    return Definition(AbsentStrategy(name, tuple(symbols)), _rules(plain), capital)


def _rules(plain: Mapping[str, Any]) -> BrokerRules:
    """The broker's rules where they can be read without code of others; else those that runs begin with."""
    try:
        rules = rules_of(plain)
    except AlphaStreamError:
        return BrokerRules()
    return BrokerRules() if own_code(Definition(AbsentStrategy("", ()), rules)) else rules
