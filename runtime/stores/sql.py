"""SQL over ticks and what is kept beside them, run by DuckDB on the columns as they lie in memory."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pyarrow as pa

from alphastream.errors import ParameterError, StorageError
from alphastream.instruments import split
from alphastream.tape.columns import TickColumns

Tables = Mapping[str, pa.Table]
NO_TABLES: Final[Tables] = MappingProxyType({})

# Nothing outside the tables may be read, and no statement may switch that off.
_CONFINED = ("SET enable_external_access = false", "SET lock_configuration = true")


def run(query: str, ticks: Mapping[str, TickColumns], beside: Tables) -> pa.Table:
    """Run one query over a table ``ticks`` and others; see ``TickStore.sql``."""
    return run_over(query, {**beside, "ticks": _table(ticks)})


def run_over(query: str, tables: Tables) -> pa.Table:
    """Run one query over tables, and nothing else. Raises as ``TickStore.sql``."""
    try:
        import duckdb
    except ImportError as error:
        raise StorageError("SQL over ticks needs DuckDB: pip install 'alphastream[history]'") from error
    with duckdb.connect(":memory:") as connection:
        for statement in _CONFINED:
            connection.execute(statement)
        for name, table in tables.items():
            connection.register(name, table)
        try:
            answer = connection.sql(query)
            if answer is None:
                raise ParameterError(f"{query!r} answers nothing: write a query, such as SELECT 1")
            return answer.to_arrow_table()
        except duckdb.Error as error:
            raise ParameterError(f"this query cannot be run: {error}") from error


def _table(ticks: Mapping[str, TickColumns]) -> pa.Table:
    parts = [_part(name, columns) for name, columns in ticks.items()]
    return pa.concat_tables(parts) if parts else _part("", TickColumns.of([]))


def _part(name: str, columns: TickColumns) -> pa.Table:
    venue, symbol = (pa.DictionaryArray.from_arrays(np.zeros(len(columns), np.int32), [text]) for text in split(name))
    return pa.table(
        {
            "venue": venue.cast(pa.string()),
            "symbol": symbol.cast(pa.string()),
            "id": columns.id,
            "price": columns.price,
            "quantity": columns.quantity,
            "time": pa.array(columns.time_ns).cast(pa.timestamp("ns")),
            "receive": pa.array(columns.receive_ns).cast(pa.timestamp("ns")),
            "buyer_is_maker": columns.buyer_is_maker,
        }
    )
