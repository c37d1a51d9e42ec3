"""The paper page: nothing yet, a run that runs, waits, is stopped, and one that differs from its backtest."""

import csv
import io
import math
import re
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from alphastream.backtest.parity import parity
from alphastream.errors import ParameterError
from alphastream.trading import Fill, LegOrder, SpreadOrder
from runtime.paper import tape_reader
from runtime.paper.service import MAX_RUNS, PaperService, PaperView
from tests.backtest.test_live import START, tape
from tests.runtime.paper.paper_pipeline import (
    DEFINITION,
    SECOND,
    Pipelines,
    TapePipeline,
    eventually,
    played,
    running,
    see,
)
from tests.runtime.paper.paper_tape import before_and_after, end_of, goes_on, until_it_holds
from tests.views.running import Running, cards, page_of, words
from tests.views.shared.test_threshold_controls import answer_of
from views.paper import tables as tables
from views.paper.charts import equity_figure
from views.shared.exports import csv_bytes
from views.shared.metrics import UNKNOWN


def shown(**query: str) -> AppTest:
    return page_of("paper", **query)


def ran(desk: PaperService, pipeline: TapePipeline, seconds: int = 200) -> str:
    """A run that has played a tape to its end."""
    ticks = tape(3, seconds)
    warm, rest = before_and_after(ticks)
    pipeline.feed(warm)
    name = desk.open(DEFINITION, "live")
    pipeline.feed(rest)
    played(desk, name, end_of(ticks))
    return name


def test_no_run_yet(system: Running) -> None:
    test = shown()
    assert "Choose a strategy on the tab" in words(test)
    assert not test.metric


def test_without_a_pipeline(system: Running) -> None:
    system.pipeline, system.failure = None, "the tape is not there"
    assert "the tape is not there" in words(shown())
    assert not shown(paper_tab="Start a run").button


def test_a_run_is_started_as_a_backtest_is_asked_for(system: Running, pipeline: TapePipeline) -> None:
    pipeline.feed(before_and_after(tape(3))[0])
    test = shown(paper_tab="Start a run", window="25", entry="1.5", taker="3", capital="50000", stop="4")
    assert "It would run on live trades: a tape made up for a test" in words(test)
    test.button(key="paper_start").click().run()
    assert not test.exception
    assert "z-score ETH/BTC is running as" in words(test)
    (view,) = system.paper.runs()
    strategy: Any = view.definition.strategy
    assert (strategy.pair.window, strategy.pair.entry, strategy.rule.stop) == (25, 1.5, 4.0)
    assert view.definition.rules.fees.fee_bps(maker=False) == 3.0
    assert view.definition.capital == 50_000.0


