"""The rings of all symbols: what is taken in, what is refused, what retention deletes. No threads, no files."""

import logging
import time
from collections.abc import Mapping

from alphastream.core.units import SECOND
from alphastream.tape.columns import TickColumns
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Series, SymbolRing

log = logging.getLogger(__name__)

_LONGEST_SLACK_NS = 60 * SECOND


class SymbolRings:
    """A ring a symbol, made when its first tick comes. Not thread-safe: the owner holds a lock.

    Parameters
    ----------
    ring_ticks, retention_ns : as in SymbolRing.

    Attributes
    ----------
    ring_ticks : as given.
    numbered : as in SymbolRing; to be set before the first tick.
    duplicates, rejected : ticks refused because their id was known, and for what they hold.
    """

    def __init__(self, ring_ticks: int, retention_ns: int | None) -> None:
        self.duplicates = self.rejected = 0
        self.numbered = True
        self.ring_ticks, self._retention_ns = ring_ticks, retention_ns
        self._rings: dict[str, SymbolRing] = {}
        self._warned: set[str] = set()  # symbols whose ids ran backwards

    def restore(self, series: Series, runs: IdRuns, absent: IdRuns, newest: TickColumns, first_ns: int) -> None:
        """Take over what a file holds of a symbol's last series; see SymbolRing."""
        ring = self._rings.get(series.symbol) or self._new(series.symbol)
        ring.restore(runs, absent, newest, first_ns, series.epoch)

    def follow(self, series: Series, runs: IdRuns, absent: IdRuns, newest: TickColumns, first_ns: int) -> None:
        """Take over what another file holds, that has taken the place of the one before: its ids count as well."""
        ring = self._rings.get(series.symbol)
        if ring is None:
            self.restore(series, runs.copy(), absent.copy(), newest, first_ns)
        elif ring.series == series:
            ring.follow(runs, newest, first_ns)

    def get(self, symbol: str) -> SymbolRing | None:
        """The ring of a symbol, None before its first tick."""
        return self._rings.get(symbol)

    def symbols(self) -> list[str]:
        """Every symbol that has a tick, sorted."""
        return sorted(symbol for symbol, ring in self._rings.items() if ring.newest is not None)

    def admit(self, symbol: str, ticks: TickColumns) -> tuple[list[tuple[Series, TickColumns]], bool]:
        """Take ticks of a symbol in; those to be written, and whether readers see any that they have not seen."""
        sound = ticks.sound()
        if not sound.all():
            self.rejected += len(ticks) - int(sound.sum())
            ticks = ticks.rows(sound)
        if not len(ticks):
            return [], False
        ring = self._rings.get(symbol) or self._new(symbol)
        before = ring.series
        admissions = ring.admit(ticks, time.time_ns())
        if ring.series != before:
            log.warning("ids begin anew, as a venue's do after a restart: symbol=%s epoch=%d", *ring.series)
        taken: list[tuple[Series, TickColumns]] = []
        for series, new, refilled, backwards, duplicates in admissions:
            self.duplicates += duplicates
            if len(backwards):
                self._reject_backwards(ring, backwards)
            taken += [(series, part) for part in (new, refilled) if len(part)]
        return taken, any(len(admission.new) for admission in admissions)

    def give_up(self, series: Series, ids: IdRuns) -> None:
        """Count ids as missing, although readers have seen them. Of an epoch that is over nothing comes again."""
        ring = self._rings[series.symbol]
        if ring.series == series:
            ring.lost = ring.lost.union(ids)

    @property
    def suspects(self) -> int:
        """Ticks set aside because their ids cannot be right, until another goes on from them."""
        return sum(len(ring.suspects) for ring in self._rings.values())

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

    def drop_below(self, oldest: Mapping[Series, tuple[int, int]]) -> None:
        """Follow a deletion: id and time of the first tick that the file still has, by series."""
        for series, (first_id, first_ns) in oldest.items():
            ring = self._rings[series.symbol]
            if ring.series == series:
                ring.drop_below(first_id, first_ns)

    def _new(self, symbol: str) -> SymbolRing:
        ring = self._rings[symbol] = SymbolRing(symbol, self.ring_ticks, self._retention_ns, numbered=self.numbered)
        return ring

    def _reject_backwards(self, ring: SymbolRing, ticks: TickColumns) -> None:
        self.rejected += len(ticks)
        if ring.symbol not in self._warned:
            self._warned.add(ring.symbol)
            log.warning(
                "ids cannot be right, such ticks are refused: symbol=%s id=%d time_ns=%d first_id=%s first_ns=%d",
                *(ring.symbol, ticks.id[0], ticks.time_ns[0], ring.seen.first, ring.first_ns),
            )
