"""Flow and book of instruments, kept up to date from a growing tape; each is computed once for all who ask."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import numpy as np

from alphastream.books import MarketView
from alphastream.core.types import Floats
from alphastream.core.units import DAY, SECOND
from alphastream.graph import Graph
from alphastream.microstructure import nice_step
from alphastream.microstructure.leg import SAMPLE_AGE_NS, Columns, LegSpec, leg_columns, leg_nodes, leg_table
from alphastream.tape.columns import TickColumns, empty
from alphastream.tape.protocols import Batch
from alphastream.windows import Trades, WindowRows, WindowState

IDLE_S: Final = 120.0  # what nobody has asked for in this time is forgotten
GRACE_NS: Final = SECOND  # so much later than others a trade may come
NO_TICKS: Final = empty()
BOOK_STRETCH_NS: Final = 600 * SECOND  # of samples that are held at once
LEAST_FILLED: Final = 4  # before the size is rounded up
OTHER_SCALE: Final = 4.0  # a bucket so many times too small or too large is chosen anew


class FollowedTape(Protocol):
    """What is read of a tape."""

    def columns(self, symbol: str, start_ns: int, end_ns: int) -> TickColumns:
        """Ticks with start ≤ time < end, by time."""

    def since(self, symbol: str, cursor: int | None = None) -> Batch:
        """What became visible after a batch's cursor; None begins with the oldest tick in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class LegAnalytics:
    """The answer to a ``LegSpec``: immutable, shared by everybody who asked for it.

    Parameters
    ----------
    spec : the request, with the bucket that was chosen where it left that open.
    closed : one array a column: ``time_ns`` (bar ends), those of ``leg_columns`` and ``leg_series``; NaN where
        undefined.
    forming : the same columns for bars that are not closed yet; provisional.
    has_book : whether any sample of a book was there.
    """

    spec: LegSpec
    closed: Columns
    forming: Columns
    has_book: bool

    def column(self, name: str) -> Any:
        """Closed and forming rows of a column, oldest first."""
        return np.concatenate((self.closed[name], self.forming[name]))


class LegFlow:
    """One request, read from a tape; not thread-safe.

    A bar closes a second after the first trade behind it, in which late ones may still come. A trade that is later
    makes everything be read anew: rows of a fold cannot be taken back. Columns of the book are as they were known when
    the bar closed.

    Parameters
    ----------
    tape, market : where trades are read, and samples of the book if there are any.
    asked : where its bucket is 0, one is chosen: such that the bars that are kept fill ``buckets`` of them about two to
        four times, 1, 2 or 5 times a power of ten, and chosen anew where that has become another size.
    keep : closed bars.

    Attributes
    ----------
    reloads : how often everything was read anew.
    """

    def __init__(self, tape: FollowedTape, market: MarketView | None, asked: LegSpec, keep: int) -> None:
        self._tape, self._market, self._asked, self._keep = tape, market, asked, keep
        self._spec = asked
        self._cursor: int | None = None
        self._loaded: TickColumns | None = None
        self._pending = NO_TICKS
        self._state: WindowState | None = None
        self._graph = Graph()
        self._closed: Columns = {}
        self._has_book = False
        self.reloads = -1

    def refresh(self, now_ns: int) -> LegAnalytics:
        """Read what came and answer."""
        if self._cursor is None or not self._read_on():
            self._reload(now_ns, self._spec.bucket)
        if self._is_of_other_scale():
            self._reload(now_ns, self._wanted_bucket())
        spec = self._spec
        rows, state = spec.bars.run(Trades.of(self._pending), self._state)
        rows = rows.followed_by(spec.bars.forming(state))
        columns = self._columns_of(rows)
        forming = leg_table(spec, rows, columns, self._graph.preview_all({spec.source: columns}))
        return LegAnalytics(spec, self._closed, forming, self._has_book)

    def _read_on(self) -> bool:
        """Take in what came; False where what is there cannot go on from it."""
        batch = self._tape.since(self._spec.symbol, self._cursor)
        self._cursor = batch.cursor
        ticks = batch.columns
        if self._loaded is not None:  # the first batch may repeat some of what was read at the beginning
            ticks, self._loaded = ticks.rows(ticks.are_new(self._loaded.id, self._loaded.time_ns)), None
        newest_ns = 0 if self._state is None else self._state.newest_ns
        if batch.missed or (len(ticks) and int(ticks.time_ns.min()) < newest_ns):
            return False
        self._take(TickColumns.joined([self._pending, ticks]))
        return True

    def _take(self, ticks: TickColumns) -> None:
        """Fold trades that no late one can come before; keep the others."""
        ticks = ticks.rows(np.argsort(ticks.time_ns, kind="stable"))
        settled = int(np.searchsorted(ticks.time_ns, ticks.time_ns[-1] - GRACE_NS)) if len(ticks) else 0
        self._pending = ticks.rows(slice(settled, None))
        self._advance(Trades.of(ticks.rows(slice(settled))))

    def _reload(self, now_ns: int, bucket: float) -> None:
        self._spec = replace(self._asked, bucket=bucket)
        interval_ns = self._spec.interval_ns
        self._cursor = self._tape.since(self._spec.symbol, None).cursor
        start_ns = (now_ns - min(self._keep * interval_ns, DAY)) // interval_ns * interval_ns
        ticks = self._loaded = self._tape.columns(self._spec.symbol, start_ns, now_ns + DAY)
        self._state, self._graph = None, Graph(leg_nodes(self._spec))
        self._closed, self._has_book = {}, False
        self._take(ticks)
        self.reloads += 1

    def _advance(self, trades: Trades) -> None:
        spec = self._spec
        rows, self._state = spec.bars.run(trades, self._state)
        if self._closed and not len(rows):
            return
        columns = self._columns_of(rows)
        new = leg_table(spec, rows, columns, self._graph.run(spec.source, columns))
        parts = (self._closed, new) if self._closed else (new,)
        self._closed = {name: np.concatenate([part[name] for part in parts])[-self._keep :] for name in new}

    def _columns_of(self, rows: WindowRows) -> dict[str, Floats]:
        """What the source holds of these bars; the book is read a stretch at a time, as a day of it is large."""
        if self._market is None or not len(rows):
            return leg_columns(rows)
        stretch = rows.end_ns // BOOK_STRETCH_NS
        parts = []
        for places in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(stretch)) + 1):
            part = rows.take(places)
            first_ns, last_ns = int(part.end_ns[0]) - SAMPLE_AGE_NS, int(part.end_ns[-1])
            book = self._market.samples(self._spec.symbol, first_ns, last_ns)
            self._has_book |= len(book) > 0
            parts.append(leg_columns(part, book))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _wanted_bucket(self) -> float:
        volume = float(self._closed["volume"].sum())
        return nice_step(0.0, volume, LEAST_FILLED * self._spec.buckets, 0.0) if volume else 0.0

    def _is_of_other_scale(self) -> bool:
        if self._asked.bucket:
            return False
        has, wanted = self._spec.bucket, self._wanted_bucket()
        return wanted > 0.0 and not has / OTHER_SCALE < wanted < has * OTHER_SCALE


