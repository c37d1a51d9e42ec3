"""A broker driven by hand: jobs run when their time comes, trades are handed over as they are written down."""

import heapq
import itertools
from collections.abc import Callable
from typing import Any

from alphastream.trading import Account, BrokerRules, OrderRequest, SimulatedBroker, SpreadOrder, SpreadRequest, Target
from alphastream.trading.broker.orders import OrderKind

MS = 10**6
SECOND = 10**9


class Desk:
    """An account of two legs, its broker, and the clock that both go by.

    Attributes
    ----------
    wanted : what the broker last asked to see of each leg: the time of the first trade, None for nothing.
    """

    def __init__(self, rules: BrokerRules | None = None, capital: float = 10_000.0, symbols: str = "YX") -> None:
        self.account = Account(tuple(symbols), capital)
        self.wanted: dict[int, int | None] = {}
        self._jobs: list[tuple[int, int, Callable[[], object]]] = []
        self._count = itertools.count()
        self.broker = SimulatedBroker(self.account, rules or BrokerRules(), self._schedule, self.wanted.__setitem__)
        self.marks = [100.0] * len(symbols)
        self.volumes = [1.0] * len(symbols)

    def _schedule(self, when_ns: int, job: Callable[[], object]) -> None:
        heapq.heappush(self._jobs, (when_ns, next(self._count), job))

    def until(self, now_ns: int) -> None:
        """Run what is due by then."""
        while self._jobs and self._jobs[0][0] <= now_ns:
            heapq.heappop(self._jobs)[2]()

    def mark(self, now_ns: int, *marks: float, volumes: tuple[float, ...] | None = None) -> float:
        """Close a row: book its funding, and return the equity at its prices."""
        self.until(now_ns)
        self.broker.funding.settle(now_ns, marks, self.marks)
        self.marks = list(marks)
        if volumes is not None:
            self.volumes = list(volumes)
        return self.account.equity(self.marks)

    def move(self, now_ns: int, *quantities: float, direction: int | None = None, reason: str = "") -> SpreadOrder:
        """Ask for positions, where an order is expected."""
        self.until(now_ns)
        order = self.broker.move(Target(quantities, direction, reason), now_ns, self.marks, self.volumes)
        assert order is not None
        return order

    def request(self, now_ns: int, wish: SpreadRequest) -> SpreadOrder:
        """Ask for changes, where an order is expected."""
        self.until(now_ns)
        order = self.broker.request(wish, now_ns, self.marks, self.volumes)
        assert order is not None
        return order

    def send(self, now_ns: int, quantity: float, kind: OrderKind = "market", **terms: Any) -> SpreadOrder:
        """Send a single order in Y."""
        self.until(now_ns)
        return self.broker.send(OrderRequest("Y", quantity, kind, **terms), now_ns, self.marks, self.volumes)

    def bar(self, end_ns: int, begin_ns: int, opened: float, high: float, low: float, volume: float = 1.0) -> None:
        """A bar of Y is over."""
        self.until(end_ns)
        self.broker.on_bar(0, end_ns - 1, begin_ns, opened, high, low, volume)

    def trade(self, leg: str, time_ns: int, price: float, quantity: float = 1.0) -> None:
        """A leg trades."""
        self.until(time_ns)
        self.broker.on_trade(self.account.symbols.index(leg), time_ns, price, quantity)

    def fills(self) -> list[tuple[str, int, float, float]]:
        """Symbol, time, quantity and price of every fill."""
        return [(fill.symbol, fill.time_ns, fill.quantity, fill.price) for fill in self.account.fills]
