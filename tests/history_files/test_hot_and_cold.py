"""A data folder read by the library while or after its process moves ticks to the history: each tick once."""

from pathlib import Path

import numpy as np
import pytest

from alphastream.core.units import DAY
from alphastream.history import files, open_tape, views
from alphastream.history.layout import day_of
from alphastream.history.places import Place
from alphastream.history.tape_files import TapeFiles
from alphastream.tape.columns import TickColumns
from storage import Origin, TickStore
from tests.runtime.bus.test_publisher import eventually

OKX = Origin("okx", "www.okx.com")
NAME = "okx:BTC-USDT"
BEGIN = 20_000 * DAY


@pytest.fixture
def ticks() -> TickColumns:
    """Three days of trades, ids without a hole."""
    rng = np.random.default_rng(7)
    count = 3_000
    time_ns = BEGIN + np.sort(rng.integers(0, 3 * DAY, count)) // 1_000_000 * 1_000_000
    price = np.round(60_000 + np.cumsum(rng.integers(-3, 4, count)) * 0.1, 1)
    quantity = np.round(rng.exponential(0.1, count) + 0.001, 3)
    return TickColumns(np.arange(count) + 500, price, quantity, time_ns, time_ns + 7_000_000, rng.random(count) < 0.5)


@pytest.fixture
def folder(tmp_path: Path, ticks: TickColumns) -> Path:
    """A data folder whose oldest day and a half are in the history."""
    with TickStore(tmp_path / "okx.db", origin=OKX, history=tmp_path / "history") as store:
        store.take({NAME: ticks})
        assert store.seal(BEGIN + 3 * DAY // 2) > 0
    return tmp_path


def same(one: TickColumns, other: TickColumns) -> bool:
    """Whether two hold the same bits."""
    return all(np.array_equal(a, b) for a, b in zip(one.arrays(), other.arrays(), strict=True))


def test_a_data_folder_is_read_as_one(folder: Path, ticks: TickColumns) -> None:
    for where in (folder, folder / "history"):
        tape = open_tape(where)
        assert tape.instruments() == [NAME]
        assert tape.span(NAME) == (ticks.time_ns[0], ticks.time_ns[-1])
        order = np.lexsort((ticks.id, ticks.time_ns))
        assert same(tape.ticks(NAME), ticks.rows(order))
        count = tape.sql("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM ticks").to_pylist()
        assert count == [{"n": len(ticks), "ids": len(ticks)}]


def test_ticks_that_were_imported_as_well_count_once(folder: Path, ticks: TickColumns) -> None:
    imported = ticks.rows(slice(1_000, 2_500))  # partly sealed already, partly in no file yet
    files.write(Place(folder / "history"), "ticks", NAME, imported, "imported")
    tape = open_tape(folder)
    assert len(tape.ticks(NAME)) == len(ticks)
    assert tape.sql("SELECT count(*) AS n FROM ticks").to_pylist() == [{"n": len(ticks)}]


def test_a_reader_of_somebody_elses_trades_counts_the_files_of_who_moves_them(
    folder: Path, ticks: TickColumns, tmp_path: Path
) -> None:
    other = tmp_path / "dashboard"
    with TickStore(other / "okx.db", origin=OKX, history=folder / "history", seals=False) as store:
        store.take({NAME: ticks.rows(slice(500, None))})
        store.flush()
        tape = open_tape(folder / "history", beside=other)
        assert len(tape.ticks(NAME)) == len(ticks)
        assert tape.sql("SELECT count(*) AS n FROM ticks").to_pylist() == [{"n": len(ticks)}]


def test_files_of_a_tape_file_that_is_gone_count_beside_those_of_the_next(folder: Path, ticks: TickColumns) -> None:
    for path in folder.glob("okx.db*"):
        path.unlink()
    with TickStore(folder / "okx.db", origin=OKX, history=folder / "history") as store:
        store.take({NAME: ticks.rows(slice(1_000, None))})  # some again, as a backfill would bring them
        assert store.seal(BEGIN + 5 * DAY // 2) > 0
        store.flush()
    tape = open_tape(folder)
    assert len(tape.ticks(NAME)) == len(ticks)
    assert tape.sql("SELECT count(*) AS n FROM ticks").to_pylist() == [{"n": len(ticks)}]


def test_files_count_when_a_tape_file_deletes_what_it_had_moved_before(folder: Path, ticks: TickColumns) -> None:
    sealed = int((ticks.time_ns < BEGIN + 3 * DAY // 2).sum())
    last = ticks.rows(slice(-10, None))
    time_ns = last.time_ns + 9 * DAY
    later = TickColumns(last.id + 10, last.price, last.quantity, time_ns, time_ns, last.buyer_is_maker)
    with TickStore(folder / "okx.db", origin=OKX, retention_ns=DAY) as store:  # as with ALPHASTREAM_HISTORY=off
        store.take({NAME: later})
        store.flush()
        eventually(lambda: (held := store.coverage(NAME)) is not None and held.ticks == len(later))
    tape = open_tape(folder)
    assert len(tape.ticks(NAME)) == sealed + len(later)
    assert tape.sql("SELECT count(*) AS n FROM ticks").to_pylist() == [{"n": sealed + len(later)}]


def test_files_of_another_recorder_of_the_venue_count(tmp_path: Path, ticks: TickColumns) -> None:
    history = tmp_path / "history"
    for number, name in enumerate((NAME, "okx:ETH-USDT")):
        with TickStore(tmp_path / str(number) / "okx.db", origin=OKX, history=history) as store:
            store.take({name: ticks})
            assert store.seal(BEGIN + 3 * DAY) == len(ticks)
    for number in range(2):
        tape = open_tape(history, beside=tmp_path / str(number))
        counts = tape.sql("SELECT symbol, count(*) AS n FROM ticks GROUP BY 1 ORDER BY 1").to_pylist()
        assert [each["n"] for each in counts] == [len(ticks), len(ticks)]
        assert len(tape.ticks(NAME)) == len(tape.ticks("okx:ETH-USDT")) == len(ticks)


def test_a_file_that_is_sealed_after_a_moment_does_not_count_at_it(folder: Path, ticks: TickColumns) -> None:
    place = Place(folder / "history")
    with TickStore(folder / "okx.db", origin=OKX, history=folder / "history") as store:
        with TapeFiles(folder).snapshot() as moment:
            before = place.find("ticks")
            assert store.seal(BEGIN + 3 * DAY) > 0
            assert len(place.find("ticks")) > len(before)
            assert moment.counting(place.find("ticks")) == before
        with TapeFiles(folder).snapshot() as moment:
            assert moment.counting(place.find("ticks")) == place.find("ticks")


def test_a_data_folder_without_its_tape_files_is_read_by_its_history(folder: Path, ticks: TickColumns) -> None:
    for path in folder.glob("okx.db*"):
        path.unlink()
    assert open_tape(folder).span(NAME) == open_tape(folder / "history").span(NAME)


def test_a_short_time_looks_into_no_folder_of_another_day(folder: Path, ticks: TickColumns) -> None:
    place = Place(folder / "history")
    assert len(place.find("ticks")) == 2
    assert place.find("ticks", enters=lambda name: not name.startswith("date=")) == []
    day = views.files_of(place, "ticks", BEGIN + DAY, BEGIN + DAY + 1)
    assert [file.path.split("/")[3] for file in day] == [f"date={day_of(BEGIN + DAY)}"]
    assert views.files_of(place, "ticks", -(10**30), 10**30) == place.find("ticks")
    query = f"SELECT count(*) AS n FROM ticks WHERE time < make_timestamp_ns({BEGIN + DAY + DAY // 4})"
    last = int(((ticks.time_ns >= BEGIN + DAY) & (ticks.time_ns < BEGIN + DAY + DAY // 4)).sum())
    assert open_tape(folder).sql(query, BEGIN + DAY).to_pylist() == [{"n": last}]
