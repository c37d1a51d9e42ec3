"""Rows say what the live page says of the same answer, and what they are sorted by."""

from dataclasses import replace

import numpy as np
import pytest

from alphastream.cointegration import Cointegration
from alphastream.pairs import PairSpec, Progress
from tests.views.shared.test_cards import LIVE, NOW, SPEC, answer, by_id, with_last
from views.shared.cards import evidence_card, half_life_card, newest_closed
from views.shared.readiness import ready_cards
from views.watchlist.rows import COLUMNS, SPARK_POINTS, Shown, head, moved_row, watch_row

KEY = "ETHUSDT~BTCUSDT"


def test_numbers_are_those_of_the_live_page() -> None:
    found = answer()
    cells = watch_row(found, SPEC, 8.0, "").cells
    assert cells.keys() == {name for name, *_ in COLUMNS} | {"now"}
    z = newest_closed(found, "zscore")
    assert cells["zscore"][0] == f"{z:+.2f}"
    edge = by_id(ready_cards(found, SPEC, LIVE, NOW, 8.0))["ready-edge"]["sub"]
    move, _, cost = edge.partition(" bps, cost ")
    after = float(str(cells["edge"][0]).removesuffix(" bps"))
    assert after == pytest.approx(float(move) - float(cost), abs=0.11)
    assert cells["edge"][1] == f"cost {cost} bps"
    assert cells["half_life"][0] == half_life_card(found)["value"]
    assert cells["evidence"][:2] == (evidence_card(found)["value"], evidence_card(found)["sub"])


def test_the_line_has_the_newest_closed_bars_and_ends_at_the_forming_one() -> None:
    found = answer()
    row = watch_row(found, SPEC, 8.0, "")
    assert row.times.tolist() == found.closed["time_ns"][-SPARK_POINTS:].tolist()
    assert row.points.tolist() == np.round(found.closed["zscore"][-SPARK_POINTS:], 2).tolist()
    forming = {name: values[-1:] for name, values in found.closed.items()} | {"zscore": np.array([1.234])}
    assert watch_row(replace(found, forming=forming), SPEC, 8.0, "").cells["now"] == (1.23,)


def test_a_signal_says_since_when() -> None:
    found = answer()
    position = np.zeros(len(found.closed["position"]))
    position[-3:] = -1.0
    ends = found.closed["time_ns"]
    found = replace(found, closed={**found.closed, "position": position})
    cell = watch_row(found, SPEC, 8.0, "").cells["signal"]
    second = int(ends[-3]) // 10**9
    assert cell == ("Short", f"since 00:{second // 60:02d}:{second % 60:02d} UTC", "short", -1.0)
    steady = replace(found, closed={**found.closed, "position": np.ones(len(position))})
    assert watch_row(steady, SPEC, 8.0, "").cells["signal"][:2] == ("Long", "since before 00:00:01 UTC")


def test_what_is_not_ready_is_said_in_words_and_sorted_last() -> None:
    step = Progress("z-score", 37, 100)
    found = replace(with_last(answer(), zscore=np.nan), calibration=(step,))
    cells = watch_row(found, SPEC, 8.0, "").cells
    assert cells["signal"] == ("Calibrating 37/100", "", "warn")
    assert cells["zscore"] == ("–", "")
    assert watch_row(None, SPEC, 8.0, "").cells["signal"][0] == "Waiting for trades"
    assert watch_row(replace(found, computed=False), SPEC, 8.0, "").cells["signal"][0] == "Compiling"
    few = replace(answer(), cointegration=Cointegration(9, refusal="9 of 250 bars in which both legs traded"))
    assert watch_row(few, SPEC, 8.0, "").cells["half_life"] == (
        "–",
        "9 of 250 bars in which both legs traded",
        "",
        None,
    )


def test_a_symbol_that_cannot_be_followed_is_refused_in_its_row() -> None:
    row = watch_row(None, SPEC, 8.0, "", {"BTCUSDT": "BTCUSDT is not listed"})
    assert row.cells["signal"] == ("Refused", "BTCUSDT is not listed", "warn")
    assert len(row.points) == 0


def test_the_head_names_the_legs_and_when_they_are_old() -> None:
    shown = head(Shown((SPEC, PairSpec("SOL", "BTCUSDT")), 8.0), "")
    assert shown["legs"] == {KEY: ["ETHUSDT", "BTCUSDT"], "SOL~BTCUSDT": ["SOL", "BTCUSDT"]}
    assert shown["stale_ms"] == 2_000
    assert [column["name"] for column in shown["columns"]] == [name for name, *_ in COLUMNS]


def test_between_closed_bars_only_what_moves_is_made_anew() -> None:
    found = answer()
    row = watch_row(found, SPEC, 8.0, "")
    forming = {name: values[-1:] for name, values in found.closed.items()} | {"zscore": np.array([1.234])}
    later = replace(found, forming=forming)
    moved = moved_row(found, row, later, 8.0)
    assert moved is not None
    assert moved.cells == watch_row(later, SPEC, 8.0, "").cells
    assert moved.points is row.points
    assert moved_row(found, row, with_last(later, zscore=0.5), 8.0) is None
    assert moved_row(None, row, later, 8.0) is None
