"""Cards say what is known, in few words, and nothing where nothing is known."""

from dataclasses import replace

import numpy as np
import pytest

from alphastream.bars import PairRows
from alphastream.cointegration import Cointegration
from alphastream.events import Tick
from alphastream.pairs import MODELS, Model, PairAnalytics, PairSpec, Progress, analyse
from views.component import Card
from views.shared.cards import evidence_card, make_card, newest, pair_cards, result_cards
from views.shared.fill_cost import hedge_notional
from views.shared.readiness import ready_cards

SECOND = 10**9
SPEC = PairSpec("ETHUSDT", "BTCUSDT", window=40)
NOW = 700 * SECOND
MAX_TEXT = {"signal": 76}  # the card of two columns
LONGEST = 36
LIVE = make_card("feed", "Feed", "live", "a venue", "ok", "Trades arrive from the venue itself.")


def rows(count: int = 600) -> PairRows:
    """A pair whose spread reverts within a few bars."""
    rng = np.random.default_rng(4)
    x = 60_000.0 * np.exp(np.cumsum(rng.normal(size=count)) * 2e-4)
    spread = np.zeros(count)
    for row in range(1, count):
        spread[row] = 0.8 * spread[row - 1] + rng.normal() * 1e-3
    y = 2_600.0 * (x / 60_000.0) ** 0.8 * np.exp(spread)
    age, volume = np.zeros(count, dtype=np.int64), np.ones(count)
    return PairRows(np.arange(1, count + 1) * SECOND, y, x, age, age, volume, volume, age - 1, age - 1)


def answer(spec: PairSpec = SPEC, age_s: float = 0.4) -> PairAnalytics:
    ticks = [Tick(leg, 7, price, 0.1, NOW - int(age_s * SECOND), 0, False) for leg, price in (("Y", 1.0), ("X", 2.0))]
    return replace(analyse(rows(), spec), last_y=ticks[0], last_x=ticks[1])


def with_last(found: PairAnalytics, **values: float) -> PairAnalytics:
    """The answer with other values on its last closed bar."""
    closed = {name: column.copy() for name, column in found.closed.items()}
    for name, value in values.items():
        closed[name][-1] = value
    return replace(found, closed=closed)


def by_id(cards: list[Card]) -> dict[str, Card]:
    assert len({card["id"] for card in cards}) == len(cards)
    return {card["id"]: card for card in cards}


def live(found: PairAnalytics | None, spec: PairSpec = SPEC) -> dict[str, Card]:
    return by_id(pair_cards(found, spec, {}, NOW))


def checks(found: PairAnalytics | None, feed: Card = LIVE, spec: PairSpec = SPEC, cost: float = 8.0) -> dict[str, Card]:
    return by_id(ready_cards(found, spec, feed, NOW, cost))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("price", ["log", "price"])
def test_every_card_says_what_it_means_in_a_line_that_fits(model: Model, price: str) -> None:
    spec = replace(SPEC, model=model, price=price)  # type: ignore[arg-type]
    cards = [*pair_cards(answer(spec), spec, {}, NOW), *ready_cards(answer(spec), spec, LIVE, NOW)]
    for card in cards:
        assert len(card["title"]) > 30, card["id"]
        assert card["value"] not in ("", "nan")
        assert len(card["sub"]) <= MAX_TEXT.get(card["id"], LONGEST), card
        assert "nan" not in card["value"] + card["sub"]


def test_without_an_answer_values_are_empty_and_nothing_is_ready() -> None:
    assert {card["value"] for card in live(None).values()} == {""}
    assert list(live(None)) == list(live(answer()))
    found = checks(None)
    assert found["ready"]["value"] == "1 of 5"  # the feed
    assert found["ready-calibrated"]["tone"] == "warn"
    assert found["ready-edge"]["tone"] == found["ready-fresh"]["tone"] == "flat"


def test_calibration_is_counted() -> None:
    early = replace(answer(), calibration=(Progress("hedge ratio", 37, 40), Progress("z-score", 0, 40)))
    assert live(early)["signal"]["value"] == "Calibrating 37/40"
    assert live(early)["zscore"]["value"] == "–"
    assert live(early)["signal"]["sub"] == "hedge ratio, ready at 00:11 UTC"
    assert checks(early)["ready-calibrated"]["sub"] == "37/40, ready at 00:11 UTC"


