"""What a paper run makes of a tape with holes, of late trades, and of one that left it behind."""

import time
from pathlib import Path

import numpy as np
import pytest

from alphastream.backtest import Book, compare
from alphastream.events import Tick
from runtime.paper import tape_reader
from tests.backtest.test_live import START, tape
from tests.runtime.paper.paper_pipeline import (
    DEFINITION,
    SECOND,
    Pipelines,
    TapePipeline,
    eventually,
    history_of,
    played,
    running,
    see,
)
from tests.runtime.paper.paper_tape import WARM_S, before_and_after, end_of, goes_on, same_as_history, without


def test_bars_wait_for_ids_that_are_missing(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    sent, lost = without(rest, "BTC", 60, 75)
    assert len(lost) > 20
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        eventually(lambda: see(service, name).status == "running")
        pipeline.feed(sent)
        time.sleep(0.3)
        assert see(service, name).until_ns <= START + WARM_S * SECOND
        pipeline.feed(lost)
        view = played(service, name, end_of(ticks))
    assert view.late == 0
    same_as_history(view, pipeline.store, at_least=6)


def test_a_hole_before_the_beginning_holds_nothing_up(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    holed, _ = without(warm, "BTC", 10, 12)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(holed)
        assert pipeline.store.gaps("BTC")
        name = service.open(DEFINITION, "live")
        pipeline.feed(rest)
        view = played(service, name, end_of(ticks))
    same_as_history(view, pipeline.store, at_least=6)


def test_late_trades_are_counted_and_explained(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tape_reader, "PATIENCE_S", 0.0)
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    sent, lost = without(rest, "BTC", 60, 90)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        pipeline.feed(sent)
        played(service, name, end_of(ticks))
        pipeline.feed(lost)
        eventually(lambda: see(service, name).late == len(lost) or not service.notify())  # type: ignore[func-returns-value]
        pipeline.feed([Tick("ETH", 10**6, 3_000.0, 1.0, ticks[-1].time_ns + 9 * SECOND, 0, False)])
        pipeline.feed([Tick("BTC", 10**6, 60_000.0, 1.0, ticks[-1].time_ns + 9 * SECOND, 0, False)])
        view = played(service, name, end_of(ticks) + 2 * SECOND)
        assert view.late == len(lost)
    history = history_of(view, pipeline.store)
    marks = dict(zip(history.symbols, history.marks[-1].tolist(), strict=True))
    books = Book(view.orders, view.fills, view.funding), Book(history.orders, history.fills, history.funding)
    found = compare(*books, marks, view.outages, view.late)
    assert found
    assert f"{len(lost)} trades came after their bar had closed" in found[0].why
    equity = view.cash + float(np.dot(view.positions, history.marks[-1]))
    assert sum(each.effect for each in found) == pytest.approx(equity - history.equity[-1], abs=1e-4)

    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:  # the count is kept
        assert see(service, name).late == len(lost)
        goes_on(service, pipeline, name)
        assert see(service, name).late == len(lost)


def test_a_run_that_fell_behind_begins_again(tmp_path: Path) -> None:
    pipeline = TapePipeline(tmp_path, ("ETH", "BTC", "SOL"), ring_ticks=200)
    ticks = tape(3, seconds=400)
    warm, rest = before_and_after(ticks)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        pipeline.feed(rest[:60])
        played(service, name, end_of(rest[:60]))
        pipeline.arrived.clear()
        pipeline.feed(rest[60:2_000])  # more than the ring holds, before it is told
        pipeline.arrived.append(service.notify)
        service.notify()
        pipeline.feed(goes_on(service, pipeline, name, rest[2_000:]))
        view = played(service, name, end_of(ticks))
        assert len(view.outages) == 1
        assert view.status == "running"
    pipeline.store.close()
