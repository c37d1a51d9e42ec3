"""Which connection carries which instrument's quotes, books and mark prices. For the holder of the feed's lock."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from alphastream.feeds.codec import Codec
from alphastream.feeds.market import MarketCodec
from alphastream.instruments import InstrumentId
from runtime.backoff import Backoff
from runtime.connections.market_line import LineOwner, MarketLine
from runtime.connections.transport import Transport

log = logging.getLogger(__name__)

JOIN_S: Final = 1.9
Stream = tuple[str, str]
"""An instrument and a kind: quotes, books or marks."""


@dataclass(eq=False, slots=True)
class _Group:
    """Instruments that were asked for together, and the lines that carry them; which one carries which is not known."""

    lines: list[MarketLine] = field(default_factory=list)


class MarketLines:
    """The connections of a market feed. Each stream belongs to one group of lines; what others bring of it is ignored.

    Parameters
    ----------
    codec, market : of the venue.
    owner : takes what lines bring.
    transport, timeout_s, stable_s : as in MarketLine.
    backoff_s : bound of the first wait before an attempt, and of all waits.
    seed : of the waits' random numbers.
    """

    def __init__(
        self,
        codec: Codec,
        market: MarketCodec,
        owner: LineOwner,
        transport: Callable[[float], Transport],
        *,
        timeout_s: float,
        stable_s: float,
        backoff_s: tuple[float, float],
        seed: int | None,
    ) -> None:
        self._codec, self._market, self._owner, self._make = codec, market, owner, transport
        self._timeout_s, self._stable_s, self._backoff_s, self._seed = timeout_s, stable_s, backoff_s, seed
        self._groups: dict[MarketLine, _Group] = {}
        self._owners: dict[Stream, _Group] = {}
        self._heard: dict[MarketLine, set[Stream]] = {}  # since it was opened
        self._over: list[MarketLine] = []

    def open(self, instruments: Sequence[InstrumentId], stall_s: float, kind: str | None = None) -> None:
        """Open lines for instruments: for all kinds, or those that carry this one."""
        group = _Group()
        for route in self._market.routes(instruments):
            if kind is not None and kind not in route.kinds:
                continue
            line = MarketLine(
                self._codec,
                route,
                self._owner,
                self._make,
                timeout_s=self._timeout_s,
                stall_s=stall_s,
                stable_s=self._stable_s,
                backoff=Backoff(*self._backoff_s, seed=self._seed),
            )
            group.lines.append(line)
            self._groups[line] = group
            for name in instruments:
                for each in route.kinds:
                    self._owners[name, each] = group
        for line in group.lines:
            line.start()
        self._let_go()

    def renew(self, name: InstrumentId, kind: str, stall_s: float) -> None:
        """Have a stream begin anew by a connection of the instrument's own, so that the others stay as they are."""
        group = self._owners.get((name, kind))
        if group is None:
            return
        if sum(owner is group for (_, each), owner in self._owners.items() if each == kind) > 1:
            self.open([name], stall_s, kind)
            return
        for line in group.lines:
            if kind in line.route.kinds:
                line.renew()

    def drop(self, name: str) -> None:
        """Carry an instrument no more."""
        self._owners = {stream: group for stream, group in self._owners.items() if stream[0] != name}
        self._let_go()

    def hear(self, line: MarketLine, stream: Stream) -> bool:
        """Take note that a line has brought something of a stream; False where that is not its own."""
        group = self._groups.get(line)
        if group is None or self._owners.get(stream) is not group:
            return False
        self._heard.setdefault(line, set()).add(stream)
        return True

    def lost(self, line: MarketLine) -> list[Stream]:
        """Take note that a line has no connection; the streams that came, or were to come, by it."""
        group, heard = self._groups.get(line), self._heard.pop(line, set())
        own = [stream for stream, owner in self._owners.items() if owner is group and stream[1] in line.route.kinds]
        return [stream for stream in own if stream in heard or len(self._carriers(stream)) == 1]

    def has_heard(self, stream: Stream) -> bool:
        """Say whether something of a stream has come since its line was opened."""
        return any(stream in self._heard.get(line, ()) for line in self._carriers(stream))

    def opened_s(self, stream: Stream) -> float | None:
        """Return when the connections that may carry a stream were opened, the last of them; None while none is."""
        opened = [line.opened_s for line in self._carriers(stream)]
        return max((each for each in opened if each is not None), default=None)

    def streams(self) -> list[Stream]:
        """Return all that are carried."""
        return sorted(self._owners)

    def has(self, kind: str) -> bool:
        """Say whether a kind is carried at all."""
        return any(each == kind for _, each in self._owners)

    def lines(self) -> list[MarketLine]:
        """Return those that carry something."""
        return list(self._groups)

    def all(self) -> list[MarketLine]:
        """Return also those that are over."""
        return [*self._groups, *self._over]

    def rejected(self) -> Counter[str]:
        """Return how many messages were refused, by kind."""
        found: Counter[str] = Counter()
        for line in self.all():
            found.update(line.rejected)
        return found

    def reconnects(self) -> int:
        """Return how often connections were opened after the first of each line."""
        return sum(max(line.opened - 1, 0) for line in self.all())

    def _carriers(self, stream: Stream) -> list[MarketLine]:
        group = self._owners.get(stream)
        return [line for line in group.lines if stream[1] in line.route.kinds] if group is not None else []

    def _let_go(self) -> None:
        """Stop lines that carry nothing that is wanted."""
        wanted = {(id(group), kind) for (_, kind), group in self._owners.items()}
        for line, group in list(self._groups.items()):
            if not any((id(group), kind) in wanted for kind in line.route.kinds):
                line.stop()
                del self._groups[line]
                self._heard.pop(line, None)
                self._over.append(line)
