"""A strategy made of two parts: a pulse, which says how strongly to be long or short, and how much to trade on it."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from difflib import get_close_matches
from typing import Any, TypeAlias

import numpy as np

from alphastream.bar_rows import BarRows, BarsSpec
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.graph import Series
from alphastream.strategies.sizers import Sizer, VolatilityTarget
from alphastream.strategies.strategy import BarsColumns, Decision, Table
from alphastream.trading.broker.account import Account
from alphastream.trading.broker.orders import Target
from alphastream.trading.engine.clock import from_ns

PULSE = "pulse"
HEDGE = "hedge"
CHANGED = "changed"
_OF_ROWS = frozenset({PULSE, CHANGED, "marks", "volumes", "when", "when_ns", "time_ns", "place"})


class Portfolio(Mapping[str, float]):
    """What an allocation may look at: the account on a row, and the series that the strategy was given to read.

    ``portfolio["atr"]`` is the value of a series on this row.

    Parameters
    ----------
    row, account : as ``Strategy.decide`` has them.
    reads : names of the series.
    """

    __slots__ = ("_account", "_reads", "_row")

    def __init__(self, row: Any, account: Account, reads: Sequence[str]) -> None:
        self._row, self._account, self._reads = row, account, reads

    def __getitem__(self, name: str) -> float:
        if name not in self._reads:
            raise ParameterError(unknown("the portfolio", name, self._reads, "give it to add_strat by reads={name: …}"))
        return float(getattr(self._row, name))

    def __iter__(self) -> Any:
        return iter(self._reads)

    def __len__(self) -> int:
        return len(self._reads)

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is traded."""
        return self._account.symbols

    @property
    def cash(self) -> float:
        """In the quote currency; selling short pays in."""
        return self._account.cash

    @property
    def equity(self) -> float:
        """Cash and positions at the prices of this row."""
        return self._account.equity(self._row.marks)

    @property
    def positions(self) -> dict[str, float]:
        """Units held of each symbol, short negative."""
        return dict(zip(self._account.symbols, self._account.positions, strict=True))

    @property
    def position(self) -> float:
        """Units held of the first symbol: of the only one, as a rule."""
        return self._account.positions[0]

    @property
    def prices(self) -> dict[str, float]:
        """Last trade of each symbol at or before the end of the row."""
        return dict(zip(self._account.symbols, self._row.marks, strict=True))

    @property
    def price(self) -> float:
        """Price of the first symbol."""
        return float(self._row.marks[0])

    @property
    def time_ns(self) -> int:
        """End of the row, UTC."""
        return int(self._row.when_ns)


Notional: TypeAlias = float | Mapping[str, float] | Sequence[float] | None
"""Value to hold in the quote currency, short negative: of the only symbol, or of each by name or in order."""
Allocation: TypeAlias = Callable[[float, Portfolio], Notional]