def test_a_z_score_that_settles_is_shown_and_not_acted_upon() -> None:
    steps = (Progress("hedge ratio", 40, 40), Progress("settling", 90, 360))
    early = replace(with_last(answer(), zscore=2.6), calibration=steps)
    found = live(early)
    assert (found["zscore"]["value"], found["zscore"]["sub"]) == ("+2.60", "settling 90/360")
    assert found["zscore"]["tone"] == "neutral"
    assert found["signal"]["value"] == "Calibrating 90/360"
    assert found["trigger"]["value"] == "–"
    assert checks(early)["ready-calibrated"]["sub"] == "90/360, ready at 00:14 UTC"


def test_while_models_are_compiled_nothing_pretends_to_calibrate() -> None:
    early = replace(answer(), computed=False, calibration=(Progress("hedge ratio", 39, 40),))
    found = by_id(pair_cards(early, SPEC, {}, NOW, "5 of 18, about 20 s"))
    assert (found["signal"]["value"], found["signal"]["sub"]) == (
        "Compiling",
        "models are being compiled: 5 of 18, about 20 s",
    )
    assert live(early)["signal"]["sub"] == "models are being loaded"
    assert (found["zscore"]["value"], found["zscore"]["sub"]) == ("–", "being compiled")
    assert checks(early)["ready-calibrated"]["sub"] == "models being compiled"
    for card in (*found.values(), *checks(early).values()):
        assert len(card["sub"]) <= MAX_TEXT.get(card["id"], LONGEST), card


@pytest.mark.parametrize(
    ("position", "z", "value", "sub"),
    [
        (0.0, 1.25, "0.75 std", "short at +2"),
        (0.0, -1.25, "0.75 std", "long at -2"),
        (0.0, 2.5, "reached", "short at +2, if the bar closes here"),
        (-1.0, 1.5, "1.00 std", "exit at +0.5"),
        (1.0, -1.5, "1.00 std", "exit at -0.5"),
        (1.0, 0.3, "reached", "exit at -0.5, if the bar closes here"),
    ],
)
def test_the_distance_to_what_comes_next(position: float, z: float, value: str, sub: str) -> None:
    found = with_last(answer(), position=position, zscore=z, spread_std=1e-3)
    card = live(found)["trigger"]
    assert card["value"] == value
    assert card["sub"].startswith(sub)
    if value != "reached":
        assert card["sub"].endswith(f"{float(value.split()[0]) * 10:.1f} bps away")


@pytest.mark.parametrize(
    ("position", "ratio", "words"),
    [
        (1.0, 0.8, "long 1 notional of ETHUSDT, short 0.8 notional of BTCUSDT"),
        (-1.0, 0.8, "short 1 notional of ETHUSDT, long 0.8 notional of BTCUSDT"),
        (1.0, -0.3, "long 1 notional of ETHUSDT, long 0.3 notional of BTCUSDT"),
    ],
)
def test_a_signal_names_both_legs_and_their_sides(position: float, ratio: float, words: str) -> None:
    card = live(with_last(answer(), position=position, hedge_ratio=ratio))["signal"]
    assert card["sub"] == words
    assert card["tone"] == ("long" if position > 0 else "short")


def test_a_price_keeps_its_decimals_where_the_venue_did_not_tell_them() -> None:
    found = answer()
    closed = {**found.closed, "y": np.round(found.closed["y"], 2)}
    tick = Tick("ETHUSDT", 8, 2_680.0, 0.1, NOW, 0, True)
    card = live(replace(found, closed=closed, last_y=tick))["price-y"]
    assert card["value"] == "2,680.00"
    assert "sold by the taker" in card["title"]


def test_the_forming_bar_counts_as_now() -> None:
    found = with_last(answer(), zscore=1.0)
    forming = {name: column[-1:] + 0 for name, column in found.closed.items()} | {"zscore": np.array([1.6])}
    assert newest(replace(found, forming=forming), "zscore") == 1.6
    forming["zscore"] = np.array([np.nan])
    assert newest(replace(found, forming=forming), "zscore") == 1.0


def test_a_pair_that_reverts_is_ready_when_it_pays() -> None:
    found = with_last(answer(), zscore=2.4, spread_std=1e-3, relation=1.0)
    fills = 2.0 * (1.0 + hedge_notional(found, SPEC))  # of a round trip, in notionals of y
    ready = checks(found, cost=18.9 / fills)
    assert {name: card["tone"] for name, card in ready.items()} == dict.fromkeys(ready, "ok")
    assert ready["ready"]["value"] == "5 of 5"
    assert ready["ready-edge"]["sub"] == "19.0 bps, cost 18.9"
    assert all(card["group"] == "ready" for card in ready.values())
    dear = checks(found, cost=19.1 / fills)
    assert dear["ready-edge"]["tone"] == "warn"
    assert dear["ready"]["value"] == "4 of 5"
    assert dear["ready"]["sub"] == "missing: edge"


