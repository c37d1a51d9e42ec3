"""What the decisions of a strategy do, and what its handlers answer to what became of its orders."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from alphastream.errors import ParameterError
from alphastream.strategies import Decision, Strategy
from alphastream.trading.broker.account import Account
from alphastream.trading.broker.orders import Cancel, Fill, OrderRequest, SpreadOrder, SpreadRequest, Target
from alphastream.trading.broker.simulated import SimulatedBroker

MANY: Final = 1_000  # answers at one moment, each to the one before: a strategy that never comes to an end


class Acting:
    """One strategy and its broker.

    Parameters
    ----------
    strategy : with or without ``on_order`` and ``on_fill``.

    Attributes
    ----------
    listens : whether it has one of them.
    """

    def __init__(self, strategy: Strategy, account: Account, broker: SimulatedBroker) -> None:
        self._account, self._broker = account, broker
        self._on_order: Callable[[SpreadOrder, Account], Decision] | None = getattr(strategy, "on_order", None)
        self._on_fill: Callable[[Fill, Account], Decision] | None = getattr(strategy, "on_fill", None)
        self.listens = self._on_order is not None or self._on_fill is not None
        self._name = strategy.name
        self._same_close = broker.rules.fill == "same_close"
        self._none = [0.0] * len(account.symbols)
        if self.listens:
            broker.filling.events = []

    def act(self, decision: Any, now_ns: int, marks: Sequence[float], volumes: Sequence[float]) -> None:
        """Do what was decided.

        Parameters
        ----------
        now_ns : when; orders meet what comes after it.
        marks, volumes : of the newest row.

        Raises
        ------
        ParameterError : it is nothing that a strategy can do.
        """
        broker = self._broker
        if isinstance(decision, Target):
            broker.move(decision, now_ns, marks, volumes)
        elif isinstance(decision, SpreadRequest):
            broker.request(decision, now_ns, marks, volumes)
        elif isinstance(decision, OrderRequest):
            broker.send(decision, now_ns, marks, volumes)
        elif isinstance(decision, Cancel):
            broker.take_back(decision)
        elif isinstance(decision, list | tuple):
            for each in decision:
                self.act(each, now_ns, marks, volumes)
        else:
            raise ParameterError(
                f"{self._name} decided {decision!r}: give a Target, SpreadRequest, OrderRequest or Cancel, several of "
                "them in a list, or None"
            )

    def on_row(self, now_ns: int, marks: Sequence[float], volumes: Sequence[float]) -> None:
        """Let handlers answer what has happened by the end of a row."""
        self._broker.singles.marks, self._broker.singles.volumes = list(marks), list(volumes)
        # a close that has been met is not to be had by who hears of it
        self._answer(now_ns + self._same_close)

    def after(self, event_ns: int) -> None:
        """Let handlers answer what has just happened between two rows; their orders come after that moment."""
        if self._broker.filling.events:
            self._answer(event_ns + 1)

    def stop(self) -> None:
        """Ask no more."""
        self._on_order = self._on_fill = None

    def _answer(self, now_ns: int) -> None:
        """Until nothing more happens."""
        events, singles = self._broker.filling.events, self._broker.singles
        assert events is not None
        if not singles.marks:  # a run that goes on has fills before its first row
            singles.marks, singles.volumes = [math.nan] * len(self._none), list(self._none)
        volumes = self._none if self._same_close else singles.volumes
        for count, event in enumerate(_taken(events)):
            if count == MANY:
                raise ParameterError(
                    f"{self._name} has answered {MANY} fills and orders at one moment, each of which its answers "
                    "brought about: let it leave some unanswered"
                )
            if isinstance(event, Fill):
                singles.marks[self._account.symbols.index(event.symbol)] = event.trade_price
                answer = None if self._on_fill is None else self._on_fill(event, self._account)
            else:
                answer = None if self._on_order is None else self._on_order(event, self._account)
            if answer is not None:
                self.act(answer, now_ns, singles.marks, volumes)


def _taken(events: list[Any]) -> Any:
    """Events, oldest first, also those that come while one is looked at."""
    while events:
        yield events.pop(0)
