"""Figures, words and tables of a portfolio."""

import io

import numpy as np
import pandas as pd
import pytest

from alphastream.estimators import Floats
from alphastream.pairs import Progress
from alphastream.portfolio import PositionConfig, SlidingWindow, exposure
from alphastream.portfolio.allocation import (
    Allocation,
    AllocationRows,
    allocate,
    net_returns,
    sharpe_by_shrinkage,
    soundness,
)
from alphastream.reports.panels import MAX_LINES, largest
from views.portfolio.charts import (
    MAX_POINTS,
    allocation_figure,
    matrix_map,
    shrinkage_figure,
    spectrum_figure,
)
from views.portfolio.tables import allocation_csv, figures, portfolio_status, positions_frame
from views.shared.metrics import UNKNOWN, money

SECOND = 10**9
CONFIG = PositionConfig(
    vola=4, corr=8, clip=3.5, shrink=0.5, aum=1e6, position_scale=100.0, cost_per_unit=1e-4, max_turnover=5.0
)

TURNOVER, RESULT = "Turnover, last bar", "Net result, bps"


TURNOVER, RESULT = "Turnover, last bar", "Net result, bps"


def rows_of(rows: int, assets: int = 3, **more: Progress) -> AllocationRows:
    rng = np.random.default_rng(4)
    prices = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 1e-3, (rows, assets)), axis=0))
    names = tuple(f"S{column}" for column in range(assets))
    ends = (np.arange(rows, dtype=np.int64) + 1) * SECOND
    return AllocationRows(names, ends, prices, rng.normal(size=(rows, assets)), tuple(more.items()))


def made(rows: AllocationRows, config: PositionConfig = CONFIG) -> tuple[Allocation, Floats]:
    found = allocate(rows, config)
    return found, net_returns(found.positions, rows.prices, config)


def shown(rows: AllocationRows, config: PositionConfig = CONFIG) -> dict[str, str]:
    return {card.label: card.value for card in figures(*made(rows, config))}


def test_lines_carry_positions_in_currency_and_nothing_before_the_first() -> None:
    found, gained = made(rows_of(60))
    figure = allocation_figure(found, gained)
    lines = {trace.name: np.asarray(trace.y) for trace in figure.data}
    np.testing.assert_array_equal(lines["S1"], found.positions.cash_position[:, 1] * 100.0)
    flows = exposure(found.positions, CONFIG)
    first = int(np.flatnonzero(found.positions.status == "valid")[0])
    for name, values in (("gross", flows.gross * 100.0), ("net", flows.net * 100.0), ("turnover per bar", None)):
        assert np.isnan(lines[name][:first]).all()
        if values is not None:
            np.testing.assert_allclose(lines[name][first:], values[first:])
    assert figure.layout.shapes[0].y0 == 500.0  # the cap
    assert allocation_figure(found, gained, dark=True).data[0].line.color != figure.data[0].line.color
    styles = {(trace.line.color, trace.line.dash, trace.yaxis) for trace in figure.data}
    assert len(styles) == len(figure.data)


def test_many_symbols_and_many_bars_are_thinned() -> None:
    found, gained = made(rows_of(1_500, 15), CONFIG.replace(corr=32))
    drawn = largest(found.positions.held)
    size = np.abs(found.positions.held).sum(axis=0)
    assert len(drawn) == MAX_LINES
    assert size[drawn].min() >= np.delete(size, drawn).max()
    figure = allocation_figure(found, gained)
    assert max(len(trace.x) for trace in figure.data) <= MAX_POINTS
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data[:MAX_LINES]}) == MAX_LINES


def test_no_position_is_an_empty_figure() -> None:
    for count in (1, 5):
        found, gained = made(rows_of(count))
        assert all(np.isnan(np.asarray(trace.y, dtype=float)).all() for trace in allocation_figure(found, gained).data)


def test_the_map_is_the_matrix_solved_with_its_rows() -> None:
    rows = rows_of(60)
    rows.prices[30, 0] = np.nan
    found, _ = made(rows)
    heat = matrix_map(found).data[0]
    np.testing.assert_array_equal(heat.z, found.matrix)
    assert np.asarray(heat.customdata)[0, 1] == 57
    assert np.asarray(heat.customdata)[1, 2] == 59
    windowed, _ = made(rows, CONFIG.replace(covariance=SlidingWindow(window=20, n_factors=1)))
    assert np.asarray(matrix_map(windowed).data[0].customdata)[0, 1] == 20


