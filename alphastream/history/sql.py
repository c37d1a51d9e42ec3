"""SQL by DuckDB over what it is given, and nothing else: no other file, no network, no settings, no writing."""

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import pyarrow as pa

from alphastream.errors import StorageError
from alphastream.history.places import Place
from alphastream.history.query_errors import QueryError
from alphastream.history.tables import ticks_table
from alphastream.tape.columns import TickColumns

Tables = Mapping[str, pa.Table]
NO_TABLES: Final[Tables] = MappingProxyType({})
NO_VIEWS: Final[Mapping[str, str]] = MappingProxyType({})
MEMORY_MB: Final = 600
"""What DuckDB may take for all queries at once; what needs more is refused, and nothing is written to a disk."""
_BATCH_ROWS: Final = 10_000

# No statement may switch this off again. A name that is no table must not be looked up among Python's variables.
_OPTIONS: Final = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "temp_directory": "",
}
_CONFINED: Final = ("SET enable_external_access = false", "SET lock_configuration = true")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query may take.

    Parameters
    ----------
    seconds : after them it is ended.
    rows : of its answer; what comes after is left out.
    answer_mb : of its answer, MiB; likewise.
    """

    seconds: float = math.inf
    rows: float = math.inf
    answer_mb: float = math.inf


NO_LIMITS: Final = Limits()


class Answer(NamedTuple):
    """Rows of a query, and whether there are more that were left out."""

    rows: pa.Table
    has_more: bool


class Sandbox:
    """Runs queries over tables, and over the files of one place. Safe to use from many threads.

    Parameters
    ----------
    place : whose files views may read; None for no files at all.
    memory_mb : see ``MEMORY_MB``.
    threads : that a query runs on; None for as many as there are processors.
    """

    def __init__(self, place: Place | None = None, *, memory_mb: int = MEMORY_MB, threads: int | None = None) -> None:
        self._place = place
        self._memory_mb, self._threads = memory_mb, threads
        self._lock = threading.Lock()
        self._database: Any = None

    def run(self, query: str, tables: Tables = NO_TABLES, views: Mapping[str, str] = NO_VIEWS) -> pa.Table:
        """Run one query, which may only read, and return all rows.

        Parameters
        ----------
        tables : what it reads, by name.
        views : queries of ours that it reads as tables, by name; they may read the place's files and ``tables``.

        Raises
        ------
        QueryError : it cannot be run, is no query or more than one.
        StorageError : DuckDB is not installed.
        """
        return self.run_within(NO_LIMITS, query, tables, views).rows

    def run_within(
        self, limits: Limits, query: str, tables: Tables = NO_TABLES, views: Mapping[str, str] = NO_VIEWS
    ) -> Answer:
        """Run one query as ``run`` does, within limits."""
        duckdb = imported()
        with self._opened().cursor() as connection, self._errors(duckdb, limits):
            _require_reading(duckdb, connection.extract_statements(query))
            for name, table in tables.items():
                connection.register(name, table)
            for name, text in views.items():
                connection.execute(f'CREATE TEMP VIEW "{name}" AS {text}')
            with _interrupting(connection, limits.seconds):
                return _rows(_bound(duckdb, connection, query).to_arrow_reader(_BATCH_ROWS), limits)

    @contextmanager
    def _errors(self, duckdb: Any, limits: Limits) -> Iterator[None]:
        """Say in our words what is about limits, in DuckDB's what is about the query."""
        try:
            yield
        except duckdb.InterruptException as error:
            raise QueryError(
                f"it was ended after {limits.seconds:g} s: take a shorter range, or ask for less"
            ) from error
        except (duckdb.OutOfMemoryException, MemoryError, OSError) as error:  # OSError: of Arrow, when it has no room
            raise QueryError(
                f"it needs more than {self._memory_mb:,} MB of memory: take a shorter range, or group and filter first"
            ) from error
        except duckdb.Error as error:
            raise QueryError.of(str(error)) from error

    def _opened(self) -> Any:
        """The database, of which every query gets a connection with tables and views of its own."""
        with self._lock:
            if self._database is None:
                database = imported().connect(":memory:", config={**_OPTIONS, "memory_limit": f"{self._memory_mb}MiB"})
                if self._threads is not None:
                    database.execute(f"SET threads = {self._threads}")
                if self._place is not None:
                    if not self._place.is_local:
                        database.register_filesystem(self._place.filesystem)
                    database.execute(f"SET allowed_directories = [{literal(self._place.url('') + '/')}]")
                for statement in _CONFINED:
                    database.execute(statement)
                self._database = database
            return self._database


def _require_reading(duckdb: Any, statements: list[Any]) -> None:
    """Refuse what DuckDB itself does not call a SELECT."""
    if len(statements) != 1:
        raise QueryError(f"it has {len(statements)} statements: write one")
    kind = statements[0].type
    if kind == duckdb.StatementType.MULTI:  # it would make a type of what it finds
        raise QueryError("PIVOT has to name its values here: PIVOT … ON symbol IN ('BTCUSDT', 'ETHUSDT') USING …")
    if kind != duckdb.StatementType.SELECT:
        raise QueryError(
            f"{kind.name} is not allowed here: write one statement that reads, such as SELECT, WITH, FROM, VALUES, "
            "DESCRIBE or SUMMARIZE"
        )


@contextmanager
def _interrupting(connection: Any, seconds: float) -> Iterator[None]:
    if math.isinf(seconds):
        yield
        return
    timer = threading.Timer(seconds, connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _bound(duckdb: Any, connection: Any, query: str) -> Any:
    """Find what a query's names mean; it runs when its rows are read."""
    try:
        return connection.sql(query)
    except duckdb.Error:
        connection.execute(query)  # fails alike, and says at which place
        raise


def _rows(reader: Any, limits: Limits) -> Answer:
    batches, rows, size = list[pa.RecordBatch](), 0, 0
    for batch in reader:
        if rows + batch.num_rows > limits.rows:
            batch = batch.slice(0, int(limits.rows) - rows)
            return Answer(pa.Table.from_batches([*batches, batch], reader.schema), True)
        if batches and size + batch.nbytes > limits.answer_mb * 2**20:
            return Answer(pa.Table.from_batches(batches, reader.schema), True)
        batches.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
    return Answer(pa.Table.from_batches(batches, reader.schema), False)


def imported() -> Any:
    """Return the module; StorageError where it is not installed."""
    try:
        import duckdb
    except ImportError as error:
        raise StorageError("SQL over ticks needs DuckDB: pip install 'alphastream[history]'") from error
    return duckdb


def literal(text: str | Path) -> str:
    """Return text as a literal of SQL."""
    return "'" + str(text).replace("'", "''") + "'"


_TABLES_ONLY: Final = Sandbox()


def run_over(query: str, tables: Tables) -> pa.Table:
    """Run one query over tables, and nothing else. Raises as ``Sandbox.run``."""
    return _TABLES_ONLY.run(query, tables)


def run(query: str, ticks: Mapping[str, TickColumns], beside: Tables = NO_TABLES) -> pa.Table:
    """Run one query over a table ``ticks`` and others; see ``TickStore.sql``."""
    return run_over(query, {**beside, "ticks": ticks_table(ticks)})
