"""A tape of what runs: ticks as they are written, signals beside them, how much there is."""

import dataclasses
from pathlib import Path

import pytest

from alphastream.arbitrage import Signal
from alphastream.events import Tick
from alphastream.history import Tape
from alphastream.history.places import Place
from alphastream.history.tape_files import TapeFiles
from alphastream.instruments import InstrumentId
from runtime.stores.signal_side import WithSignals
from storage import Origin, TickStore

SECOND = 10**9
BEGIN = 1_723_161_255 * SECOND
BTC = InstrumentId("binance-usdm", "BTCUSDT")
SIGNAL = Signal(
    "BTC/USDT", str(BTC), "okx:BTC-USDT", BEGIN, BEGIN + 1, BEGIN + 2, 3e-4, 8e-4, 0.25, 15_000.0, 2 * 10**7, "quotes"
)


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    """Twenty-five thousand ticks a second apart, and two signals, the newest first."""
    ticks = [Tick(BTC, n + 1, 100.0 + n % 7, 1.0, BEGIN + n * SECOND, BEGIN, False) for n in range(25_000)]
    with TickStore(tmp_path / "binance-usdm.db", origin=Origin("binance-usdm", "host")) as store:
        store.append(ticks)
    signals = [dataclasses.replace(SIGNAL, opened_ns=BEGIN + 5 * SECOND), SIGNAL]
    return Tape(Place(tmp_path / "history"), WithSignals(TapeFiles(tmp_path), lambda: signals))


def test_signals_answer_beside_ticks(tape: Tape) -> None:
    assert tape.instruments() == tape.instruments("signals") == [str(BTC)]
    assert tape.span(str(BTC), "signals") == (BEGIN, BEGIN + 5 * SECOND)
    query = "SELECT venue, asset, instrument_b, profit_pct, error_ms FROM signals ORDER BY time"
    first, _ = tape.sql(query).to_pylist()
    assert list(first.values()) == ["binance-usdm", "BTC/USDT", "okx:BTC-USDT", pytest.approx(0.03), 20.0]
    both = "SELECT (SELECT count(*) FROM ticks) AS ticks, (SELECT count(*) FROM signals) AS signals"
    within = (BEGIN, BEGIN + 5 * SECOND)
    for answer in (tape.sql(both, *within), tape.sql_apart(both, *within).rows):
        assert answer.to_pylist() == [{"ticks": 5, "signals": 1}]


def test_how_much_is_held_is_known_without_reading(tape: Tape) -> None:
    whole = tape.about(str(BTC))
    assert (whole.in_files, whole.hot, whole.ticks) == (0, 25_000, 25_000)
    part = tape.about(str(BTC), BEGIN + 1_000 * SECOND, BEGIN + 13_000 * SECOND).ticks
    assert part == pytest.approx(12_000, abs=2)  # of ticks of one pace a share of the time is one of the ticks
    assert tape.about(str(BTC), BEGIN - SECOND, BEGIN).ticks == 0
    assert tape.about("okx:BTC-USDT").ticks == 0
