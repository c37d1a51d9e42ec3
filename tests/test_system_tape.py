"""What a running system has recorded, as one tape: live trades, books beside them, and what a recording has played."""

from pathlib import Path

import config
from system import System
from tests.test_system import eventually, running, several, two_venues
from views.history.sql_examples import examples


def test_examples_run_on_live_trades_of_two_venues(tmp_path: Path) -> None:
    with two_venues(tmp_path) as (system, _):
        assert system.tape("replay") is None
        tape = system.tape("live")
        assert tape is not None
        eventually(lambda: len(tape.instruments("books")) == 4)
        eventually(lambda: [tape.about(name).ticks > 50 for name in tape.instruments()] == [True] * 4)
        for name, query in examples(tape.instruments()).items():
            assert tape.sql(query).num_rows > 0 or "Arbitrage" in name, name
        assert tape.sql("SELECT count(*) AS n FROM books WHERE len(bid_price) > 0")["n"].to_pylist() != [0]
    again = System(several(tmp_path, {}, FEED="replay")).tape("live")  # of what was recorded before
    assert again is not None
    assert len(again.instruments()) == 4


def test_a_recording_is_a_tape_of_its_own(tmp_path: Path) -> None:
    settings = config.load({"ALPHASTREAM_FEED": "replay", "ALPHASTREAM_DATA_DIR": str(tmp_path)})
    with running(System(settings)) as system:
        assert system.tape("live") is None  # nothing was ever recorded
        tape = system.tape("replay")
        assert tape is not None
        eventually(lambda: len(tape.instruments()) == 2)
        assert tape.sql("SELECT count(*) AS n FROM ticks")["n"].to_pylist() != [0]
    assert system.tape("replay") is None
