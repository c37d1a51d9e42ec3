"""What trading costs and how long it takes: small frozen classes, each of which another can stand in for.

Rates are basis points of the notional, 1 bp = 0.01 %.
"""

import bisect
import itertools
import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias, get_args

from alphastream.core.units import HOUR, MS
from alphastream.errors import ParameterError
from alphastream.trading.broker.margin import Margin
from alphastream.trading.broker.orders import OnTimeout

FillRule: TypeAlias = Literal["next_trade", "next_open", "next_close", "same_close", "recorded_depth"]


def _require_rate(name: str, value: float, minimum: float) -> None:
    if not (math.isfinite(value) and value >= minimum):
        raise ParameterError(f"{name} is {value!r}: it must be a finite number of at least {minimum:g}")


class FeeModel(Protocol):
    """What the venue takes."""

    def fee_bps(self, maker: bool) -> float:
        """Rate of a fill, in bps of its notional."""


class ImpactModel(Protocol):
    """How far an order moves the price against itself."""

    def impact_bps(self, quantity: float, volume: float) -> float:
        """Bps for this many units where ``volume`` traded in a bar; 0 there: nobody knows."""


class LatencyModel(Protocol):
    """How long it takes from the end of a bar until an order can meet a trade."""

    def delay_ns(self, symbol: str, decided_ns: int) -> int:
        """Nanoseconds, 0 or more."""


class Due(NamedTuple):
    """A funding payment that a position has to make.

    Parameters
    ----------
    rate : share of the notional that a long position pays; negative is received.
    mark : price that the notional is formed with; None: the last trade that was known then.
    """

    time_ns: int
    rate: float
    mark: float | None = None


class FundingModel(Protocol):
    """What positions in a perpetual pay to the other side."""

    def due(self, symbol: str, after_ns: int) -> Due | None:
        """First payment after a moment; None if there is no more."""


def funding_amount(position: float, mark: float, rate: float) -> float:
    """What a position receives, negative where it pays: −position · mark · rate, in the quote currency.

    In doubles and in this order of operations everywhere, the compiled books included; nothing is rounded, which is
    within 1e-15 of the amount. Venues round to 1e-8 of a unit.

    Source: Binance, "Introduction to Binance Futures Funding Rates": the notional is the mark price at the payment
    times the size, a positive rate is paid by longs to shorts.
    """
    return -position * mark * rate


@dataclass(frozen=True, slots=True)
class Fees:
    """Bps of the notional; the defaults are those of a new account for USDS-M futures at Binance.

    Parameters
    ----------
    taker_bps : of orders that take the next trade.
    maker_bps : of legs with a limit; may be negative, a rebate.
    """

    taker_bps: float = 5.0
    maker_bps: float = 2.0

    def __post_init__(self) -> None:
        _require_rate("taker_bps", self.taker_bps, minimum=-100.0)
        _require_rate("maker_bps", self.maker_bps, minimum=-100.0)

    def fee_bps(self, maker: bool) -> float:
        """Rate of a fill."""
        return self.maker_bps if maker else self.taker_bps


@dataclass(frozen=True, slots=True)
class PowerImpact:
    """bps · (quantity / volume of the bar)^exponent; an order whose bar has no known volume counts as all of it.

    Parameters
    ----------
    bps : of an order as large as what traded in the bar it was decided on.
    exponent : 0.5 is the square-root law, 1 is linear.
    """

    bps: float = 0.0
    exponent: float = 0.5

    def __post_init__(self) -> None:
        _require_rate("bps", self.bps, minimum=0.0)
        if not 0.0 < self.exponent <= 3.0:
            raise ParameterError(f"exponent is {self.exponent}: impact grows with size, give more than 0 and at most 3")

    def impact_bps(self, quantity: float, volume: float) -> float:
        """Bps for a quantity."""
        if not self.bps:
            return 0.0
        return self.bps * (math.pow(abs(quantity) / volume, self.exponent) if volume > 0.0 else 1.0)


@dataclass(frozen=True, slots=True)
class FixedLatency:
    """The same delay for every order.

    A trade of Binance futures is on the wire some 150 ms after it happened; with the way back of an order a quarter
    of a second is what a trader near the venue may count on.
    """

    ns: int = 250 * MS

    def __post_init__(self) -> None:
        if self.ns < 0:
            raise ParameterError(f"a latency of {self.ns} ns: an order cannot arrive before it is decided")

    def delay_ns(self, symbol: str, decided_ns: int) -> int:
        """Nanoseconds."""
        return self.ns


