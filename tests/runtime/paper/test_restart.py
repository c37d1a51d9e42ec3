"""Paper runs that go on from their files: the books are kept, no bar is decided on twice."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from alphastream.backtest import Book, Definition, LiveRun, compare
from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.trading import Contract, FixedLatency
from runtime.paper import tape_reader
from runtime.paper.journal import RunFile
from runtime.paper.service import PaperService
from tests.backtest.test_live import START, split, tape
from tests.runtime.paper.paper_pipeline import (
    DEFINITION,
    RULES,
    SECOND,
    Pipelines,
    TapePipeline,
    eventually,
    history_of,
    played,
    running,
    see,
)
from tests.runtime.paper.paper_tape import before_and_after, end_of, goes_on, until_it_holds


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


@pytest.mark.parametrize(("venue", "address"), [("binance-spot", "one.example"), ("binance-usdm", "two.example")])
def test_a_run_goes_on_where_it_began_and_nowhere_else(
    tmp_path: Path, pipeline: TapePipeline, venue: str, address: str
) -> None:
    pipeline.venue, pipeline.address = "binance-usdm", "one.example"
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        pipeline.feed(rest[:300])
        before = played(service, name, end_of(rest[:300]))
        assert (before.venue, before.address) == ("binance-usdm", "one.example")
    path = tmp_path / "paper" / f"{name}.jsonl"
    kept = path.read_bytes()
    pipeline.venue, pipeline.address = venue, address
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(rest[300:400])
        eventually(lambda: see(service, name).status == "waiting")
        view = see(service, name)
        assert view.why == (
            f"for trades of binance-usdm at one.example, where it began. The app reads {venue} at {address} now: "
            "start it there again, or stop this run and begin another"
        )
        assert view.fills == before.fills
        assert path.read_bytes() == kept
        service.end(name, flatten=False)
        eventually(lambda: see(service, name).status == "stopped")
        with pytest.raises(ParameterError, match="where it began"):
            service.resume(name)
    path.write_bytes(kept)
    pipeline.venue, pipeline.address = "binance-usdm", "one.example"
    with running(tmp_path / "paper", pipelines) as service:
        goes_on(service, pipeline, name, rest[400:])


def test_a_run_of_before_learns_where_it_trades(tmp_path: Path, pipeline: TapePipeline) -> None:
    warm, rest = before_and_after(tape(3))
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        pipeline.feed(rest[:100])
        played(service, name, end_of(rest[:100]))
    pipeline.venue, pipeline.address = "binance-usdm", "one.example"
    with running(tmp_path / "paper", pipelines) as service:
        goes_on(service, pipeline, name, rest[100:])
        eventually(lambda: see(service, name).address == "one.example")
    record = RunFile(tmp_path / "paper" / f"{name}.jsonl").read()
    assert (record.venue, record.address) == ("binance-usdm", "one.example")


def test_a_run_of_before_goes_on_under_full_names(tmp_path: Path, pipeline: TapePipeline) -> None:
    """Written with bare symbols and without checksums; the tape now has full names, and contracts still hold."""
    ticks = tape(3, seconds=400)
    warm, rest = before_and_after(ticks)
    rules = replace(RULES, contracts={"ETH": Contract(lot=0.05), "BTC": Contract(lot=0.05)})
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(Definition(DEFINITION.strategy, rules), "live")
        left = until_it_holds(service, pipeline, name, rest)
        before = see(service, name)
    path = tmp_path / "paper" / f"{name}.jsonl"
    entries = [msgspec.json.decode(line)["entries"] for line in path.read_bytes().splitlines()]
    entries[0][0] |= {"format": 1, "venue": "", "address": ""}
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in entries))

    named = TapePipeline(tmp_path, ("okx:ETH", "okx:BTC"), "replay")
    named.venue, named.address = "okx", "ws.okx.com"
    full = [msgspec.structs.replace(tick, symbol=f"okx:{tick.symbol}") for tick in ticks]
    held = sum(tick.time_ns < left[0].time_ns for tick in ticks)
    named.feed(full[:held])
    service = PaperService(tmp_path / "paper", Pipelines(live=named), "okx")
    named.arrived.append(service.notify)
    service.start()
    try:
        eventually(lambda: see(service, name).status == "waiting")
        named.feed(full[held : held + 60])
        eventually(lambda: see(service, name).status == "running")
        named.feed(full[held + 60 :])
        view = played(service, name, end_of(ticks))
    finally:
        service.stop()
        named.store.close()
    assert service.notices == []
    assert view.symbols == ("okx:ETH", "okx:BTC")
    assert len(view.fills) > len(before.fills)
    assert {fill.symbol for fill in view.fills} == {"okx:ETH", "okx:BTC"}
    assert [fill.price for fill in view.fills[: len(before.fills)]] == [fill.price for fill in before.fills]
    assert all(round(fill.quantity / 0.05, 6).is_integer() for fill in view.fills)
    assert all(np.isfinite(view.marks))
    assert (view.venue, view.address) == ("okx", "ws.okx.com")
    assert RunFile(path).read().fills == list(view.fills)


def test_no_bar_is_decided_on_twice(tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart within the second that bars wait for silent legs."""
    begins = []
    warm_up = LiveRun.warm_up

    def seen(self: LiveRun, ticks: Any, begin_ns: int, *books: Any) -> int:
        begins.append(begin_ns)
        return warm_up(self, ticks, begin_ns, *books)

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
