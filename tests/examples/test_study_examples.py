"""The examples of studies run as scripts, and come to the same in a backtest, on the tape and live."""

from collections.abc import Sequence

import numpy as np
import pytest

from alphastream.backtest import LiveRun, RunResult, TickMarket, backtest
from alphastream.events import Tick
from alphastream.strategies import EquityShare
from alphastream.study import Study, StudyResult
from alphastream.tape.recordings import read_tape
from alphastream.trading import Fill
from alphastream.uploads import read
from examples import peeking, rsi_macd_pulse
from tests.backtest.test_live import play, split
from tests.views.running import ROOT

TAPE = read_tape(ROOT / "data" / "tape_usdm_20240808.parquet").columns()
SECOND = 10**9


def traded(fills: Sequence[Fill]) -> list[tuple[int, float, float]]:
    """Second, quantity and price of each fill: a bar of a file does not know when in its first second it opened."""
    return [(fill.time_ns // SECOND, fill.quantity, fill.price) for fill in fills]


def test_the_bars_of_the_file_are_those_of_the_recording() -> None:
    frame = read(rsi_macd_pulse.BARS).frames["BTCUSDT"]
    bars = TickMarket(TAPE).bars("BTCUSDT", SECOND)
    np.testing.assert_array_equal(frame["time_ns"], bars.start_ns)
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(frame[name], getattr(bars, name))


def test_a_pulse_from_a_file_equals_backtest_replay_and_live(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    rsi_macd_pulse.main()
    assert "344 bars" in capsys.readouterr().out
    study = Study(rsi_macd_pulse.RULES)
    strategy = rsi_macd_pulse.add_pulse(study, study.add_data(rsi_macd_pulse.BARS, symbol="BTCUSDT"))
    result = study.run()
    assert isinstance(result, StudyResult)
    assert len(result.fills) > 50

    alone: RunResult = backtest(study.market, strategy, study.rules)
    replayed = backtest(TickMarket(TAPE), strategy, study.rules)
    assert alone.fills == result.fills
    assert traded(replayed.fills) == traded(result.fills)
    np.testing.assert_array_equal(alone.equity, result.equity)
    np.testing.assert_array_equal(replayed.observed["pulse"], result.observed["pulse"])
    # at the end of a row a file has filled the next open, which is of that moment there; a tape has it a moment later
    calm = (replayed.positions == result.positions).all(axis=1)
    assert calm.sum() > 200
    np.testing.assert_array_equal(replayed.equity[calm], result.equity[calm])

    own = TAPE["BTCUSDT"]
    columns = (own.id.tolist(), own.price.tolist(), own.quantity.tolist(), own.time_ns.tolist())
    ticks = [Tick("BTCUSDT", *row, row[3], False) for row in zip(*columns, strict=True)]
    ticks.sort(key=lambda tick: tick.time_ns)
    run: LiveRun = study.paper()
    play(run, split(ticks, [1, 700, 701, 3_000, 8_000]))
    fills = run.simulation.account.fills
    assert len(fills) > 50
    assert fills == [fill for fill in replayed.fills if fill.time_ns < run.until_ns]


def test_an_indicator_that_peeks_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    peeking.main()
    refused, kept = capsys.readouterr().out.splitlines()
    assert refused.startswith("next_change is refused")
    assert "row 0 was 0.0" in refused
    assert kept.startswith("last_change: ")
    study = Study()
    study_data = study.add_data(peeking.walk(), symbol="WALK")
    strategy = study.add_strat(study.add_indicator(peeking.last_change, study_data["close"]), EquityShare(0.5))
    assert backtest(study.market, strategy, study.rules).fills == study.run().fills
