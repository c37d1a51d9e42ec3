"""The rings of all symbols: what is taken in, what is refused, what retention deletes. No threads, no files."""

import logging
import time
from collections.abc import Mapping

from alphastream.core.units import SECOND
from alphastream.tape.columns import TickColumns
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import SymbolRing

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

    def restore(self, symbol: str, runs: IdRuns, absent: IdRuns, newest: TickColumns, first_ns: int) -> None:
        """Take over what a file holds of a symbol; see SymbolRing."""
        self._new(symbol).restore(runs, absent, newest, first_ns)

    def get(self, symbol: str) -> SymbolRing | None:
        """The ring of a symbol, None before its first tick."""
        return self._rings.get(symbol)

    def symbols(self) -> list[str]:
        """Every symbol that has a tick, sorted."""
        return sorted(symbol for symbol, ring in self._rings.items() if ring.newest is not None)

    def admit(self, symbol: str, ticks: TickColumns) -> tuple[TickColumns, bool]:
        """Take ticks of a symbol in; those to be written, and whether readers see any that they have not seen."""
        sound = ticks.sound()
        if not sound.all():
            self.rejected += len(ticks) - int(sound.sum())
            ticks = ticks.rows(sound)
        if not len(ticks):
            return ticks, False
        ring = self._rings.get(symbol) or self._new(symbol)
        admission = ring.admit(ticks, time.time_ns())
        self.duplicates += admission.duplicates
        if len(admission.backwards):
            self._reject_backwards(ring, admission.backwards)
        if not len(admission.refilled):
            return admission.new, len(admission.new) > 0
        return TickColumns.joined([admission.new, admission.refilled]), len(admission.new) > 0

    def give_up(self, symbol: str, ids: IdRuns) -> None:
        """Count ids as missing, although readers have seen them."""
        ring = self._rings[symbol]
        ring.lost = ring.lost.union(ids)

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

    def _reject_backwards(self, ring: SymbolRing, ticks: TickColumns) -> None:
        self.rejected += len(ticks)
        if ring.symbol not in self._warned:
            self._warned.add(ring.symbol)
            log.warning(
                "id ran backwards, such ticks are refused: symbol=%s id=%d time_ns=%d first_id=%s first_ns=%d",
                *(ring.symbol, ticks.id[0], ticks.time_ns[0], ring.seen.first, ring.first_ns),
            )
