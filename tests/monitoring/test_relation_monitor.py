"""Evidence against its equations, how often it is wrong where there is nothing, and how soon it is there."""

import math

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators import run_many
from alphastream.monitoring import RelationMonitor, RelationRows
from calibration.markets import LEVEL, Market

DAY = 4_320  # rows of a day of 20 s bars
MONITOR = RelationMonitor(alarm_rows=20.0 * DAY)
PAIRS = 200

NOTHING = {
    "Gaussian": Market(),
    "correlation .9, drift": Market(correlation=0.9, drift=0.1),
    "GARCH t4": Market(volatility="garch"),
    "volatility ÷ 4": Market(volatility="falls"),
    "bounce 1 sd, ρ .9": Market(correlation=0.9, bounce=1.0),
    "stale, ρ .9": Market(correlation=0.9, y_trades=0.3),
    "one bad tick": Market(bad_tick=True),
}


def legs(market: Market, rng: np.random.Generator, rows: int, half_life: float = math.inf) -> tuple[Floats, Floats]:
    """x and y, NaN where not both traded."""
    drawn = market.rows(rng, rows, half_life)
    both = drawn.both_traded
    return np.where(both, drawn.x, np.nan), np.where(both, drawn.y, np.nan)


def many(market: Market, pairs: int, rows: int, half_life: float = math.inf, seed: int = 5) -> RelationRows:
    """Rows of many pairs, (T, P)."""
    rng = np.random.default_rng(seed)
    drawn = [legs(market, rng, rows, half_life) for _ in range(pairs)]
    x, y = (np.column_stack([pair[leg] for pair in drawn]) for leg in range(2))
    return run_many(MONITOR, x, y)[0]


def first_row(column: Floats, level: float) -> float:
    """Row at which a column reaches a level; infinite where it never does."""
    hits = np.flatnonzero(column >= level)
    return float(hits[0]) if hits.size else math.inf


@pytest.mark.parametrize("market", NOTHING.values(), ids=NOTHING.keys())
def test_false_alarms_of_a_day_are_rare_where_there_is_nothing(market: Market) -> None:
    """200 pairs a market: 0 to 4.5 % for p, 0 to 1.5 % for the detector (error 1.5).

    `python -m calibration.watched_days` has 1,000 pairs a market, and days of 86,400 rows.
    """
    rows = many(market, PAIRS, DAY)
    assert np.mean(np.nanmin(rows.pvalue, axis=0) <= 0.05) <= 0.06
    assert np.mean(np.nanmax(rows.detector, axis=0) >= 20.0 * DAY) <= 0.06


def test_steps_that_resemble_the_one_before_raise_few_more() -> None:
    """First autocorrelation .1: 0 % for p and 1 % for the detector (error 1)."""
    rng = np.random.default_rng(11)
    steps = rng.normal(size=(DAY + 1, 2, PAIRS))
    walks = np.cumsum(steps[1:] + 0.1 * steps[:-1] / (1.0 - 0.01), axis=0)
    rows, _ = run_many(MONITOR, walks[:, 0], walks[:, 1])
    assert np.mean(np.nanmin(rows.pvalue, axis=0) <= 0.05) <= 0.07
    assert np.mean(np.nanmax(rows.detector, axis=0) >= 20.0 * DAY) <= 0.07


def test_waiting_prices_are_false_evidence_and_left_out() -> None:
    """Why it gets the rows in which both legs traded: prices that wait look like deviations that come back."""
    rng = np.random.default_rng(2)
    drawn = [Market(correlation=0.97, y_trades=0.3).rows(rng, DAY) for _ in range(20)]
    kept, _ = run_many(MONITOR, *(np.column_stack([getattr(rows, leg) for rows in drawn]) for leg in "xy"))
    assert np.mean(kept.pvalue[-1] <= 0.05) > 0.5


@pytest.mark.parametrize(("half_life", "soon"), [(10.0, 700.0), (20.0, 1_300.0), (40.0, 2_500.0)])
def test_a_pair_that_is_held_together_is_shown(half_life: float, soon: float) -> None:
    """Medians from the first row on: 459, 947, 1,792 for p; 770, 1,337, 2,168 for the detector."""
    rows = many(Market(), 60, 10_000, half_life)
    assert np.median([first_row(column, 20.0) for column in rows.evidence.T]) < soon
    assert np.median([first_row(column, 1.0) for column in rows.relation.T]) < 1.3 * soon
    assert np.nanmax(rows.ended) < MONITOR.alarm_rows  # and none of them ends


@pytest.mark.parametrize("market", [Market(), Market(volatility="garch"), Market(bounce=1.0)], ids=str)
@pytest.mark.parametrize("half_life", [5.0, 20.0])
def test_the_end_of_a_relation_is_noticed(market: Market, half_life: float) -> None:
    """A relation of 8,000 rows, then walks; 30 pairs. Median delays 860 to 1,680 rows, no false alarm."""
    rng = np.random.default_rng(8)
    delays = []
    for _ in range(30):
        before, after = legs(market, rng, 8_000, half_life), legs(market, rng, 8_000)
        x, y = (np.concatenate((one, one[-1] + other - other[0])) for one, other in zip(before, after, strict=True))
        rows, _ = MONITOR.run(x, y)
        assert rows.relation[7_999] == 1.0
        assert np.nanmax(rows.ended[:8_000]) < MONITOR.alarm_rows
        delays.append(first_row(rows.ended[8_000:], MONITOR.alarm_rows))
    assert np.median(delays) < 2_000


