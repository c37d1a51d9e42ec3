"""Files of a day in any arrangement: columns and SQL agree with a rule that is written out plainly."""

import tempfile

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.core.units import MS
from alphastream.history import open_tape
from alphastream.history.files import write
from alphastream.history.places import Place
from alphastream.tape.columns import TickColumns
from tests.history_files.trades import BTC, NOON

Rows = list[tuple[int, int]]  # time after noon in ms: closer ones may be one trade, see merging.SAME_NS; id


def columns_of(rows: Rows, price: float) -> TickColumns:
    """Trades of one price, which tells afterwards whose row was taken."""
    times, ids = np.array(rows, np.int64).reshape(-1, 2).T
    count = len(rows)
    flat = np.full(count, price), np.ones(count)
    return TickColumns(ids, *flat, NOON + times * MS, NOON + times * MS, np.zeros(count, np.bool_))


def plainly(files: list[tuple[int, Rows]]) -> list[tuple[int, int, float]]:
    """The rule: a row counts unless a file before it, of the same epoch, has its time and id."""
    kept = []
    for number, (epoch, rows) in enumerate(files):
        known = {row for other, before in files[:number] if other == epoch for row in before}
        kept += [
            (NOON + time * MS, trade_id, float(number + 1)) for time, trade_id in rows if (time, trade_id) not in known
        ]
    return sorted(kept)


ROWS = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4)), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(files=st.lists(st.tuples(st.integers(0, 1), ROWS), min_size=1, max_size=4), cut=st.integers(0, 12))
def test_columns_and_sql_join_files_by_one_rule(files: list[tuple[int, Rows]], cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, (epoch, rows) in enumerate(files):
            write(Place(folder), "ticks", BTC, columns_of(rows, number + 1), f"file-{number}", epoch=epoch)
        tape = open_tape(folder)
        for start, end in ((0, NOON * 2), (NOON + cut * MS, NOON + (cut + 4) * MS)):
            wanted = [row for row in plainly(files) if start <= row[0] < end]
            found = tape.ticks(BTC, start, end)
            triples = zip(found.time_ns.tolist(), found.id.tolist(), found.price.tolist(), strict=True)
            assert sorted(triples) == wanted
            assert (np.diff(found.time_ns) >= 0).all()
            answer = tape.sql("SELECT epoch_ns(time) AS time, id, price FROM ticks", start, end)
            assert sorted(map(tuple, zip(*answer.to_pydict().values(), strict=True))) == wanted
