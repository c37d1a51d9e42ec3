"""Published files brought into a history: each row once, however often and in whatever files it comes."""

import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from alphastream.core.units import MS
from alphastream.errors import UploadError
from alphastream.history import open_tape
from alphastream.history.__main__ import main
from alphastream.history.files import write
from alphastream.history.holes import holes_of
from alphastream.history.places import Place
from alphastream.history.published import recognise
from alphastream.history.published_command import run
from alphastream.history.published_import import import_file
from alphastream.history.reading import read
from alphastream.tape.columns import TickColumns
from alphastream.tape.recordings import read_tape
from tests.history_files.archive import (
    AGG_TRADES,
    BOOK_TICKER,
    DAY_MS,
    FUNDING,
    KLINES,
    START_MS,
    TRADES,
    futures_trades,
    publish,
    spot,
    spot_trades,
    um,
)

BTC = "binance-usdm:BTCUSDT"
ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("KILLS", "2"))


def daily(root: Path, day: int, lines: Iterable[str], content: str = "aggTrades") -> Path:
    """A file of futures of a day of August 2024."""
    return publish(um(root, "daily", content, "BTCUSDT", f"2024-08-{day:02}"), lines)


def monthly(root: Path, lines: Iterable[str]) -> Path:
    """The aggregate trades of August 2024."""
    return publish(um(root, "monthly", "aggTrades", "BTCUSDT", "2024-08"), lines)


def files_of(place: Place) -> dict[str, bytes]:
    """Every file of a place and what is in it."""
    return {found.path: Path(place.full(found.path)).read_bytes() for found in place.find(ending="")}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "history")


def test_ticks_are_read_back_as_published(tmp_path: Path, place: Place) -> None:
    done = import_file(place, recognise(daily(tmp_path, 8, [AGG_TRADES, *futures_trades(range(100, 400))])))
    assert (done.instrument, done.new, done.held, done.left_out) == (BTC, 300, 0, 0)
    ticks = open_tape(place.root).ticks(BTC)
    assert ticks.id.tolist() == list(range(100, 400))
    assert ticks.price[5] == 60_000 + 105 % 70 / 10
    assert ticks.quantity[5] == (105 % 9 + 1) / 1000
    assert ticks.time_ns[:2].tolist() == [START_MS * MS, (START_MS + 500) * MS]
    assert ticks.buyer_is_maker[:4].tolist() == [True, True, False, True]
    assert not ticks.receive_ns.any()


def test_the_same_file_again_changes_nothing(tmp_path: Path, place: Place) -> None:
    path = daily(tmp_path, 8, futures_trades(range(300)))
    import_file(place, recognise(path))
    before = files_of(place)
    assert import_file(place, recognise(path)).passed_over
    assert files_of(place) == before
    for note in place.find("imports", ".json"):
        place.remove(note.path)
    again = import_file(place, recognise(path))
    assert (again.new, again.held) == (0, 300)
    assert files_of(place) == before


def test_days_that_were_taken_away_are_imported_again(tmp_path: Path, place: Place) -> None:
    path = daily(tmp_path, 8, futures_trades(range(300)))
    import_file(place, recognise(path))
    for found in place.find("ticks"):
        place.remove(found.path)
    assert import_file(place, recognise(path)).new == 300


