"""A small version of docs/calibration.md: verdicts say yes to walks rarely, and to pairs often."""

import math

import numpy as np
import pytest

from calibration.markets import CONDITIONS, Market
from calibration.table import WALKS, Count, ask_card, bars_needed, count
from calibration.verdicts import CARD, answers, card

HARD = (
    "Gaussian",
    "GARCH, t4",
    "volatility ÷ 4",
    "tick 3 sd",
    "one bad tick",
    "bounce 1 sd, ρ 0.9",
    "bounce 2 sd, ρ 0.9",
    "y in 0.2 of bars, ρ 0.9",
    "y 0.2 trades a bar, ρ 0.97",
    "y 1 trades a bar, ρ 0.97",
    "y 2 trades a bar, ρ 0.97",
)


def of_card(name: str, half_life: float, runs: int) -> Count:
    market = CONDITIONS[name]
    return count(ask_card, name, market, half_life, runs, bars_needed(market))[CARD]


def test_the_card_calls_few_walks_cointegrated() -> None:
    """At most 8 % in each condition, for which two standard errors of few runs are allowed, and in all together."""
    found = {name: of_card(name, WALKS, 150) for name in HARD}
    shares = {name: each.share for name, each in found.items()}
    assert max(shares.values()) <= 0.08 + 2.0 * math.sqrt(0.08 * 0.92 / 150), shares
    assert np.mean(list(shares.values())) <= 0.08
    assert [name for name, each in found.items() if each.refused > 0.05 * each.runs] == ["bounce 2 sd, ρ 0.9"]


@pytest.mark.parametrize("name", ["Gaussian", "correlation .9", "drift .1 sd a bar"])
def test_the_card_finds_pairs_whose_legs_trade_in_every_bar(name: str) -> None:
    """At least 93 % of pairs with a half-life of ten bars, less two standard errors; none is refused."""
    found = of_card(name, 10.0, 100)
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
