"""How a connection behaves towards its client, as the faults that struck it demand."""

import math
from collections import Counter
from typing import cast

import msgspec

from .events import Event, Kind
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


class Conduct:
    """Faults in wait for one connection, and what those that struck do to its messages and its silence.

    ``mute`` is a peer that neither reads nor writes, ``slow_close`` one that never finishes a close.
    """

    def __init__(self) -> None:
        self.mute = False
        self.slow_close = False
        self.ticks = 0
        self._sent: Counter[Kind] = Counter()
        self._armed: list[tuple[int, Strikes]] = []
        self._stalled_until = -math.inf
        self._mutes: list[Mute] = []  # those that wait for the next event
        self._muted_until: dict[tuple[Kind | None, str], float] = {}
        self._jumps: dict[Kind, list[int]] = {}
        self._duplicate: Counter[Kind] = Counter()
        self._skip: Counter[Kind] = Counter()
        self._reorder: Counter[Kind] = Counter()
        self._held: dict[Kind, list[Event]] = {}

    def arm(self, strikes: Strikes) -> None:
        """Put a fault in wait, its ``after`` counted from what was sent so far."""
        self._armed.append((self._count(_kind(strikes)) + cast(StreamFault, strikes.fault).after, strikes))

    def count_sent(self, event: Event) -> None:
        """Note that an event was sent."""
        self.ticks += 1
        self._sent[event.kind] += 1

    def due(self, kind: Kind | None = None) -> list[StreamFault]:
        """Spend and give the faults whose number of events has been sent.

        Those about one kind of events wait for the next of that kind, so that they strike a connection that carries it.
        """
        if not self._armed:
            return []
        due = [armed for armed in self._armed if _kind(armed[1]) == kind and armed[0] <= self._count(kind)]
        self._armed = [armed for armed in self._armed if armed not in due]
        return [cast(StreamFault, strikes.fault) for _, strikes in due if strikes.spend()]

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
            case JumpIds(on=kind, by=by):
                self._jumps.setdefault(kind, []).append(by)
            case Duplicate(on=kind, count=count):
                self._duplicate[kind] += count
            case SkipIds(on=kind, count=count):
                self._skip[kind] += count
            case Reorder(on=kind, count=count):
                self._reorder[kind] = count

    def heal(self) -> list[Event]:
        """Let events flow again and give back those held for reordering. The mute stay mute: that peer is gone."""
        held = [event for events in self._held.values() for event in events]
        self._held.clear()
        self._armed.clear()
        self._stalled_until = -math.inf
        self._mutes.clear()
        self._muted_until.clear()
        self._jumps.clear()
        for counter in (self._duplicate, self._skip, self._reorder):
            counter.clear()
        return held

    def outgoing(self, event: Event, now: float) -> list[Event]:
        """Give the events to send, in this order, now that ``event`` was played."""
        while self._mutes:
            mute = self._mutes.pop()
            until = math.inf if mute.seconds is None else now + mute.seconds
            self._muted_until[mute.on, mute.symbol or event.symbol] = until
        if now < self._stalled_until or self._is_muted(event, now):
            return []
        kind = event.kind
        if jumps := self._jumps.get(kind):
            return [msgspec.structs.replace(event, id=event.id + jumps.pop()), event]
        if self._skip[kind]:
            self._skip[kind] -= 1
            return []
        if self._reorder[kind]:
            return self._hold(event)
        if self._duplicate[kind]:
            self._duplicate[kind] -= 1
            return [event, event]
        return [event]

    def _count(self, kind: Kind | None) -> int:
        """Count what was sent, of a kind or in all."""
        return self.ticks if kind is None else self._sent[kind]

    def _is_muted(self, event: Event, now: float) -> bool:
        if not self._muted_until:
            return False
        return any(now < self._muted_until.get((kind, event.symbol), -math.inf) for kind in (None, event.kind))

    def _hold(self, event: Event) -> list[Event]:
        held = self._held.setdefault(event.kind, [])
        if held and held[0].symbol != event.symbol:
            return [event]
        held.append(event)
        if len(held) < self._reorder[event.kind]:
            return []
        self._held[event.kind] = []
        self._reorder[event.kind] = 0
        return held[::-1]


def _kind(strikes: Strikes) -> Kind | None:
    """Return the kind of events that a fault is about, None for all."""
    return cast(StreamFault, strikes.fault).on
