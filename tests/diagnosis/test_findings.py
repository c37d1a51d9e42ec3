"""The findings against their oracles, their sizes on walks that have nothing in common, and refusals in words."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.stattools import coint
from statsmodels.tsa.vector_ar.vecm import coint_johansen, select_order

from alphastream.core.pvalues import pvalue_text
from alphastream.core.types import Floats, Ints
from alphastream.diagnosis import asynchrony
from alphastream.diagnosis.findings import Finding, diagnose, steady_adf, vector_lags
from alphastream.estimators import (
    engle_granger,
    engle_granger_wild,
    hayashi_yoshida,
    johansen,
    kpss,
    phillips_perron,
    residual_half_life,
)

SECOND = 10**9
TRACE, RESTRICTED = "Johansen trace, free constant", "Johansen trace, restricted constant"
PHILLIPS, SHIN = "Phillips-Perron (Phillips-Ouliaris)", "KPSS (Shin)"


def walks(rng: np.random.Generator, size: int = 500) -> tuple[Floats, Floats]:
    y, x = np.cumsum(rng.normal(size=(2, size)), axis=1)
    return y, x


def pair(rng: np.random.Generator, size: int = 500, persistence: float = 0.5) -> tuple[Floats, Floats]:
    """y returns to 5 + 2x; its error moves with x, as that of two tapes of one market does."""
    shock = rng.normal(size=size)
    x = np.cumsum(0.8 * shock + 0.6 * rng.normal(size=size))
    error = np.zeros(size)
    for t in range(1, size):
        error[t] = persistence * error[t - 1] + shock[t]
    return 5.0 + 2.0 * x + error, x


def of(findings: tuple[Finding, ...], test: str, subject: str = "") -> Finding:
    (found,) = (item for item in findings if item.test == test and item.subject.startswith(subject))
    return found


# ---- what the numbers are --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_engle_granger_is_the_wild_bootstrap_with_mackinnon_beside_it(seed: int) -> None:
    y, x = pair(np.random.default_rng(seed), persistence=0.9)
    findings = diagnose(y, x)
    for subject, legs in (("y on x", (y, x)), ("x on y", (x, y))):
        found = of(findings, "Engle-Granger", subject)
        expected = engle_granger_wild(*legs)
        assert (found.statistic, found.pvalue) == (expected.statistic, expected.pvalue)
        assert found.critical is None
        plain = coint(*legs, autolag="aic", return_results=False)[1]
        assert found.verdict.endswith(f"steady volatility: {pvalue_text(plain)}.")


@pytest.mark.parametrize("size", [60, 200, 500])
@pytest.mark.parametrize("seed", range(4))
def test_lags_of_johansen_are_those_statsmodels_selects(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    y, x = (leg + 0.7 * rng.normal(size=size) for leg in walks(rng, size))
    most = min(math.ceil(12.0 * (size / 100.0) ** 0.25), size // 2 - 2, (size - 9) // 6)
    lags = vector_lags(y, x)
    assert lags == select_order(np.column_stack((y, x)), most, deterministic="co").aic
    theirs = coint_johansen(np.column_stack((y, x)), 0, max(lags, 1))
    if lags > 0:
        assert of(diagnose(y, x), TRACE).statistic == pytest.approx(theirs.trace_stat[0], rel=1e-9)
        assert of(diagnose(y, x), "Johansen max-eigen").statistic == pytest.approx(theirs.max_eig_stat[0], rel=1e-9)
    assert of(diagnose(y, x), TRACE).lags == lags


def test_the_residual_is_that_of_the_ratio_that_engle_granger_fixes() -> None:
    y, x = pair(np.random.default_rng(5))
    findings = diagnose(y, x)
    fit = engle_granger(y, x)
    residual = y - fit.intercept - fit.hedge_ratio * x
    assert of(findings, PHILLIPS).statistic == phillips_perron(residual, "n").statistic
    assert of(findings, PHILLIPS).critical == pytest.approx(-3.348, abs=1e-3)  # two variables, not −2.867
    speed = residual_half_life(y, x)
    assert of(findings, "Half-life").statistic == speed.half_life
    assert of(findings, "Half-life").interval == (speed.low, speed.high)
    assert of(findings, "Correlation").statistic == pytest.approx(np.corrcoef(np.diff(y), np.diff(x))[0, 1])


def test_swapping_the_legs_swaps_the_directions() -> None:
    y, x = pair(np.random.default_rng(6))
    there, back = diagnose(y, x), diagnose(x, y)
    assert of(there, "Engle-Granger", "y on x") == replace(of(back, "Engle-Granger", "x on y"), subject="y on x")
    trace, swapped = of(there, TRACE).statistic, of(back, TRACE).statistic
    assert trace is not None
    assert trace == pytest.approx(swapped, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_the_scale_of_prices_does_not_matter(scale: float) -> None:
    y, x = pair(np.random.default_rng(7))
    for here, there in zip(diagnose(y + 500.0, x + 400.0), diagnose((y + 500.0) * scale, x + 400.0), strict=True):
        assert here.statistic == pytest.approx(there.statistic, rel=1e-6)
        assert here.lags == there.lags


# ---- how often they are wrong ----------------------------------------------------------------------------------


def rejections(pairs: list[tuple[Floats, Floats]]) -> dict[str, float]:
    """Share of the pairs in which each test rejects at 5 %."""
    count: Counter[str] = Counter()
    for y, x in pairs:
        for found in diagnose(y, x):
            assert found.refusal is None
            if found.pvalue is not None:
                count[f"{found.test}, {found.subject}"] += found.pvalue < 0.05
            elif found.critical is not None and found.statistic is not None:
                count[f"{found.test}, {found.subject}"] += found.statistic > found.critical
    return {name: seen / len(pairs) for name, seen in count.items()}


def test_on_independent_walks_each_test_rejects_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    rates = rejections([walks(rng, 250) for _ in range(250)])
    shin = rates.pop(f"{SHIN}, residual of y on x, its leads and lags")
    trace, restricted, max_eigen = (rates.pop(f"{name}, y and x") for name in (TRACE, RESTRICTED, "Johansen max-eigen"))
    assert rates.keys() == {
        "Augmented Dickey-Fuller, y",
        "Augmented Dickey-Fuller, x",
        "Engle-Granger, y on x",
        "Engle-Granger, x on y",
        f"{PHILLIPS}, residual of y on x",
        "Variance ratio, residual of y on x",
    }
    assert rates == {name: pytest.approx(0.055, abs=0.035) for name in rates}
    assert trace == pytest.approx(0.12, abs=0.05)  # as the verdicts of these two say
    assert restricted == pytest.approx(0.055, abs=0.035)
    assert max_eigen == pytest.approx(0.075, abs=0.04)
    assert shin > 0.8  # here the null is false


def test_a_residual_that_returns_is_seen_and_seldom_denied() -> None:
    rng = np.random.default_rng(12)
    rates = rejections([pair(rng, 250) for _ in range(120)])
    assert rates["Engle-Granger, y on x"] > 0.9  # gone within a row: half-way to what bounce does, lags are kept
    assert rates["Johansen max-eigen, y and x"] > 0.99
    assert rates[f"{SHIN}, residual of y on x, its leads and lags"] == pytest.approx(0.07, abs=0.05)


def test_the_table_of_kpss_would_hardly_ever_deny_a_fitted_residual() -> None:
    """Why Shin's critical value: least squares makes the residual look more stationary than it is."""
    rng = np.random.default_rng(13)
    statistics = []
    for _ in range(1_000):
        x = np.cumsum(rng.normal(size=250))
        y = x + rng.normal(size=250)
        fit = engle_granger(y, x, max_lags=1)
        statistics.append(kpss(y - fit.intercept - fit.hedge_ratio * x).statistic)
    found = of(diagnose(y, x), SHIN)
    assert found.critical is not None
    assert np.mean(np.array(statistics) > 0.463) < 0.025
    assert np.mean(np.array(statistics) > found.critical) == pytest.approx(0.05, abs=0.02)


