"""Answers of SQL as tables and charts, and the queries to begin with."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from alphastream.history import open_tape
from alphastream.history.files import write
from alphastream.history.layout import KINDS
from alphastream.history.places import Place
from alphastream.history.sql import run_over
from alphastream.history.tables import SCHEMAS
from tests.history_files.trades import BTC, ETH, ticks
from views.history.sql_charts import MAX_LINES, answer_figure
from views.history.sql_examples import examples
from views.history.sql_tables import frame_of, group_columns, number_columns, schema_frame, time_columns
from views.shared.exports import csv_bytes


def test_cells_are_times_numbers_or_text() -> None:
    query = (
        "SELECT TIMESTAMP '2026-11-02 12:00:00.5' AS t, TIMESTAMPTZ '2026-11-02 12:00:00+01' AS z, sum(range) AS n, "
        "sum(range)::HUGEINT * 10000000000000000000 AS big, 1.25::DECIMAL(9, 2) AS d, 'a' AS s, NULL AS nothing, "
        "INTERVAL 1 DAY AS i, [1, 2] AS l, {'a': 1} AS r, DATE '2026-11-02' AS day, 'x'::ENUM('x') AS e, true AS b, "
        "1 AS s FROM range(5)"
    )
    frame = frame_of(run_over(query, {}))
    assert time_columns(frame) == ["t", "z"]
    assert frame["t"].iloc[0] == pd.Timestamp("2026-11-02 12:00:00.5", tz="UTC")
    assert frame["z"].iloc[0] == pd.Timestamp("2026-11-02 11:00", tz="UTC")
    assert number_columns(frame) == ["n", "big", "d", "s (2)"]
    assert [frame[name].iloc[0] for name in ("n", "big", "d", "s (2)")] == [10, 1e20, 1.25, 1]
    assert [frame[name].iloc[0] for name in ("s", "l", "r", "day", "e")] == [
        "a",
        "[1, 2]",
        "{'a': 1}",
        "2026-11-02",
        "x",
    ]
    assert frame["nothing"].iloc[0] is None
    assert csv_bytes(frame).splitlines()[1].startswith(b"2026-11-02T12:00:00.500000+0000,2026-11-02T11:00:00")


def test_no_rows_and_no_times_are_tables_too() -> None:
    frame = frame_of(run_over("SELECT 1 AS a, 'x' AS b WHERE false", {}))
    assert frame.shape == (0, 2)
    assert frame_of(pa.table({})).empty
    assert csv_bytes(frame_of(run_over("SELECT '=1+1' AS \"@b\"", {}))) == b"'@b\n'=1+1\n"


def test_every_table_is_listed_with_its_columns() -> None:
    frame = schema_frame(["ticks"])
    assert set(frame["table"]) == {"ticks", *(f"{kind} (empty)" for kind in KINDS if kind != "ticks")}
    assert len(frame) == sum(2 + len(SCHEMAS[kind].names) for kind in KINDS)
    assert frame.loc[(frame["table"] == "ticks") & (frame["column"] == "time"), "type"].tolist() == ["time, UTC"]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two legs of one day."""
    folder = tmp_path_factory.mktemp("history")
    write(Place(folder), "ticks", BTC, ticks(3_000))
    write(Place(folder), "ticks", ETH, ticks(2_000, seed=2))
    return folder


@pytest.mark.parametrize("name", list(examples([])))
@pytest.mark.parametrize("held", [True, False])
def test_every_example_runs(history: Path, tmp_path: Path, name: str, held: bool) -> None:
    tape = open_tape(history if held else tmp_path)
    answer = tape.sql(examples(tape.instruments())[name])
    if not held or "Arbitrage" in name:
        assert answer.num_rows == 0
    else:
        assert answer.num_rows > 0
        assert number_columns(frame_of(answer))


def test_candles_are_the_bars_of_the_tape(history: Path) -> None:
    tape = open_tape(history)
    frame = frame_of(tape.sql(examples([])["Candles"]))
    bars = tape.bars(BTC, "1m")
    of_btc = frame[frame["instrument"] == BTC]
    assert of_btc["minute"].dt.as_unit("ns").astype("int64").tolist() == bars.start_ns.tolist()
    for column in ("open", "high", "low", "close", "trades"):
        assert of_btc[column].tolist() == getattr(bars, column).tolist()
    np.testing.assert_allclose(of_btc["volume"], bars.volume)


@pytest.mark.parametrize("name", ["Candles", "VWAP", "Last 5 minutes"])
def test_one_symbol_of_two_venues_is_two_instruments(tmp_path: Path, name: str) -> None:
    other = BTC.replace("binance-usdm", "binance-spot")
    assert other != BTC
    for instrument in (BTC, other):
        write(Place(tmp_path), "ticks", instrument, ticks(50))
    frame = frame_of(open_tape(tmp_path).sql(examples([])[name]))
    assert set(frame["instrument"]) == {BTC, other}
    assert group_columns(frame, MAX_LINES)[0] == "instrument"  # a line each


def test_the_join_takes_the_newest_price_before(history: Path) -> None:
    tape = open_tape(history)
    frame = frame_of(tape.sql(examples([ETH, BTC])["Join two legs"]))
    x, y = tape.ticks(BTC), tape.ticks(ETH)
    at = np.searchsorted(x.time_ns, y.time_ns, side="right") - 1
    assert len(frame) == int((at >= 0).sum())
    assert set(frame["x"]) <= set(x.price.tolist())
    assert (frame["age_ms"] >= 0).all()


def test_lines_over_time_and_bars_over_names() -> None:
    times = pd.date_range("2026-11-02", periods=6, tz="UTC").repeat(2)
    frame = pd.DataFrame({"t": times, "s": ["a", "<b>"] * 6, "v": np.arange(12.0), "w": np.arange(12)})
    assert group_columns(frame, MAX_LINES) == ["s"]
    figure = answer_figure(frame, "t", ["v"], "s", dark=False)
    assert [(trace.type, trace.name) for trace in figure.data] == [("scatter", "&#60;b&#62;"), ("scatter", "a")]
    assert figure.data[1].y.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert [trace.yaxis for trace in figure.data] == ["y", "y2"]  # a scale each
    assert figure.layout.xaxis2.title.text == "t, UTC"
    assert figure.data[0].mode == "lines+markers"  # of one point a line shows nothing
    both = answer_figure(frame, "t", ["v", "w"], None, dark=True)
    assert [(trace.name, trace.yaxis) for trace in both.data] == [("v", "y"), ("w", "y")]
    bars = answer_figure(frame, "s", ["v"], None, dark=False)
    assert bars.data[0].type == "bar"
    assert bars.data[0].x[1] == "&#60;b&#62;"


def test_a_chart_of_many_rows_draws_few_points() -> None:
    frame = pd.DataFrame({"n": np.arange(100_000), "v": np.random.default_rng(1).normal(size=100_000)})
    figure = answer_figure(frame, "n", ["v"], None, dark=False)
    assert len(figure.data[0].x) <= 2_000
    assert figure.data[0].mode == "lines"
    assert figure.data[0].y.max() == frame["v"].max()
