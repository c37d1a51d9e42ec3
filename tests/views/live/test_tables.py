"""What the live page says of the feed and of the tape, in figures."""

from pathlib import Path

import pytest

import config
from alphastream.events import Tick
from pipelines import Pipeline, replay_pipeline
from runtime.channel.hub import ChannelHealth
from storage import Origin, TickStore
from views.live.tables import UNKNOWN, coverage_frame, tape_facts


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return replay_pipeline(config.load({"ALPHASTREAM_DATA_DIR": str(tmp_path)}))


def test_what_nobody_knows_yet_is_said_so(pipeline: Pipeline) -> None:
    facts = tape_facts(pipeline, pipeline.lines[0], ChannelHealth(0, 0, 0, 0, 0, ()))
    assert facts["from trade to receipt"] == facts["venue's clock ahead of ours"] == UNKNOWN
    assert facts["from receipt to the screen, median of browsers"] == UNKNOWN
    assert facts["ticks received"] == "0"
    assert coverage_frame(pipeline).empty
    pipeline.stop()


def test_delays_are_in_milliseconds(pipeline: Pipeline) -> None:
    pipeline.lines[0].ingest.stats.lag_ns, pipeline.lines[0].ingest.stats.clock_offset_ns = 155_400_000, -2_000_000
    health = ChannelHealth(clients=3, topics=1, sent=9, skipped=2, refused=0, paint_ms=((40.2, 70.0), (51.0, 90.0)))
    facts = tape_facts(pipeline, pipeline.lines[0], health)
    assert facts["from trade to receipt"] == "155 ms"
    assert facts["venue's clock ahead of ours"] == "-2 ms"
    assert facts["times one was too slow and skipped ahead"] == "2"
    assert facts["from receipt to the screen, median of browsers"] == "51 ms"
    pipeline.stop()


def test_a_tape_of_unnumbered_trades_claims_nothing(tmp_path: Path, pipeline: Pipeline) -> None:
    """Neither that trades are missing nor that none is."""
    symbol = "bybit-linear:BTCUSDT"
    trades = [Tick(symbol, number * 10**9, 1.0, 1.0, number, number, False) for number in (1, 2, 9)]
    with TickStore(tmp_path / "bybit.db", origin=Origin("bybit-linear", "here")) as store:
        store.append(trades)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(pipeline), "store", store)
            (row,) = coverage_frame(pipeline).to_dict("records")
    assert (row["tape"], row["trades"]) == ("whether complete cannot be known", 3)
    pipeline.stop()