@dataclass(frozen=True, slots=True)
class PulseStrategy:
    """Hold what an allocation says for the strength of a pulse.

    On every row the pulse has an opinion on, the allocation is asked for the value to hold, and the difference to what
    is held is ordered. NaN is no opinion: what is held is kept, and orders that wait go on. So is a row on which a
    series that the allocation reads is NaN, and an answer of None or NaN.

    Parameters
    ----------
    title : its name.
    spec : the bars it decides on.
    symbols : what it trades, of those in ``spec``.
    pulse : strength, from −1 (short) over 0 (flat) to 1 (long), on the rows of ``spec``.
    allocation : a function (strength, portfolio) of the value to hold; or a sizer (``Units``, ``FixedNotional``), whose
        units are taken times the strength. One with a method ``series(source)`` names series that it reads itself.
    reads : further series for the allocation, by name.
    hedge : units of the second symbol against one of the first, for a sizer of two legs.
    rebalance : ask on every row, so that the value is held as prices move; False asks when the strength changes only.

    Raises
    ------
    ParameterError
        Series of other rows, names that cannot be, or a sizer that reads a pair; while it runs, a pulse outside of −1
        to 1, with the first such row.
    """

    title: str
    spec: BarsSpec
    symbols: tuple[str, ...]
    pulse: Series
    allocation: Allocation | Sizer
    _: KW_ONLY
    reads: tuple[tuple[str, Series], ...] = ()
    hedge: Series | None = None
    rebalance: bool = True
    _names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for symbol in self.symbols:
            if symbol not in self.spec.symbols:
                raise ParameterError(unknown("the pulse's data", symbol, self.spec.symbols, "add them together"))
        if not self.symbols or len(set(self.symbols)) != len(self.symbols):
            raise ParameterError(f"symbols={self.symbols!r}: give what is traded, each once")
        _require_allocation(self.allocation)
        if isinstance(self.allocation, VolatilityTarget):
            raise ParameterError("VolatilityTarget reads the two legs of a pair: take AtrRisk or EquityShare here")
        if hasattr(self.allocation, "units") and len(self.symbols) != (1 if self.hedge is None else 2):
            raise ParameterError(
                f"{type(self.allocation).__name__} sizes one symbol, or two with hedge=, these are "
                f"{', '.join(self.symbols)}: give a function that returns a value for each"
            )
        found = self.series(self.spec)
        object.__setattr__(self, "_names", tuple(found))
        for name, series in found.items():
            if series.source != self.spec.source:
                raise ParameterError(f"{name} comes from {series.source.name}, the pulse from {self.spec.source.name}")

    @property
    def name(self) -> str:
        """The title."""
        return self.title

    @property
    def pairs(self) -> tuple[BarsSpec, ...]:
        """The bars it decides on."""
        return (self.spec,)

    def series(self, spec: Any) -> Mapping[str, Series]:
        """The pulse, and what the allocation reads."""
        found = {PULSE: self.pulse, **({} if self.hedge is None else {HEDGE: self.hedge})}
        own = {} if hasattr(self.allocation, "units") else _own_series(self.allocation, self.spec, self.symbols)
        for name, series in (*self.reads, *own.items()):
            if not name.isidentifier() or name in _OF_ROWS or name in found:
                raise ParameterError(f"{name!r} cannot be a name of reads: it must be a word of its own, as in Python")
            found[name] = series
        return found

    def table(self, found: Sequence[BarsColumns], state: Any) -> tuple[Table, Any]:
        """Rows of the symbols that are traded. The state: rows so far, and the strength of the newest opinion."""
        (part,) = found
        seen, before = state or (0, math.nan)
        names = list(part.series)
        columns = {name: np.array(part.series[name], dtype=np.float64) for name in names}
        pulse = columns[PULSE]
        _require_strength(self.title, pulse, part.rows.end_ns, seen)
        for name in names[1:]:
            pulse[np.isnan(columns[name])] = np.nan
        changed, before = _changes(pulse, before)
        if not self.rebalance:
            columns[CHANGED] = changed
        rows: BarRows = part.rows
        places = [rows.symbols.index(symbol) for symbol in self.symbols]
        table = Table(rows.end_ns, rows.close[:, places], rows.volume[:, places], columns)
        return table, (seen + len(rows), before)

    def direction_at(self, row: Any) -> int:
        """There is none: a run that begins after this row asks what to hold as every other."""
        return 0

    def decide(self, row: Any, account: Account) -> Decision:
        """Positions of the value that the allocation says."""
        strength = row.pulse
        if strength != strength or not (self.rebalance or row.changed):
            return None
        units = self._units(strength, row, account)
        return None if units is None else Target(units)

    def _units(self, strength: float, row: Any, account: Account) -> tuple[float, ...] | None:
        allocation: Any = self.allocation
        if hasattr(allocation, "units"):
            size = allocation.units(0.0 if self.hedge is None else row.hedge, row, account, self.spec)
            return None if size is None else tuple(strength * size[leg] for leg in range(len(self.symbols)))
        notional = allocation(strength, Portfolio(row, account, self._names))
        if notional is None:
            return None
        values = self._in_order(notional)
        if any(map(math.isnan, values)):
            return None
        return tuple(value / mark if value else 0.0 for value, mark in zip(values, row.marks, strict=True))

    def _in_order(self, notional: Any) -> list[float]:
        symbols, given = self.symbols, notional
        if isinstance(notional, Mapping):
            for name in notional:
                if name not in symbols:
                    raise ParameterError(unknown(f"{self.title}'s symbols", name, symbols, "name them so"))
            notional = [notional.get(symbol, 0.0) for symbol in symbols]
        try:
            values = [float(notional)] if np.ndim(notional) == 0 else [float(value) for value in notional]
        except (TypeError, ValueError) as error:
            raise ParameterError(f"the allocation of {self.title} gave {given}: give a number for each") from error
        if len(values) != len(symbols):
            raise ParameterError(
                f"the allocation of {self.title} gave {len(values)} values for {', '.join(symbols)}: give one "
                "for each, in this order or by name"
            )
        if any(map(math.isinf, values)):
            raise ParameterError(f"the allocation of {self.title} gave {given}: give finite values, or None to keep")
        return values


def _require_allocation(allocation: Any) -> None:
    """Complain about what cannot say how much to hold."""
    if isinstance(allocation, type):
        name = allocation.__name__
        raise ParameterError(f"the allocation {name} is a class: give one of it, {name}(…)")
    if hasattr(allocation, "units"):
        return
    if not callable(allocation):
        raise ParameterError(
            f"the allocation is {allocation!r}: give a function of (strength, portfolio), or a sizer such as "
            "FixedNotional(1000.0)"
        )
    try:
        inspect.signature(allocation).bind(0.0, None)
    except TypeError as error:
        raise ParameterError(f"the allocation cannot be called with (strength, portfolio): {error}") from error
    except ValueError:  # a function of C does not say what it takes
        return


def _own_series(allocation: Any, spec: BarsSpec, symbols: tuple[str, ...]) -> Mapping[str, Series]:
    """Series that an allocation of a class names itself."""
    if not hasattr(allocation, "series"):
        return {}
    found: Mapping[str, Series] = allocation.series(spec, symbols)
    return found


def _require_strength(title: str, pulse: Floats, end_ns: Ints, seen: int) -> None:
    wrong = np.abs(pulse) > 1.0
    if wrong.any():
        row = int(np.argmax(wrong))
        when = f"{from_ns(int(end_ns[row])):%Y-%m-%d %H:%M:%S} UTC"
        raise ParameterError(
            f"the pulse of {title} is {float(pulse[row])!r} on row {seen + row} ({when}): it needs to lie from -1, "
            "short, to 1, long; scale it, or clip it if that is what you mean"
        )


def _changes(pulse: Floats, before: float) -> tuple[Floats, float]:
    """1 where the pulse differs from the opinion before it, 0 elsewhere; and the newest opinion."""
    out = np.zeros(len(pulse))
    told = np.flatnonzero(~np.isnan(pulse))
    if not len(told):
        return out, before
    opinions = pulse[told]
    out[told] = opinions != np.concatenate(([before], opinions[:-1]))
    return out, float(opinions[-1])


def unknown(where: str, name: str, known: Sequence[str], advice: str) -> str:
    """Say that a name is not known, and which may have been meant."""
    near = get_close_matches(name, list(known), 1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; {advice}"
    return f"{where} has no {name!r}: it has {', '.join(known) or 'none'}{hint}"
