"""What the pages show must not find a pattern, or a profit, where there is none.

Everything goes through the functions the product uses (``aggregate``, ``align``, ``analyse``). Each claim has its
contrast: the number that a careless page would show on the same data, which must stand out. Otherwise a strategy that
never trades, or a test that never rejects, would pass as honest.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from alphastream.bars import PairRows, aggregate, align
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.estimators import adf, hayashi_yoshida, residual_test
from alphastream.graph import Price
from alphastream.pairs import MODELS, Model, PairAnalytics, PairSpec, analyse, source_columns

SECOND = 10**9
PAIRS, ROWS = 400, 1_000
SETTLING_ROWS = 1_000  # before the discounted regression's z-score is acted upon, at the window of 100
TAPES, TAPE_SECONDS = 60, 1_800
STALENESS = (5.0, 2.0, 0.5)  # trades a second of the slower leg; the faster one has 5

each_model = pytest.mark.parametrize("model", MODELS)
each_price = pytest.mark.parametrize("price", ["log", "price"])


def t_ratio(profit: Floats) -> float:
    """Mean over its standard error; 0 where nothing was ever held."""
    error = profit.std(ddof=1) / math.sqrt(profit.size)
    return float(profit.mean() / error) if error > 0.0 else 0.0


def defined(values: Floats) -> Floats:
    return values[np.isfinite(values)]


# ---- independent random walks: no pattern ----------------------------------------------------------------------


def walking_rows(rng: np.random.Generator, price: Price, count: int = ROWS) -> PairRows:
    """Two independent walks as closed rows in which both legs always trade."""
    walks = np.cumsum(rng.normal(size=(2, count)), axis=1)
    y, x = np.exp(1e-3 * walks) if price == "log" else 1_000.0 + walks
    ages, volume = np.zeros(count, dtype=np.int64), np.ones(count)
    return PairRows(np.arange(1, count + 1) * SECOND, y, x, ages, ages, volume, volume, ages - 1, ages - 1)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of each of the pairs; every field has shape (PAIRS,)."""

    pvalue: Floats
    positions_taken: Floats
    realisable: Floats
    looking_ahead: Floats


@lru_cache
def shown_on_walks(model: Model, price: Price, window: int) -> Shown:
    """Run a model over all pairs of walks and keep the t-ratios of both ways to count its profit."""
    rng = np.random.default_rng(20_261_121)
    spec = PairSpec("ETHUSDT", "BTCUSDT", model=model, price=price, window=window)
    found = []
    for _ in range(PAIRS):
        rows = walking_rows(rng, price, ROWS + SETTLING_ROWS * (model == "kalman"))
        answer = analyse(rows, spec)
        assert answer.cointegration.refusal is None
        assert answer.calibrating is None
        held = answer.closed["position"][:-1]
        found.append(
            (
                answer.cointegration.pvalue,
                np.count_nonzero(np.diff(held)),
                t_ratio(realisable_profit(answer, rows)),
                t_ratio(defined(held * np.diff(answer.closed["spread"]))),
            )
        )
    return Shown(*np.array(found).T)


def realisable_profit(answer: PairAnalytics, rows: PairRows) -> Floats:
    """pos[t−1]·(Δy − hedge_ratio[t−1]·Δx), what somebody who had the position and the ratio at t−1 earns until t."""
    legs = source_columns(rows, answer.spec.price)
    position, ratio = answer.closed["position"], answer.closed["hedge_ratio"]
    profit = position[:-1] * (np.diff(legs["y"]) - ratio[:-1] * np.diff(legs["x"]))
    return defined(np.where(np.isfinite(answer.closed["zscore"][:-1]), profit, np.nan))


@each_price
@each_model
def test_the_shown_cointegration_test_rejects_five_percent_of_random_walks(model: Model, price: Price) -> None:
    rejected = np.mean(shown_on_walks(model, price, 100).pvalue < 0.05)
    assert rejected == pytest.approx(0.05, abs=0.025)


