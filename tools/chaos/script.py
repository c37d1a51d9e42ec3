"""What goes wrong in a run, and when: drawn by a seed, every kind once before any comes again."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tools.exchange import (
    Close24h,
    Drop,
    Duplicate,
    Fault,
    Garbage,
    HalfClose,
    JumpIds,
    LateAnswer,
    Mute,
    PingFlood,
    Refuse403,
    Refuse418,
    Refuse429,
    Refuse451,
    Reorder,
    Silence,
    SkipIds,
    SlowClose,
    Stall,
)

Faults = tuple[Fault, ...]
Deed = Literal["fault", "kill", "full disk", "room again", "swap", "ids anew"]

KILL_EVERY_S = 300.0
FULL_DISK_S = 20.0


def _soon(draw: random.Random) -> int:
    return draw.randrange(1_000)


KINDS: tuple[Callable[[random.Random], Faults], ...] = (
    lambda draw: (Drop(after=_soon(draw)),),
    lambda draw: (Drop(after=_soon(draw), times=4),),
    lambda draw: (Stall(after=_soon(draw)),),
    lambda draw: (Stall(after=_soon(draw), seconds=draw.uniform(0.5, 4.0)),),
    lambda draw: (Silence(after=_soon(draw)),),
    lambda draw: (HalfClose(after=_soon(draw)),),
    lambda draw: (Mute(after=_soon(draw)),),
    lambda draw: (Mute(after=_soon(draw), seconds=draw.uniform(0.5, 5.0)),),
    lambda draw: (Duplicate(after=_soon(draw), count=draw.randrange(1, 3_000)),),
    lambda draw: (Reorder(after=_soon(draw), count=draw.randrange(2, 1_000)),),
    lambda draw: (SkipIds(after=_soon(draw), count=draw.randrange(1, 5_000)),),
    lambda draw: (JumpIds(after=_soon(draw)),),
    lambda draw: (Garbage(after=_soon(draw)),),
    lambda draw: (Garbage(after=_soon(draw), kinds=("bad_utf8",)),),
    lambda draw: (Garbage(after=_soon(draw), kinds=("raw",)),),
    lambda draw: (SlowClose(), Stall(after=_soon(draw))),
    lambda draw: (PingFlood(after=_soon(draw)),),
    lambda draw: (PingFlood(), Stall(after=_soon(draw))),
    lambda draw: (Close24h(after=_soon(draw), notice_s=draw.uniform(0.0, 1.0)),),
    lambda draw: (Refuse429(retry_after_s=2, seconds=draw.uniform(1.0, 5.0)), Drop()),
    lambda draw: (Refuse418(retry_after_s=3, seconds=draw.uniform(1.0, 5.0)), Drop()),
    lambda draw: (Refuse403(seconds=draw.uniform(1.0, 5.0)), Drop()),
    lambda draw: (Refuse451(seconds=draw.uniform(1.0, 5.0)), Drop()),
    lambda draw: (Refuse429(on=("rest",), retry_after_s=2, seconds=4.0), SkipIds(count=500)),
    lambda draw: (LateAnswer(delay_s=draw.uniform(0.5, 4.0), times=5), SkipIds(count=500)),
)
"""Every fault of the exchange; a refusal comes with what makes a client knock again."""


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something that happens ``at_s`` seconds into the run to the recorder or the exchange of a venue."""

    at_s: float
    venue: str
    deed: Deed
    faults: Faults = ()


def events(seed: int, seconds: float, every_s: float, venues: tuple[str, ...]) -> list[Event]:
    """Everything that happens in a run.

    A fault every ``every_s`` seconds; a kill every five minutes, at least two; a full disk twice, the second time for
    longer; two processes swapped at every venue; ids that begin anew at one.
    """
    draw = random.Random(seed)
    deck = _deck(draw)
    count = int(seconds / every_s)
    found = [Event(every_s * (n + 0.5), draw.choice(venues), "fault", next(deck)(draw)) for n in range(count)]
    kills = max(2, round(seconds / KILL_EVERY_S))
    found += [Event(seconds * (n + 0.9) / (kills + 0.5), venues[n % len(venues)], "kill") for n in range(kills)]
    for share, lasts_s in ((0.2, min(FULL_DISK_S, seconds / 12)), (0.6, min(6 * FULL_DISK_S, seconds / 8))):
        venue = draw.choice(venues)
        found.append(Event(seconds * share, venue, "full disk"))
        found.append(Event(seconds * share + lasts_s, venue, "room again"))
    found += [Event(seconds * (0.45 + 0.35 * n), venue, "swap") for n, venue in enumerate(venues)]
    found.append(Event(seconds * 0.9, draw.choice(venues), "ids anew"))
    return sorted(found, key=lambda event: event.at_s)


def _deck(draw: random.Random) -> Iterator[Callable[[random.Random], Faults]]:
    while True:
        yield from draw.sample(KINDS, len(KINDS))
