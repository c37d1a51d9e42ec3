"""Bars of a history are those of its ticks, whichever way they are read."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphastream.bars import Bars, aggregate, resample
from alphastream.errors import ParameterError
from alphastream.history import open_tape, reading
from alphastream.history.bar_folds import interval
from alphastream.history.files import write
from alphastream.history.places import Place
from alphastream.tape.columns import TickColumns
from tests.history_files.trades import BTC, ETH, NOON, ticks


def equal(one: Bars, other: Bars) -> bool:
    """Whether all bits of two sets of bars are equal."""
    pairs = ((getattr(one, item.name), getattr(other, item.name)) for item in fields(Bars))
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)


def of(columns: TickColumns, interval_ns: int) -> Bars:
    """Bars of all ticks at once."""
    return aggregate(columns.time_ns, columns.price, columns.quantity, interval_ns, columns.buyer_is_maker)


@pytest.mark.parametrize("every", ["1s", "7m", "1h", "1d", 1_234_567_891, "3d"])
def test_bars_are_those_of_all_ticks_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: str | int) -> None:
    monkeypatch.setattr(reading, "PIECE", 10_000)
    wanted = ticks(200_000)
    write(Place(tmp_path), "ticks", BTC, wanted)
    tape = open_tape(tmp_path)
    assert equal(tape.bars(BTC, every), of(wanted, interval(every)))
    start, end = int(wanted.time_ns[777]), int(wanted.time_ns[-777])
    within = (wanted.time_ns >= start) & (wanted.time_ns < end)
    assert equal(tape.bars(BTC, every, start, end), of(wanted.rows(within), interval(every)))


def test_sql_gives_the_same_bars(tmp_path: Path) -> None:
    wanted = ticks(50_000)
    write(Place(tmp_path), "ticks", BTC, wanted)
    found = open_tape(tmp_path).sql(
        "SELECT epoch_ns(time_bucket(INTERVAL 1 second, time::TIMESTAMP)) AS start, "
        "first(price ORDER BY time, id) AS open, max(price) AS high, min(price) AS low, "
        "last(price ORDER BY time, id) AS close, count(*) AS trades "
        "FROM ticks GROUP BY 1 ORDER BY 1"
    )
    bars = of(wanted, 10**9)
    assert found["start"].to_pylist() == bars.start_ns.tolist()
    for name in ("open", "high", "low", "close", "trades"):
        assert found[name].to_pylist() == getattr(bars, name).tolist()


def test_kept_bars_serve_where_no_ticks_are(tmp_path: Path) -> None:
    wanted = of(ticks(50_000), 10 * 10**9)
    write(Place(tmp_path), "bars", BTC, wanted, "ten-seconds", bar_ns=10 * 10**9)
    write(Place(tmp_path), "bars", BTC, of(ticks(50_000), 10**9), "one-second", bar_ns=10**9)
    tape = open_tape(tmp_path)
    assert equal(tape.bars(BTC, "10s"), wanted)
    assert equal(tape.bars(BTC, "1m"), resample(wanted, 60 * 10**9))
    with pytest.raises(ParameterError, match=r"bars of 1 s, 10 s are kept: none of them divides 0.5 s"):
        tape.bars(BTC, "500ms")
    assert len(tape.bars(ETH)) == 0


def test_closes_stand_side_by_side(tmp_path: Path) -> None:
    one, other = ticks(5_000), ticks(500, start_ns=NOON + 60 * 10**9, seed=4)
    for name, columns in ((BTC, one), (ETH, other)):
        write(Place(tmp_path), "ticks", name, columns)
    frame = open_tape(tmp_path).closes([BTC, ETH], "10s")
    assert list(frame.columns) == [BTC, ETH]
    for name, columns in ((BTC, one), (ETH, other)):
        bars = of(columns, 10 * 10**9)
        assert frame[name].dropna().tolist() == bars.close.tolist()
        starts = pd.DatetimeIndex(frame[name].dropna().index).as_unit("ns")
        assert starts.asi8.tolist() == bars.start_ns.tolist()
    assert np.isnan(frame[ETH].iloc[0])
    assert open_tape(tmp_path).closes([], "10s").empty


def test_an_interval_is_said_in_words_everyone_uses() -> None:
    for wrong in ("1 minute", "", "0s", 0, "1w"):
        with pytest.raises(ParameterError, match="write such as '1s'"):
            interval(wrong)
