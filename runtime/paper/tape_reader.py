"""How a paper run reads the tape of its pipeline: whole, in the order of ids, and no trade twice."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from alphastream.backtest import LiveRun
from alphastream.events import Tick
from alphastream.tape.columns import TickColumns
from alphastream.tape.protocols import Batch
from runtime.paper.view import TradeSource

PATIENCE_S: Final = 30.0  # how long bars wait for each range of ids that the tape lacks


class FellBehind(Exception):
    """Ticks left the ring before they were read."""


@dataclass(slots=True)
class Start:
    """A run that has been warmed up, and where its tape goes on.

    Parameters
    ----------
    cursors, loaded : by symbol: place in the tape, and what was read beyond it.
    later : ticks after the beginning.
    from_ids : by symbol: ids below were in the bars that are over.
    """

    live: LiveRun
    cursors: dict[str, int]
    loaded: dict[str, TickColumns]
    later: dict[str, list[Tick]]
    from_ids: dict[str, int]


def warm_up(live: LiveRun, pipeline: TradeSource, warm_ns: int, end_ns: int, begin_ns: int) -> Start:
    """Warm a run up on the tape there is. It may read a day of trades and compile kernels.

    Parameters
    ----------
    warm_ns, end_ns : the first trades that series see, and when to stop reading.
    begin_ns : when decisions begin.
    """
    cursors = {symbol: pipeline.store.since(symbol).cursor for symbol in live.symbols}  # before what is read now
    ticks = {symbol: pipeline.store.columns(symbol, warm_ns, end_ns) for symbol in live.symbols}
    live.warm_up(ticks, begin_ns, pipeline.market if live.booked else None)
    from_ids, later = {}, {}
    for symbol, columns in ticks.items():
        later[symbol] = [tick for tick in columns.ticks(symbol) if tick.time_ns >= live.until_ns]
        newest = int(columns.id[-1]) + 1 if len(columns.id) else 0
        from_ids[symbol] = min((tick.id for tick in later[symbol]), default=newest)
    return Start(live, cursors, ticks, later, from_ids)


class TapeReader:
    """Where a run is in the tape of a pipeline."""

    def __init__(self) -> None:
        self._cursors: dict[str, int] = {}
        self._loaded: dict[str, TickColumns] = {}
        self._first: dict[str, int] = {}  # places in the tape when waiting for it to go on began
        self._from_ids: dict[str, int] = {}
        self._lacking: dict[Any, float] = {}  # ranges of ids, and since when they are waited for

    def begin(self, start: Start) -> None:
        """Read on from where warming up ended."""
        self._cursors, self._loaded, self._from_ids = start.cursors, start.loaded, start.from_ids

    def forget_place(self) -> None:
        """Wait anew for the tape to go on, the next time that is asked for."""
        self._first = {}

    def is_ready(self, pipeline: TradeSource, symbols: Iterable[str]) -> bool:
        """Whether the tape goes on and is whole: until then series would warm up on what a break has left of it."""
        if not self._first:
            self._first = {symbol: pipeline.store.since(symbol).cursor for symbol in symbols}
            self._from_ids = dict.fromkeys(self._first, 0)
        grows = all(pipeline.store.since(symbol, place).cursor > place for symbol, place in self._first.items())
        return grows and not self.waits_for_ids(pipeline)

    def newest_ns(self, pipeline: TradeSource) -> int:
        """The time of the newest trade of any symbol that is read, 0 before the first."""
        found = (pipeline.store.last(symbol) for symbol in self._cursors)
        return max((tick.time_ns for tick in found if tick is not None), default=0)

    def read(self, pipeline: TradeSource, symbol: str) -> list[Tick]:
        """Ticks of a symbol that came since the last time. Raises FellBehind where some of them are gone."""
        batch = pipeline.store.since(symbol, self._cursors[symbol])
        if batch.missed:
            raise FellBehind
        self._cursors[symbol] = batch.cursor
        return self._new(symbol, batch)

    def waits_for_ids(self, pipeline: TradeSource) -> bool:
        """Whether the tape has holes that may still be filled: bars stay open for a while."""
        now_s = asyncio.get_running_loop().time()
        self._lacking = {
            (symbol, *gap): self._lacking.get((symbol, *gap), now_s)
            for symbol, from_id in self._from_ids.items()
            for gap in pipeline.store.gaps(symbol)
            if gap[1] >= from_id
        }
        return any(now_s - since_s < PATIENCE_S for since_s in self._lacking.values())

    def _new(self, symbol: str, batch: Batch) -> list[Tick]:
        """Ticks that were not among those read at the beginning."""
        loaded = self._loaded.pop(symbol, None) if len(batch) else None
        if loaded is None:
            return list(batch)
        ticks = batch.columns
        return ticks.rows(ticks.are_new(loaded.id, loaded.time_ns)).ticks(symbol)