# ---- what they say ---------------------------------------------------------------------------------------------


def test_verdicts_on_a_pair_that_returns() -> None:
    findings = diagnose(*pair(np.random.default_rng(14), persistence=0.8))
    assert of(findings, "Augmented Dickey-Fuller", "y").verdict.startswith("Wanders")
    assert of(findings, "Engle-Granger", "y on x").verdict.startswith("Cointegrated: a fixed ratio of 2")
    assert of(findings, "Engle-Granger", "x on y").verdict.startswith("Cointegrated: a fixed ratio of 0.")
    assert of(findings, TRACE).verdict.startswith("One stationary combination")
    assert of(findings, SHIN).verdict.startswith("Nothing speaks against")
    assert of(findings, "Half-life").verdict.startswith("Half of a deviation goes in 2.9")


def test_verdicts_on_independent_walks() -> None:
    findings = diagnose(*walks(np.random.default_rng(15)))
    assert of(findings, "Engle-Granger", "y on x").verdict.startswith("Not shown")
    assert of(findings, TRACE).verdict.startswith("No stationary combination")
    assert of(findings, PHILLIPS).verdict.startswith("Not shown")
    assert of(findings, SHIN).verdict.startswith("Rejects")
    assert of(findings, "Half-life").verdict.startswith("Means nothing here")
    assert of(findings, "Hurst exponent").null is None


