"""Queries of strangers: in a process of their own, ended in time, held to their memory, and told why."""

import threading
from pathlib import Path

import pyarrow as pa
import pytest

from alphastream.errors import StorageError
from alphastream.history import apart, open_tape
from alphastream.history.apart import ApartLimits, run_apart
from alphastream.history.files import write
from alphastream.history.places import Place
from alphastream.history.query_errors import QueryError
from tests.history_files.trades import BTC, NOON, ticks

SHORT = ApartLimits(seconds=0.5)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history of one instrument, beside a file that is none of its own."""
    folder = tmp_path_factory.mktemp("apart")
    (folder / "secret.csv").write_text("a,b\n1,2\n")
    write(Place(folder / "history"), "ticks", BTC, ticks(20_000))
    return folder / "history"


def test_an_answer_is_that_of_the_tape(history: Path) -> None:
    tape = open_tape(history)
    query = "SELECT symbol, count(*) AS n, sum(price) AS p FROM ticks GROUP BY ALL"
    end = NOON + 60 * 10**9
    assert tape.sql_apart(query, NOON, end).rows.equals(tape.sql(query, NOON, end))
    assert not tape.sql_apart(query).has_more


def test_tables_of_this_process_are_read_there() -> None:
    tables = {"a": pa.table({"n": list(range(100_000))}), "b": pa.table({"s": ["x", None]})}
    (row,) = run_apart("SELECT sum(n)::BIGINT AS n, count(s) AS s FROM a, b", tables).rows.to_pylist()
    assert row == {"n": 2 * 4_999_950_000, "s": 100_000}


OUTSIDE = [
    "SELECT * FROM read_csv('{folder}/secret.csv')",
    "SELECT * FROM '{folder}/secret.csv'",
    "SELECT * FROM read_parquet('http://127.0.0.1:1/x.parquet')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT getenv('PATH')",
    "COPY ticks TO '{folder}/out.csv'",
    "ATTACH '{folder}/new.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '100GB'",
    "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
    "SELECT 1; SELECT 2",
    "SELECT * FROM tables",
]


@pytest.mark.parametrize("query", OUTSIDE)
def test_no_file_no_network_no_change(history: Path, query: str) -> None:
    before = sorted(history.parent.rglob("*"))
    with pytest.raises(QueryError, match="cannot be run"):
        open_tape(history).sql_apart(query.format(folder=history.parent))
    assert sorted(history.parent.rglob("*")) == before


TOO_LONG = [
    "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b",
    # Of two rows, so that nothing is looked at in between: only the end of the process ends it.
    "SELECT levenshtein(repeat('a', 400000), repeat('b', 400000) || range) FROM range(2)",
]


@pytest.mark.parametrize("query", TOO_LONG)
def test_a_query_ends_in_time(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "GRACE_S", 3.0)
    with pytest.raises(QueryError, match=r"ended after 0\.5 s"):
        run_apart(query, limits=SHORT)


TOO_LARGE = [
    "SELECT list_sum(range(1000000000))",  # DuckDB's own limit lets it take 8 GB
    "SELECT repeat('x', 1000000000)",
    "SELECT list(range) FROM range(100000000)",
    "SELECT hash(range) AS h FROM range(200000000) ORDER BY h",
]


@pytest.mark.parametrize("query", TOO_LARGE)
def test_a_query_takes_no_more_memory(query: str) -> None:
    with pytest.raises(QueryError, match="memory"):
        run_apart(query, limits=ApartLimits(seconds=60, memory_mb=300))


def test_an_answer_is_cut_and_says_so() -> None:
    found = run_apart("SELECT range AS n FROM range(1000000000000)", limits=ApartLimits(seconds=60, rows=12_345))
    assert found.rows["n"].to_pylist() == list(range(12_345))
    assert found.has_more
    wide = run_apart("SELECT repeat('x', 1000) AS x FROM range(1000000)", limits=ApartLimits(seconds=60, answer_mb=20))
    assert 0 < wide.rows.nbytes <= 21 * 2**20
    assert wide.has_more


def test_a_query_is_cancelled() -> None:
    cancelled = threading.Event()
    threading.Timer(0.5, cancelled.set).start()
    with pytest.raises(QueryError, match="cancelled"):
        run_apart(TOO_LONG[0], limits=ApartLimits(seconds=600), cancelled=cancelled)


ERRORS = [
    ("SELECT\n a,\n  b\nFROM ticks WHERE", "Parser", 'syntax error at or near "WHERE"', 4, 12),
    ("SELECT foo FROM ticks", "Binder", 'Referenced column "foo" not found in FROM clause!', 1, 8),
    ("SELECT 1 FROM nix", "Catalog", "Table with name nix does not exist!", 1, 15),
    ("SELECT 'é', bar FROM ticks", "Binder", 'Referenced column "bar" not found', 1, 13),
    (f"SELECT {'1 + ' * 60} foo FROM ticks", "Binder", 'Referenced column "foo"', 1, None),
    ("SELECT * FROM sqlite_scan('a', 'b')", "Catalog", "sqlite_scanner extension", None, None),
]


@pytest.mark.parametrize(("query", "kind", "message", "line", "column"), ERRORS)
def test_an_error_is_in_the_words_of_duckdb(
    history: Path, query: str, kind: str, message: str, line: int | None, column: int | None
) -> None:
    with pytest.raises(QueryError) as caught:
        open_tape(history).sql_apart(query)
    error = caught.value
    assert (error.kind, error.line, error.column) == (kind, line, column)
    assert message in error.message
    assert "LINE" not in error.message
    assert "\n" not in error.message
    assert "autoload" not in error.message


def test_what_cannot_be_read_is_no_fault_of_the_query(history: Path, tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    file = write(Place(tmp_path / "history"), "ticks", BTC, ticks(100), "one")[0]
    with pytest.raises(StorageError, match="fsspec"):
        run_apart("SELECT 1", where="nowhere://x")
    assert (tmp_path / "history" / file.path).exists()


def test_how_much_a_time_holds_is_known_without_reading(history: Path) -> None:
    tape, held = open_tape(history), ticks(20_000)
    whole = tape.about(BTC)
    assert (whole.ticks, whole.in_files, whole.hot) == (20_000, 20_000, 0)
    assert tape.about(BTC, int(held.time_ns[-1]) + 10**15).ticks == 0
    half = tape.about(BTC, "2026-11-02T12:00", "2026-11-03")
    assert half.ticks == 10_000  # a part of a day counts by its share
    assert (tape.about(BTC) + tape.about("binance-usdm:NIXUSDT")).ticks == 20_000