def test_an_edge_on_prices_is_in_bps_of_y() -> None:
    spec = replace(SPEC, price="price")
    found = with_last(answer(spec), zscore=-2.5, spread_std=2.6, y=2_600.0)
    cost = 8.0 / (2.0 * (1.0 + hedge_notional(found, spec)))
    assert checks(found, spec=spec, cost=cost)["ready-edge"]["sub"] == "20.0 bps, cost 8"


@pytest.mark.parametrize(
    ("bars", "tone", "value"),
    [
        (1.9, "warn", "too fast"),
        (2.0, "ok", "yes"),
        (10.0, "ok", "yes"),
        (10.1, "warn", "too slow"),
    ],
)
def test_a_half_life_has_two_limits(bars: float, tone: str, value: str) -> None:
    found = replace(with_last(answer(), relation=1.0), cointegration=Cointegration(500, -4.0, 0.01, 1, bars))
    card = checks(found)["ready-reverts"]
    assert (card["tone"], card["value"]) == (tone, value)


def test_one_look_at_a_test_is_not_enough() -> None:
    """Walks pass a test of the newest bars at some time of every day; the evidence of all looks must agree."""
    found = replace(with_last(answer(), relation=0.0), cointegration=Cointegration(500, -4.0, 0.01, 1, 6.0))
    card = checks(found)["ready-reverts"]
    assert (card["tone"], card["value"]) == ("warn", "one look")


def test_evidence_says_what_was_shown_since_the_start() -> None:
    found = with_last(answer(), evidence_p=3e-7, evidence_rows=1_234.0, relation=1.0, ended=0.0)
    card = evidence_card(found)
    assert (card["value"], card["sub"], card["tone"]) == ("< 0.0001", "relation shown, 1,234 bars", "ok")
    card = evidence_card(with_last(found, relation=0.0, ended=1.8e6))
    assert (card["sub"], card["tone"]) == ("relation ended, 1,234 bars", "warn")
    card = evidence_card(with_last(found, relation=0.0, evidence_p=0.2))
    assert (card["value"], card["sub"], card["tone"]) == ("0.200", "relation not shown, 1,234 bars", "flat")
    card = evidence_card(with_last(found, evidence_p=0.988))
    assert (card["value"], card["sub"], card["tone"]) == ("0.988", "a relation began later, 1,234 bars", "ok")
    card = evidence_card(with_last(found, evidence_p=np.nan))
    assert (card["value"], card["sub"]) == ("–", "needs 100 bars with trades of both")


def test_a_half_life_is_shown_as_time_at_the_pace_of_the_tested_bars() -> None:
    """With legs that trade rarely 11.3 rows of 1 s bars are no 11 seconds."""
    test = Cointegration(
        *(500, -4.0, 0.01, 1, 11.3), half_life_low=8.04, half_life_high=np.inf, span_s=1_148.0, hedge_ratio=0.8
    )
    card = live(replace(answer(), cointegration=test))["half-life"]
    assert (card["value"], card["sub"]) == ("26 s", "11.3 bars, 95 %: 8.0 to ∞")


def test_windows_say_how_long_they_are() -> None:
    assert live(answer())["correlation"]["sub"] == "40 bars, 40 s"
    sparse = answer()
    closed = {**sparse.closed, "time_ns": sparse.closed["time_ns"] * 30}
    assert live(replace(sparse, closed=closed))["correlation"]["sub"] == "40 bars, 20 min"


def test_a_verdict_on_another_ratio_than_the_one_drawn_is_no_green_light() -> None:
    """A pair is cointegrated at a ratio; where the spread on the page has another one, both are named."""
    test = Cointegration(500, -4.0, 0.01, 1, 11.3, hedge_ratio=-2.29)
    card = live(with_last(replace(answer(), cointegration=test), hedge_ratio=1.22))["cointegration"]
    assert (card["tone"], card["sub"]) == ("warn", "at a ratio of -2.29, not 1.22")
    hedge = live(with_last(replace(answer(), cointegration=test), hedge_ratio=1.22))["hedge"]
    assert (hedge["value"], hedge["sub"]) == ("1.2200", "notional; test's fixed -2.29")
    near = live(with_last(replace(answer(), cointegration=test), hedge_ratio=-2.0))["cointegration"]
    assert (near["tone"], near["sub"]) == ("ok", "cointegrated, 500 bars")