@each_price
@each_model
def test_the_shown_strategy_earns_nothing_on_random_walks(model: Model, price: Price) -> None:
    shown = shown_on_walks(model, price, 100)
    # the discounted regression enters three times in a thousand rows, and in some thousands not at all
    assert np.mean(shown.positions_taken > 0) > (0.85 if model == "kalman" else 0.95)
    assert shown.realisable.std() == pytest.approx(1.0, abs=0.2)
    assert shown.realisable.mean() == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize(("model", "least"), [("ols", 3.5), ("kalman", 2.5), ("huber", 3.5), ("tls", 1.5)])
def test_a_profit_that_looks_ahead_is_far_from_nothing_on_the_same_walks(model: Model, least: float) -> None:
    """Position times the change of a spread whose ratio moves: nobody can hold that spread."""
    shown = shown_on_walks(model, "log", 20)
    assert shown.looking_ahead.mean() > least
    assert shown.realisable.mean() == pytest.approx(0.0, abs=0.3)


def test_plain_adf_calls_the_residual_of_a_moving_ratio_stationary() -> None:
    rng = np.random.default_rng(20_261_121)
    spec = PairSpec("ETHUSDT", "BTCUSDT", model="ols", window=100)
    spreads = [analyse(walking_rows(rng, "log"), spec).closed["spread"] for _ in range(PAIRS)]
    rejected = np.mean([adf(defined(spread)).pvalue < 0.05 for spread in spreads])
    assert rejected == pytest.approx(0.98, abs=0.02)


@each_model
def test_a_pvalue_of_the_shown_spread_is_refused_in_words(model: Model) -> None:
    answer = analyse(walking_rows(np.random.default_rng(1), "log"), PairSpec("ETHUSDT", "BTCUSDT", model=model))
    with pytest.raises(ParameterError, match=r"time-varying hedge ratio would mean nothing.*engle_granger\(y, x\)"):
        residual_test(defined(answer.closed["spread"]), ratio="time-varying")


# ---- one price, two tapes: no profit from old prices -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tape:
    """Trades of one leg, oldest first."""

    time_ns: Ints
    price: Floats


def two_tapes(
    rng: np.random.Generator, rates: tuple[float, float], seconds: int, correlation: float
) -> tuple[Tape, Tape]:
    """Two correlated walks in continuous time, each seen only when its leg trades, at random instants."""
    times = [np.sort(rng.integers(0, seconds * SECOND, rng.poisson(rate * seconds))) for rate in rates]
    instants = np.union1d(*times)
    steps = rng.normal(size=(2, instants.size)) * 1e-4 * np.sqrt(np.diff(instants, prepend=0) / SECOND)
    mixed = correlation * steps[1] + math.sqrt(1.0 - correlation**2) * steps[0]
    paths = (np.exp(np.cumsum(mixed)), np.exp(np.cumsum(steps[1])))
    y, x = (Tape(t, path[np.searchsorted(instants, t)]) for t, path in zip(times, paths, strict=True))
    return y, x


def rows_of(y: Tape, x: Tape, interval_ns: int) -> PairRows:
    """From trades to rows, as the engine and the history page do it."""
    bars = [aggregate(leg.time_ns, leg.price, np.ones(leg.price.size), interval_ns) for leg in (y, x)]
    return align(bars[0], bars[1], interval_ns)


def next_trade(tape: Tape, decided_ns: Ints) -> Floats:
    """Price of the first trade at or after each time, which an order sent then can have; NaN where there is none.

    A bar covers [start, end), so a trade at its very end was not known when it closed.
    """
    row = np.searchsorted(tape.time_ns, decided_ns, side="left")
    return np.append(tape.price, np.nan)[row]


def profit_of_fills(answer: PairAnalytics, y: Floats, x: Floats) -> Floats:
    """Log profit of the shown strategy when what is decided on a row fills at the prices of that row."""
    position, ratio = answer.closed["position"], answer.closed["hedge_ratio"]
    return defined(position[:-1] * (np.diff(np.log(y)) - ratio[:-1] * np.diff(np.log(x))))


@dataclass(frozen=True, slots=True)
class Fills:
    """Outcomes of the same decisions, (TAPES,) each: t-ratios, and sums over the number of changes of position."""

    real_t: Floats
    stale_t: Floats
    real_a_trade: Floats
    stale_a_trade: Floats