class LegFlows:
    """What is asked for of any instrument, at most so often; safe to use from many threads.

    Parameters
    ----------
    tape, market : where trades are read, and samples of the book; None where there are none.
    now_ns : the time the data lives in.
    now_s : a clock that never goes back, seconds.
    keep : closed bars of each request.
    refresh_s : an answer is this old at most when it is given.
    """

    def __init__(
        self,
        tape: FollowedTape,
        market: MarketView | None,
        now_ns: Callable[[], int],
        now_s: Callable[[], float],
        *,
        keep: int = 2_000,
        refresh_s: float = 1.0,
    ) -> None:
        self._tape, self._market, self._now_ns, self._now_s = tape, market, now_ns, now_s
        self._keep, self._refresh_s = keep, refresh_s
        self._lock = threading.Lock()
        self._held: dict[LegSpec, _Held] = {}

    def legs(self) -> set[str]:
        """Symbols that somebody asked for lately."""
        now_s = self._now_s()
        with self._lock:
            return {spec.symbol for spec, held in self._held.items() if now_s - held.asked_s < IDLE_S}

    def answer(self, spec: LegSpec) -> LegAnalytics:
        """Everything about a leg."""
        now_s = self._now_s()
        with self._lock:
            self._held = {each: held for each, held in self._held.items() if now_s - held.asked_s < IDLE_S}
            held = self._held.get(spec)
            if held is None:
                held = self._held[spec] = _Held(LegFlow(self._tape, self._market, spec, self._keep), now_s)
            held.asked_s = now_s
        with held.lock:  # its own: nobody waits for what another request reads
            if held.answer is None or now_s - held.computed_s >= self._refresh_s:
                try:
                    held.answer, held.computed_s = held.flow.refresh(self._now_ns()), now_s
                except BaseException:  # half advanced: the next call begins anew
                    held.flow, held.answer = LegFlow(self._tape, self._market, spec, self._keep), None
                    raise
            return held.answer


@dataclass(slots=True)
class _Held:
    flow: LegFlow
    asked_s: float
    answer: LegAnalytics | None = None
    computed_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
