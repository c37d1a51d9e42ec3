"""SQL over a history: every kind is a view, a range reads little, and nothing but the history can be read."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from alphastream.bars import aggregate
from alphastream.books import BookColumns, MarkColumns, QuoteColumns
from alphastream.errors import ParameterError
from alphastream.feeds.market import FundingPayment
from alphastream.history import open_tape
from alphastream.history.files import write
from alphastream.history.layout import KINDS
from alphastream.history.places import Place
from alphastream.history.sql import run_over
from alphastream.history.tables import SCHEMAS, TIME
from alphastream.instruments import InstrumentId
from tests.history_files.trades import BTC, ETH, NOON, ticks

HOUR = 3_600_000_000_000


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A history of two instruments, in a folder beside others."""
    place = Place(tmp_path / "history's")
    write(place, "ticks", BTC, ticks(20_000))
    write(place, "ticks", ETH, ticks(10_000, start_ns=NOON + 1, seed=2))  # nanoseconds in one file, ms in the other
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    (tmp_path / "other").mkdir()
    write(Place(tmp_path / "other"), "ticks", BTC, ticks(10))
    return place


def test_a_view_has_the_columns_of_a_tape(place: Place) -> None:
    tape = open_tape(str(place))
    found = tape.sql("FROM ticks WHERE symbol = 'ETHUSDT' ORDER BY time, id")
    assert found.column_names == ["venue", "symbol", "id", "price", "quantity", "time", "receive", "buyer_is_maker"]
    wanted = ticks(10_000, start_ns=NOON + 1, seed=2)
    assert found["price"].to_numpy().tobytes() == wanted.price.tobytes()
    assert found["time"].cast(pa.int64()).to_pylist() == wanted.time_ns.tolist()
    assert found["receive"].cast(pa.int64()).to_pylist() == wanted.receive_ns.tolist()
    assert set(found["venue"].to_pylist()) == {"binance-usdm"}


def test_a_range_of_time_holds_for_every_view(place: Place) -> None:
    tape, wanted = open_tape(str(place)), ticks(20_000)
    start, end = NOON + 60 * 10**9, NOON + 300 * 10**9
    inside = int(((wanted.time_ns >= start) & (wanted.time_ns < end)).sum())
    query = "SELECT count(*) AS n FROM ticks WHERE symbol = 'BTCUSDT'"
    assert tape.sql(query, start, end)["n"].to_pylist() == [inside]
    assert tape.sql(query, end, start)["n"].to_pylist() == [0]
    assert tape.sql(query + " AND time >= '2026-11-02 12:01' AND time < '2026-11-02 12:05'")["n"].to_pylist() == [
        inside
    ]