@lru_cache
def fills_of_one_price(model: Model, rates: tuple[float, float], interval_ns: int = SECOND) -> Fills:
    """Both ways of filling on tapes of one and the same true price."""
    rng = np.random.default_rng(7)
    spec = PairSpec("SPOT", "PERP", interval_ns, model=model)
    found = []
    for _ in range(TAPES):
        y, x = two_tapes(rng, rates, TAPE_SECONDS * interval_ns // SECOND, correlation=1.0)
        rows = rows_of(y, x, interval_ns)
        answer = analyse(rows, spec)
        trades = max(1, np.count_nonzero(np.diff(answer.closed["position"])))
        real = profit_of_fills(answer, next_trade(y, rows.end_ns), next_trade(x, rows.end_ns))
        stale = profit_of_fills(answer, rows.y, rows.x)
        found.append((t_ratio(real), t_ratio(stale), real.sum() / trades, stale.sum() / trades))
    return Fills(*np.array(found).T)


def assert_no_profit(fills: Fills) -> None:
    """The mean of 60 t-ratios has a standard error of 0.13: 0.4 is three of them."""
    assert fills.real_t.mean() == pytest.approx(0.0, abs=0.4)
    assert abs(t_ratio(fills.real_a_trade)) < 3.0


@pytest.mark.parametrize("slow", STALENESS)
@each_model
def test_fills_at_real_trades_earn_nothing_however_old_a_leg_is(model: Model, slow: float) -> None:
    assert_no_profit(fills_of_one_price(model, (5.0, slow)))


@pytest.mark.parametrize(
    ("rates", "interval_ns"), [((0.5, 5.0), SECOND), ((0.5, 0.5), SECOND), ((2.5, 0.25), 5 * SECOND)]
)
@pytest.mark.parametrize("model", ["ols", "kalman"])
def test_nor_do_they_with_the_other_leg_old_or_longer_bars(
    model: Model, rates: tuple[float, float], interval_ns: int
) -> None:
    assert_no_profit(fills_of_one_price(model, rates, interval_ns))


@pytest.mark.parametrize("slow", STALENESS)
@each_model
def test_fills_at_forward_filled_prices_seem_to_earn(model: Model, slow: float) -> None:
    least = 2.0 if model == "kalman" else 5.0  # a filter that knows its noise trades less often
    assert fills_of_one_price(model, (5.0, slow)).stale_t.mean() > least


@pytest.mark.parametrize("model", ["ols", "huber", "tls"])
def test_and_more_a_trade_the_older_the_price_is(model: Model) -> None:
    """The Kalman filter is left out: the older a leg is the more often it trades, for no more each time."""
    a_trade = [fills_of_one_price(model, (5.0, slow)).stale_a_trade.mean() for slow in STALENESS]
    assert a_trade == sorted(a_trade)
    assert a_trade[-1] > 1.7 * a_trade[0] > 0.0


def test_a_fill_is_never_older_than_its_decision() -> None:
    tape = Tape(np.array([10, 20, 20, 30]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert_array_equal(next_trade(tape, np.array([0, 10, 11, 20, 30, 31])), [1.0, 1.0, 2.0, 2.0, 4.0, np.nan])


# ---- two legs that trade at different times: no lost correlation ------------------------------------------------


def test_hayashi_yoshida_keeps_the_correlation_that_short_bars_lose() -> None:
    y, x = two_tapes(np.random.default_rng(9), (5.0, 0.5), 20_000, correlation=0.9)
    by_bars = {}
    for seconds in (1, 60):
        rows = rows_of(y, x, seconds * SECOND)
        by_bars[seconds] = np.corrcoef(np.diff(np.log(rows.y)), np.diff(np.log(rows.x)))[0, 1]
    assert by_bars[1] == pytest.approx(0.24, abs=0.05)
    assert by_bars[60] == pytest.approx(0.87, abs=0.05)
    assert hayashi_yoshida(y.time_ns, y.price, x.time_ns, x.price).correlation == pytest.approx(0.9, abs=0.03)
