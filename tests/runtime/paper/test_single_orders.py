"""Stops, limits and brackets on paper: in the journal, beside history, and over a restart."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from alphastream.backtest import Definition
from alphastream.registry import forget, loading, register
from alphastream.trading import BrokerRules, Fees, FixedLatency, SpreadOrder
from runtime.paper.journal import RunFile
from runtime.paper.journal_writer import JournalWriter
from tests.backtest.restless import Answering
from tests.backtest.test_live import split, tape
from tests.runtime.paper.paper_pipeline import RULES, Pipelines, TapePipeline, eventually, played, running, see
from tests.runtime.paper.paper_tape import before_and_after, end_of, goes_on, same_as_history
from tests.trading.engine.desk import Desk


@pytest.fixture
def restless() -> Iterator[Definition]:
    with loading("a test"):
        register("strategies", Answering)
    yield Definition(Answering(3), RULES, 200_000.0)
    forget("a test")


def test_orders_of_every_kind_are_those_of_history(
    tmp_path: Path, pipeline: TapePipeline, restless: Definition
) -> None:
    ticks = tape(3, seconds=120)
    warm, rest = before_and_after(ticks)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(restless, "live")
        for chunk in split(rest, range(0, len(rest), 50)):
            pipeline.feed(chunk)
        view = played(service, name, end_of(ticks))
        same_as_history(view, pipeline.store, at_least=20)
        assert {leg.kind for order in view.orders for leg in order.legs} == {"market", "limit", "stop", "stop_limit"}
        assert any(order.bracket for order in view.orders)
        assert RunFile(tmp_path / "paper" / f"{name}.jsonl").read().orders == {order.id: order for order in view.orders}


def test_single_orders_go_on_over_a_restart_and_end_with_the_run(
    tmp_path: Path, pipeline: TapePipeline, restless: Definition
) -> None:
    ticks = tape(3, seconds=200)
    warm, rest = before_and_after(ticks)
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as service:
        pipeline.feed(warm)
        name = service.open(restless, "live")
        left = list(rest)
        while not any(order.is_single and order.good_till_ns is None for order in see(service, name).open_orders):
            chunk, left = left[:30], left[30:]
            pipeline.feed(chunk)
            time.sleep(0.03)
    (first, *_) = [order for order in see_file(tmp_path, name).values() if order.is_single and order.is_open]
    with running(tmp_path / "paper", pipelines) as service:
        left = goes_on(service, pipeline, name, left)
        pipeline.feed(left)
        view = played(service, name, end_of(ticks))
        after = view.orders[first.id - 1]
        assert (after.legs[0].limit, after.legs[0].stop) == (first.legs[0].limit, first.legs[0].stop)
        assert "open when the run was stopped" not in after.reason
        assert [order.id for order in view.orders] == list(range(1, len(view.orders) + 1))
        service.end(name, flatten=False)
        eventually(lambda: see(service, name).status == "stopped")
    assert not any(order.is_open for order in see_file(tmp_path, name).values())


def test_a_limit_that_the_market_has_left_is_a_maker_after_a_restart_too() -> None:
    rules = BrokerRules(latency=FixedLatency(0), fees=Fees(0.0, 0.0))
    desk, again = Desk(rules), Desk(rules)
    writer: Any = JournalWriter(cast(Any, None), cast(Any, SimpleNamespace(state=None)), lambda: None)
    written: dict[int, SpreadOrder] = {}

    def write() -> None:
        written.update({order.id: order for order in writer._changed(desk.broker.orders)})

    desk.send(10, 1.0, "limit", limit=102.0)  # through the market
    write()
    desk.trade("Y", 11, 103.0)  # which leaves it: now it waits in the book
    write()
    again.broker.resume(written.values())
    for each in (desk, again):
        each.trade("Y", 12, 101.0)
    assert again.account.fills == desk.account.fills
    assert [(fill.maker, fill.price) for fill in again.account.fills] == [(True, 102.0)]


def see_file(folder: Path, name: str) -> dict[int, SpreadOrder]:
    return RunFile(folder / "paper" / f"{name}.jsonl").read().orders