def test_a_new_relation_is_shown_by_new_rows_and_watched_afresh() -> None:
    rng = np.random.default_rng(1)
    parts = [legs(Market(), rng, 6_000, half_life) for half_life in (10.0, math.inf, 10.0)]
    x, y = (LEVEL + np.cumsum(np.diff(np.concatenate([part[leg] for part in parts]), prepend=LEVEL)) for leg in (0, 1))
    for leg in (x, y):
        for seam in (6_000, 12_000):
            leg[seam:] -= leg[seam] - leg[seam - 1]
    rows, _ = MONITOR.run(x, y)
    changes = np.flatnonzero(np.diff(rows.relation[100:])) + 101
    assert len(changes) == 3
    shown, ended, again = changes
    assert shown < 2_000
    assert 6_000 < ended < 10_000
    assert 12_000 < again < 15_000
    assert rows.detector[ended] == 0.0
    assert rows.ended[again] == 0.0
    assert rows.ended[-1] < MONITOR.alarm_rows


def test_rows_are_those_of_the_equations() -> None:
    """Weighted sums over all rows before, written out from the docstring, row by row."""
    rng = np.random.default_rng(4)
    x = 50.0 + np.cumsum(rng.normal(size=260))
    y = 3.0 * x + np.cumsum(rng.normal(size=260)) * 0.3 + rng.normal(size=260)
    rows, _ = RelationMonitor(alarm_rows=1e9).run(x, y)
    evidence, detector = by_definition(x, y)
    np.testing.assert_allclose(rows.evidence[100:], evidence[100:], rtol=1e-8)
    np.testing.assert_allclose(rows.detector[100:], detector[100:], rtol=1e-8)
    np.testing.assert_allclose(
        rows.pvalue[100:], 1.0 / np.maximum.accumulate(np.maximum(evidence, 1.0))[100:], rtol=1e-8
    )


def by_definition(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Evidence and detector of each row, (T,), without recursions where there need be none."""
    stakes = np.array([0.03, 0.06, 0.12, 0.24])
    count = len(x)
    slope, bet = np.zeros(count), np.zeros(count)
    squares: list[float] = []
    for t in range(1, count):
        old, level = 0.5 ** (np.arange(t)[::-1] / 350.0), 0.5 ** (np.arange(t)[::-1] / 150.0)
        from_x, from_y = x[:t] - np.average(x[:t], weights=old), y[:t] - np.average(y[:t], weights=old)
        slope[t] = (old @ (from_x * from_y)) / (old @ from_x**2) if t > 1 else 0.0
        away = y[t] - np.average(y[:t], weights=level) - slope[t] * (x[t] - np.average(x[:t], weights=level))
        if squares:
            weights = 0.5 ** (np.arange(len(squares))[::-1] / 350.0)
            bet[t] = np.clip(away / np.sqrt(np.average(squares, weights=weights)), -3.0, 3.0)
        squares.append(away**2)
    capital, restarted = np.ones(4), np.zeros(4)
    evidence, detector = np.ones(count), np.zeros(count)
    steps: list[float] = []
    sized, carry = [0.0], 0.0
    for t in range(1, count):
        step = (y[t] - y[t - 1]) - (slope[t - 2] if t >= 2 else 0.0) * (x[t] - x[t - 1])
        variance = np.average(np.square(steps), weights=0.5 ** (np.arange(len(steps))[::-1] / 50.0)) if steps else 0.0
        in_sd = float(np.clip(step / math.sqrt(variance), -4.0, 4.0)) if variance > 0.0 else 0.0
        if t >= 100:
            stake = -stakes * bet[t - 2] * in_sd
            factor = np.exp(stake) / np.cosh(stake) * np.exp(-max(carry, 0.0) * stake**2)
            capital, restarted = capital * factor, (1.0 + restarted) * factor
        evidence[t], detector[t] = capital.mean(), restarted.mean()
        carry += (in_sd * sized[-1] - carry) / np.sum(0.5 ** (np.arange(t) / 350.0))
        sized.append(in_sd)
        steps.append(step)
    return evidence, detector


def test_scale_and_level_of_prices_do_not_matter() -> None:
    rng = np.random.default_rng(6)
    x, y = (np.cumsum(rng.normal(size=3_000)) for _ in range(2))
    y = x + 0.2 * y
    plain, _ = MONITOR.run(x, y)
    scaled, _ = MONITOR.run(1e-8 * x, 1e5 + 4.0 * y)
    np.testing.assert_allclose(scaled.evidence, plain.evidence, rtol=1e-4)


def test_evidence_stays_a_number_however_long_it_grows() -> None:
    rng = np.random.default_rng(7)
    x = np.cumsum(rng.normal(size=60_000))
    rows, _ = MONITOR.run(x, x + rng.normal(size=60_000))
    assert rows.evidence[-1] == pytest.approx(1e300, rel=1.0)
    assert rows.pvalue[-1] > 0.0
    for column in (rows.evidence, rows.detector, rows.ended):
        assert np.isfinite(column[100:]).all()


def test_prices_that_do_not_move_are_no_evidence() -> None:
    rows, _ = MONITOR.run(np.full(300, 7.0), np.full(300, 3.0))
    assert (rows.evidence[100:] == 1.0).all()
    moving, _ = MONITOR.run(np.full(3_000, 7.0), np.cumsum(np.random.default_rng(0).normal(size=3_000)))
    assert np.isfinite(moving.evidence[100:]).all()


def test_a_level_below_one_row_is_refused() -> None:
    with pytest.raises(ParameterError, match="alarm_rows"):
        RelationMonitor(alarm_rows=1.0)
