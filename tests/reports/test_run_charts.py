"""Figures of a run, its cards and sentences."""

import math
from dataclasses import replace

import numpy as np
import pytest

from alphastream.performance import CostSplit, deflated_sharpe
from alphastream.reports import run_words
from alphastream.reports.metrics import UNKNOWN, duration, money, time_unit
from alphastream.reports.run_charts import backtest_figure, cost_figure, gross_equity
from alphastream.reports.thinning import MAX_POINTS
from alphastream.trading.broker.costs import BrokerRules
from tests.views.runs import PAIR, RULES, SMALL, market, played


def cards(*args: object) -> dict[str, tuple[str, str]]:
    return {card.label: (card.value, card.sub) for card in run_words.figures(*args)}  # type: ignore[arg-type]


def test_gross_equity_is_what_remains_without_costs() -> None:
    run, found = played()
    assert found.split.costs > 0.0
    assert found.split.funding != 0.0
    gross = gross_equity(run)
    assert gross[-1] - run.capital == pytest.approx(found.split.gross)
    first = run.fills[0].time_ns
    before = run.time_ns < first
    np.testing.assert_array_equal(gross[before], run.equity[before])
    assert (gross[~before] != run.equity[~before]).any()


def test_lines_carry_the_books() -> None:
    run, found = played()
    figure = backtest_figure(run, found, entry=1.5, exit_=0.25)
    lines = {trace.name: np.asarray(trace.y) for trace in figure.data if trace.mode == "lines"}
    np.testing.assert_array_equal(lines["equity, net"], run.equity)
    np.testing.assert_array_equal(lines["z-score"], run.observed["zscore"])
    np.testing.assert_array_equal(lines["BTCUSDT held"], run.positions[:, 1] * run.marks[:, 1])
    np.testing.assert_array_equal(lines["correlation"], run.observed["correlation"])
    assert lines["drawdown, %"].min() == pytest.approx(found.drawdown.depth * 100.0)
    assert len(figure.layout.shapes) == 4
    assert {trace.xaxis for trace in figure.data} == {"x"}
    assert backtest_figure(run, found, dark=True).data[1].line.color != figure.data[1].line.color


def test_marks_stand_on_the_bars_that_decided() -> None:
    run, found = played()
    figure = backtest_figure(run, found)
    marks = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    opened = sum(len(marks[side].x) for side in ("long", "short"))
    assert opened == len(found.round_trips)
    assert len(marks["exit"].x) == found.round_trip_statistics.closed
    assert (np.asarray(marks["long"].y) <= -PAIR.entry).all()
    assert (np.asarray(marks["short"].y) >= PAIR.entry).all()
    assert "trade 1" in marks["long"].text[0] + marks["short"].text[0]
    assert "net" in marks["exit"].text[0]


def test_long_runs_are_thinned_and_keep_their_extremes() -> None:
    run, found = played(rows=3 * MAX_POINTS)
    net = next(trace for trace in backtest_figure(run, found).data if trace.name == "equity, net")
    assert len(net.x) <= MAX_POINTS
    assert net.y.min() == run.equity.min()
    assert net.y.max() == run.equity.max()


def test_names_from_files_are_text_in_a_figure() -> None:
    run, found = played(pair=replace(PAIR, y="<b>A</b>"))
    figure = backtest_figure(run, found)
    assert not any("<b>A" in str(trace.name) + "".join(trace.text or ()) for trace in figure.data)


def test_costs_lead_from_gross_to_net() -> None:
    split = CostSplit(gross=100.0, fees=30.0, spread=20.0, impact=5.0, funding=-10.0)
    bars = cost_figure(split).data[0]
    assert list(bars.y) == [100.0, -30.0, -20.0, -5.0, -10.0, 0.0]
    assert bars.text[-1] == "+35.00"
    assert bars.measure[-1] == "total"


def test_cards_say_what_the_run_came_to() -> None:
    run, found = played()
    shown = cards(run, found)
    assert shown["Net profit"][0] == money(found.profit, signed=True)
    assert "in sample" in shown["Net profit"][1]
    assert shown["Trades"][0] == f"{found.round_trip_statistics.closed:,}"
    assert "Sharpe (Lo), annualised" not in shown  # ten minutes
    assert shown["Sharpe (Lo) per bar"][0] == f"{found.ratios.sharpe / math.sqrt(found.ratios.rows_per_year):+.4f}"
    assert "600 bars of 1s" in shown["Sharpe (Lo) per bar"][1]
    assert shown["Deflated Sharpe"] == (UNKNOWN, "run a sweep first")
    luck = deflated_sharpe(found.ratios.moments, [0.0, 0.1, found.ratios.moments.sharpe])
    assert cards(run, found, luck)["Deflated Sharpe"] == (f"{luck.probability:.0%}", "against 3 trials")
    assert "nothing is annualised" in run_words.span(run)


def test_a_run_without_any_gross_result_has_cards() -> None:
    """A position that was opened at the very last price: nothing gained, nothing lost but the costs."""
    run, found = played()
    even = replace(found, split=replace(found.split, gross=0.0))
    assert cards(run, even)["Costs paid"] == (money(found.split.costs - found.split.funding), "no gross profit")


def test_a_year_is_spoken_of_from_a_week_on() -> None:
    run, found = played(rows=800)
    stretched = replace(run, time_ns=run.time_ns[0] + (run.time_ns - run.time_ns[0]) * 2_000)
    found = replace(found, start_ns=int(stretched.time_ns[0]), end_ns=int(stretched.time_ns[-1]))
    assert "Sharpe (Lo), annualised" in cards(stretched, found)
    assert "annualised" in run_words.span(stretched)
    assert "one in 2,000.0 bar lengths" in run_words.span(stretched)
    assert "bar lengths" not in run_words.span(run)
    assert "Calmar" in dict(run_words.statistics(found))


def test_orders_traded_back_are_told() -> None:
    slow = BrokerRules(max_share=0.001, timeout_ns=2 * 10**9)
    run, _ = played(rules=slow)
    assert any("not filled in time and unwound" in sentence for sentence in run_words.troubles(run))


def test_a_run_that_went_well_has_no_troubles() -> None:
    run, _ = played(rows=590)
    orders = [order for order in run.orders if order.state == "filled"]
    assert run_words.troubles(replace(run, orders=tuple(orders))) == []


@pytest.mark.parametrize(
    ("length_ns", "said"),
    [(500_000_000, "0.5 s"), (180 * 10**9, "3.0 min"), (3 * 3_600 * 10**9, "3.0 h"), (3_103 * 86_400 * 10**9, "8.5 y")],
)
def test_times_in_words(length_ns: float, said: str) -> None:
    assert duration(length_ns) == said


def test_a_time_that_is_not_known_has_a_unit_all_the_same() -> None:
    assert time_unit(math.nan) == ("s", 1.0)


def test_the_market_of_these_tests_can_be_traded() -> None:
    run, found = played(rules=RULES)
    assert market().symbols == run.symbols
    assert found.round_trip_statistics.closed > 10


def test_without_a_trade_nothing_is_a_number() -> None:
    run, found = played(pair=replace(PAIR, entry=50.0))
    shown = cards(run, found)
    assert {value for label, (value, _) in shown.items() if label != "Trades"} == {UNKNOWN}
    assert shown["Trades"] == ("0", "of 600 bars")
    backtest_figure(run, found)


def test_refused_orders_are_told() -> None:
    run, _ = played(rules=SMALL)
    said = run_words.troubles(run)
    assert len(said) == 1
    assert "rejected" in said[0]
    assert "under the least order" in said[0]