@pytest.mark.parametrize("month_first", [False, True])
def test_daily_and_monthly_files_do_not_double(tmp_path: Path, place: Place, month_first: bool) -> None:
    month = futures_trades(range(900), step_ms=DAY_MS // 300)  # three days
    files = [daily(tmp_path, 9, month[300:600]), monthly(tmp_path, month)]
    done = [import_file(place, recognise(path)) for path in (files[::-1] if month_first else files)]
    assert [each.new for each in done] == ([900, 0] if month_first else [300, 600])
    assert open_tape(place.root).ticks(BTC).id.tolist() == list(range(900))


def test_rows_out_of_order_and_rows_twice_are_put_right(
    tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month as it was published in 2023: two days by turns; and rows one below the other twice."""
    month = futures_trades(range(900), step_ms=DAY_MS // 300)
    mixed = [line for pair in zip(month[:300], month[600:], strict=True) for line in pair]
    monkeypatch.setattr("alphastream.history.incoming.ROW_GROUP", 50)
    monkeypatch.setattr("alphastream.history.published_rows._BLOCK_BYTES", 5_000)
    backwards = [line for start in range(850, -1, -50) for line in month[start : start + 50] for _ in range(2)]
    done = import_file(place, recognise(monthly(tmp_path, [*mixed, *backwards])))
    assert (done.new, done.held) == (900, 1_500)
    assert len(place.find("ticks")) > 3
    ticks = open_tape(place.root).ticks(BTC)
    assert ticks.id.tolist() == list(range(900))
    assert (np.diff(ticks.time_ns) > 0).all()


def test_times_that_become_finer_within_a_day(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphastream.history.incoming.ROW_GROUP", 50)
    monkeypatch.setattr("alphastream.history.published_rows._BLOCK_BYTES", 2_000)
    start_us = 1_735_689_600_000_000
    lines = [*spot_trades(range(300), start_us, 1_000), *spot_trades(range(300, 600), start_us + 400_000, 1_001)]
    import_file(place, recognise(publish(spot(tmp_path, "daily", "aggTrades", "BTCUSDT", "2025-01-01"), lines)))
    assert len(place.find("ticks")) == 2
    ticks = open_tape(place.root).ticks("binance-spot:BTCUSDT")
    assert ticks.id.tolist() == list(range(600))
    assert ticks.time_ns[-1] == (start_us + 400_000 + 299 * 1_001) * 1_000


def test_recorded_milliseconds_and_published_microseconds_are_one_trade(tmp_path: Path, place: Place) -> None:
    """Recorded trades that are sealed after the day was imported."""
    start_us = 1_735_689_600_000_000
    lines = spot_trades(range(400), start_us, 1_000_017)
    import_file(place, recognise(publish(spot(tmp_path, "daily", "aggTrades", "BTCUSDT", "2025-01-01"), lines)))
    name = "binance-spot:BTCUSDT"
    published = open_tape(place.root).ticks(name)
    part = published.rows(slice(100, 300))
    recorded = TickColumns(
        part.id, part.price, part.quantity, part.time_ns // MS * MS, part.time_ns, part.buyer_is_maker
    )
    write(place, "ticks", name, recorded, "0-sealed")
    both = open_tape(place.root).ticks(name)
    assert both.id.tolist() == list(range(400))
    assert (np.diff(both.time_ns) > 0).all()
    counted = open_tape(place.root).sql("select count(*) as rows, count(distinct id) as ids from ticks").to_pylist()
    assert counted == [{"rows": 400, "ids": 400}]


def test_a_day_is_one_file_however_many_blocks(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphastream.history.incoming.ROW_GROUP", 50)
    monkeypatch.setattr("alphastream.history.published_rows._BLOCK_BYTES", 2_000)
    month = futures_trades(range(3_000), step_ms=DAY_MS // 1_000)
    assert import_file(place, recognise(monthly(tmp_path, month))).new == 3_000
    assert len(place.find("ticks")) == 3
    assert open_tape(place.root).ticks(BTC).id.tolist() == list(range(3_000))


def test_single_trades_are_kept_apart_from_aggregates(tmp_path: Path, place: Place) -> None:
    single = [f"{each},60000.0,0.001,60.0,{START_MS + each},true" for each in range(50)]
    import_file(place, recognise(daily(tmp_path, 8, [TRADES, *single], "trades")))
    import_file(place, recognise(daily(tmp_path, 8, futures_trades(range(20)))))
    tape = open_tape(place.root)
    assert tape.instruments() == [BTC, "binance-usdm@trades:BTCUSDT"]
    assert len(tape.ticks("binance-usdm@trades:BTCUSDT")) == 50
    assert len(tape.ticks(BTC)) == 20


def test_bars_of_two_lengths(tmp_path: Path, place: Place) -> None:
    for interval, length in (("1m", 60_000), ("1h", 3_600_000)):
        lines = [
            f"{START_MS + at * length},10.0,12.0,9.0,11.0,5.5,{START_MS + (at + 1) * length - 1},60.5,13,2.5,27.5,0"
            for at in range(20)
        ]
        path = publish(um(tmp_path, "daily", "klines", "BTCUSDT", "2024-08-08", interval), [KLINES, *lines])
        for passed in (False, True):
            done = import_file(place, recognise(path))
            assert (done.new, done.passed_over) == (0 if passed else 20, passed)
    bars = read(place, "bars", BTC)
    assert sorted(bars["seconds"].to_pylist()) == [60.0] * 20 + [3_600.0] * 20
    assert set(bars["buy_volume"].to_pylist()) == {2.5}


def klines(root: Path, day: int, interval: str, length: int) -> Path:
    """Bars of a day, all alike."""
    start = START_MS + (day - 8) * DAY_MS
    lines = [
        f"{start + at * length},10.0,12.0,9.0,11.0,1.5,{start + (at + 1) * length - 1},16.5,13,0.5,5.5,0"
        for at in range(DAY_MS // length)
    ]
    return publish(um(root, "daily", "klines", "BTCUSDT", f"2024-08-{day:02}", interval), [KLINES, *lines])


def test_bars_of_days_without_ticks_are_those_that_were_published(tmp_path: Path, place: Place) -> None:
    """Long bars of the 7th, short ones of the 8th and 10th, both of the 9th, ticks of the 10th."""
    ticks = daily(tmp_path, 10, futures_trades(range(48), START_MS + 2 * DAY_MS, DAY_MS // 48))
    files = [klines(tmp_path, 7, "1h", 3_600_000), klines(tmp_path, 8, "1m", 60_000), ticks]
    files += [
        klines(tmp_path, 9, "1h", 3_600_000),
        klines(tmp_path, 9, "1m", 60_000),
        klines(tmp_path, 10, "1m", 60_000),
    ]
    for path in files:
        import_file(place, recognise(path))
    hours = open_tape(place.root).bars(BTC, "1h")
    assert np.array_equal(hours.start_ns, (START_MS - DAY_MS + np.arange(96) * 3_600_000) * MS)
    assert hours.volume[:72].tolist() == [1.5] * 24 + [90.0] * 24 + [1.5] * 24
    assert hours.trades[72:].tolist() == [2] * 24
    half_minutes = open_tape(place.root).bars(BTC, "30s")
    assert len(half_minutes) == 48


def test_quotes_of_one_time_are_all_kept(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphastream.history.incoming.ROW_GROUP", 100)
    monkeypatch.setattr("alphastream.history.published_rows._BLOCK_BYTES", 2_000)
    for day in (0, 1):
        start = START_MS + day * DAY_MS
        lines = [f"{at},{10 + at % 5},2,{11 + at % 5},3,{start + at // 7},{start + at // 7}" for at in range(1_000)]
        path = daily(tmp_path, 8 + day, [BOOK_TICKER, *lines], "bookTicker")
        assert import_file(place, recognise(path)).new == 1_000
    for note in place.find("imports", ".json"):
        place.remove(note.path)
    assert import_file(place, recognise(path)).held == 1_000
    place.remove(place.find("quotes")[1].path)
    assert import_file(place, recognise(path)).new == 1_000
    assert read(place, "quotes", BTC)["bid"].to_pylist() == [10 + at % 5 for at in range(1_000)] * 2


def test_funding(tmp_path: Path, place: Place) -> None:
    path = publish(um(tmp_path, "monthly", "fundingRate", "BTCUSDT", "2024-08"), [FUNDING, f"{START_MS},8,0.0001"])
    assert import_file(place, recognise(path)).new == 1
    assert read(place, "funding", BTC)["rate"].to_pylist() == [1e-4]


def test_the_checksum_beside_a_file_is_held_against_it(tmp_path: Path, place: Place) -> None:
    path = publish(um(tmp_path, "daily", "aggTrades", "BTCUSDT", "2024-08-08"), futures_trades([1]), checksum=True)
    assert import_file(place, recognise(path)).new == 1
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{'0' * 64}  {path.name}\n")
    with pytest.raises(UploadError, match=r"its SHA-256 is .*, BTCUSDT-agg.*CHECKSUM says 0000.*: download both again"):
        import_file(place, recognise(path))


def test_nothing_is_written_of_a_file_with_a_fault_at_its_end(tmp_path: Path, place: Place) -> None:
    lines = futures_trades(range(300_000), step_ms=1)
    with pytest.raises(UploadError, match="line 300001: 2024-08-09T"):
        import_file(place, recognise(daily(tmp_path, 8, [*lines, *futures_trades([1], START_MS + DAY_MS)])))
    assert files_of(place) == {}


def test_a_bad_file_does_not_stop_the_others(tmp_path: Path, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    daily(tmp_path, 8, futures_trades(range(100)))
    daily(tmp_path, 9, ["1,2,3"])
    whole = daily(tmp_path, 10, futures_trades(range(150, 50_000), START_MS + 2 * DAY_MS, 1))
    damaged = um(tmp_path, "daily", "aggTrades", "ETHUSDT", "2024-08-08")
    damaged.parent.mkdir(parents=True)
    content = bytearray(whole.read_bytes())
    content[len(content) // 2] ^= 255
    damaged.write_bytes(content)
    (tmp_path / "BTCUSDT-1m-2024-08.zip").touch()
    progress = io.StringIO()
    assert run(place, [tmp_path], progress=progress) == 1
    told = progress.getvalue().splitlines()
    assert len(told) == 6
    assert "which market it is of" in told[0]
    assert told[1].endswith(f"BTCUSDT-aggTrades-2024-08-08.zip: {BTC} ticks: 100 new")
    assert "not imported: BTCUSDT-aggTrades-2024-08-09.zip: its first line has 3 columns" in told[2]
    assert "not imported: ETHUSDT-aggTrades-2024-08-08.zip/BTCUSDT-aggTrades-2024-08-10.csv: the file is" in told[4]
    assert told[-1] == "3 files: not imported, see above"
    assert capsys.readouterr().out.splitlines() == [
        f"{BTC} ticks: 49,950 new; 1 day missing: 2024-08-09; 50 ids missing: 100 to 149"
    ]
    assert open_tape(place.root).instruments() == [BTC]


def test_holes_are_found_again(tmp_path: Path, place: Place) -> None:
    ids = [*range(100), 103, *range(110, 200)]
    import_file(place, recognise(daily(tmp_path, 8, futures_trades(ids))))
    import_file(place, recognise(daily(tmp_path, 11, futures_trades(range(200, 220), START_MS + 3 * DAY_MS))))
    found = holes_of(place, "ticks", BTC)
    assert found.ids == [(100, 102), (104, 109)]
    assert [tuple(map(str, run)) for run in found.days] == [("2024-08-09", "2024-08-10")]
    assert str(found) == ("2 days missing: 2024-08-09 to 2024-08-10; 9 ids missing: 100 to 102, 104 to 109")


def test_a_recording_becomes_a_history(place: Place) -> None:
    path = ROOT / "data/tape_usdm_20240808.parquet"
    for _ in range(2):
        assert run(place, [path], progress=io.StringIO()) == 0
    tape, recorded = open_tape(place.root), read_tape(path).columns()
    assert tape.instruments() == ["binance-usdm@recording:BTCUSDT", "binance-usdm@recording:ETHUSDT"]
    for symbol, columns in recorded.items():
        ticks = tape.ticks(f"binance-usdm@recording:{symbol}")
        order = np.argsort(columns.id)
        in_order = np.argsort(ticks.id)
        assert np.array_equal(ticks.id[in_order], columns.id[order])
        assert np.array_equal(ticks.price[in_order], columns.price[order])


def test_ids_of_a_venue_that_leaves_some_out_say_nothing(place: Place) -> None:
    for venue in ("bybit-linear", "binance-usdm", "elsewhere"):
        ids = np.array([1, 5, 9])
        ticks = TickColumns(ids, ids * 1.0, ids * 1.0, ids, ids, ids > 4)
        write(place, "ticks", f"{venue}:A", ticks)
    assert [str(holes_of(place, "ticks", f"{venue}:A")) for venue in ("bybit-linear", "binance-usdm", "elsewhere")] == [
        *("", "6 ids missing: 2 to 4, 6 to 8", "")
    ]


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "BTCUSDT-aggTrades-2024-08-08.zip"
    publish(path, futures_trades(range(10)))
    arguments = ["import", str(path), "--into", str(tmp_path / "there")]
    assert main(arguments) == 1
    assert "which market it is of" in capsys.readouterr().err
    assert main([*arguments, "--venue", "binance-usdm"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{BTC} ticks: 10 new\n"
    assert said.err == f"[1/1] {path.name}: {BTC} ticks: 10 new\n"
    assert main(["import", str(tmp_path / "nowhere")]) == 2
    assert "there is no file or folder" in capsys.readouterr().err
    assert len(open_tape(tmp_path / "there").ticks(BTC)) == 10


def test_an_import_that_was_killed_goes_on(tmp_path: Path, place: Place) -> None:
    """kill -9 as soon as some more days are there; the file in the end is as if nothing had happened."""
    days = 25
    month = futures_trades(range(100 * days), START_MS - 7 * DAY_MS, DAY_MS // 100)
    path = monthly(tmp_path, [AGG_TRADES, *month])
    command = [sys.executable, "-m", "alphastream.history", "import", str(path), "--into", place.root]
    for number in range(KILLS):
        before = len(place.find("ticks"))
        if before == days:
            shutil.rmtree(place.root)
            before = 0
        wanted, ending = min(before + 3, days), ".part" if number % 2 else ".parquet"
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and not (len(place.find("ticks")) >= wanted and place.find("ticks", ending)):
                pass
            process.send_signal(signal.SIGKILL)
    assert run(place, [path], progress=io.StringIO()) == 0
    assert open_tape(place.root).ticks(BTC).id.tolist() == list(range(100 * days))
    assert len(place.find("ticks")) == days
    assert not holes_of(place, "ticks", BTC).ids
