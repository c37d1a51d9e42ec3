"""How a connection behaves towards its client, as the faults that struck it demand."""

import math
from typing import cast

import msgspec

from .faults import (
    Duplicate,
    HalfClose,
    JumpIds,
    Mute,
    Reorder,
    Silence,
    SkipIds,
    SlowClose,
    Stall,
    StreamFault,
    Strikes,
)
from .tape import Trade


class Conduct:
    """Faults in wait for one connection, and what those that struck do to its trades and its silence.

    ``mute`` is a peer that neither reads nor writes, ``slow_close`` one that never finishes a close.
    """

    def __init__(self) -> None:
        self.mute = False
        self.slow_close = False
        self.ticks = 0
        self._armed: list[tuple[int, Strikes]] = []
        self._stalled_until = -math.inf
        self._mutes: list[Mute] = []  # those that wait for the next trade
        self._muted_until: dict[str, float] = {}
        self._jumps: list[int] = []
        self._duplicate = 0
        self._skip = 0
        self._reorder = 0
        self._held: list[Trade] = []

    def arm(self, strikes: Strikes) -> None:
        """Put a fault in wait, its ``after`` counted from the trades sent so far."""
        self._armed.append((self.ticks + cast(StreamFault, strikes.fault).after, strikes))

    def due(self) -> list[StreamFault]:
        """Spend and give the faults whose number of trades has been sent."""
        if not self._armed:
            return []
        due = [strikes for at, strikes in self._armed if at <= self.ticks]
        self._armed = [(at, strikes) for at, strikes in self._armed if at > self.ticks]
        return [cast(StreamFault, strikes.fault) for strikes in due if strikes.spend()]

    def strike(self, fault: StreamFault, now: float) -> None:
        """Take on a fault of conduct; those that are a deed of the connection are none. ``now`` in loop seconds."""
        match fault:
            case Stall(seconds=seconds):
                self._stalled_until = math.inf if seconds is None else now + seconds
            case Silence() | HalfClose():
                self.mute = True
            case SlowClose():
                self.slow_close = True
            case Mute():
                self._mutes.append(fault)
            case JumpIds(by=by):
                self._jumps.append(by)
            case Duplicate(count=count):
                self._duplicate += count
            case SkipIds(count=count):
                self._skip += count
            case Reorder(count=count):
                self._reorder = count

    def heal(self) -> list[Trade]:
        """Let trades flow again and give back those held for reordering. The mute stay mute: that peer is gone."""
        held, self._held = self._held, []
        self._armed.clear()
        self._stalled_until = -math.inf
        self._mutes.clear()
        self._muted_until.clear()
        self._jumps.clear()
        self._duplicate = self._skip = self._reorder = 0
        return held

    def outgoing(self, trade: Trade, now: float) -> list[Trade]:
        """Give the trades to send, in this order, now that ``trade`` was played."""
        while self._mutes:
            mute = self._mutes.pop()
            self._muted_until[mute.symbol or trade.symbol] = math.inf if mute.seconds is None else now + mute.seconds
        if now < self._stalled_until or now < self._muted_until.get(trade.symbol, -math.inf):
            return []
        if self._jumps:
            return [msgspec.structs.replace(trade, id=trade.id + self._jumps.pop()), trade]
        if self._skip:
            self._skip -= 1
            return []
        if self._reorder:
            return self._hold(trade)
        if self._duplicate:
            self._duplicate -= 1
            return [trade, trade]
        return [trade]

    def _hold(self, trade: Trade) -> list[Trade]:
        if self._held and self._held[0].symbol != trade.symbol:
            return [trade]
        self._held.append(trade)
        if len(self._held) < self._reorder:
            return []
        released, self._held, self._reorder = self._held[::-1], [], 0
        return released
