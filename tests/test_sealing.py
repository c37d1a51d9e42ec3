"""Everything of a data folder moves to the history at once, by a command."""

from pathlib import Path

import numpy as np
import pytest

from alphastream.books import QuoteColumns
from alphastream.history import open_tape
from alphastream.history.__main__ import main
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns
from recorder import record as record
from runtime.stores.market_store import MarketStore, market_path
from storage import Origin, TickStore

NAME = InstrumentId("okx", "BTC-USDT")
DAY_NS = 86_400 * 10**9
COUNT = 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with three days of ticks and quotes."""
    times = 19_700 * DAY_NS + np.arange(COUNT) * (DAY_NS // 100)
    numbers = np.arange(COUNT) + 1
    ones = np.ones(COUNT)
    with TickStore(tmp_path / "okx.db", origin=Origin("okx", "www.okx.com")) as store:
        store.take({NAME: TickColumns(numbers, ones, ones, times, times, numbers % 2 == 0)})
    with MarketStore(market_path(tmp_path / "okx.db")) as kept:
        kept.add(NAME, QuoteColumns(times, times, ones, ones, ones, ones))
    return tmp_path


def test_the_command_moves_ticks_and_books(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = folder / "history"
    assert main(["--history", str(history), "seal", "now", "--folder", str(folder)]) == 0
    said = capsys.readouterr().err
    assert f"okx.db: {COUNT} ticks from before now are in {history} now" in said
    assert f"books of okx.db: {COUNT} samples from before now" in said
    assert len(list(history.rglob("*.parquet"))) == 6
    tape = open_tape(folder)
    assert tape.rows("ticks", NAME).num_rows == tape.rows("quotes", NAME).num_rows == COUNT
    assert main(["--history", str(history), "seal", "now", "--folder", str(folder / "nothing")]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_a_file_that_is_written_is_left_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with TickStore(folder / "okx.db"):
        assert main(["--history", str(folder / "history"), "seal", "2024-01-01", "--folder", str(folder)]) == 2
    assert "already open" in capsys.readouterr().err


def test_the_recorder_seals_as_well(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHASTREAM_DATA_DIR", str(folder))
    assert record(["--seal", "2023-12-10"]) == 0
    assert len(list((folder / "history").rglob("*.parquet"))) == 1  # quotes are one block, which goes as a whole
    monkeypatch.setenv("ALPHASTREAM_HISTORY", "off")
    assert record(["--seal", "2023-12-10"]) == 2