def test_stationary_legs_are_named_before_anything_else() -> None:
    rng = np.random.default_rng(16)
    findings = diagnose(rng.normal(size=400), rng.normal(size=400))
    assert findings[0].verdict.startswith("Looks stationary by itself")
    assert of(findings, TRACE).verdict.startswith("Two stationary combinations")


def test_what_presumes_a_steady_volatility_defers_to_what_does_not() -> None:
    rng = np.random.default_rng(24)
    scale = np.where(np.arange(400) < 200, 1.0, 0.25)
    deferred = {TRACE: 0, "Johansen max-eigen": 0, PHILLIPS: 0}
    for _ in range(40):
        y, x = np.cumsum(scale * rng.normal(size=(2, 400)), axis=1)
        findings = diagnose(y, x)
        shown = engle_granger_wild(y, x).pvalue < 0.05
        for test in deferred:
            verdict = of(findings, test).verdict
            assert not verdict.startswith("Cointegrated") or shown
            deferred[test] += "go by" in verdict
    assert deferred[TRACE] > 10


def test_johansens_constant_is_free_in_one_row_and_restricted_in_the_other() -> None:
    y, x = pair(np.random.default_rng(25))
    findings = diagnose(y, x)
    for test, restricted in ((TRACE, False), (RESTRICTED, True)):
        expected = johansen(np.column_stack((y, x)), lags=vector_lags(y, x), restricted=restricted)
        assert of(findings, test).statistic == expected.trace[0]
        assert of(findings, test).critical == expected.trace_critical_values[0, 1]


def test_phillips_perron_owns_up_to_what_bounce_does_to_it() -> None:
    rng = np.random.default_rng(17)
    said = []
    for _ in range(60):
        y, x = (leg + rng.normal(size=250) for leg in walks(rng, 250))
        found = of(diagnose(y, x), PHILLIPS)
        said.append(found.verdict.split(",")[0].split(":")[0])
    assert set(said) == {"Rejects", "Not shown"}
    assert 0.25 < said.count("Rejects") / 60 < 0.6


