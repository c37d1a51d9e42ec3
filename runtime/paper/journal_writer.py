"""What of a paper run is new since it was last written down."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from alphastream.backtest import LiveRun
from alphastream.backtest.own_code import OwnCode
from alphastream.errors import StorageError
from alphastream.trading import SpreadOrder
from alphastream.trading.broker.margin import LIQUIDATED
from runtime.paper.journal import RunFile
from runtime.paper.record import AccountState, Adopted, Entry, Filled, Ordered, Origin, Paid, Paused, RunRecord, Stopped
from runtime.paper.view import TradeSource, legs_of, marks_of

log = logging.getLogger(__name__)

HEARTBEAT_NS: Final = 10 * 10**9  # of the tape, between two lines that say how far a quiet run is


class JournalWriter:
    """Writes down what is new in a run, in what is known of it and in its file.

    Lines that cannot be written wait in memory, in their order, until ``save`` can write them.

    Parameters
    ----------
    record : grows with what the run does, also while the file cannot be written.
    failed : called whenever writing fails.

    Attributes
    ----------
    failure : why lines wait, None while none do.
    """

    def __init__(self, file: RunFile, record: RunRecord, failed: Callable[[], object]) -> None:
        self.record = record
        self.failure: str | None = None
        self._file, self._failed = file, failed
        self._waiting: list[Sequence[Entry]] = []
        self._known: dict[int, tuple[Any, ...]] = {}
        self._seen = 0  # orders looked at so far
        self._unsettled: dict[int, SpreadOrder] = {}  # those of them that may change still
        self._written_ns = 0
        self._late_before = self._late_written

    def restore_account(self, live: LiveRun) -> None:
        """Give a run that goes on the books that are written down."""
        account, state = live.simulation.account, self.record.state
        account.restore(self.record.fills, self.record.funding)
        if state is not None:
            account.round_trip = max(account.round_trip, state.round_trip)
            if any(account.positions):
                account.direction = state.direction

    def restore_orders(self, live: LiveRun) -> None:
        """Give it the orders that are written down, and count late trades on from those."""
        orders = self.record.orders.values()
        self._known = {order.id: _signature(order) for order in orders}
        self._seen, self._unsettled = 0, {}
        self._late_before = self._late_written
        simulation = live.simulation
        simulation.broker.resume(_copy(order) for order in orders)
        if live.row is not None:
            simulation.broker.singles.marks, simulation.broker.singles.volumes = live.row.marks, live.row.volumes
        known = simulation.broker.orders
        begun = bool(known) and known[-1].reason.startswith(LIQUIDATED)
        simulation.must_end = begun and any(simulation.account.positions)

    def note_origin(self, pipeline: TradeSource) -> None:
        """Write down where its trades come from, where that was not known until now."""
        record = self.record
        origin = Origin(
            pipeline.venue or record.venue, pipeline.address_of(legs_of(record.definition)) or record.address
        )
        if origin != Origin(record.venue, record.address):
            self._append([origin])

    def note_code(self, code: tuple[OwnCode, ...]) -> None:
        """Write down that it goes on with classes as their files have them now."""
        self._append([Adopted(code)])

    def note_pause(self, to_ns: int) -> None:
        """Write down that the run did not see the tape until then."""
        if to_ns > self.record.until_ns:
            why = "paper trading did not run, or its trades did not come"
            self._append([Paused(self.record.until_ns, to_ns, why)])

    def write(self, live: LiveRun, *, force: bool = False) -> None:
        """Write down orders, fills and funding that are new, and where the run stands.

        Parameters
        ----------
        force : write that even if nothing is new and the last time was a short while ago.
        """
        account, record = live.simulation.account, self.record
        entries: list[Entry] = [Ordered(order) for order in self._changed(live.simulation.broker.orders)]
        entries += [Filled(fill) for fill in account.fills[len(record.fills) :]]
        entries += [Paid(payment) for payment in account.funding[len(record.funding) :]]
        if entries or force or live.until_ns - self._written_ns >= HEARTBEAT_NS:
            marks = tuple(price if price == price else None for price in marks_of(live))
            entries.append(AccountState(live.until_ns, account.direction, account.round_trip, self.late(live), marks))
            self._written_ns = live.until_ns
            self._append(entries)

    def end(self, why: str, *, ended: bool = False) -> None:
        """Write the last line."""
        self._append([Stopped(why, ended)])

    @property
    def waiting(self) -> int:
        """Lines that are in memory only."""
        return len(self._waiting)

    def save(self) -> bool:
        """Write what waits; whether nothing waits any more."""
        try:
            self._file.append_all(self._waiting)
        except StorageError as error:
            if self.failure is None:
                log.error("paper run is not written down, its lines wait in memory: %s", error)
            self.failure = str(error)
            self._failed()
            return False
        if self.failure is not None:
            log.info("paper run is written down again: file=%s lines=%d", self._file.path, len(self._waiting))
        self._waiting, self.failure = [], None
        return True

    def late(self, live: LiveRun | None) -> int:
        """Trades so far that came after their bar had closed."""
        return self._late_written if live is None else self._late_before + live.late

    @property
    def _late_written(self) -> int:
        return 0 if self.record.state is None else self.record.state.late

    def _changed(self, orders: Sequence[SpreadOrder]) -> list[SpreadOrder]:
        """Copies of orders that are new or not what they were."""
        changed = []
        self._unsettled |= {order.id: order for order in orders[self._seen :]}
        self._seen = len(orders)
        for order in tuple(self._unsettled.values()):
            if self._known.get(order.id) != _signature(order):
                self._known[order.id] = _signature(order)
                changed.append(_copy(order))
            if order.state not in ("open", "one leg", "unwinding"):
                del self._unsettled[order.id]
                del self._known[order.id]
        return changed

    def _append(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.record.take(entry)
        self._waiting.append(entries)
        if self.failure is None:
            self.save()


def _signature(order: SpreadOrder) -> tuple[Any, ...]:
    """What a line is written for; whether an order has met the market decides what it is at its next trade."""
    return (
        order.state,
        order.reason,
        *(
            (leg.state, leg.filled, leg.quantity, leg.eligible_ns, leg.triggered_ns, leg.touch is None)
            for leg in order.legs
        ),
    )


def _copy(order: SpreadOrder) -> SpreadOrder:
    return msgspec.structs.replace(order, legs=tuple(msgspec.structs.replace(leg) for leg in order.legs))
