"""The rings of all symbols: what is taken in, what is refused, what retention deletes. No threads, no files."""

import logging
import time
from collections.abc import Iterable, Mapping

from alphastream.core.units import SECOND
from alphastream.events import Tick
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import SymbolRing, is_sound

log = logging.getLogger(__name__)

_LONGEST_SLACK_NS = 60 * SECOND


class SymbolRings:
    """A ring a symbol, made when its first tick comes. Not thread-safe: the owner holds a lock.

    Parameters
    ----------
    ring_ticks, retention_ns : as in SymbolRing.

    Attributes
    ----------
    duplicates, rejected : ticks refused because their id was known, and for what they hold.
    """

    def __init__(self, ring_ticks: int, retention_ns: int | None) -> None:
        self.duplicates = self.rejected = 0
        self._ring_ticks, self._retention_ns = ring_ticks, retention_ns
        self._rings: dict[str, SymbolRing] = {}
        self._warned: set[str] = set()  # symbols whose ids ran backwards

    def restore(self, symbol: str, runs: IdRuns, newest: list[Tick], first_ns: int) -> None:
        """Take over what a file holds of a symbol; see SymbolRing."""
        self._new(symbol).restore(runs, newest, first_ns)

    def get(self, symbol: str) -> SymbolRing | None:
        """The ring of a symbol, None before its first tick."""
        return self._rings.get(symbol)

    def symbols(self) -> list[str]:
        """Every symbol that has a tick, sorted."""
        return sorted(symbol for symbol, ring in self._rings.items() if ring.newest is not None)

    def admit(self, ticks: Iterable[Tick]) -> tuple[list[Tick], bool]:
        """Take ticks in; those that are to be written, and whether readers see any that they have not seen."""
        accepted: list[Tick] = []
        visible, now_ns = False, time.time_ns()
        for tick in ticks:
            if not is_sound(tick):
                self.rejected += 1
                continue
            ring = self._rings.get(tick.symbol)
            if ring is None:
                ring = self._new(tick.symbol)
            verdict = ring.admit(tick, now_ns)
            if verdict == "duplicate":
                self.duplicates += 1
            elif verdict == "backwards":
                self._reject_backwards(ring, tick)
            else:
                accepted.append(tick)
                visible = visible or verdict == "new"
        return accepted, visible

    def give_up(self, tick: Tick) -> None:
        """Count the id of a tick as missing, although readers have seen it."""
        self._rings[tick.symbol].lost.add(tick.id)

    @property
    def given_up(self) -> int:
        """Ticks that were given up and have not come again."""
        return sum(len(ring.lost) for ring in self._rings.values())

    def cutoffs(self, symbols: set[str]) -> dict[str, int]:
        """Where retention is due: a twentieth of it at a time, at most a minute, so that not every batch deletes."""
        if self._retention_ns is None:
            return {}
        now_ns, slack_ns = time.time_ns(), min(self._retention_ns // 20, _LONGEST_SLACK_NS)
        cutoffs = {symbol: self._rings[symbol].oldest_kept_ns(now_ns) for symbol in symbols}
        return {
            symbol: cutoff for symbol, cutoff in cutoffs.items() if self._rings[symbol].first_ns < cutoff - slack_ns
        }

    def drop_below(self, oldest: Mapping[str, tuple[int, int]]) -> None:
        """Follow a deletion: id and time of the first tick that the file still has, by symbol."""
        for symbol, (first_id, first_ns) in oldest.items():
            self._rings[symbol].drop_below(first_id, first_ns)

    def _new(self, symbol: str) -> SymbolRing:
        ring = self._rings[symbol] = SymbolRing(symbol, self._ring_ticks, self._retention_ns)
        return ring

    def _reject_backwards(self, ring: SymbolRing, tick: Tick) -> None:
        self.rejected += 1
        if ring.symbol not in self._warned:
            self._warned.add(ring.symbol)
            log.warning(
                "id ran backwards, such ticks are refused: symbol=%s id=%d time_ns=%d first_id=%s first_ns=%d",
                *(ring.symbol, tick.id, tick.time_ns, ring.seen.first, ring.first_ns),
            )