@dataclass(frozen=True, slots=True)
class FixedFunding:
    """The same rate at every funding time: multiples of ``every_ns`` since 1970, so 8 h means 00, 08 and 16 UTC.

    Parameters
    ----------
    rate_bps : what a long position pays, in bps of its notional; negative is received.
    """

    rate_bps: float
    every_ns: int = 8 * HOUR

    def __post_init__(self) -> None:
        _require_rate("rate_bps", self.rate_bps, minimum=-10_000.0)
        if self.every_ns < 1:
            raise ParameterError(f"funding every {self.every_ns} ns: give a length of time above 0")

    def due(self, symbol: str, after_ns: int) -> Due | None:
        """First payment after a moment."""
        return Due((after_ns // self.every_ns + 1) * self.every_ns, self.rate_bps / 1e4)


@dataclass(frozen=True, slots=True)
class RecordedFunding:
    """Payments as the venue published them. A symbol without any, as of a spot market, pays nothing.

    Parameters
    ----------
    rates : symbol to (time_ns, rate) or (time_ns, rate, mark), oldest first; 0.0001 is one bp. Without its mark a
        payment is computed from the last trade that was known then: say so only where that is meant
        (``alphastream.carry.recorded_funding`` asks).
    """

    rates: Mapping[str, tuple[tuple[int, float] | tuple[int, float, float], ...]]

    def __post_init__(self) -> None:
        for symbol, table in self.rates.items():
            times = [row[0] for row in table]
            if any(late <= early for early, late in itertools.pairwise(times)):
                raise ParameterError(f"funding of {symbol}: times must rise; sort them and keep each once")
            for row in table:
                _require_payment(symbol, Due(*row))

    def due(self, symbol: str, after_ns: int) -> Due | None:
        """First payment after a moment."""
        table = self.rates.get(symbol, ())
        place = bisect.bisect_right(table, after_ns, key=lambda row: row[0])
        return Due(*table[place]) if place < len(table) else None


@dataclass(frozen=True, slots=True)
class VenueFunding:
    """What the venue pays while a run goes on: known only when it has happened, and told then, with its mark."""

    def due(self, symbol: str, after_ns: int) -> Due | None:
        """Nothing is known ahead."""
        return None


def _require_payment(symbol: str, due: Due) -> None:
    if not math.isfinite(due.rate):
        raise ParameterError(f"funding of {symbol}: the rate is {due.rate!r}; give a finite share, 0.0001 is one bp")
    if due.mark is not None and not (math.isfinite(due.mark) and due.mark > 0.0):
        raise ParameterError(f"funding of {symbol}: the mark is {due.mark!r}; give a price above 0, or leave it out")


@dataclass(frozen=True, slots=True)
class Contract:
    """What a venue takes for a symbol.

    Parameters
    ----------
    lot : smallest step of a quantity, 0 for none.
    tick : smallest step of a price, 0 for none.
    min_notional : least value of an order in the quote currency; orders that close a position are let through.
    """

    lot: float = 0.0
    tick: float = 0.0
    min_notional: float = 0.0

    def __post_init__(self) -> None:
        for name in ("lot", "tick", "min_notional"):
            _require_rate(name, getattr(self, name), minimum=0.0)

    def rounded(self, quantity: float) -> float:
        """The quantity cut to whole lots, towards zero."""
        if not self.lot:
            return quantity
        lots = quantity / self.lot
        whole = round(lots)  # 0.3 / 0.1 is 2.9999999999999996: three lots, not two
        return (whole if abs(lots - whole) < 1e-9 * max(1.0, abs(lots)) else math.trunc(lots)) * self.lot

    def worsened(self, price: float, buying: bool) -> float:
        """The price moved to the next tick against the one who takes it."""
        if not self.tick:
            return price
        ticks = price / self.tick
        whole = round(ticks)
        if abs(ticks - whole) < 1e-9 * max(1.0, abs(ticks)):
            return whole * self.tick
        return (math.ceil(ticks) if buying else math.floor(ticks)) * self.tick


@dataclass(frozen=True, slots=True)
class BrokerRules:
    """How orders are filled and what that costs.

    Parameters
    ----------
    fill : which trade an order meets. "next_trade": the first one of the leg after the latency. "next_open": the
        first of the leg's next bar. "next_close": the last of its next bar. "same_close": the last of the bar that
        decided, which nobody can have known in time: to compare with books that do so. "recorded_depth": none; the
        levels of the first book that was sampled after the latency, from the best on. What they do not hold stays
        unfilled, unless the order is to hold nothing: then the rest waits for the next sample.
    half_spread_bps : added to a trade's price against the one who takes it. A recorded book has its own spread, and
        its own impact: then this, ``impact`` and ``max_share`` must be left out.
    max_share : most of a trade's quantity that an order may take; the rest waits. None fills an order at one trade.
    timeout_ns : from when a leg could first be filled; None waits for ever.
    on_timeout : what happens then; see ``OnTimeout``.
    contracts : by symbol; those that are missing have no steps and no least value.
    margin : leverage that orders may ask for, and when everything is closed.
    """

    _: KW_ONLY
    fill: FillRule = "next_trade"
    latency: LatencyModel = FixedLatency()
    fees: FeeModel = Fees()
    half_spread_bps: float = 0.0
    impact: ImpactModel = PowerImpact()
    funding: FundingModel | None = None
    max_share: float | None = None
    timeout_ns: int | None = None
    on_timeout: OnTimeout = "unwind"
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    margin: Margin = field(default_factory=Margin)

    def __post_init__(self) -> None:
        for name, value, known in (
            ("fill", self.fill, get_args(FillRule)),
            ("on_timeout", self.on_timeout, get_args(OnTimeout)),
        ):
            if value not in known:
                raise ParameterError(f"{name} is {value!r}: it is one of {', '.join(map(repr, known))}")
        _require_rate("half_spread_bps", self.half_spread_bps, minimum=0.0)
        if self.fill == "recorded_depth" and (
            self.half_spread_bps or self.max_share is not None or self.impact != PowerImpact()
        ):
            raise ParameterError(
                "a recorded book has a spread and an impact of its own: leave out half_spread_bps, impact and max_share"
            )
        if self.max_share is not None and not 0.0 < self.max_share <= 1.0:
            raise ParameterError(f"max_share is {self.max_share}: give more than 0 and at most 1, or None for no limit")
        if self.timeout_ns is not None and self.timeout_ns <= 0:
            raise ParameterError(f"timeout_ns is {self.timeout_ns}: give more than 0, or None to wait for ever")

    def eligible_ns(self, symbol: str, decided_ns: int) -> int:
        """Time of the first trade that an order can meet."""
        if self.fill in ("next_trade", "recorded_depth"):
            return decided_ns + self.latency.delay_ns(symbol, decided_ns)
        return decided_ns + (self.fill == "next_close")

    def contract(self, symbol: str) -> Contract:
        """Steps and least value of a symbol."""
        return self.contracts.get(symbol, _ANY)


_ANY: Final = Contract()
