"""Funding that the positions of an account are charged: at its time, or later where it becomes known later."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from alphastream.trading.broker.account import Account
from alphastream.trading.broker.costs import Due, FundingModel

Schedule: TypeAlias = Callable[[int, Callable[[], object]], None]


class FundingCharges:
    """Charges one account.

    Parameters
    ----------
    model : when and what; None charges nothing of itself.
    schedule : calls a job at a moment.

    Attributes
    ----------
    unsettled : payments of positions that wait for ``settle``: what, leg, position and round trip.
    """

    def __init__(self, account: Account, model: FundingModel | None, schedule: Schedule) -> None:
        self.unsettled: list[tuple[Due, int, float, int]] = []
        self._account, self._model, self._schedule = account, model, schedule

    def begin(self, after_ns: int, until_ns: int | None = None) -> None:
        """Charge what the model says from a moment on, and no more after the other.

        Payments that have no mark of their own are computed from that of the last row at or before them: ``settle``
        books them all.
        """
        if self._model is not None:
            for leg in range(len(self._account.symbols)):
                self._next(self._model, leg, after_ns, until_ns)

    def announce(self, leg: int, due: Due, now_ns: int) -> None:
        """Charge a payment that has become known: at its time, or, where that is over, on what was held then.

        Parameters
        ----------
        due : with its mark.
        now_ns : everything before has happened.
        """
        if due.time_ns >= now_ns:
            self._schedule(due.time_ns, partial(self._charge, leg, due))
            return
        held, round_trip = self._account.held_before(leg, due.time_ns)
        if held:
            self.unsettled.append((due, leg, held, round_trip))

    def settle(self, row_ns: int, marks: Sequence[float], before: Sequence[float]) -> None:
        """Book the funding that fell due up to a row, at its marks or, where it was due earlier, at those before."""
        for due, leg, held, round_trip in self.unsettled:
            mark = (marks if due.time_ns >= row_ns else before)[leg] if due.mark is None else due.mark
            self._account.settle(leg, held, mark, due.rate, due.time_ns, round_trip)
        self.unsettled.clear()

    def _next(self, model: FundingModel, leg: int, after_ns: int, until_ns: int | None) -> None:
        due = model.due(self._account.symbols[leg], after_ns)
        if due is not None and (until_ns is None or due.time_ns <= until_ns):
            self._schedule(due.time_ns, partial(self._take, model, leg, due, until_ns))

    def _take(self, model: FundingModel, leg: int, due: Due, until_ns: int | None) -> None:
        self._charge(leg, due)
        self._next(model, leg, due.time_ns, until_ns)

    def _charge(self, leg: int, due: Due) -> None:
        held = self._account.positions[leg]
        if held:
            self.unsettled.append((due, leg, held, self._account.leg_round_trips[leg]))
