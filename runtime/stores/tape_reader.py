"""Reading a tape: the rings of newest ticks in memory and the file behind them as one."""

import threading
from pathlib import Path

import pyarrow as pa
from msgspec.structs import replace

from alphastream.events import Tick
from alphastream.history import sql
from alphastream.history.sql import NO_TABLES, Tables
from alphastream.instruments import full
from alphastream.tape.columns import INT64_MAX, TickColumns, empty
from alphastream.tape.ring import Coverage, Gap, SymbolRing, TickBatch
from runtime.stores.follower import TapeFollower
from runtime.stores.rings import SymbolRings
from runtime.stores.sqlite import TickFile
from runtime.stores.writer import TickWriter


class TapeReader:
    """What ``TickStore`` reads, safe to use from many threads."""

    _path: Path
    _names: dict[str, str]
    _lock: threading.Lock
    _rings: SymbolRings
    _file: TickFile
    _writer: TickWriter
    _follower: TapeFollower | None

    def _full(self, name: str) -> str:
        """A symbol with its venue, where the file is of one."""
        if self._file.origin is not None and name not in self._names:
            self._names[name] = full(name, self._file.origin.venue)
        return self._names.get(name, name)

    def _ring(self, symbol: str) -> SymbolRing | None:
        return self._rings.get(self._full(symbol))

    def since(self, symbol: str, cursor: int | None = None) -> TickBatch:
        """What became visible after the cursor, in order of arrival; a late gap filler comes when it came.

        Parameters
        ----------
        cursor : ``cursor`` of the batch before. None begins with the oldest tick of the ring; so does 0, which counts
            as missed what the ring has dropped since the store was opened.

        Raises
        ------
        ParameterError : a cursor that this store has not given out.
        """
        with self._lock:
            ring = self._ring(symbol)
            batch = ring.since(cursor) if ring is not None else TickBatch(symbol, empty(), 0, 0)
        batch.symbol = symbol
        return batch

    def window(self, symbol: str, start_ns: int, end_ns: int) -> list[Tick]:
        """Ticks with start_ns <= time_ns < end_ns in ascending order of id, durable or not; empty when there are none.

        Raises
        ------
        StorageError : the file cannot be read, or the store is closed.
        """
        return self.columns(symbol, start_ns, end_ns).ticks(symbol)

    def columns(self, symbol: str, start_ns: int, end_ns: int) -> TickColumns:
        """Return the same ticks as ``window`` as arrays."""
        symbol, start_ns, end_ns = self._full(symbol), max(start_ns, 0), min(end_ns, INT64_MAX)
        with self._lock:  # before the file: a tick that becomes durable in between is then seen twice, never not
            waiting = self._writer.waiting(symbol)
        try:
            parts = {series: [ticks] for series, ticks in self._file.window(symbol, start_ns, end_ns).items()}
        finally:
            if self._file.has_damage or self._file.is_broken:
                self._tend()
        for series, ticks in waiting:
            in_time = (ticks.time_ns >= start_ns) & (ticks.time_ns < end_ns)
            parts.setdefault(series, []).append(ticks.rows(in_time))
        merged = [TickColumns.merged(parts[series]) for series in sorted(parts)]
        return TickColumns.joined(merged) if merged else empty()

    def _tend(self) -> None:
        """Have damage that a reader has met looked after."""
        if self._follower is None:
            self._writer.tend()
            return
        with self._lock:
            for series, ids in self._file.leave_damage_out().items():
                self._rings.give_up(series, ids)

    def sql(self, query: str, start_ns: int = 0, end_ns: int = INT64_MAX, beside: Tables = NO_TABLES) -> pa.Table:
        """Run one query over the ticks with start_ns <= time < end_ns, durable or not.

        Parameters
        ----------
        query : in DuckDB's SQL, over the table ``ticks``: venue, symbol, id, price, quantity, time and receive (UTC),
            buyer_is_maker. All ticks of the window are in memory meanwhile. Nothing else can be read by it.
        beside : more tables, such as ``MarketStore.tables`` of the same time.

        Raises
        ------
        ParameterError : the query cannot be run.
        StorageError : DuckDB is not installed, the file cannot be read, or the store is closed.
        """
        return sql.run(query, {symbol: self.columns(symbol, start_ns, end_ns) for symbol in self.symbols()}, beside)

    def gaps(self, symbol: str) -> list[Gap]:
        """Missing id ranges between the first and the last known id, ascending; empty where ids prove nothing."""
        with self._lock:
            ring = self._ring(symbol)
            return ring.gaps() if ring is not None else []

    def coverage(self, symbol: str) -> Coverage | None:
        """From where to where the tape goes and how much is missing; None for an unknown symbol.

        Where ids prove nothing, ticks are counted in the file, and one that is being written may count twice meanwhile.
        """
        with self._lock:
            ring = self._ring(symbol)
            held, waiting = (None, []) if ring is None else (ring.coverage(), self._waiting_of(ring))
        if ring is None or held is None or held.is_known:
            return held
        return held.counting(self._file.count(ring.series) + sum(map(len, waiting)))

    def _waiting_of(self, ring: SymbolRing) -> list[TickColumns]:
        return [ticks for series, ticks in self._writer.waiting(ring.symbol) if series == ring.series]

    def last(self, symbol: str) -> Tick | None:
        """The tick with the largest id; None for an unknown symbol."""
        with self._lock:
            ring = self._ring(symbol)
            newest = ring.newest if ring is not None else None
        return newest if newest is None or newest.symbol == symbol else replace(newest, symbol=symbol)

    def times_around(self, symbol: str, gap: Gap) -> tuple[int | None, int | None]:
        """Trade times of the ticks beside a gap, UTC ns, None where it is not held; StorageError as in ``window``."""
        with self._lock:
            ring = self._ring(symbol)
            if ring is None:
                return None, None
            waiting = self._waiting_of(ring)
        beside = gap.first_id - 1, gap.last_id + 1
        held = TickColumns.merged([*(self._file.around(ring.series, trade_id) for trade_id in beside), *waiting])
        found = dict(zip(held.id.tolist(), held.time_ns.tolist(), strict=True))
        return found.get(beside[0]), found.get(beside[1])

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def symbols(self) -> list[str]:
        """Every symbol that has a tick, sorted."""
        with self._lock:
            return self._rings.symbols()
