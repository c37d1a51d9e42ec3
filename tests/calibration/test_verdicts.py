"""A small version of docs/calibration.md: verdicts say yes to walks rarely, and to pairs often."""

import math

import numpy as np
import pytest

from calibration.markets import CONDITIONS, Market
from calibration.table import WALKS, Count, ask_card, bars_needed, count
from calibration.verdicts import CARD, answers, card

RUNS_OF_WALKS, RUNS_OF_PAIRS = 300, 100


def of_card(name: str, half_life: float, runs: int) -> Count:
    market = CONDITIONS[name]
    return count(ask_card, name, market, half_life, runs, bars_needed(market))[CARD]


@pytest.mark.parametrize("name", ["Gaussian", "correlation .9", "drift .1 sd a bar"])
def test_the_card_calls_few_walks_cointegrated(name: str) -> None:
    """At most 8 %: two standard errors of so few runs are allowed for."""
    found = of_card(name, WALKS, RUNS_OF_WALKS)
    assert found.share <= 0.08 + 2.0 * math.sqrt(0.08 * 0.92 / found.runs)


@pytest.mark.parametrize("name", ["Gaussian", "correlation .9", "drift .1 sd a bar"])
def test_the_card_finds_pairs_whose_legs_trade_in_every_bar(name: str) -> None:
    """At least 93 % of pairs with a half-life of ten bars, less two standard errors."""
    found = of_card(name, 10.0, RUNS_OF_PAIRS)
    assert found.refused == 0
    assert found.share >= 0.93 - 2.0 * math.sqrt(0.93 * 0.07 / found.runs)


def test_every_verdict_is_asked_for() -> None:
    rows = Market().rows(np.random.default_rng(1), 500, half_life=5.0)
    said = answers(rows)
    assert said[CARD] is card(rows) is True
    assert all(answer in {True, False} for answer in said.values())
    assert [name for name, yes in said.items() if not yes and not name.startswith(("ADF", "Variance", "p-line"))] == []
    short = answers(rows.take(slice(40)))
    assert set(short) == set(said)