def test_soundness_and_shrinkage_are_drawn() -> None:
    rows = rows_of(60)
    lines = spectrum_figure(rows.time_ns, soundness(rows, CONFIG)).data
    assert [line.name for line in lines] == ["condition number", "effective rank →"]
    figure = shrinkage_figure(sharpe_by_shrinkage(rows, CONFIG), 0.5)
    assert len(figure.data[0].x) == 11
    assert figure.layout.shapes[0].x0 == 0.5


def test_calibrating_is_a_count_and_never_a_zero() -> None:
    found, gained = made(rows_of(5))
    cards = {card.label: card for card in figures(found, gained)}
    assert cards["Status"].value == "5/10"
    assert {cards[name].value for name in ("Gross", "Net", "Leverage", TURNOVER, RESULT)} == {UNKNOWN}
    assert portfolio_status(found).kind == "waiting"
    last, _ = made(rows_of(9))  # no longer warm-up by the contract, but no correlation yet either
    assert (last.last.status, portfolio_status(last).word, portfolio_status(last).kind) == (
        "degenerate",
        "9/10",
        "waiting",
    )
    waits = rows_of(60, A=Progress("z-score", 12, 32))
    waits.signals[:] = np.nan
    found, _ = made(waits)
    assert portfolio_status(found).word == "12/32"
    assert portfolio_status(found).reason == "calibrating: A: z-score 12/32"
    frame = positions_frame(found)
    assert frame["cash"].isna().all()
    assert set(frame["side"]) == {UNKNOWN}


def test_a_bar_without_signals_or_prices_says_so() -> None:
    rows = rows_of(60)
    rows.signals[-1] = 0.0
    found, _ = made(rows)
    assert (portfolio_status(found).word, portfolio_status(found).kind) == ("No signal", "trouble")
    assert "every signal is zero" in portfolio_status(found).reason
    rows = rows_of(60)
    rows.prices[-1] = np.nan
    assert shown(rows)["Status"] == "Unsolved"
    rows = rows_of(60)
    rows.prices[-1, :1] = rows.signals[-1] = np.nan
    assert portfolio_status(made(rows)[0]).reason.endswith("S0 did not trade in this bar")


def test_cards_and_table_agree_with_the_positions() -> None:
    found, gained = made(rows_of(60))
    cash = found.positions.cash_position[-1] * 100.0
    frame = positions_frame(found)
    np.testing.assert_allclose(frame["cash"], cash)
    assert [side[0] for side in frame["side"]] == ["▲" if value > 0 else "▼" for value in cash]
    np.testing.assert_allclose(frame["change"], cash - found.positions.held[-2] * 100.0)
    np.testing.assert_allclose(frame["quantity"] * frame["price"], cash)
    cards = {card.label: card for card in figures(found, gained)}
    assert cards["Gross"].value == money(float(np.abs(cash).sum()))
    assert cards["Leverage"].value == f"{np.abs(cash).sum() / 1e6:.2f}×"
    assert "of the cap" in cards[TURNOVER].sub
    assert cards[RESULT].value == f"{gained.sum() * 1e4:+.2f}"
    assert all(len(card.help) > 30 or card.label == "Gross" for card in cards.values())


def test_one_bar_alone_has_a_table() -> None:
    assert len(positions_frame(made(rows_of(1))[0])) == 3


@pytest.mark.parametrize(
    ("amount", "signed", "text"),
    [
        (0.0, False, "0.00"),
        (-1234.5, True, "-1.23 k"),
        (2.5e6, True, "+2.50 M"),
        (3e9, False, "3.00 B"),
        (float("nan"), False, UNKNOWN),
    ],
)
def test_money(amount: float, signed: bool, text: str) -> None:
    assert money(amount, signed=signed) == text


def test_the_file_has_every_row() -> None:
    found, gained = made(rows_of(60))
    table = pd.read_csv(io.BytesIO(allocation_csv(found, gained)))
    assert len(table) == 60
    assert table["time"][0] == "1970-01-01T00:00:01.000000+0000"
    assert table["status"].tolist() == found.positions.status.tolist()
    np.testing.assert_array_equal(table["S2.cash"], found.positions.cash_position[:, 2] * 100.0)
    np.testing.assert_array_equal(table["S0.signal"], found.rows.signals[:, 0])
    np.testing.assert_array_equal(table["S0.risk"], found.positions.risk_position[:, 0] * 100.0)