def test_every_kind_is_a_view_be_it_empty_or_not(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for kind in KINDS:
        assert open_tape(tmp_path).sql(f"FROM {kind}").column_names == ["venue", "symbol", *SCHEMAS[kind].names]
    times = np.arange(3) + NOON
    levels = np.arange(6.0).reshape(3, 2)
    levels[1] = np.nan
    write(place, "books", BTC, BookColumns(times, times + 5, levels, levels + 1, levels + 2, levels + 3))
    write(place, "quotes", BTC, QuoteColumns(times, times + 5, *np.ones((4, 3))))
    marks = MarkColumns(times, times, np.ones(3), np.ones(3), np.ones(3), times + HOUR, np.full(3, 8 * HOUR))
    write(place, "marks", BTC, marks)
    write(place, "funding", BTC, [FundingPayment(InstrumentId.parse(BTC), NOON, 0.0001)])
    trades = ticks(1_000)
    bars = aggregate(trades.time_ns, trades.price, trades.quantity, 10**9, trades.buyer_is_maker)
    write(place, "bars", BTC, bars, bar_ns=10**9)
    signal = {name: pa.array([NOON]).cast(TIME) for name in ("time", "best", "closed")}
    signal |= {name: pa.array(["x"]) for name in ("asset", "instrument_a", "instrument_b", "prices")}
    signal |= {name: pa.array([1.5]) for name in ("profit_pct", "gross_pct", "quantity", "volume_usd", "error_ms")}
    write(place, "signals", BTC, pa.table(signal))
    tape = open_tape(tmp_path)
    assert tape.sql("SELECT bid_price[1] AS best FROM books ORDER BY time")["best"].to_pylist()[::2] == [0.0, 4.0]
    (row,) = tape.sql(
        "SELECT q.bid, m.interval_hours, f.rate FROM quotes q JOIN marks m USING (time) JOIN funding f USING (time)"
    ).to_pylist()
    assert row == {"bid": 1.0, "interval_hours": 8.0, "rate": 0.0001}
    assert tape.sql("SELECT sum(trades)::BIGINT AS n FROM bars")["n"].to_pylist() == [1_000]
    assert tape.sql("SELECT profit_pct AS p FROM signals")["p"].to_pylist() == [1.5]
    assert tape.instruments("books") == [BTC]


def test_late_files_count_what_others_hold_once(tmp_path: Path) -> None:
    wanted, place = ticks(3_000), Place(tmp_path)
    write(place, "ticks", BTC, wanted.rows(wanted.id % 7 != 0), "on-time")
    write(place, "ticks", BTC, wanted.rows((wanted.id % 7 == 0) | (wanted.id % 5 == 0)), "late")
    write(place, "ticks", BTC, wanted.rows(slice(0, 50)), "anew", epoch=1)
    tape = open_tape(tmp_path)
    query = "SELECT id, price FROM ticks ORDER BY time, id"
    for start, end in ((0, NOON * 2), (NOON + 10 * 10**9, NOON + 30 * 10**9)):
        columns = tape.ticks(BTC, start, end)
        assert tape.sql(query, start, end)["id"].to_pylist() == columns.id.tolist()
    assert len(tape.ticks(BTC)) == 3_050


OUTSIDE = [
    "SELECT * FROM read_csv('{folder}/secret.csv')",
    "SELECT * FROM '{folder}/secret.csv'",
    "SELECT * FROM read_text('{folder}/secret.csv')",
    "SELECT * FROM read_blob('/etc/hostname')",
    "SELECT * FROM read_csv('{history}/../secret.csv')",
    "SELECT * FROM read_parquet('{folder}/other/*/*/*/*/*.parquet')",
    "SELECT * FROM parquet_metadata('{folder}/other/*/*/*/*/*.parquet')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM read_json('http://127.0.0.1:1/x.json')",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "SELECT getenv('HOME')",
    "COPY ticks TO '{folder}/out.csv'",
    "COPY (SELECT 1) TO '{history}/out.csv'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{history}/out.csv'",
    "ATTACH '{folder}/new.db'",
    "ATTACH '{history}/new.db'",
    "EXPORT DATABASE '{history}/out'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "CREATE TABLE t AS SELECT 1",
    "CREATE SECRET (TYPE s3)",
    "DROP VIEW ticks",
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "SELECT 1; COPY (SELECT 1) TO '{history}/out.csv'",
    "SELECT * FROM secret_in_python",
    "SELECT * FROM query('COPY (SELECT 1) TO ''{history}/out.csv''')",
    "",
    "x",
]


@pytest.mark.parametrize("query", OUTSIDE)
def test_nothing_else_is_read_or_written(place: Place, tmp_path: Path, query: str) -> None:
    secret_in_python = pa.table({"a": [1]})
    before = sorted(tmp_path.rglob("*"))
    text = query.format(folder=tmp_path, history=str(place).replace("'", "''"))
    with pytest.raises(ParameterError, match="cannot be run"):
        open_tape(str(place)).sql(text)
    with pytest.raises(ParameterError, match="cannot be run"):
        run_over(text, {"ticks": secret_in_python})
    assert sorted(tmp_path.rglob("*")) == before


def test_a_query_leaves_nothing_to_the_next(place: Place) -> None:
    tape = open_tape(str(place))
    assert tape.sql("SELECT count(*) AS n FROM ticks")["n"].to_pylist() == [30_000]
    assert tape.sql("SELECT count(*) AS n FROM quotes")["n"].to_pylist() == [0]
    with pytest.raises(ParameterError, match="cannot be run"):
        tape.sql("SELECT nonsense FROM ticks")
    write(place, "ticks", BTC, ticks(100, start_ns=NOON - HOUR, first_id=10**6), "more")
    assert tape.sql("SELECT count(*) AS n FROM ticks")["n"].to_pylist() == [30_100]
