"""Events: something that happened at a moment."""

from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from alphastream.errors import ParameterError
from alphastream.trading.engine.clock import Moment, Span, from_ns, span_ns, to_ns
from alphastream.trading.engine.errors import InvalidBar
from alphastream.trading.engine.pairs import Pair

Value = TypeVar("Value", Decimal, float)


class Dated(Protocol):
    """What a dispatcher needs of an event; ``Event`` has it, and so may a struct that is cheaper to make."""

    when_ns: int

    @property
    def when(self) -> Moment:
        """When it occurred."""


class Event:
    """Base of all events.

    Parameters
    ----------
    when : tz-aware datetime, or UTC nanoseconds as an integer, which is the fast way: no datetime is built until
        somebody reads ``when``.

    Attributes
    ----------
    when_ns : UTC nanoseconds, what dispatchers sort by.

    Raises
    ------
    ParameterError : ``when`` has no time zone or is no moment.
    """

    __slots__ = ("_when", "when_ns")

    def __init__(self, when: Moment | int) -> None:
        self._when: Moment | None = None
        if type(when) is int:
            self.when_ns: int = when
        else:
            self.when_ns = to_ns(when)
            if isinstance(when, Moment):
                self._when = when

    @property
    def when(self) -> Moment:
        """When it occurred: the datetime that was given, otherwise UTC in whole microseconds."""
        if self._when is None:
            self._when = from_ns(self.when_ns)
        return self._when

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.when.isoformat()})"


class PairBar(Generic[Value]):
    """Trading of one pair in a period: open, high, low, close and volume. Not written to once it is made.

    Parameters
    ----------
    begin : beginning of the period: tz-aware datetime or UTC nanoseconds.
    pair : what was traded.
    open, high, low, close : prices, all Decimal or all float.
    volume : base units traded.
    duration : length of the period: timedelta or nanoseconds.

    Raises
    ------
    InvalidBar : the high is not the highest or the low not the lowest price, or one is not a number.
    """

    __slots__ = ("begin_ns", "close", "duration_ns", "high", "low", "open", "pair", "volume")

    def __init__(
        self,
        begin: Moment | int,
        pair: Pair,
        open: Value,  # noqa: A002 the field's word
        high: Value,
        low: Value,
        close: Value,
        volume: Value,
        duration: Span | int,
    ) -> None:
        self.begin_ns = begin if type(begin) is int else to_ns(begin)
        self.pair = pair
        self.open: Value = open
        self.high: Value = high
        self.low: Value = low
        self.close: Value = close
        self.volume: Value = volume
        self.duration_ns = span_ns(duration)
        if not (low <= open <= high and low <= close <= high):
            raise InvalidBar(
                f"bar of {pair} at {self.begin} has open {open}, high {high}, low {low}, close {close}: "
                "high must be the highest and low the lowest of them"
            )
        if self.duration_ns <= 0:
            raise ParameterError(f"bar of {pair} at {self.begin} lasts {self.duration}: a duration is above 0")

    @property
    def begin(self) -> Moment:
        """Beginning of the period, UTC."""
        return from_ns(self.begin_ns)

    @property
    def datetime(self) -> Moment:
        """Another word for ``begin``."""
        return self.begin

    @property
    def duration(self) -> Span:
        """Length of the period."""
        return Span(microseconds=self.duration_ns // 1000)

    @property
    def end_ns(self) -> int:
        """End of the period (not in it), UTC nanoseconds."""
        return self.begin_ns + self.duration_ns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PairBar) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.begin_ns, self.duration_ns, self.pair))

    def __repr__(self) -> str:
        return (
            f"Bar({self.begin.isoformat()}, {self.pair}, open={self.open}, high={self.high}, low={self.low}, "
            f"close={self.close}, volume={self.volume}, duration={self.duration})"
        )


class BarEvent(Event, Generic[Value]):
    """A bar that has closed.

    Parameters
    ----------
    when : when it became known, usually the end of its period: tz-aware datetime or UTC nanoseconds.
    bar : the bar.
    """

    __slots__ = ("bar",)

    def __init__(self, when: Moment | int, bar: PairBar[Value]) -> None:
        super().__init__(when)
        self.bar: PairBar[Value] = bar
