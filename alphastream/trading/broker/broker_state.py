"""What a broker and its account carry from one row to the next, in a size that does not grow with the run."""

from collections.abc import Sequence

import msgspec

from alphastream.trading.broker.account import Account
from alphastream.trading.broker.orders import Fill, SpreadOrder
from alphastream.trading.broker.simulated import SimulatedBroker


class BrokerState(msgspec.Struct, frozen=True):
    """Between two rows of a run without time limits and funding.

    Parameters
    ----------
    cash, positions, direction, round_trip, leg_round_trips : see ``Account``.
    moved : newest entry of the account's journal, None before the first.
    last_fill : None before the first.
    orders : those that still wait, if any, and the newest.
    extra_bps : what a liquidation adds to fees.
    sent : id of the newest order.
    marks, volumes : last prices and volumes that single orders know, empty before the first.
    """

    cash: float
    positions: list[float]
    direction: int
    round_trip: int
    leg_round_trips: list[int]
    moved: tuple[int, int, float, float] | None
    last_fill: Fill | None
    orders: list[SpreadOrder]
    extra_bps: float
    sent: int = 0
    marks: list[float] = []
    volumes: list[float] = []


def state_of(broker: SimulatedBroker) -> BrokerState:
    """Return what later rows depend on."""
    account = broker.account
    waiting = [order for order in broker.orders[:-1] if order.is_open]
    return BrokerState(
        account.cash,
        account.positions,
        account.direction,
        account.round_trip,
        account.leg_round_trips,
        account.journal[-1] if account.journal else None,
        account.fills[-1] if account.fills else None,
        [*waiting, *broker.orders[-1:]],
        broker.filling.extra_bps,
        broker.filling.sent,
        broker.singles.marks,
        broker.singles.volumes,
    )


def resume(broker: SimulatedBroker, state: BrokerState) -> None:
    """Put a new broker and its new account where another was. Orders that wait go on."""
    account: Account = broker.account
    account.cash, account.positions = state.cash, list(state.positions)
    account.direction, account.round_trip = state.direction, state.round_trip
    account.leg_round_trips = list(state.leg_round_trips)
    account.journal = [] if state.moved is None else [state.moved]
    account.fills = [] if state.last_fill is None else [state.last_fill]
    filling = broker.filling
    filling.orders, filling.extra_bps, filling.sent = list(state.orders), state.extra_bps, state.sent
    broker.singles.marks, broker.singles.volumes = state.marks, state.volumes
    _wait(broker, filling.orders)


def _wait(broker: SimulatedBroker, orders: Sequence[SpreadOrder]) -> None:
    for order in orders:
        if order.is_single and order.is_open:
            broker.singles.keep(order)
            continue
        for leg in order.legs:
            if leg.state == "open":
                broker._waiting[leg.leg] = order, leg
