"""What a venue allows a client, and the count of what a client has used up."""

import math
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a venue; a test lowers one with `dataclasses.replace`.

    ``ping_interval_s`` is how often the venue pings, infinite where it never does; ``silence_s`` how long a client may
    say nothing at all. ``queue_bytes`` bounds what waits for one client: a client that lets more pile up is dropped.
    """

    ping_interval_s: float = 180.0
    pong_timeout_s: float = 600.0
    silence_s: float = math.inf
    life_s: float = 86_400.0
    messages_per_second: int = 10
    streams: int = 200
    weight_per_minute: int = 2_400
    queue_bytes: int = 8 * 2**20
    connections: int = 300


class Meter:
    """Weight used in the running minute of the wall clock."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minute = 0
        self.used = 0

    def charge(self, weight: int) -> int | None:
        """Add weight; give the whole seconds to wait where the limit is exceeded, else None."""
        now = time.time()
        minute = int(now // 60)
        if minute != self._minute:
            self._minute, self.used = minute, 0
        self.used += weight
        return max(math.ceil((minute + 1) * 60 - now), 1) if self.used > self._limit else None