# ---- what they refuse ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "x", "words"),
    [
        (np.arange(12.0), np.arange(12.0), "needs 30 observations, has 12"),
        (np.ones(50), np.arange(50.0), "y is constant"),
        (np.arange(50.0), np.ones(50), "x is constant"),
        (np.r_[np.nan, np.arange(49.0)], np.arange(50.0), "row 0 of y is nan"),
        (np.arange(50.0), np.r_[np.arange(49.0), np.inf], "row 49 of x is inf"),
        (np.arange(50.0), np.arange(51.0), "y has 50 rows and x has 51"),
        (np.ones((40, 2)), np.arange(40.0), "pass one dimension"),
        (np.empty(0), np.empty(0), "has 0"),
    ],
)
def test_bad_legs_refuse_every_finding_in_the_same_words(y: Floats, x: Floats, words: str) -> None:
    findings = diagnose(y, x)
    assert len(findings) == len(diagnose(*walks(np.random.default_rng(0))))
    assert {item.statistic for item in findings} == {None}
    (refusal,) = {item.refusal for item in findings}
    assert refusal is not None
    assert words in refusal


def test_collinear_legs_refuse_what_needs_a_residual_and_nothing_else() -> None:
    x = walks(np.random.default_rng(18))[0]
    findings = diagnose(2.0 * x, x)
    refused = {item.test for item in findings if item.refusal is not None}
    assert refused == {item.test for item in findings} - {"Augmented Dickey-Fuller", "Correlation"}
    assert all("collinear" in item.refusal for item in findings if item.refusal is not None)
    assert "y is 2·x" in str(of(findings, "Engle-Granger", "x on y").refusal)


def test_a_leg_that_copies_the_other_one_row_late_leaves_shin_nothing_to_test() -> None:
    x = walks(np.random.default_rng(19))[0]
    findings = diagnose(x[:-1], x[1:])
    assert "formula of x" in str(of(findings, SHIN).refusal)
    assert of(findings, "Engle-Granger", "y on x").verdict.startswith("Cointegrated")  # its spread returns at once


def test_a_short_window_refuses_only_what_needs_more() -> None:
    findings = diagnose(*walks(np.random.default_rng(20), 32))
    refusals = {item.test: item.refusal for item in findings if item.refusal is not None}
    assert refusals.keys() == {SHIN, "Hurst exponent"}
    assert "needs 35 observations, has 32" in str(refusals[SHIN])
    assert "needs 100 observations, has 32" in str(refusals["Hurst exponent"])


@pytest.mark.parametrize("at", [1, 20, 39])
def test_a_leg_that_moves_once_still_gets_its_findings(at: int) -> None:
    y, x = walks(np.random.default_rng(23), 40)[0], np.r_[np.ones(at), np.full(40 - at, 2.0)]
    findings = diagnose(y, x)
    for test in ("Engle-Granger", PHILLIPS, SHIN, "Variance ratio", "Half-life", "Correlation"):
        statistic = of(findings, test, "y on x" if test == "Engle-Granger" else "").statistic
        assert statistic is not None
        assert math.isfinite(statistic)


@settings(max_examples=150)
@given(
    st.integers(28, 45).flatmap(
        lambda size: st.tuples(*[st.lists(st.sampled_from([0.0, 1.0, 1.5, 1e9]), min_size=size, max_size=size)] * 2)
    )
)
def test_whatever_the_legs_are_there_is_a_number_or_a_sentence(legs: tuple[list[float], list[float]]) -> None:
    """Legs that hardly trade make most matrices singular."""
    for found in diagnose(np.array(legs[0]), np.array(legs[1])):
        if found.refusal is None:
            assert found.statistic is not None
            assert not math.isnan(found.statistic)
            assert found.verdict
        else:
            assert found.statistic is None
            assert found.refusal


# ---- asynchrony ------------------------------------------------------------------------------------------------


