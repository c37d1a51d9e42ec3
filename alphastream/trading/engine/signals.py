"""Signals: which position to be in, and the source that strategies send them from."""

import enum
from collections.abc import ItemsView, Iterable

from alphastream.errors import ParameterError
from alphastream.trading.engine.clock import Moment
from alphastream.trading.engine.dispatcher import EventDispatcher
from alphastream.trading.engine.events import Event
from alphastream.trading.engine.pairs import Pair
from alphastream.trading.engine.slots import EventHandler
from alphastream.trading.engine.sources import FifoQueueEventSource, Producer

SIGNAL_PRIORITY = -1  # a signal comes after all data of its moment, in whatever order sources were subscribed


@enum.unique
class Position(enum.Enum):
    """Which way to stand in a pair."""

    LONG = 200
    SHORT = 201
    NEUTRAL = 202

    def __str__(self) -> str:
        return self.name.lower()


@enum.unique
class OrderOperation(enum.Enum):
    """Which side of a trade to take."""

    BUY = 100
    SELL = 101

    def __str__(self) -> str:
        return self.name.lower()

    @property
    def position(self) -> Position:
        """The position that it opens."""
        return Position.LONG if self is OrderOperation.BUY else Position.SHORT


class BaseTradingSignal(Event):
    """An instruction to switch to a position in each of some pairs.

    Parameters
    ----------
    when : tz-aware datetime or UTC nanoseconds.
    """

    __slots__ = ("_positions",)

    def __init__(self, when: Moment | int) -> None:
        super().__init__(when)
        self._positions: dict[Pair, Position] = {}

    def add_pair(self, pair: Pair, position: Position) -> None:
        """Add a pair, or change its position."""
        if not isinstance(position, Position):
            raise ParameterError(f"{position!r} is no position: pass Position.LONG, Position.SHORT or Position.NEUTRAL")
        self._positions[pair] = position

    def get_pairs(self) -> ItemsView[Pair, Position]:
        """Pairs with their positions, in the order they were added."""
        return self._positions.items()

    def get_position(self, pair: Pair) -> Position:
        """Position to switch to in a pair.

        Raises
        ------
        ParameterError : the signal says nothing about that pair.
        """
        try:
            return self._positions[pair]
        except KeyError:
            known = ", ".join(map(str, self._positions)) or "no pair"
            raise ParameterError(f"signal of {self.when} says nothing about {pair}: it has {known}") from None


class TradingSignal(BaseTradingSignal):
    """An instruction to be long, short or neutral in a pair, and in others that ``add_pair`` adds.

    Parameters
    ----------
    when : tz-aware datetime or UTC nanoseconds.
    position : position to switch to; an operation means the position that it opens.
    pair : the first pair.
    """

    __slots__ = ()

    def __init__(self, when: Moment | int, position: Position | OrderOperation, pair: Pair) -> None:
        super().__init__(when)
        self.add_pair(pair, position.position if isinstance(position, OrderOperation) else position)

    @property
    def pair(self) -> Pair:
        """The first pair."""
        return next(iter(self._positions))

    @property
    def position(self) -> Position:
        """Position to switch to in the first pair."""
        return self._positions[self.pair]

    @property
    def operation(self) -> OrderOperation:
        """The operation that opens the position.

        Raises
        ------
        ParameterError : the position is neutral, which takes a buy or a sell by what is held.
        """
        for operation in OrderOperation:
            if operation.position is self.position:
                return operation
        raise ParameterError(f"signal of {self.when} is {self.position}: no one operation does that; read position")


class TradingSignalSource(FifoQueueEventSource):
    """Where a strategy pushes its signals.

    Parameters
    ----------
    dispatcher : who dispatches them.
    producer : what runs beside the loop and feeds this source, if anything.
    events : signals that wait from the beginning, oldest first.
    priority : among events of one moment higher goes first; the default puts signals after all data of their moment.
    """

    def __init__(
        self,
        dispatcher: EventDispatcher,
        producer: Producer | None = None,
        events: Iterable[Event] = (),
        priority: int = SIGNAL_PRIORITY,
    ) -> None:
        super().__init__(producer=producer, events=events, priority=priority)
        self._dispatcher = dispatcher

    def subscribe_to_trading_signals(self, event_handler: EventHandler) -> None:
        """Call a handler, a function or a coroutine function of one argument, with each signal."""
        self._dispatcher.subscribe(self, event_handler)
