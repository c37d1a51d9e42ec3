"""Reading sampled books, quotes, mark prices and funding: what was sealed, is in the file, or on its way there."""

import logging
import threading
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa

from alphastream.books import BookColumns, MarkColumns, QuoteColumns
from alphastream.books.blocks import Columns
from alphastream.feeds.market import FundingPayment
from alphastream.history import market_rows, reading, sql
from alphastream.history.layout import kind_of
from alphastream.history.market_rows import KINDS, Block
from alphastream.history.places import Place
from alphastream.history.tables import samples_of
from alphastream.tape.columns import INT64_MAX
from alphastream.tape_files import sealed_rows
from alphastream.tape_files.sealed_rows import SealedFile
from runtime.stores import market_tables
from runtime.stores.connections import Connections
from runtime.stores.market_tails import Tails

log = logging.getLogger(__name__)

C = TypeVar("C", bound=Columns)

KIND: Final = "store of books"


class MarketReader:
    """The reading half of MarketStore. A file that is not there yet holds nothing.

    Raises
    ------
    StorageError : from every method: the file cannot be read, or the store is closed.
    """

    def __init__(self, path: Path, history: Place | None = None) -> None:
        self._path, self._history = path, history
        self._absent: set[str] = set()  # files of the history that were looked for in vain
        self._connections = Connections(path, KIND)
        self._lock = threading.Lock()
        self._tails, self._payments = Tails(), list[FundingPayment]()
        self._met: set[Block] = set()  # damaged blocks that readers have met

    @property
    def follows(self) -> bool:
        """Whether another process writes the file, and this one only reads it."""
        return True

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        """Return sampled books, by time of the venue, the end not included, oldest first; see MarketView."""
        parts = self._parts(BookColumns, name, from_ns, until_ns)
        return _in_time(BookColumns.joined(parts), from_ns, until_ns) if parts else BookColumns.empty(1)

    def quotes(self, name: str, from_ns: int, until_ns: int) -> QuoteColumns:
        """Return sampled quotes; see MarketHistory."""
        parts = self._parts(QuoteColumns, name, from_ns, until_ns)
        return _in_time(QuoteColumns.joined(parts), from_ns, until_ns) if parts else QuoteColumns.of([])

    def marks(self, name: str, from_ns: int, until_ns: int) -> MarkColumns:
        """Return sampled mark prices; see MarketHistory."""
        parts = self._parts(MarkColumns, name, from_ns, until_ns)
        return _in_time(MarkColumns.joined(parts), from_ns, until_ns) if parts else MarkColumns.of([])

    def funding(self, name: str, from_ns: int, until_ns: int) -> tuple[FundingPayment, ...]:
        """Return the payments of a time, the end not included, oldest first; see MarketHistory."""
        from_ns, until_ns = max(from_ns, 0), min(until_ns, INT64_MAX)
        with self._lock:
            waiting = [each for each in self._payments if each.instrument == name]
        found = {each.time_ns: each for each in (*self._stored_funding(name, from_ns, until_ns), *waiting)}
        return tuple(found[time_ns] for time_ns in sorted(found) if from_ns <= time_ns < until_ns)

    def _stored_funding(self, name: str, from_ns: int, until_ns: int) -> tuple[FundingPayment, ...]:
        if not self._path.exists():
            return ()
        with self._connections.reading() as connection:
            return market_rows.funding(
                connection, "instrument = ? AND time_ns >= ? AND time_ns < ?", name, from_ns, until_ns
            )

    def _parts(self, kind: type[C], name: str, from_ns: int, until_ns: int) -> list[C]:
        """What was sealed, then what is in the file, and after it what is not; each sample once."""
        while (found := self._parts_of_now(kind, name, from_ns, until_ns)) is None:
            log.debug("a block was sealed meanwhile: path=%s", self._path)
        return found

    def _parts_of_now(self, kind: type[C], name: str, from_ns: int, until_ns: int) -> list[C] | None:
        """The same; None where a block that is held in memory was sealed after a look at that."""
        times = max(from_ns, 0), min(until_ns, INT64_MAX)
        with self._lock:  # before the file: a block that is let go of in between is then read from here
            tails = self._tails.held(kind, name)
            waiting: list[C] = [tail.columns() for tail in tails]  # type: ignore[misc]  # they are of this kind
            numbers = {tail.number for tail in tails}
            is_here = not self.follows and self._tails.reaches(kind, name, from_ns)
        if is_here or not self._path.exists():
            return waiting
        with self._connections.reading() as connection:
            wanted = "kind = ? AND instrument = ? AND last_ns >= ? AND first_ns < ?"
            found = market_rows.keys(connection, wanted, KINDS[kind], name, *times)
            parts, damaged = market_rows.read(connection, [block for block in found if block.id not in numbers], kind)
            sealed = sealed_rows.load(connection, market_rows.series_number(KINDS[kind], name), times)
        if damaged:
            with self._lock:
                self._met.update(damaged)
        if any(number in each.ids for each in sealed for number in numbers):
            return None
        cold = [part for each in sealed if (part := self._of_file(kind, each, *times)) is not None]
        return [*cold, *parts, *waiting]

    def _of_file(self, kind: type[C], sealed: SealedFile, from_ns: int, until_ns: int) -> C | None:
        """What a sealed file holds of a time; None where it was taken away, which is told once."""
        if self._history is not None and self._history.exists(sealed.file):
            rows = reading.of_file(self._history, kind_of(KINDS[kind]), sealed.file, from_ns, until_ns)
            return samples_of(rows, kind) if rows.num_rows else None
        if sealed.file not in self._absent:
            self._absent.add(sealed.file)
            where = self._history.url(sealed.file) if self._history is not None else f"{sealed.file} of a history"
            self._tell(f"{where} is not there: {sealed.ticks} samples of {self._path} cannot be shown")
        return None

    def _tell(self, what: str) -> None:
        log.error("%s", what)

    def instruments(self, kind: type[Columns]) -> list[str]:
        """Return who has samples of a kind, sorted."""
        with self._lock:
            found = self._tails.instruments(kind)
        if self._path.exists():
            with self._connections.reading() as connection:
                rows = connection.execute("SELECT DISTINCT instrument FROM blocks WHERE kind = ?", (KINDS[kind],))
                found |= {str(name) for (name,) in rows}
                kinds = [market_rows.of_sealed(each) for each in sealed_rows.load(connection)]
            found |= {name for held, name in kinds if held is kind}
        return sorted(found)

    def payers(self) -> list[str]:
        """Return of which instruments funding is known, sorted."""
        found: set[str] = set()
        if self._path.exists():
            with self._connections.reading() as connection:
                found = {str(name) for (name,) in connection.execute("SELECT DISTINCT instrument FROM funding")}
        with self._lock:
            found |= {str(each.instrument) for each in self._payments}
        return sorted(found)

    def tables(self, start_ns: int = 0, end_ns: int = INT64_MAX) -> dict[str, pa.Table]:
        """Return ``books``, ``quotes``, ``marks`` and ``funding`` of a time as tables for SQL; see market_tables."""
        span = (start_ns, end_ns)
        return {
            "books": market_tables.books({n: self.samples(n, *span) for n in self.instruments(BookColumns)}),
            "quotes": market_tables.quotes({n: self.quotes(n, *span) for n in self.instruments(QuoteColumns)}),
            "marks": market_tables.marks({n: self.marks(n, *span) for n in self.instruments(MarkColumns)}),
            "funding": market_tables.funding([each for n in self.payers() for each in self.funding(n, *span)]),
        }

    def sql(self, query: str, start_ns: int = 0, end_ns: int = INT64_MAX) -> pa.Table:
        """Run one query over these tables; ``TickStore.sql`` takes them beside its ticks. Raises as that."""
        return sql.run_over(query, self.tables(start_ns, end_ns))


def _in_time(columns: C, from_ns: int, until_ns: int) -> C:
    within: Any = columns.between(from_ns, until_ns)
    order = np.argsort(within.time_ns, kind="stable")
    found: C = within if (np.diff(order) > 0).all() else within.rows(order)
    return found