def tape(rng: np.random.Generator, log_price: Floats, rate: float) -> tuple[Ints, Floats]:
    """Trades at random instants of a path that is known every 10 ms."""
    steps = np.flatnonzero(rng.random(log_price.size) < rate / 100.0)
    return steps * (SECOND // 100), np.exp(log_price[steps])


def tapes(seed: int, seconds: int, correlation: float = 0.9) -> tuple[tuple[Ints, Floats], tuple[Ints, Floats]]:
    rng = np.random.default_rng(seed)
    moves = rng.normal(size=(2, seconds * 100)) * 1e-5
    moves[0] = correlation * moves[1] + math.sqrt(1.0 - correlation**2) * moves[0]
    paths = np.cumsum(moves, axis=1)
    return tape(rng, paths[0], 5.0), tape(rng, paths[1], 0.5)


def test_asynchrony_shows_what_short_bars_lose() -> None:
    y, x = tapes(21, 10_000)
    short, long = asynchrony(*y, *x, SECOND), asynchrony(*y, *x, 60 * SECOND)
    assert short.refusal is None
    assert short.ticks == long.ticks == pytest.approx(0.9, abs=0.04)
    assert short.bars == pytest.approx(0.24, abs=0.06)
    assert long.bars == pytest.approx(0.87, abs=0.06)
    assert short.n_rows > 9_900
    assert short.y_age_ns is not None
    assert short.x_age_ns is not None
    assert short.y_age_ns / SECOND == pytest.approx(math.log(2.0) / 5.0, abs=0.02)  # median of an exponential wait
    assert short.x_age_ns / SECOND == pytest.approx(math.log(2.0) / 0.5, abs=0.1)


def test_only_the_span_that_both_tapes_cover_counts() -> None:
    (time_y, price_y), (time_x, price_x) = tapes(22, 2_000)
    part = slice(2_000, 8_000)
    found = asynchrony(time_y[part], price_y[part], time_x, price_x, SECOND)
    inside = slice(*np.searchsorted(time_x, time_y[part][[0, -1]], side="left"))
    since = (time_y >= time_x[inside][0]) & (time_y <= time_x[inside][-1])
    both = time_y[since], price_y[since], time_x[inside], price_x[inside]
    whole = asynchrony(*both, SECOND)
    assert found.ticks == pytest.approx(hayashi_yoshida(*both).correlation, abs=0.01)
    assert found.n_rows == pytest.approx(whole.n_rows, abs=10)
    assert found.n_rows < 1_300


def test_asynchrony_refuses_in_words_and_keeps_what_it_has() -> None:
    time = np.arange(10) * SECOND
    price = np.linspace(1.0, 2.0, 10)
    never: Ints = np.empty(0, dtype=np.int64)
    assert "needs 2 observations, has 0" in str(asynchrony(never, np.empty(0), time, price, SECOND).refusal)
    assert "needs 2 observations" in str(asynchrony(time, price, time + 100 * SECOND, price, SECOND).refusal)
    assert "never moves" in str(asynchrony(time, np.ones(10), time, price, SECOND).refusal)
    one_bar = asynchrony(time, price, time, price, 3_600 * SECOND)
    assert one_bar.ticks == pytest.approx(1.0)
    assert one_bar.bars is None
    assert one_bar.n_rows == 1
    assert "needs 2 observations, has 0" in str(one_bar.refusal)


def test_a_leg_of_changing_volatility_is_seldom_called_stationary() -> None:
    """Three hundred runs a condition: 7, 4 and 7 %, where ADF of the leg as it is rejects 17, 13 and 9 %."""
    rng = np.random.default_rng(23)
    scale = np.where(np.arange(500) < 250, 1.0, 0.25)
    found = np.zeros(3)
    for _ in range(100):
        steps = rng.normal(size=500)
        spiked = np.cumsum(steps)
        spiked[rng.integers(1, 499)] += 50.0
        bounced = np.cumsum(steps) + 2.0 * rng.choice((-1.0, 1.0), 500)
        for case, leg in enumerate((np.cumsum(scale * steps), spiked, bounced)):
            found[case] += steady_adf(leg).pvalue < 0.05
    assert np.all(found <= 14)  # 8 % and two standard errors
