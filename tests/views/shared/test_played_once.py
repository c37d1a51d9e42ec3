"""Of a recording that plays again and again pages read so much that no trade comes twice."""

from collections.abc import Iterator

import numpy as np
import pytest

from alphastream.core.units import HOUR
from alphastream.microstructure.leg import LegSpec
from alphastream.streaming.repeated_rows import without_repeated_errors
from pipelines import Pipeline
from tests.runtime.connections.feed_runs import until
from tests.views.running import Running, page_of, replay, show_pipeline
from views.shared.recorded import played_once
from views.shared.recordings import own_tape

SAID = "plays again and again"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A replay whose third lap has begun."""
    with replay(tmp_path_factory.mktemp("var"), head_s=300, speed=100) as pipeline:

        def laps() -> int:
            repetition, last = pipeline.repetition(), pipeline.store.last(pipeline.symbols[0])
            if last is None or repetition is None:
                return 0
            return int(repetition.laps(np.array([last.time_ns]))[0])

        until(lambda: laps() >= 2, 30.0)
        yield pipeline


@pytest.fixture(autouse=True)
def system(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Running:
    return show_pipeline(pipeline, monkeypatch)


def test_a_scan_or_a_history_of_this_tape_holds_every_trade_once(pipeline: Pipeline) -> None:
    upload = own_tape(1)
    assert upload is not None
    assert any(SAID in note for note in upload.notes)
    repetition, now_ns = pipeline.repetition(), pipeline.now_ns()
    assert repetition is not None
    for symbol, frame in upload.frames.items():
        everything = pipeline.store.columns(symbol, now_ns - HOUR, now_ns)
        assert np.ptp(frame["time_ns"]) < repetition.period_ns < np.ptp(everything.time_ns)
        assert len(np.unique(repetition.laps(frame["time_ns"].to_numpy() + 1))) == 1


def test_what_lies_within_a_lap_is_read_as_it_was_asked_for(pipeline: Pipeline) -> None:
    repetition = pipeline.repetition()
    assert repetition is not None
    inside = repetition.start_ns + 10**9, repetition.start_ns + 100 * 10**9
    assert played_once(pipeline, *inside) == (*inside, "")
    assert played_once(None, 0, 10) == (0, 10, "")


@pytest.mark.parametrize(("page", "query"), [("backtest", {}), ("history", {"source": "This app's tape"})])
def test_a_page_says_what_it_reads(page: str, query: dict[str, str]) -> None:
    shown = page_of(page, **query)
    assert [SAID in each.value for each in shown.caption].count(True) == 1


def test_an_error_over_more_than_one_lap_is_not_told(pipeline: Pipeline) -> None:
    answer = pipeline.flows.answer(LegSpec(pipeline.symbols[0], window=300))
    alone = without_repeated_errors(answer, pipeline.repetition())
    known = [np.isfinite(each.closed["price_impact_error"]) for each in (answer, alone)]
    assert known[0].sum() > known[1].sum() > 0
    assert np.array_equal(answer.closed["price_impact"], alone.closed["price_impact"], equal_nan=True)
    assert without_repeated_errors(answer, None) is answer