def test_thresholds_follow_from_the_costs_of_the_form(
    system: Running, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = SimpleNamespace(wait_for=lambda spec, timeout_s: answer_of(spec))
    monkeypatch.setattr(pipeline, "engine", engine, raising=False)
    test = shown(paper_tab="Start a run", taker="2", half_spread="0", window="100")
    test.session_state["thresholds"] = True
    said = words(test.run())
    assert not test.exception
    cost = re.search(r"a round trip costs ([\d.]+) bps of y's notional", said)
    assert cost is not None
    assert float(cost[1]) == pytest.approx(4.0 * 1.7, rel=0.1)  # two fills of y at 2 bps, two of .7 as much of x
    test.button(key="set_turn at the other entry").click().run()
    assert not test.exception
    entry, leave = (float(test.number_input(key=key).value or 0.0) for key in ("entry", "exit"))
    assert leave == -entry < 0.0


@pytest.mark.parametrize(("kind", "name"), [("z-score threshold", "z-score"), ("optimiser", "optimiser")])
def test_every_strategy_can_be_started(system: Running, pipeline: TapePipeline, kind: str, name: str) -> None:
    pipeline.feed(before_and_after(tape(3))[0])
    test = shown(paper_tab="Start a run", strategy=kind)
    test.button(key="paper_start").click().run()
    assert not test.exception
    assert system.paper.runs()[0].definition.strategy.name.startswith(name)


def test_recorded_trades_are_called_so(system: Running, pipeline: TapePipeline, pipelines: Pipelines) -> None:
    pipeline.kind = "replay"
    pipelines["replay"] = pipelines.pop("live")
    pipeline.feed(before_and_after(tape(3))[0])
    test = shown(paper_tab="Start a run")
    assert "played again with its times moved to now" in words(test)
    assert "It would run on the recording, not live trades" in words(test)
    test.button(key="paper_start").click().run()
    assert "recorded trades, not live ones" in words(shown())
    assert shown().dataframe[0].value["trades"].tolist() == ["recorded"]


def test_eight_is_enough(system: Running, pipeline: TapePipeline) -> None:
    pipeline.feed(before_and_after(tape(3))[0])
    for _ in range(MAX_RUNS):
        system.paper.open(DEFINITION, "live")
    test = shown(paper_tab="Start a run")
    assert f"{MAX_RUNS} runs are active, the most allowed" in words(test)
    assert test.button(key="paper_start").disabled


def test_a_run_that_agrees_with_its_backtest(system: Running, pipeline: TapePipeline) -> None:
    name = ran(system.paper, pipeline)
    view = see(system.paper, name)
    test = shown()
    said = words(test)
    assert f"No difference: {len(view.orders)} orders and {len(view.fills)} fills are the same." in said
    assert "on live trades (a tape made up for a test)" in said
    found = cards(test)
    assert list(found) == ["Equity", "Closed trades, net", "Open trade, net", "Costs paid", "Trades", "ETH", "BTC"]
    assert found["Equity"] == f"{view.equity:,.2f}"
    round_trips = tables.round_trips_of(view)
    assert round_trips is not None
    assert sum(round_trip.net for round_trip in round_trips) == pytest.approx(view.equity - view.definition.capital)
    assert len(test.get("plotly_chart")) == 1
    assert len(test.get("download_button")) == 3
    assert test.dataframe[0].value["state"].tolist() == ["running"]


def test_stop_and_resume(system: Running, pipeline: TapePipeline) -> None:
    name = ran(system.paper, pipeline)
    test = shown()
    test.button(key="paper_stop").click().run()
    eventually(lambda: see(system.paper, name).status == "stopped")
    test = shown()
    assert "stopped by hand" in words(test)
    assert "No difference" in words(test)
    assert not [each for each in test.button if each.key == "paper_stop"]
    test.button(key="paper_resume").click().run()
    assert not test.exception
    eventually(lambda: see(system.paper, name).status == "waiting")
    assert "for the next trades, and for those that were missed" in words(shown())


def test_closing_positions_asks_first(system: Running, pipeline: TapePipeline) -> None:
    warm, rest = before_and_after(tape(3, seconds=400))
    pipeline.feed(warm)
    name = system.paper.open(DEFINITION, "live")
    until_it_holds(system.paper, pipeline, name, rest)
    test = shown()
    assert "closed at the next trades after now" in words(test)
    test.button(key="paper_close_sure").click().run()
    eventually(lambda: see(system.paper, name).status == "closing")
    test = shown()
    assert "closing positions" in words(test)
    assert "for the next trade" in words(test)
    assert not [each for each in test.button if each.key == "paper_close_sure"]


def test_it_waits_for_its_trades(system: Running, pipeline: TapePipeline, pipelines: Pipelines) -> None:
    name = ran(system.paper, pipeline)
    del pipelines["live"]
    system.pipeline = None
    system.paper.notify()
    eventually(lambda: see(system.paper, name).status == "waiting")
    said = words(shown(paper_run=name))
    assert "for live trades of ETH, BTC" in said
    assert "The tape of its live trades is not there now" in said or "No difference" in said


def test_leg_risk_is_visible() -> None:
    warm = _held_view()
    (order,) = warm.open_orders
    (said,) = tables.waiting(warm)
    assert f"Order {order.id}" in said
    assert "is filled alone" in said
    assert "BTC from 22:13:20.000 UTC on waits for the next trade" in said
    order.reason = ""
    assert tables.waiting(warm)[0].startswith(f"Order {order.id}: ")


def _held_view() -> PaperView:
    legs = (
        LegOrder(0, "ETH", 2.0, 2.0, START, 0.0, filled=2.0, state="filled", filled_ns=START),
        LegOrder(1, "BTC", -0.1, -0.1, START, 0.0),
    )
    order = SpreadOrder(1, legs, 0.05, START, 1, "long spread", state="one leg")
    fill = Fill(START, "ETH", 2.0, 3_000.0, 3_000.0, 1.0, 0.0, 0.0, 1, 1)
    return PaperView(
        id="one",
        definition=DEFINITION,
        trades="live",
        title="",
        status="running",
        why="",
        warm_ns=START,
        begin_ns=START,
        until_ns=START + SECOND,
        symbols=("ETH", "BTC"),
        positions=(2.0, 0.0),
        marks=(3_001.0, 60_000.0),
        cash=100_000.0 - 6_001.0,
        orders=(order,),
        fills=(fill,),
        funding=(),
        outages=(),
        late=0,
    )


def test_one_leg_alone_counts_as_open() -> None:
    found = {card.label: card.value for card in tables.figures(_held_view())}
    assert found["Equity"] == "100,001.00"
    assert found["Open trade, net"] == "+1.00"
    assert found["ETH"] == "+2"
    assert found["BTC"] == "0"


def test_differences_are_listed_and_add_up(
    system: Running, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tape_reader, "PATIENCE_S", 0.0)
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    lost = [t for t in rest if t.symbol == "BTC" and 60 <= (t.time_ns - START) / SECOND < 90]
    pipeline.feed(warm)
    name = system.paper.open(DEFINITION, "live")
    pipeline.feed([tick for tick in rest if tick not in lost])
    played(system.paper, name, end_of(ticks))
    pipeline.feed(lost)
    time.sleep(0.1)
    view = see(system.paper, name)
    found = parity(view, pipeline.store)
    assert found.differences
    assert found.explained == pytest.approx(found.gap, abs=1e-4)
    said = tables.verdict(found)
    assert f"{len(found.differences)} differences: together {found.gap:+,.2f} of the {found.gap:+,.2f}" in said
    frame = tables.differences_frame(found.differences)
    assert frame["effect"].sum() == pytest.approx(found.gap, abs=1e-4)
    test = shown()
    assert said in words(test)
    assert any("effect" in table.value.columns for table in test.dataframe)


def test_a_pause_is_shaded_and_fills_are_marked(tmp_path: Path, pipeline: TapePipeline, pipelines: Pipelines) -> None:
    ticks = tape(3, seconds=300)
    warm, rest = before_and_after(ticks)
    with running(tmp_path / "paper", pipelines) as desk:
        pipeline.feed(warm)
        name = desk.open(DEFINITION, "live")
        pipeline.feed(rest[:700])
        played(desk, name, end_of(rest[:700]))
    pipeline.feed(rest[700:900])
    with running(tmp_path / "paper", pipelines) as desk:
        pipeline.feed(goes_on(desk, pipeline, name, rest[900:]))
        view = played(desk, name, end_of(ticks))
    found = parity(view, pipeline.store)
    for dark in (False, True):
        figure: go.Figure = equity_figure(found, view.fills, view.outages, dark=dark)
        assert [trace.name for trace in figure.data] == [
            "backtest of the same hours",
            "paper",
            "paper minus backtest",
            "bought",
            "sold",
        ]
        assert len(figure.layout.shapes) == 1
    assert sum(len(trace.x) for trace in figure.data[3:]) == len(view.fills)
    equity = view.cash + float(found.history.marks[-1] @ view.positions)
    assert found.paper[-1] == pytest.approx(equity)
    assert figure.layout.yaxis2.showticklabels is not False
    same = equity_figure(replace(found, paper=found.history.equity), view.fills, view.outages)
    assert [shape.label.text for shape in same.layout.shapes] == ["pause", "No difference"]
    assert same.layout.yaxis2.showticklabels is False  # none from 0 to 1


class Cut:
    """A tape whose beginning was deleted."""

    def __init__(self, pipeline: TapePipeline, from_ns: int) -> None:
        self.store, self.from_ns = pipeline.store, from_ns

    def columns(self, symbol: str, start_ns: int, end_ns: int) -> Any:
        return self.store.columns(symbol, max(start_ns, self.from_ns), end_ns)

    def coverage(self, symbol: str) -> Any:
        return SimpleNamespace(first_ns=int(self.columns(symbol, 0, 2**62).time_ns[0]))


def test_a_tape_that_was_cut_is_compared_as_far_as_it_goes(system: Running, pipeline: TapePipeline) -> None:
    view = see(system.paper, ran(system.paper, pipeline, seconds=400))
    found = parity(view, Cut(pipeline, START + 120 * SECOND))
    assert found.shortened
    assert found.from_ns >= START + 120 * SECOND + view.begin_ns - view.warm_ns  # as much to warm up as the run had
    assert found.paper[0] == found.history.capital
    assert found.differences == []
    assert 4 < found.same_orders < len(view.orders)
    with pytest.raises(ParameterError, match="what is left of the tape is too short"):
        parity(view, Cut(pipeline, START + 390 * SECOND))


def test_files(system: Running, pipeline: TapePipeline) -> None:
    view = see(system.paper, ran(system.paper, pipeline))
    fills = list(csv.DictReader(io.StringIO(csv_bytes(tables.fills_frame(view)).decode())))
    assert len(fills) == len(view.fills)
    assert fills[0]["time"] > fills[-1]["time"]
    assert {line["reason"] for line in fills} == {order.reason for order in view.orders if order.legs}
    legs = list(csv.DictReader(io.StringIO(csv_bytes(tables.orders_frame(view)).decode())))
    assert len(legs) == sum(len(order.legs) for order in view.orders)
    found = parity(view, pipeline.store)
    rows = list(csv.DictReader(io.StringIO(tables.beside_csv(found).decode())))
    assert len(rows) == len(found.history)
    assert float(rows[-1]["paper"]) == pytest.approx(float(rows[-1]["backtest"]))


def test_no_bar_yet_is_a_sentence(system: Running, pipeline: TapePipeline) -> None:
    pipeline.feed(before_and_after(tape(3))[0])
    system.paper.open(DEFINITION, "live")
    test = shown()
    assert "No bar has closed since the beginning" in words(test)
    assert cards(test)["Closed trades, net"] == UNKNOWN


def test_the_margin_is_said_while_something_is_held(system: Running, pipeline: TapePipeline) -> None:
    warm, rest = before_and_after(tape(3, seconds=400))
    pipeline.feed(warm)
    name = system.paper.open(DEFINITION, "live")
    assert "20 times the equity" in tables.margin(see(system.paper, name))
    until_it_holds(system.paper, pipeline, name, rest)
    view = see(system.paper, name)
    said = tables.margin(view)
    assert f"maintenance margin {view.maintenance:,.2f}" in said
    assert "limit of orders is 20" in said
    gross = sum(abs(units * mark) for units, mark in zip(view.positions, view.marks, strict=True))
    assert view.maintenance == pytest.approx(0.01 * gross)
    short = min(range(2), key=lambda leg: view.positions[leg])
    price = view.liquidation_prices[short]
    assert price is not None  # the leg that is sold short can rise as far as it takes
    assert price > view.marks[short]
    assert f"{view.symbols[short]} at " in said
    assert said in words(shown())
    poor = replace(view, cash=view.cash - 2 * view.equity)
    assert "more than the equity carries" in tables.margin(poor)
    assert "not known" in tables.margin(replace(view, marks=(math.nan, math.nan)))
