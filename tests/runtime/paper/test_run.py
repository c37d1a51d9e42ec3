"""A paper run: the same as a backtest of the tape, whatever comes between; and how it ends."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import config
from alphastream.backtest import Book, Definition, compare
from alphastream.backtest.live import TapeDispatcher
from alphastream.errors import ParameterError
from alphastream.pairs import PairSpec
from alphastream.portfolio import PositionConfig
from alphastream.strategies import InnovationThreshold, PositionOptimiser, Strategy, ZScoreThreshold
from alphastream.trading import BrokerRules, FixedFunding, FixedLatency
from runtime.paper import journal_writer
from runtime.paper import run as paper_run
from runtime.paper.journal import RunFile
from runtime.paper.run import MAX_WARM_NS, WARM_BARS, first_bar_ns
from system import System
from tests.backtest.test_live import KALMAN, OTHER, split, tape
from tests.runtime.paper.paper_pipeline import (
    DEFINITION,
    RULES,
    SECOND,
    SPEC,
    Pipelines,
    TapePipeline,
    eventually,
    history_of,
    played,
    running,
    see,
)
from tests.runtime.paper.paper_tape import before_and_after, end_of, goes_on, same_as_history, until_it_holds
from tools.exchange import Drop, Duplicate, LocalExchange, RealTime, Reorder, SkipIds

STRATEGIES: tuple[Strategy, ...] = (
    DEFINITION.strategy,
    ZScoreThreshold(SPEC, rebalance=True),
    InnovationThreshold(KALMAN),
    PositionOptimiser(
        (SPEC, OTHER), PositionConfig(vola=8, corr=12, clip=3.5, shrink=0.5, aum=1e5, position_scale=100.0)
    ),
)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)
@pytest.mark.parametrize("parts", [1, 9, 150])
def test_equals_the_backtest_of_the_tape(
    tmp_path: Path, pipeline: TapePipeline, strategy: Strategy, parts: int
) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    rules = replace(RULES, funding=FixedFunding(1.0, 30 * SECOND), max_share=0.5)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(Definition(strategy, rules), "live")
        cuts = np.random.default_rng(parts).integers(0, len(rest), parts).tolist()
        for chunk in split(rest, cuts):
            pipeline.feed(chunk)
            time.sleep(0.002 if parts > 50 else 0.02)
        view = played(service, name, end_of(ticks))
    assert view.late == 0
    assert view.outages == ()
    same_as_history(view, pipeline.store, at_least=6)


def test_decisions_begin_where_it_was_opened_however_long_warming_up_takes(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    warmed = threading.Event()
    prepare = paper_run.PaperRun._warm

    def slow(self: paper_run.PaperRun, its: Any) -> Any:
        warmed.wait(10)
        return prepare(self, its)

    monkeypatch.setattr(paper_run.PaperRun, "_warm", slow)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        begin_ns = see(service, name).begin_ns
        pipeline.feed(rest[:400])  # more than a minute
        warmed.set()
        pipeline.feed(rest[400:])
        view = played(service, name, end_of(ticks))
    assert view.begin_ns == begin_ns
    assert view.outages == ()
    same_as_history(view, pipeline.store, at_least=6)


def test_through_a_venue_with_faults(tmp_path: Path) -> None:
    faults = (
        SkipIds(after=400, count=60),
        Reorder(after=700, count=3),
        Duplicate(after=800, count=5),
        Drop(after=1_500),
    )
    definition = Definition(
        ZScoreThreshold(
            PairSpec("binance-usdm:ETHUSDT", "binance-usdm:BTCUSDT", SECOND, "ols", 20, entry=1.0, exit=0.2)
        ),
        BrokerRules(latency=FixedLatency(50_000_000)),
    )
    with LocalExchange(pace=RealTime(20.0), loop=True, already_played=40_000, faults=faults) as exchange:
        environ = {
            "WS_URL": exchange.ws_url,
            "REST_URL": exchange.rest_url,
            "DATA_DIR": str(tmp_path / "var"),
            "BACKOFF_BASE_S": "0.05",
            "BACKOFF_CAP_S": "0.2",
            "FEED": "live",
            "BOOKS": "false",  # the faults are for the trades: books have connections of their own to break
        }
        system = System(config.load({config.PREFIX + name: value for name, value in environ.items()}))
        system.start()
        try:
            eventually(lambda: (live := system.pipeline_of("live")) is not None and live.health.ticks > 200)
            name = system.paper.open(definition, "live")
            live = system.pipeline_of("live")
            assert live is not None

            def has_seen_enough() -> bool:
                view = see(system.paper, name)
                return view.until_ns - view.begin_ns > 15 * SECOND and live.health.reconnects > 0

            eventually(has_seen_enough, 90.0)
            view = see(system.paper, name)
            store = live.lines[0].store
            history = history_of(view, store)
            marks = dict(zip(history.symbols, history.marks[-1].tolist(), strict=True))
            books = Book(view.orders, view.fills, view.funding), Book(history.orders, history.fills, ())
            found = compare(*books, marks, view.outages, view.late)
            if not view.late:
                assert found == []
            assert all("tape" in each.why or "follows" in each.why for each in found)
        finally:
            system.stop()


def test_it_waits_for_its_pipeline_and_notes_the_pause(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        pipeline.feed(rest[:100])
        played(service, name, end_of(rest[:100]))
        del pipelines["live"]
        service.notify()
        eventually(lambda: see(service, name).status == "waiting")
        assert see(service, name).why == "for live trades of ETH, BTC"
        pipeline.feed(rest[100:300])
        pipelines["live"] = pipeline
        service.notify()
        eventually(lambda: "missed" in see(service, name).why)
        pipeline.feed(goes_on(service, pipeline, name, rest[300:]))
        view = played(service, name, end_of(ticks))
        assert len(view.outages) == 1
        assert view.status == "running"


def test_stopping_leaves_positions_or_closes_them(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(3, seconds=400)
    warm, rest = before_and_after(ticks)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        left, closed = service.open(DEFINITION, "live"), service.open(DEFINITION, "live")
        after = until_it_holds(service, pipeline, closed, rest)
        played(service, left, see(service, closed).until_ns)
        held = see(service, left).positions
        service.end(left, flatten=False)
        service.end(closed, flatten=True)
        eventually(lambda: see(service, left).status == "stopped")
        assert see(service, left).positions == held
        assert see(service, left).why == "stopped by hand, positions left as they were"
        eventually(lambda: see(service, closed).status == "closing")
        now_ns = pipeline.now_ns()
        pipeline.feed(after)
        eventually(lambda: see(service, closed).status == "stopped")
        view = see(service, closed)
        assert view.why == "stopped by hand, positions closed"
        assert view.positions == (0.0, 0.0)
        assert view.orders[-1].reason == "closed by hand"
        assert view.orders[-1].decided_ns == now_ns
        assert all(fill.time_ns > now_ns for fill in view.fills if fill.order == view.orders[-1].id)
        assert np.isfinite(view.equity)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        assert see(service, closed).status == see(service, left).status == "stopped"
        assert see(service, left).positions == held
        assert np.isfinite(see(service, left).equity)
        service.resume(left)
        goes_on(service, pipeline, left)
        assert see(service, left).positions == held
        assert len(see(service, left).outages) == 1
    assert RunFile(tmp_path / "paper" / f"{left}.jsonl").read().stopped is None


def test_closing_can_be_given_up(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(3, seconds=400)
    warm, rest = before_and_after(ticks)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        until_it_holds(service, pipeline, name, rest)
        service.end(name, flatten=True)
        eventually(lambda: see(service, name).status == "closing")
        service.end(name, flatten=True)  # once is enough
        service.end(name, flatten=False)
        eventually(lambda: see(service, name).status == "stopped")
        view = see(service, name)
        assert view.why == "stopped by hand, positions left as they were"
        assert all(view.positions)
        assert not view.open_orders
        assert [order.reason for order in view.orders].count("closed by hand; open when the run was stopped") == 1


def test_stopped_without_a_position_says_no_more(tmp_path: Path, pipeline: TapePipeline) -> None:
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(before_and_after(tape(3))[0])
        name = service.open(DEFINITION, "live")
        service.end(name, flatten=True)
        eventually(lambda: see(service, name).status == "stopped")
        assert see(service, name).why == "stopped by hand"
        assert service.runs()[0].id == name


def test_positions_cannot_be_closed_while_it_waits(tmp_path: Path, pipeline: TapePipeline) -> None:
    warm, rest = before_and_after(tape(3, seconds=400))
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        until_it_holds(service, pipeline, name, rest)
        del pipelines["live"]
        service.notify()
        eventually(lambda: see(service, name).status == "waiting")
        service.end(name, flatten=True)
        eventually(lambda: see(service, name).status == "stopped")
        assert "positions left as they were" in see(service, name).why
        assert all(see(service, name).positions)


def test_the_recording_ends_and_its_run_with_it(tmp_path: Path) -> None:
    pipeline = TapePipeline(tmp_path, kind="replay")
    pipelines = Pipelines(replay=pipeline)
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "replay")
        pipeline.feed(rest[:200])
        played(service, name, end_of(rest[:200]))
        del pipelines["replay"]
        service.notify()
        eventually(lambda: see(service, name).status == "stopped")
        assert see(service, name).why == "the recording is over"
        with pytest.raises(ParameterError, match="begin a new run"):
            service.resume(name)
    pipeline.store.close()


def test_a_run_on_the_recording_ends_with_the_app(tmp_path: Path) -> None:
    pipeline = TapePipeline(tmp_path, kind="replay")
    with running(tmp_path / "paper", Pipelines(replay=pipeline)) as service:
        pipeline.feed(before_and_after(tape(3))[0])
        name = service.open(DEFINITION, "replay")
        eventually(lambda: see(service, name).status == "running")
    with running(tmp_path / "paper", Pipelines()) as service:
        assert see(service, name).status == "stopped"
        assert "the app was stopped" in see(service, name).why
    pipeline.store.close()


def test_a_quiet_run_grows_by_heartbeats_alone(tmp_path: Path, pipeline: TapePipeline) -> None:
    calm = Definition(ZScoreThreshold(replace(SPEC, entry=6.0)), RULES)
    ticks = tape(3, seconds=600)
    warm, rest = before_and_after(ticks)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(calm, "live")
        for chunk in split(rest, range(0, len(rest), 40)):
            pipeline.feed(chunk)
            time.sleep(0.002)
        view = played(service, name, end_of(ticks))
        run = service._runs[name]
        assert run._live is not None
        assert all(len(leg.waiting) < 40 and len(leg.before) <= 1 for leg in run._live._legs.values())
    assert view.orders == ()
    lines = (tmp_path / "paper" / f"{name}.jsonl").read_bytes().splitlines()
    assert len(lines) <= 3 + (view.until_ns - view.begin_ns) // journal_writer.HEARTBEAT_NS


def test_nothing_happens_while_no_trade_comes(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order with a time limit waits for the tape, not for a timer."""
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    short = Definition(DEFINITION.strategy, replace(RULES, latency=FixedLatency(0), timeout_ns=1))
    done = [0]
    sleep, step = TapeDispatcher._sleep, paper_run.PaperRun._step

    async def counted_sleep(self: TapeDispatcher) -> None:
        done[0] += 1
        await sleep(self)

    def counted_step(self: paper_run.PaperRun, its: Any, live: Any) -> None:
        done[0] += 1
        step(self, its, live)

    monkeypatch.setattr(TapeDispatcher, "_sleep", counted_sleep)
    monkeypatch.setattr(paper_run.PaperRun, "_step", counted_step)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(short, "live")
        for chunk in split(rest, range(0, len(rest), 6)):
            pipeline.feed(chunk)
            time.sleep(0.03)
            if see(service, name).open_orders:
                break
        assert see(service, name).open_orders
        time.sleep(0.2)
        before = done[0]
        time.sleep(0.3)
        assert done[0] == before > 0


def test_warming_up_reaches_back_as_far_as_a_model_needs_to_settle() -> None:
    now_ns = 10**18
    short = first_bar_ns(now_ns, ZScoreThreshold(PairSpec("Y", "X", SECOND, "kalman", 100)))
    assert now_ns - short == WARM_BARS * SECOND
    long = first_bar_ns(now_ns, ZScoreThreshold(PairSpec("Y", "X", SECOND, "kalman", 500)))
    assert now_ns - long >= 5_000 * SECOND
    day = first_bar_ns(now_ns, ZScoreThreshold(PairSpec("Y", "X", 60 * SECOND, "kalman", 500)))
    assert now_ns - day <= MAX_WARM_NS + 60 * SECOND