def test_what_cannot_be_tested_is_unknown_and_says_why() -> None:
    found = replace(answer(), cointegration=Cointegration(12, refusal="need 30 bars, have 12"))
    ready = checks(found)
    assert ready["ready-reverts"]["tone"] == "flat"
    assert "need 30 bars" in ready["ready-reverts"]["title"]
    assert "need 30 bars" in live(found)["cointegration"]["title"]
    rare = replace(answer(), cointegration=Cointegration(90, refusal="too few", suggested_interval_ns=60 * SECOND))
    assert live(rare)["cointegration"]["sub"] == "try bars of 1m"
    never = replace(answer(), cointegration=Cointegration(500, -1.0, 0.8, 1, np.inf))
    assert checks(never)["ready-reverts"]["value"] == "not shown"
    assert live(never)["half-life"]["value"] == "∞"


def test_old_legs_and_a_feed_that_is_not_live_are_marked() -> None:
    assert checks(answer(age_s=1.9))["ready-fresh"]["tone"] == "ok"
    assert checks(answer(age_s=2.1))["ready-fresh"]["tone"] == "warn"
    minute = replace(SPEC, interval_ns=60 * SECOND)
    assert checks(answer(age_s=9.9), spec=minute)["ready-fresh"]["tone"] == "ok"
    assert live(answer(age_s=11.0))["price-y"]["tone"] == "warn"
    replay = make_card("feed", "Feed", "replay", "recorded trades", "warn", "")
    assert checks(answer(), replay)["ready-feed"]["tone"] == "warn"


def test_history_shows_what_was_computed_alone() -> None:
    shown = by_id(result_cards(answer(), SPEC))
    assert not {"price-y", "price-x", "trigger"} & set(shown)
    assert shown["cointegration"]["tone"] == "ok"


def test_the_result_of_the_open_signal_is_that_of_its_closed_bars_and_the_forming_one_is_apart() -> None:
    found = answer()
    n = len(found.closed["time_ns"])
    position = np.where(np.arange(n) >= n - 3, -1.0, 0.0)
    y, x = found.closed["y"].copy(), found.closed["x"].copy()
    y[-3:], x[-3:] = (100.0, 100.0, 99.9), (50.0, 50.0, 50.0)
    ratio = np.full(n, 0.5)  # four fills of 2 bps: 2 * 2 * (1 + 0.5) = 6 of y's notional
    forming = {**found.forming, "y": np.array([99.95]), "x": np.array([50.0])}
    found = replace(
        found, closed={**found.closed, "position": position, "y": y, "x": x, "hedge_ratio": ratio}, forming=forming
    )
    card = by_id(pair_cards(found, SPEC, {}, NOW, fill_cost_bps=2.0))["result"]
    assert card["value"] == "+10.0 bps gross"
    assert card["sub"] == "+4.0 after cost; forming +5.0"
    assert card["label"].startswith("Short since ")
    assert card["tone"] == "short"
    closed = replace(found, closed={**found.closed, "position": np.append(position[:-1], 0.0)})
    ended = by_id(pair_cards(closed, SPEC, {}, NOW, fill_cost_bps=5.0))["result"]
    assert ended["label"].startswith("Last: short ")
    assert (ended["value"], ended["sub"], ended["tone"]) == ("+10.0 bps gross", "-5.0 after cost; closed", "neutral")
    none = replace(found, closed={**found.closed, "position": np.zeros(n)})
    assert by_id(pair_cards(none, SPEC, {}, NOW))["result"]["value"] == "–"
    always = replace(found, closed={**found.closed, "position": np.full(n, -1.0)})
    assert by_id(pair_cards(always, SPEC, {}, NOW))["result"]["sub"] == "it began before the bars that are held"


def test_what_ages_carries_its_moment_and_what_it_says_when_nobody_is_heard() -> None:
    leg = by_id(pair_cards(answer(), SPEC, {}, NOW))["price-y"]
    assert leg["sub"] == "{age} ago"
    assert (leg["at"], leg["limit"], leg["late"]) == (f"{(NOW - 0.4 * SECOND) / 1e6:.0f}", "10000", leg["value"])
    fresh = checks(answer())["ready-fresh"]
    assert (fresh["late"], fresh["lost"], fresh["limit"]) == ("old", "old", "2000")
    assert fresh["sub"] == "{age}, limit 2 s"
    assert by_id(ready_cards(answer(), SPEC, LIVE, NOW))["ready"]["lost"] == "unknown"
