"""When a rule fires, on values and on answers; what it says."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.alerts import (
    MEASURES,
    Rule,
    RuleContext,
    RuleState,
    When,
    alert_of,
    leg_of,
    measure_name,
    number,
    read_feed,
    read_flow,
    read_pair,
    step,
)
from alphastream.bars import align, empty_bars
from alphastream.cointegration import Cointegration
from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.feeds.feed import FeedStats, Health
from alphastream.microstructure.leg import LegSpec, analyse_leg
from alphastream.pairs import PairAnalytics, PairSpec, Progress, pair_columns
from alphastream.windows import Trades

SECOND = 10**9
NOW = 1_700_000_000 * SECOND
PAIR = PairSpec("ETHUSDT", "BTCUSDT")
ABOVE = Rule("a", "z is high", "zscore", "above", 2.0, 1.0, PAIR, cool_down_s=0.0)
BELOW = replace(ABOVE, when="below", level=-2.0, clear=-1.0)
OUTSIDE = replace(ABOVE, when="outside", level=2.0, clear=1.0)
FEED = Rule("f", "no trades", "feed", "above", 30.0, 5.0)


def answer(zscores: Sequence[float], end_ns: int = NOW, **more: Any) -> PairAnalytics:
    """An answer with these z-scores on its closed bars, and one that is far out on the bar that is still forming."""
    rows = len(zscores)
    times = end_ns - SECOND * np.arange(rows - 1, -1, -1, dtype=np.int64)
    columns = {measure.source: np.full(rows, np.nan) for measure in MEASURES.values() if measure.kind == "column"}
    closed = {**columns, "time_ns": times, "settled_zscore": np.array(zscores, dtype=float), "y": np.arange(rows) + 1.0}
    forming = {name: values[-1:] for name, values in closed.items()} | {"settled_zscore": np.array([99.0])}
    test = Cointegration(rows, -4.0, 0.01, 0, 12.5)
    fields: dict[str, Any] = {
        "spec": PAIR,
        "version": 1,
        "closed": closed,
        "forming": forming,
        "calibration": (),
        "cointegration": test,
    }
    return PairAnalytics(**fields | more)


def health(last_ns: int = NOW, state: str = "live", reason: str = "trades arrive") -> Health:
    stats = FeedStats()
    if last_ns:
        stats.last_tick_ns["BTCUSDT"] = last_ns
    return stats.snapshot("Binance USD-M", ("BTCUSDT", "ETHUSDT"), (state, reason, NOW, None))  # type: ignore[arg-type]


def context(found: PairAnalytics | None = None, feed: Health | None = None, **more: Any) -> RuleContext:
    fields: dict[str, Any] = {
        "answer_for": lambda _: found,
        "now_ns": NOW,
        "feed": feed or health(),
        "feed_now_ns": NOW,
        "symbols": ("BTCUSDT", "ETHUSDT"),
        "follow": lambda _: None,
    }
    return RuleContext(**fields | more)


def fires(rule: Rule, values: Sequence[float], seconds: Sequence[float] | None = None) -> list[int]:
    """At which of these values a rule fires; a second lies between two where nothing else is said."""
    state, found = RuleState(), []
    for index, value in enumerate(values):
        at_s = seconds[index] if seconds is not None else index
        state, fired = step(rule, state, value, NOW + round(at_s * SECOND))
        if fired:
            found.append(index)
    return found


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        (ABOVE, [0, 1.9, 2.0, 3, 1.5, 2.5, 1.0, 1.9, 2.1], [2, 8]),  # 1.5 is not back at 1.0
        (ABOVE, [-5, -2, 0], []),
        (BELOW, [0, -1.9, -2.0, -3, -1.5, -2.5, -1.0, -2.1], [2, 7]),
        (OUTSIDE, [0, 2.1, 1.5, 2.2, 0.9, -2.1, -1.5, -2.5, 0.5, 2.0], [1, 5, 9]),
        (OUTSIDE, [2.1, -2.1, -2.2, 2.1], [0, 1, 3]),  # from one side to the other it came through the middle
        (ABOVE, [math.nan, 2.5, math.nan, 2.5, math.nan, 0.5, math.nan, 2.5], [1, 7]),
        (ABOVE, [2.5, math.inf, 0, math.inf], [0, 3]),
    ],
)
def test_hysteresis(rule: Rule, values: list[float], expected: list[int]) -> None:
    assert fires(rule, values) == expected


def test_cool_down_delays_and_does_not_lose() -> None:
    rule = replace(ABOVE, cool_down_s=60.0)
    values, seconds = [2.5, 0.0, 2.5, 2.5, 2.5, 0.0, 2.5], [0, 1, 2, 59.999, 60, 61, 62]
    assert fires(rule, values, seconds) == [0, 4]


def test_an_excursion_within_the_cool_down_is_not_told_when_it_is_over() -> None:
    rule = replace(ABOVE, cool_down_s=60.0)
    assert fires(rule, [2.5, 0.0, 2.5, 0.0, 0.0], [0, 1, 2, 3, 61]) == [0]


def test_a_clock_set_back_does_not_silence_a_rule() -> None:
    rule = replace(ABOVE, cool_down_s=60.0)
    assert fires(rule, [2.5, 0.0, 2.5], [0, 1, -3_600]) == [0, 2]


@given(
    st.lists(st.one_of(st.just(math.nan), st.floats(-5, 5)), max_size=60),
    st.sampled_from([ABOVE, BELOW, OUTSIDE]),
)
def test_between_two_alerts_the_value_came_back(values: list[float], rule: Rule) -> None:
    found = fires(rule, values)
    for first, second in pairwise(found):
        side = -1 if values[first] < 0 else 1
        assert any(rule.is_clear(value, side) for value in values[first + 1 : second + 1])
    assert all(rule.is_beyond(values[index]) for index in found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "the name is ''"),
        ({"name": "two\nlines"}, "printable"),
        ({"measure": "zscroe"}, "choose one of zscore"),
        ({"level": math.nan}, "finite"),
        ({"clear": 2.0}, "fires above 2 and re-arms at 2: re-arm below 2"),
        ({"when": "below"}, "re-arm above 2"),
        ({"when": "outside", "clear": -1.0}, "from 0"),
        ({"when": "near"}, "choose one of above"),
        ({"cool_down_s": -1.0}, "cool-down is -1 s"),
        ({"cool_down_s": math.nan}, "cool-down is nan s"),
        ({"spec": None}, "needs a pair"),
        ({"measure": "feed"}, "is of no pair"),
        ({"measure": "arbitrage"}, "is of no pair"),
        ({"asset": "BTC/USDT"}, "only a rule about edges"),
        ({"for_s": -1.0}, "has to last -1 s"),
        ({"id": ""}, "id"),
        ({"channels": tuple("abcdefghijkl")}, "12 webhooks"),
        ({"spec": replace(PAIR, y="")}, "symbol ''"),
        ({"spec": replace(PAIR, y="ETH\nUSDT")}, "symbol"),
        ({"spec": replace(PAIR, x="binance-usdm:")}, "symbol ''"),
        ({"spec": replace(PAIR, x="X" * 65)}, "1 to 64 printable characters"),
        ({"spec": replace(PAIR, interval_ns=0)}, "bars of 0 ns"),
        ({"spec": replace(PAIR, window=0)}, "window"),
        ({"spec": replace(PAIR, window=10**9)}, "at most"),
        ({"spec": replace(PAIR, price="cents")}, "prices are 'cents'"),  # type: ignore[arg-type]
    ],
)
def test_a_rule_that_cannot_be_is_refused_in_words(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        replace(ABOVE, **change)


@pytest.mark.parametrize("leg", ["ETHUSDT", "binance-usdm:ETHUSDT", "hyperliquid:kPEPE", "kraken:BTC/USD"])
def test_a_leg_is_named_as_its_venue_spells_it(leg: str) -> None:
    assert replace(ABOVE, spec=replace(PAIR, y=leg)).subject.startswith(f"{leg} on BTCUSDT")


def test_only_closed_bars_decide() -> None:
    observation = read_pair(ABOVE, answer([0.5, 1.5]), NOW, 0)
    assert observation.values == ((NOW, 1.5),)
    assert observation.missing == ""


def test_every_bar_since_the_last_look_is_read_once() -> None:
    found = answer([5.0, 0.1, 2.5, 0.2])
    assert [value for _, value in read_pair(ABOVE, found, NOW, NOW - 2 * SECOND).values] == [2.5, 0.2]
    assert [value for _, value in read_pair(ABOVE, found, NOW, NOW).values] == [0.2]
    assert [value for _, value in read_pair(ABOVE, found, NOW, 0).values] == [0.2]  # the past raises no alert
    assert len(read_pair(ABOVE, answer([1.0] * 5_000), NOW, 1).values) == 1_000


def test_what_is_not_known_is_said() -> None:
    calibrating = answer([math.nan], calibration=(Progress("z-score", 37, 100),))
    assert read_pair(ABOVE, calibrating, NOW, 0).missing == "calibrating: z-score 37/100"
    assert read_pair(ABOVE, answer([math.nan]), NOW, 0).missing == "undefined on the last closed bar"
    assert read_pair(ABOVE, None, NOW, 0).missing == "no bar has closed yet"
    assert read_pair(ABOVE, answer([]), NOW, 0).values == ()
    refused = answer([1.0], cointegration=Cointegration(3, refusal="needs 30 observations"))
    assert read_pair(replace(ABOVE, measure="pvalue"), refused, NOW, 0).missing == "needs 30 observations"


def test_tests_and_ages_are_read() -> None:
    found = answer([1.0], last_x=Tick("BTCUSDT", 1, 6e4, 1.0, NOW - 12 * SECOND, NOW, False))
    assert read_pair(replace(ABOVE, measure="pvalue"), found, NOW, 0).values == ((NOW, 0.01),)
    assert read_pair(replace(ABOVE, measure="half_life"), found, NOW, 0).values == ((NOW, 12.5),)
    assert read_pair(replace(ABOVE, measure="age_x"), found, NOW, 0).values == ((NOW, 12.0),)
    assert read_pair(replace(ABOVE, measure="age_y"), found, NOW, 0).missing == "the leg has not traded yet"
    assert read_pair(replace(ABOVE, measure="price_y"), found, NOW, 0).values == ((NOW, 1.0),)


def flow(values: Sequence[float], column: str = "vpin") -> dict[str, Any]:
    """Closed bars of a leg that end now."""
    times = NOW - SECOND * np.arange(len(values) - 1, -1, -1, dtype=np.int64)
    return {"time_ns": times, column: np.array(values, dtype=float)}


def test_flow_of_a_leg() -> None:
    rule = replace(ABOVE, measure="vpin_x", level=0.6, clear=0.4)
    assert leg_of(rule) == LegSpec("BTCUSDT", PAIR.interval_ns, PAIR.window)
    assert leg_of(replace(rule, measure="vpin_y")) == LegSpec("ETHUSDT", PAIR.interval_ns, PAIR.window)
    assert leg_of(ABOVE) is None
    assert read_flow(rule, flow([0.1, 0.7]), 0).values == ((NOW, 0.7),)
    assert [value for _, value in read_flow(rule, flow([0.1, 0.7, 0.3]), NOW - 2 * SECOND).values] == [0.7, 0.3]
    assert read_flow(rule, None, 0).missing == "models are being compiled"
    assert read_flow(rule, flow([]), 0).missing == "no bar has closed yet"
    assert read_flow(rule, flow([math.nan]), 0).missing == "not enough bars with trades yet"
    of_book = replace(rule, measure="quoted_spread_x")
    assert read_flow(of_book, flow([math.nan], "quoted_spread_bps"), 0).missing == "no book of this leg is known"
    assert measure_name("depth_y", PAIR) == "depth of ETHUSDT within 5 bps"
    assert (
        "quoted spread of BTCUSDT is 2.5 bps (above 0.6 bps) on the bar"
        in alert_of(of_book, 2.5, NOW, context(), NOW).sentence
    )


def test_every_measure_of_flow_is_a_column_of_a_leg() -> None:
    table = analyse_leg(Trades(*np.array([[1], [1], [1], [0]])), LegSpec("A", bucket=1.0))
    of_flow = {each.source.partition(".")[2] for each in MEASURES.values() if each.kind == "flow"}
    assert of_flow <= table.keys()


def test_silence_of_the_feed() -> None:
    assert read_feed(health(NOW - 40 * SECOND), NOW, NOW - 90 * SECOND).values == ((NOW, 40.0),)
    assert read_feed(health(0), NOW, NOW - 90 * SECOND).values == ((NOW, 90.0),)  # it never came
    assert read_feed(health(NOW + SECOND), NOW, 0).values == ((NOW, 0.0),)  # the venue's clock is ahead


@pytest.mark.parametrize("model", ["ols", "kalman", "huber", "tls"])
def test_every_measure_exists_in_every_model(model: Any) -> None:
    columns = pair_columns(replace(PAIR, model=model), align(empty_bars(), empty_bars(), SECOND), {})
    of_columns = {name: each.source for name, each in MEASURES.items() if each.kind in ("column", "detector")}
    missing = [name for name, source in of_columns.items() if source not in columns]
    assert missing == []


def test_sentences() -> None:
    alert = alert_of(OUTSIDE, -2.31, NOW, context(recorded=True), NOW)
    assert alert.sentence == (
        "ETHUSDT on BTCUSDT (1s bars, OLS 100, log prices): z-score is −2.31 (outside ±2) on the bar that closed at "
        "22:13:20 UTC. Recorded trades, not live ones."
    )
    old = alert_of(replace(ABOVE, measure="age_x", level=10.0), 12.0, NOW, context(), NOW).sentence
    assert old.endswith("time since the last trade of BTCUSDT is 12 s (above 10 s).")
    stalled = health(0, "stalled", "nothing came for 20 s")
    alert = alert_of(FEED, 34.2, NOW, context(feed=stalled, recorded=True), NOW)
    assert alert.sentence == "No trade for 34 s (level 30 s). Binance USD-M is stalled. nothing came for 20 s."
    assert alert.recorded is False  # the feed that is watched is the live one
    assert measure_name("price_x") == "price of x"


def test_facts_hold_only_what_json_knows() -> None:
    alert = alert_of(replace(ABOVE, measure="half_life"), math.inf, NOW, context(), NOW)
    assert "half-life is ∞ bars" in alert.sentence
    assert alert.facts()["value"] is None
    assert alert.facts()["time"] == "2023-11-14T22:13:20.000Z"
    assert alert.note() == {
        "id": f"a-{NOW}",
        "time_ms": NOW // 10**6,
        "title": "z is high",
        "text": alert.sentence,
        "tone": "warn",
    }


@pytest.mark.parametrize(("value", "text"), [(-1e-7, "−1e-07"), (1.23456789, "1.2346"), (-math.inf, "−∞")])
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize("when", ["above", "below", "outside"])
def test_distance_is_zero_at_the_level(when: When) -> None:
    rule = {"above": ABOVE, "below": BELOW, "outside": OUTSIDE}[when]
    assert rule.distance(rule.level) == 0
    assert math.isnan(rule.distance(math.nan))
    assert not rule.is_beyond(math.nan)
    assert not rule.is_clear(math.nan)
