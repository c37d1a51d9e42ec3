"""Figures of a tear sheet: what their lines hold."""

from dataclasses import replace

import numpy as np

from alphastream.performance import worst_drawdowns
from alphastream.reports.basis import basis_of
from alphastream.reports.curve_charts import SURE, rolling_figure
from alphastream.reports.escaping import in_chart
from alphastream.reports.run_report import performance_of, profit_of
from alphastream.reports.sheet_charts import SHADED, drawdown_figure, exposure_figure, legs_figure
from tests.reports.books import made, still

RUN = made(300, ("A<b>", "B"))


def last(figure: object, name: str) -> float:
    (trace,) = [each for each in figure.data if each.name == name]  # type: ignore[attr-defined]
    return float(trace.y[-1])


def test_legs_add_up_to_the_account() -> None:
    figure = legs_figure(RUN, profit_of(RUN))
    profit = RUN.equity[-1] - RUN.capital
    assert abs(last(figure, "all net") - profit) < 1e-8
    net = last(figure, "all gross") + last(figure, "all costs") + last(figure, "all funding")
    assert abs(net - profit) < 1e-8
    assert last(figure, "all costs") < 0.0
    assert abs(last(figure, f"{in_chart('A<b>')} net") + last(figure, "B net") - profit) < 1e-8


def test_without_funding_there_is_no_panel_of_it() -> None:
    run = still(30)
    names = [each.name for each in legs_figure(run, profit_of(run)).data]
    assert not [name for name in names if "funding" in name]


def test_the_worst_ways_down_are_numbered_as_in_the_table() -> None:
    equity = RUN.capital * np.exp(np.linspace(0.0, 0.5, 300) + 0.05 * np.sin(np.arange(300) / 3.0))
    run = replace(RUN, equity=equity)
    worst = worst_drawdowns(run.time_ns, run.equity)
    figure = drawdown_figure(run, worst)
    assert [shape.label.text for shape in figure.layout.shapes] == [str(number) for number in range(1, SHADED + 1)]
    assert min(figure.data[0].y) == worst[0].depth * 100.0


def test_what_was_held() -> None:
    figure = exposure_figure(RUN, performance_of(RUN).exposure)
    value = RUN.positions[-1] * RUN.marks[-1]
    assert last(figure, "gross: long plus short") == np.abs(value).sum()
    assert last(figure, "net: long less short") == value.sum()
    assert last(figure, "leverage: gross over equity") == np.abs(value).sum() / RUN.equity[-1]


def test_a_moving_ratio_has_its_band() -> None:
    basis = basis_of(RUN)
    figure = rolling_figure(basis, annual=False)
    low, high, ratio = (last(figure, name) for name in ("lower end of the band", "95 % band", "Sharpe ratio (plain)"))
    assert low < ratio < high
    assert abs((low + high) / 2.0 - ratio) < 1e-12
    assert SURE == 1.96


def test_a_band_stops_where_the_ratio_is_not_known() -> None:
    basis = basis_of(RUN)
    returns = np.array(basis.returns)
    middle = len(returns) // 2
    returns[middle - basis.window - 3 : middle] = 0.0  # nothing is held: there is no ratio
    figure = rolling_figure(replace(basis, returns=returns), annual=False)
    bands = [trace for trace in figure.data if trace.name == "95 % band"]
    assert len(bands) == 2
    assert all(np.isfinite(trace.y).all() for trace in bands)
    assert [trace.showlegend for trace in bands] == [True, False]
