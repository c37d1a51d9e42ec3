"""Paper runs: the same as a backtest of the tape, whatever comes between; and what is kept when they end."""

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import config
from alphastream.backtest import Book, Definition, LiveRun, compare
from alphastream.backtest.definition import KINDS
from alphastream.backtest.live import TapeDispatcher
from alphastream.errors import ParameterError, StorageError
from alphastream.events import Tick
from alphastream.pairs import PairSpec
from alphastream.portfolio import PositionConfig
from alphastream.strategies import InnovationThreshold, PositionOptimiser, Strategy, ZScoreThreshold
from alphastream.trading import BrokerRules, FixedFunding, FixedLatency
from runtime.paper import journal_writer, tape_reader
from runtime.paper import run as paper_run
from runtime.paper import service as paper
from runtime.paper.journal import RunFile
from runtime.paper.service import MAX_RUNS, PaperService, PaperView
from storage import TickStore
from system import System
from tests.backtest.test_live import KALMAN, OTHER, START, split, tape
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
from tools.exchange import Drop, Duplicate, LocalExchange, RealTime, Reorder, SkipIds

WARM_S = 40
STRATEGIES: tuple[Strategy, ...] = (
    DEFINITION.strategy,
    ZScoreThreshold(SPEC, rebalance=True),
    InnovationThreshold(KALMAN),
    PositionOptimiser(
        (SPEC, OTHER), PositionConfig(vola=8, corr=12, clip=3.5, shrink=0.5, aum=1e5, position_scale=1e4)
    ),
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs look at the tape at once."""
    monkeypatch.setattr(paper_run, "STEP_S", 0.0)


@pytest.fixture
def pipeline(tmp_path: Path) -> Any:
    made = TapePipeline(tmp_path, ("ETH", "BTC", "SOL"))
    yield made
    made.store.close()


def before_and_after(ticks: Sequence[Tick], at_s: float = WARM_S) -> tuple[list[Tick], list[Tick]]:
    cut_ns = START + round(at_s * SECOND)
    return [tick for tick in ticks if tick.time_ns < cut_ns], [tick for tick in ticks if tick.time_ns >= cut_ns]


def end_of(ticks: Sequence[Tick]) -> int:
    """How far a run can be played on these trades."""
    return (ticks[-1].time_ns - SECOND) // SECOND * SECOND


def same_as_history(view: PaperView, store: TickStore, at_least: int = 1) -> None:
    """Orders, fills, funding and equity are those of the backtest, to the last bit."""
    history = history_of(view, store)
    assert len(history.fills) >= at_least
    assert list(view.fills) == list(history.fills)
    assert list(view.orders) == list(history.orders)
    assert list(view.funding) == list(history.funding)
    assert view.cash == history.cash[-1]
    marks = dict(zip(history.symbols, history.marks[-1].tolist(), strict=True))
    books = Book(view.orders, view.fills, view.funding), Book(history.orders, history.fills, history.funding)
    assert compare(*books, marks, view.outages, view.late) == []


# ---- the same as a backtest --------------------------------------------------------------------------------------


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
        ZScoreThreshold(PairSpec("ETHUSDT", "BTCUSDT", SECOND, "ols", 20, entry=1.0, exit=0.2)),
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
        }
        system = System(config.load({config.PREFIX + name: value for name, value in environ.items()}))
        system.start()
        try:
            eventually(lambda: (live := system.pipeline_of("live")) is not None and live.ingest.health.ticks > 200)
            name = system.paper.open(definition, "live")
            live = system.pipeline_of("live")
            assert live is not None

            def has_seen_enough() -> bool:
                view = see(system.paper, name)
                return view.until_ns - view.begin_ns > 15 * SECOND and live.ingest.health.reconnects > 0

            eventually(has_seen_enough, 90.0)
            view = see(system.paper, name)
            store = live.store
            history = history_of(view, store)
            marks = dict(zip(history.symbols, history.marks[-1].tolist(), strict=True))
            books = Book(view.orders, view.fills, view.funding), Book(history.orders, history.fills, ())
            found = compare(*books, marks, view.outages, view.late)
            if not view.late:
                assert found == []
            assert all("tape" in each.why or "follows" in each.why for each in found)
        finally:
            system.stop()


# ---- late trades -------------------------------------------------------------------------------------------------


def without(ticks: Sequence[Tick], symbol: str, from_s: float, to_s: float) -> tuple[list[Tick], list[Tick]]:
    """Trades of a symbol in some seconds taken out: the others, and those."""
    lost = [t for t in ticks if t.symbol == symbol and START + from_s * SECOND <= t.time_ns < START + to_s * SECOND]
    return [tick for tick in ticks if tick not in lost], lost


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


# ---- restarts ----------------------------------------------------------------------------------------------------


def goes_on(service: PaperService, pipeline: TapePipeline, name: str, left: Sequence[Tick] = ()) -> list[Tick]:
    """Let some seconds of trades arrive for a run that waits for them; what is left."""
    eventually(lambda: see(service, name).status == "waiting")
    if not left:
        at_ns = pipeline.now_ns() // SECOND * SECOND + SECOND
        ids = {symbol: held.last_id for symbol in ("ETH", "BTC") if (held := pipeline.store.coverage(symbol))}
        prices = {"ETH": 3_000.0, "BTC": 60_000.0}
        chunk = [Tick(symbol, last + 1, prices[symbol], 1.0, at_ns, at_ns, False) for symbol, last in ids.items()]
    else:
        chunk = [tick for tick in left if tick.time_ns < left[0].time_ns + 5 * SECOND]
    pipeline.feed(chunk)
    eventually(lambda: see(service, name).status == "running")
    return list(left[len(chunk) :])


def until_it_holds(service: PaperService, pipeline: TapePipeline, name: str, rest: Sequence[Tick]) -> list[Tick]:
    """Feed until the run holds a position; what is left."""
    left = list(rest)
    while left:
        bar_ns = left[0].time_ns // SECOND * SECOND + SECOND
        chunk = [tick for tick in left if tick.time_ns < bar_ns]
        left = left[len(chunk) :]
        pipeline.feed(chunk)
        time.sleep(0.03)
        if all(see(service, name).positions) and not see(service, name).open_orders:
            return left
    raise AssertionError("it never held a position")


def test_a_restart_keeps_the_books_and_goes_on(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(3, seconds=400)
    warm, rest = before_and_after(ticks)
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        left = until_it_holds(service, pipeline, name, rest)
    before = see(service, name)
    away_until_ns = left[0].time_ns + 12 * SECOND
    pipeline.feed([tick for tick in left if tick.time_ns < away_until_ns])
    left = [tick for tick in left if tick.time_ns >= away_until_ns]
    with running(tmp_path / "paper", pipelines) as service:
        left = goes_on(service, pipeline, name, left)
        after = see(service, name)
        kept = [order for order in before.orders if not order.is_open]
        assert after.fills[: len(before.fills)] == before.fills
        assert after.orders[: len(kept)] == tuple(kept)
        assert after.late == 0
        (pause,) = after.outages
        assert pause.from_ns >= before.until_ns
        assert away_until_ns < pause.to_ns <= away_until_ns + 5 * SECOND
        pipeline.feed(left)
        last = played(service, name, end_of(ticks))
    assert len(last.fills) > len(before.fills)
    assert last.fills[: len(before.fills)] == before.fills
    trips = [fill.round_trip for fill in last.fills]
    assert trips[len(before.fills)] == trips[len(before.fills) - 1]  # what was held is closed as the trade it was
    assert [order.id for order in last.orders] == list(range(1, len(last.orders) + 1))
    history = history_of(last, pipeline.store)
    marks = dict(zip(history.symbols, history.marks[-1].tolist(), strict=True))
    books = Book(last.orders, last.fills, last.funding), Book(history.orders, history.fills, history.funding)
    found = compare(*books, marks, last.outages, last.late)
    equity = last.cash + float(np.dot(last.positions, history.marks[-1]))
    assert sum(each.effect for each in found) == pytest.approx(equity - history.equity[-1], abs=1e-4)


def test_no_bar_is_decided_on_twice(tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart within the second that bars wait for silent legs."""
    begins = []
    warm_up = LiveRun.warm_up

    def seen(self: LiveRun, ticks: Any, begin_ns: int) -> int:
        begins.append(begin_ns)
        return warm_up(self, ticks, begin_ns)

    monkeypatch.setattr(LiveRun, "warm_up", seen)
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    bar_ns = next(bar for bar in range(START + 60 * SECOND, end_of(ticks), SECOND) if _both_trade_twice(rest, bar))
    cut = next(k for k in range(len(rest)) if _both_trade(rest[:k], bar_ns))
    resumed = next(k for k in range(cut, len(rest)) if _both_trade(rest[cut:k], bar_ns))
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        pipeline.feed(rest[:cut])
        played(service, name, bar_ns)
    with running(tmp_path / "paper", pipelines) as service:
        eventually(lambda: see(service, name).status == "waiting")
        pipeline.feed(rest[cut:resumed])
        assert pipeline.now_ns() - SECOND < bar_ns
        eventually(lambda: see(service, name).status == "running")
        assert len(begins) == 2
        assert begins[1] >= bar_ns
        pipeline.feed(rest[resumed:])
        view = played(service, name, end_of(ticks))
    moments = [order.decided_ns for order in view.orders]
    assert moments == sorted(set(moments))


def _both_trade(ticks: Sequence[Tick], bar_ns: int) -> bool:
    return {"ETH", "BTC"} <= {tick.symbol for tick in ticks if bar_ns <= tick.time_ns < bar_ns + SECOND}


def _both_trade_twice(ticks: Sequence[Tick], bar_ns: int) -> bool:
    inside = [tick for tick in ticks if bar_ns <= tick.time_ns < bar_ns + SECOND]
    return any(_both_trade(inside[:k], bar_ns) and _both_trade(inside[k:], bar_ns) for k in range(1, len(inside) // 2))


@pytest.mark.parametrize("patience_s", [0.0, 30.0])
def test_what_was_missed_while_it_was_down_is_not_late(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch, patience_s: float
) -> None:
    monkeypatch.setattr(tape_reader, "PATIENCE_S", patience_s)
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    seen, unseen, later = rest[:300], rest[300:500], rest[500:]
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        pipeline.feed(seen)
        played(service, name, end_of(seen))
    with running(tmp_path / "paper", pipelines) as service:
        eventually(lambda: see(service, name).status == "waiting")
        pipeline.feed(later[:30])
        if patience_s:
            time.sleep(0.2)
            assert see(service, name).status == "waiting"
            pipeline.feed(unseen)
        eventually(lambda: see(service, name).status == "running")
        if not patience_s:
            pipeline.feed(unseen)
        pipeline.feed(later[30:])
        view = played(service, name, end_of(ticks))
    assert view.late == 0
    (pause,) = view.outages
    assert later[0].time_ns < pause.to_ns + 2 * SECOND


def test_an_order_that_waits_is_cancelled_by_a_restart(tmp_path: Path, pipeline: TapePipeline) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    slow = Definition(DEFINITION.strategy, replace(RULES, latency=FixedLatency(30 * SECOND)))
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(slow, "live")
        for chunk in split(rest, range(0, len(rest), 6)):
            pipeline.feed(chunk)
            time.sleep(0.01)
            if see(service, name).open_orders:
                break
        (waiting,) = see(service, name).open_orders
    assert RunFile(tmp_path / "paper" / f"{name}.jsonl").read().orders[waiting.id].is_open
    with running(tmp_path / "paper", pipelines) as service:
        goes_on(service, pipeline, name)
        order = see(service, name).orders[waiting.id - 1]
        assert order.state == "cancelled"
        assert order.reason.endswith("open when the run was stopped")
        assert waiting.id not in {each.id for each in see(service, name).open_orders}
    kept = RunFile(tmp_path / "paper" / f"{name}.jsonl").read().orders[waiting.id]
    assert kept == order


@pytest.mark.parametrize("cut", [0.1, 0.35, 0.5, 0.75, 0.99])
def test_a_file_cut_anywhere_goes_on(tmp_path: Path, pipeline: TapePipeline, cut: float) -> None:
    ticks = tape(3, seconds=300)
    warm, rest = before_and_after(ticks)
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        pipeline.feed(rest[:900])
        played(service, name, end_of(rest[:900]))
    path = tmp_path / "paper" / f"{name}.jsonl"
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    path.write_bytes(whole[: first + round(cut * (len(whole) - first))])
    with running(tmp_path / "paper", pipelines) as service:
        left = goes_on(service, pipeline, name, rest[900:])
        kept = see(service, name)
        assert {fill.order for fill in kept.fills} <= {order.id for order in kept.orders}
        pipeline.feed(left)
        view = played(service, name, end_of(ticks))
        assert view.status == "running"
    again = RunFile(path).read()
    assert tuple(again.fills) == view.fills
    assert tuple(again.orders.values()) == view.orders


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


# ---- ends --------------------------------------------------------------------------------------------------------


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
        assert see(service, closed).status == "closing"
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


# ---- what cannot be, and what goes wrong -------------------------------------------------------------------------


def test_what_cannot_run_is_a_sentence(tmp_path: Path, pipeline: TapePipeline) -> None:
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        with pytest.raises(ParameterError, match="there are no replay trades now"):
            service.open(DEFINITION, "replay")
        strange = replace(SPEC, y="DOGE")
        with pytest.raises(ParameterError, match="DOGE is not followed: the feed has ETH, BTC, SOL"):
            service.open(Definition(ZScoreThreshold(strange)), "live")
        with pytest.raises(ParameterError, match="no stopped run"):
            service.resume("20260101-000000")
        pipeline.feed(before_and_after(tape(3))[0])
        names = [service.open(DEFINITION, "live") for _ in range(MAX_RUNS)]
        assert len(set(names)) == MAX_RUNS
        with pytest.raises(ParameterError, match=f"{MAX_RUNS} runs are running and no more may"):
            service.open(DEFINITION, "live")
        eventually(lambda: all(see(service, name).status == "running" for name in names))
    with pytest.raises(ParameterError, match="start the app again"):
        service.open(DEFINITION, "live")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, pipeline: TapePipeline) -> None:
    (tmp_path / "paper").write_text("a file, no folder")
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        with pytest.raises(StorageError, match="make the folder writable"):
            service.open(DEFINITION, "live")
        assert service.runs() == []


@dataclass(frozen=True, slots=True)
class Failing(ZScoreThreshold):
    """Goes wrong as soon as it should trade."""

    def decide(self, row: Any, account: Any) -> Any:
        if row.direction != account.direction:
            raise ZeroDivisionError("nothing left to divide")
        return None


def test_a_strategy_that_raises_ends_alone(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(KINDS, "Failing", Failing)
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        bad, good = service.open(Definition(Failing(SPEC)), "live"), service.open(DEFINITION, "live")
        pipeline.feed(rest)
        view = played(service, good, end_of(ticks))
        eventually(lambda: see(service, bad).status == "stopped")
        assert see(service, bad).why == "ZeroDivisionError: nothing left to divide"
        same_as_history(view, pipeline.store, at_least=6)
    assert "paper run failed" in caplog.text
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        assert see(service, bad).status == "stopped"
        assert see(service, good).status != "stopped"


def test_a_full_disk_ends_a_run_with_its_reason(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    append = RunFile.append
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        full, fine = service.open(DEFINITION, "live"), service.open(DEFINITION, "live")
        eventually(lambda: see(service, full).status == see(service, fine).status == "running")

        def fail(self: RunFile, entries: Any) -> None:
            if self.path.stem == full:
                raise StorageError("no space left")
            append(self, entries)

        monkeypatch.setattr(RunFile, "append", fail)
        pipeline.feed(rest)
        played(service, fine, end_of(ticks))
        eventually(lambda: see(service, full).status == "stopped")
        assert see(service, full).why == "no space left"
        assert see(service, full).fills == ()  # what could not be written down has not happened
        monkeypatch.setattr(RunFile, "append", append)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:  # it was never ended
        goes_on(service, pipeline, full)


def test_closing_on_a_full_disk_ends_the_run_and_says_so(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm, rest = before_and_after(tape(3))
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service, monkeypatch.context() as patch:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        until_it_holds(service, pipeline, name, rest)

        def fail(self: RunFile, entries: Any) -> None:
            raise StorageError("no space left")

        patch.setattr(RunFile, "append", fail)
        service.end(name, flatten=True)
        eventually(lambda: see(service, name).status == "stopped")
        assert "no space left" in see(service, name).why


def test_books_that_cannot_be_shown_end_a_run_all_the_same(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service, monkeypatch.context() as patch:
        pipeline.feed(before_and_after(tape(3))[0])
        name = service.open(DEFINITION, "live")
        eventually(lambda: see(service, name).status == "running")

        def defect(*_: object) -> None:
            raise ZeroDivisionError("nothing left to divide")

        patch.setattr(paper_run, "view_of", defect)
        pipeline.feed(before_and_after(tape(3))[1])
        eventually(lambda: see(service, name).status == "stopped")
        assert see(service, name).why == "ZeroDivisionError: nothing left to divide"


def test_a_foreign_file_is_named_and_kept(tmp_path: Path, pipeline: TapePipeline) -> None:
    folder = tmp_path / "paper"
    folder.mkdir()
    (folder / "notes.jsonl").write_text("shopping list\n")
    with running(folder, Pipelines(live=pipeline)) as service:
        assert service.runs() == []
        assert len(service.notices) == 1
        assert "notes.jsonl" in service.notices[0]
    assert (folder / "notes.jsonl").read_text() == "shopping list\n"


@pytest.mark.parametrize("place", ["text", "nested", "folder", "defect", "name"])
def test_whatever_is_in_a_file_the_desk_starts_and_the_others_go_on(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    folder = tmp_path / "paper"
    pipeline.feed(before_and_after(tape(3))[0])
    with running(folder, Pipelines(live=pipeline)) as service:
        fine = service.open(DEFINITION, "live")
    bad = folder / "00000000-000000.jsonl"
    if place == "text":
        bad.write_bytes(b'[{"type":"begin","title":"\xff"}]\n')
    elif place == "nested":
        bad.write_bytes(b'[{"type":"begin","definition":' + b'{"a":' * 100_000)
    elif place == "folder":
        bad.mkdir()
    elif place == "name":
        bad = folder / os.fsdecode(b"\xff.jsonl")
        bad.write_bytes((folder / f"{fine}.jsonl").read_bytes())
    else:
        bad.write_bytes((folder / f"{fine}.jsonl").read_bytes())
        read = RunFile.read

        def fail(self: RunFile) -> Any:
            if self.path == bad:
                raise ZeroDivisionError("nothing left to divide")
            return read(self)

        monkeypatch.setattr(RunFile, "read", fail)
    with running(folder, Pipelines(live=pipeline)) as service:
        assert [view.id for view in service.runs()] == [fine]
        (notice,) = service.notices
        assert notice.isprintable()
        assert "jsonl" in notice
    assert bad.exists()


def test_a_line_that_was_left_out_is_said(tmp_path: Path, pipeline: TapePipeline) -> None:
    folder = tmp_path / "paper"
    pipeline.feed(before_and_after(tape(3))[0])
    with running(folder, Pipelines(live=pipeline)) as service:
        fine = service.open(DEFINITION, "live")
    with (folder / f"{fine}.jsonl").open("ab") as raw:
        raw.write(b'[{"type":"stopped","why":"\xff"}]\n')
    with running(folder, Pipelines(live=pipeline)) as service:
        assert [view.id for view in service.runs()] == [fine]
        assert "1 lines cannot be read, the first is line" in service.notices[0]


def test_a_folder_that_cannot_be_read_is_said(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        assert "Permission denied" in service.notices[0]


def test_of_two_desks_on_one_folder_one_trades_and_the_other_says_so(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "CLAIM_S", 0.01)
    pipeline.feed(before_and_after(tape(3))[0])
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as first:
        name = first.open(DEFINITION, "live")
        eventually(lambda: see(first, name).status == "running")
        path = tmp_path / "paper" / f"{name}.jsonl"
        with running(tmp_path / "paper", pipelines) as second:
            assert f"by process {os.getpid()}" in (second.held or "")
            assert (see(second, name).status, see(second, name).why) == ("stopped", paper.ELSEWHERE)
            kept = path.read_bytes()
            for what in (lambda: second.open(DEFINITION, "live"), lambda: second.resume(name)):
                with pytest.raises(StorageError, match="or trade on paper there"):
                    what()
            assert path.read_bytes() == kept
            assert see(first, name).status == "running"
            first.stop()
            eventually(lambda: see(second, name).status != "stopped")
            assert second.held is None
    with running(tmp_path / "paper", pipelines) as third:
        assert third.held is None


# ---- what it takes -----------------------------------------------------------------------------------------------


def test_no_thread_is_left(tmp_path: Path, pipeline: TapePipeline) -> None:
    def its() -> set[str]:
        return {thread.name for thread in threading.enumerate() if thread.name.startswith("alphastream-paper")}

    assert its() == set()
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(before_and_after(tape(3))[0])
        service.open(DEFINITION, "live")
        assert its()
    eventually(lambda: its() == set())
    service.stop()
    service.notify()


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
