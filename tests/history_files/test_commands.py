"""The command line of a history, as a person runs it."""

import json
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from alphastream.history.__main__ import main
from alphastream.history.files import write
from alphastream.history.places import Place
from alphastream.history.verify_command import run as verify
from tests.history_files.trades import BTC, ETH, ticks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A history of two instruments, one of them over two days."""
    write(Place(tmp_path / "history"), "ticks", BTC, ticks(500_000))
    write(Place(tmp_path / "history"), "ticks", ETH, ticks(1_000, seed=2))
    return tmp_path / "history"


def test_what_is_held_is_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--history", str(folder), "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["ticks", BTC], ["ticks", ETH]]
    assert "2026-11-02 12:00:00 to 2026-11-03" in lines[0]
    assert "2 days  2 files  500,000 rows" in lines[0]
    assert "1 day  1 file  1,000 rows" in lines[1]
    assert main(["list", "--kind", "bars", "--history", str(folder)]) == 1
    assert main(["--history", str(folder / "none"), "list"]) == 1
    assert "holds nothing" in capsys.readouterr().err


def test_damage_is_found_and_the_rest_is_proved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--history", str(folder), "verify"]) == 0
    assert "3 files, 501,000 rows proved, 0 damaged" in capsys.readouterr().out
    torn, moved = sorted(folder.rglob("symbol=BTCUSDT/*/*.parquet"))
    data = bytearray(torn.read_bytes())
    data[len(data) // 2] ^= 1
    torn.write_bytes(data)
    target = folder / "ticks" / "venue=okx" / "symbol=BTC" / moved.parent.name
    target.mkdir(parents=True)
    moved.rename(target / moved.name)
    assert main(["--history", str(folder), "verify"]) == 1
    said = capsys.readouterr()
    assert str(torn) in said.err
    assert "move it to their folder" in said.err
    assert "3 files, 1,000 rows proved, 2 damaged" in said.out


def test_a_proof_that_was_broken_off_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = Place(folder)
    done = place.find("ticks")[0]
    with place.writing("verify/unfinished.json") as stream:
        stream.write(json.dumps({done.path: [done.size, done.changed], "gone": [1, 2]}).encode())
    assert verify(place) == 0
    assert "1 files were proved before" in capsys.readouterr().err
    assert not (folder / "verify" / "unfinished.json").exists()


def test_a_range_is_exported(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ticks(1_000, seed=2)
    common = ["--history", str(folder), "export"]
    for ending, read in ((".csv", pa_csv.read_csv), (".parquet", pq.read_table), (".arrow", feather.read_table)):
        out = tmp_path / f"out{ending}"
        assert main([*common, str(out), "--instrument", ETH]) == 0
        assert "1,000 rows" in capsys.readouterr().out
        table = read(out)
        assert table["price"].to_pylist() == wanted.price.tolist()
        assert table.column_names[:3] == ["venue", "symbol", "id"]
    out = tmp_path / "answer.csv"
    query = "SELECT symbol, count(*) AS n FROM ticks GROUP BY 1 ORDER BY 1"
    assert main([*common, str(out), "--sql", query, "--start", "2026-11-03"]) == 0
    (line,) = out.read_text().splitlines()[1:]
    assert line.startswith('"BTCUSDT",')
    assert main([*common, str(tmp_path / "out.xlsx")]) == 2
    assert "ends in .csv, .parquet, .arrow" in capsys.readouterr().err
    assert main([*common, str(tmp_path / "x.csv"), "--sql", "DROP VIEW ticks"]) == 2
    assert not (tmp_path / "x.csv").exists()


def test_a_folder_gets_a_file_a_day_and_finished_ones_stay(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--history", str(folder), "export", str(tmp_path / "out"), "--format", "csv"]
    assert main(command) == 0
    assert "501,000 rows in 3 files; 0 files were there already" in capsys.readouterr().out
    sorted((tmp_path / "out").rglob("*.csv"))[0].unlink()
    assert main(command) == 0
    assert "in 1 files; 2 files were there already" in capsys.readouterr().out


def test_a_command_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["shred"])
    assert "invalid choice: 'shred'" in capsys.readouterr().err


def test_an_instrument_that_is_not_held_is_not_exported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder.parent / "btc.csv"
    assert main(["--history", str(folder), "export", str(out), "--instrument", "binance-usdm:BTCUSD"]) == 2
    assert f"has no ticks of binance-usdm:BTCUSD: it has {BTC}, {ETH}" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("said", ["", " ", "off", "OFF"])
def test_without_a_setting_the_history_is_beside_the_tape_files(
    said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHASTREAM_DATA_DIR", str(folder.parent))
    monkeypatch.setenv("ALPHASTREAM_HISTORY", said)
    assert main(["list"]) == 0
