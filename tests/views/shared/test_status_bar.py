"""The line above every page: what it says of the feed and of paper runs, and how often it is looked at."""

import math
from types import SimpleNamespace
from typing import Any

import pytest

from runtime.channel.topics import Topic
from views.component import Card
from views.shared import status_bar
from views.shared.status_bar import StatusFrames, clock_of, side_of, status_frame

NOW_NS = 1_700_000_000_000_000_000


def system_of(state: str = "live", kind: str = "live", runs: tuple[Any, ...] = (), *, heard_ns: int = NOW_NS) -> Any:
    health = SimpleNamespace(state=state, reason="as it is", last_message_ns=heard_ns)
    pipeline = SimpleNamespace(
        kind=kind, health=health, venue="binance-usdm", title="Binance USDS-M Futures", now_ns=lambda: NOW_NS
    )
    settings = SimpleNamespace(replay_speed=2.0, venue="binance-usdm")
    return SimpleNamespace(
        pipeline=pipeline, settings=settings, failure="", paper=SimpleNamespace(runs=lambda: list(runs))
    )


def run(name: str, status: str = "running", positions: tuple[float, ...] = (-1.0, 2.0), equity: float = 1_012.5) -> Any:
    strategy = SimpleNamespace(name="z-score ETHUSDT/BTCUSDT")
    definition = SimpleNamespace(strategy=strategy, capital=1_000.0)
    return SimpleNamespace(
        id=name, status=status, definition=definition, positions=positions, equity=equity, trades="live"
    )


def shown(system: Any) -> list[Card]:
    return [dict(card) for card in status_frame(system).cards]  # type: ignore[misc]


def test_a_live_feed_is_fine_and_ages_from_its_last_message() -> None:
    [feed] = shown(system_of())
    assert (feed["value"], feed["label"], feed["tone"]) == ("Feed live", "Binance USDS-M Futures", "ok")
    assert (feed["at"], feed["limit"], feed["late"]) == ("1700000000000", "2000", "silent")


@pytest.mark.parametrize("state", ["connecting", "stalled", "blocked", "stopped"])
def test_a_feed_that_carries_no_trades_is_cut(state: str) -> None:
    [feed] = shown(system_of(state))
    assert (feed["value"], feed["tone"], feed["late"]) == (f"Feed {state}", "warn", "cut")


def test_a_feed_that_never_said_anything_is_not_lost_since_1970() -> None:
    [feed] = shown(system_of("connecting", heard_ns=0))
    assert (feed["at"], feed["late"]) == ("", "silent")


def test_a_recording_is_never_called_live() -> None:
    [feed] = shown(system_of(kind="replay"))
    assert (feed["value"], feed["tone"]) == ("Recorded trades, not live", "warn")


def test_without_a_feed_it_says_why() -> None:
    system = system_of()
    system.pipeline, system.failure = None, "Another process has the tape"
    [feed] = shown(system)
    assert (feed["value"], feed["label"], feed["at"]) == ("No feed", "Another process has the tape", "")


def test_runs_that_go_on_stand_beside_it_with_side_and_profit() -> None:
    runs = (run("b"), run("a", "stopped"), run("c", positions=(0.0, 0.0), equity=math.nan))
    _, short, flat = shown(system_of(runs=runs))
    assert (short["id"], short["label"], short["sub"], short["value"], short["tone"]) == (
        "run-b",
        "z-score ETHUSDT/BTCUSDT",
        "short",
        "+12.50",
        "short",
    )
    assert (flat["id"], flat["sub"], flat["value"], flat["tone"]) == ("run-c", "flat", "–", "flat")


@pytest.mark.parametrize(
    ("positions", "side"),
    [
        ((1.0, -2.0), "long"),
        ((-1.0, 2.0), "short"),
        ((0.0, 0.0), "flat"),
        ((0.0, 2.0), "one leg"),
        ((1.0, 0.0, -1.0), "2 of 3 held"),
    ],
)
def test_what_a_run_holds_in_a_word(positions: tuple[float, ...], side: str) -> None:
    assert side_of(run("a", positions=positions)) == side


def test_the_clock_is_that_of_the_trades() -> None:
    assert clock_of(system_of().pipeline, 2.0) == (NOW_NS / 1e6, 1.0)
    assert clock_of(system_of(kind="replay").pipeline, 2.0) == (NOW_NS / 1e6, 2.0)
    assert clock_of(system_of(kind="replay").pipeline, math.inf) == (NOW_NS / 1e6, 0.0)


def test_it_is_looked_at_twice_a_second_at_most_and_told_once_a_second_at_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 100.0
    monkeypatch.setattr(status_bar, "time", SimpleNamespace(monotonic=lambda: now_s))
    looks: list[int] = []
    system = system_of()

    def runs() -> list[Any]:
        looks.append(1)
        return []

    system.paper.runs = runs
    frames = StatusFrames(system)
    topic = Topic("status", frames.frame, lambda: now_s)
    messages = 0
    for _ in range(100):  # two seconds of a fast market, a look each 20 ms
        messages += topic.advance() is not None
        now_s += 0.02
    assert len(looks) == 4
    assert 2 <= messages <= 4
