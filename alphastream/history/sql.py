"""SQL by DuckDB over what it is given, and nothing else: no other file, no network, no settings, no writing."""

import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa

from alphastream.errors import ParameterError, StorageError
from alphastream.history.places import Place
from alphastream.history.tables import ticks_table
from alphastream.tape.columns import TickColumns

Tables = Mapping[str, pa.Table]
NO_TABLES: Final[Tables] = MappingProxyType({})
NO_VIEWS: Final[Mapping[str, str]] = MappingProxyType({})
MEMORY: Final = "600MB"
"""What DuckDB may take for all queries at once; what needs more is refused."""

# No statement may switch this off again. A name that is no table must not be looked up among Python's variables.
_OPTIONS: Final = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": MEMORY,
}
_CONFINED: Final = ("SET enable_external_access = false", "SET lock_configuration = true")


class Sandbox:
    """Runs queries over tables, and over the files of one place. Safe to use from many threads.

    Parameters
    ----------
    place : whose files views may read; None for no files at all.
    """

    def __init__(self, place: Place | None = None) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._database: Any = None

    def run(self, query: str, tables: Tables = NO_TABLES, views: Mapping[str, str] = NO_VIEWS) -> pa.Table:
        """Run one query, which may only read.

        Parameters
        ----------
        tables : what it reads, by name.
        views : queries of ours that it reads as tables, by name; they may read the place's files and ``tables``.

        Raises
        ------
        ParameterError : it cannot be run, is no query or more than one.
        StorageError : DuckDB is not installed.
        """
        duckdb = imported()
        with self._opened().cursor() as connection:
            try:
                statements = connection.extract_statements(query)
                if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                    raise ParameterError(f"{query!r} cannot be run: write one query that reads, such as SELECT 1")
                for name, table in tables.items():
                    connection.register(name, table)
                for name, text in views.items():
                    connection.execute(f'CREATE TEMP VIEW "{name}" AS {text}')
                return connection.sql(query).to_arrow_table()
            except duckdb.Error as error:
                raise ParameterError(f"this query cannot be run: {error}") from error

    def _opened(self) -> Any:
        """The database, of which every query gets a connection with tables and views of its own."""
        with self._lock:
            if self._database is None:
                database = imported().connect(":memory:", config=dict(_OPTIONS))
                if self._place is not None:
                    if not self._place.is_local:
                        database.register_filesystem(self._place.filesystem)
                    database.execute(f"SET allowed_directories = [{literal(self._place.url('') + '/')}]")
                for statement in _CONFINED:
                    database.execute(statement)
                self._database = database
            return self._database


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
