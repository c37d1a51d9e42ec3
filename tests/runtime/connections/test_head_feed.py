"""What is fetched of before a tape goes on in it without a gap and without a double, whatever REST does."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from alphastream.bars import Bars, aggregate
from alphastream.events import Tick
from alphastream.feeds import FEEDS
from alphastream.heads import Head, Need, Seam
from alphastream.streaming.tape_bars import TapeBars
from runtime.connections.head_feed import HeadFeed
from storage import TickStore
from tests.runtime.connections.feed_runs import until
from tools.exchange import LateAnswer, LocalExchange, Refuse418, Refuse429, Stepped

SECOND: Final = 10**9
MINUTE: Final = 60 * SECOND
PLAYED: Final = 150_000
SYMBOL: Final = "binance-usdm:BTCUSDT"


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(pace=Stepped(), loop=True, already_played=PLAYED) as opened:
        yield opened


def all_trades(exchange: LocalExchange, symbol: str = "BTCUSDT") -> list[Tick]:
    """Everything that the exchange has played of a symbol."""
    playback = exchange.playback
    return [
        Tick(SYMBOL, each.id, float(each.price_text), float(each.quantity_text), each.time_ns, 0, each.buyer_is_maker)
        for each in playback.of_symbol(symbol, 0, playback.count(symbol))
    ]


def bars_of(ticks: list[Tick], interval_ns: int) -> Bars:
    """What a tape without any gap would have made."""
    time_ns, price, quantity, sold = (
        np.array([getattr(tick, name) for tick in ticks]) for name in ("time_ns", "price", "quantity", "buyer_is_maker")
    )
    return aggregate(time_ns, price, quantity, interval_ns, sold)


def head_feed(exchange: LocalExchange, now_ns: int, timeout_s: float = 2.0) -> HeadFeed:
    codec = FEEDS["binance-usdm"].fresh(rest_url=exchange.rest_url)
    return HeadFeed(codec, now_ns=lambda: now_ns, timeout_s=timeout_s)


def fetched(feed: HeadFeed, interval_ns: int, need: Need, symbol: str = SYMBOL) -> Head:
    """The head, once nothing is missing any more."""

    def is_there() -> bool:
        feed.ask(symbol, interval_ns, need)
        feed.step(time.monotonic())
        head = feed.ask(symbol, interval_ns, need)
        return head is not None and not feed.progress(symbol, interval_ns).is_fetching

    until(is_there)
    head = feed.ask(symbol, interval_ns, need)
    assert head is not None
    return head


def step_until(feed: HeadFeed, now_s: float, condition: Callable[[], bool]) -> None:
    """Let the feed work as if it were ``now_s`` until something has come true."""

    def is_so() -> bool:
        feed.step(now_s)
        return condition()

    until(is_so)


def same_bars(got: Bars, expected: Bars) -> None:
    """Prices bit for bit, volume to the rounding of a sum."""
    np.testing.assert_array_equal(got.start_ns, expected.start_ns)
    for name in ("open", "high", "low", "close"):
        np.testing.assert_array_equal(getattr(got, name), getattr(expected, name), name)
    for name in ("volume", "buy_volume"):
        np.testing.assert_allclose(getattr(got, name), getattr(expected, name), rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("interval_ns", [SECOND, 5 * SECOND, MINUTE, 5 * MINUTE])
@pytest.mark.parametrize("begins", [0.35, 0.8])
def test_head_and_tape_are_the_bars_of_all_trades(
    exchange: LocalExchange, tmp_path: Path, interval_ns: int, begins: float
) -> None:
    ticks = all_trades(exchange)
    first = int(len(ticks) * begins)
    now_ns = ticks[-1].time_ns + 10 * MINUTE
    with TickStore(tmp_path / "ticks.db") as store:
        store.append(ticks[first:])
        bars = TapeBars(store, 50_000)
        bars.follow(SYMBOL, interval_ns, now_ns)
        oldest_ns = ticks[0].time_ns if interval_ns >= MINUTE else ticks[max(first - 9_000, 0)].time_ns
        need = Need(ticks[0].time_ns - MINUTE, oldest_ns, bars.seam(SYMBOL, interval_ns))
        head = fetched(head_feed(exchange, now_ns), interval_ns, need)
        bars.put_head(SYMBOL, interval_ns, head, now_ns)
        expected = bars_of(ticks, interval_ns)
        got = bars.bars(SYMBOL, interval_ns)
        if head.source == "trades":
            expected = expected.take(slice(int(np.searchsorted(expected.start_ns, head.from_ns)), None))
            assert head.from_ns <= ticks[first].time_ns - (ticks[first].time_ns - oldest_ns) * 0.9
        same_bars(got, expected)


def test_trades_that_come_late_before_the_seam_do_not_count_twice(exchange: LocalExchange, tmp_path: Path) -> None:
    ticks = all_trades(exchange)
    first, now_ns = len(ticks) // 2, ticks[-1].time_ns + 10 * MINUTE
    with TickStore(tmp_path / "ticks.db") as store:
        store.append(ticks[first:-500])
        bars = TapeBars(store, 50_000)
        bars.follow(SYMBOL, MINUTE, now_ns)
        need = Need(ticks[0].time_ns - MINUTE, ticks[0].time_ns, bars.seam(SYMBOL, MINUTE))
        bars.put_head(SYMBOL, MINUTE, fetched(head_feed(exchange, now_ns), MINUTE, need), now_ns)
        bars.pull(now_ns)
        store.append(ticks[first - 4_000 : first])  # the feed has healed a gap
        bars.pull(now_ns)
        store.append(ticks[-500:])
        bars.pull(now_ns)
        same_bars(bars.bars(SYMBOL, MINUTE), bars_of(ticks, MINUTE))


def test_a_hole_of_a_night_is_covered_once_trades_arrive_again(exchange: LocalExchange, tmp_path: Path) -> None:
    ticks = all_trades(exchange)
    evening, morning, now_ns = len(ticks) // 4, len(ticks) * 3 // 4, ticks[-1].time_ns + 10 * MINUTE
    with TickStore(tmp_path / "ticks.db") as store:
        store.append(ticks[:evening])
        bars = TapeBars(store, 50_000)
        bars.follow(SYMBOL, MINUTE, now_ns)
        before = bars.seam(SYMBOL, MINUTE)
        store.append(ticks[morning:])
        bars.pull(now_ns)
        seam = bars.seam(SYMBOL, MINUTE)
        assert before.first_id == ticks[0].id
        assert seam.first_id == ticks[morning].id
        need = Need(ticks[0].time_ns - MINUTE, ticks[0].time_ns, seam)
        bars.put_head(SYMBOL, MINUTE, fetched(head_feed(exchange, now_ns), MINUTE, need), now_ns)
        same_bars(bars.bars(SYMBOL, MINUTE), bars_of(ticks, MINUTE))


def test_what_was_fetched_is_not_fetched_again_and_grows_to_a_later_seam(exchange: LocalExchange) -> None:
    ticks = all_trades(exchange)
    now_ns, middle = ticks[-1].time_ns + 10 * MINUTE, ticks[len(ticks) // 2].time_ns // MINUTE * MINUTE
    feed = head_feed(exchange, now_ns)
    first = fetched(feed, MINUTE, Need(ticks[0].time_ns, ticks[0].time_ns, Seam(middle, 1, middle)))
    asked = len(exchange.requests)
    assert fetched(feed, MINUTE, Need(ticks[0].time_ns, ticks[0].time_ns, Seam(middle, 1, middle))) is first
    assert len(exchange.requests) == asked
    later = Need(ticks[0].time_ns + MINUTE, ticks[0].time_ns, Seam(middle + 3 * MINUTE, 1, middle))

    def has_grown() -> bool:
        feed.step(time.monotonic())
        head = feed.ask(SYMBOL, MINUTE, later)
        return head is not None and head.until_ns == middle + 3 * MINUTE

    until(has_grown)
    assert len(exchange.requests) == asked + 1
    grown = fetched(feed, MINUTE, later)
    expected = bars_of(ticks, MINUTE)
    inside = (expected.start_ns >= grown.from_ns) & (expected.start_ns < grown.until_ns)
    same_bars(grown.bars, expected.take(np.flatnonzero(inside)))


@pytest.mark.parametrize("kind", [Refuse429, Refuse418])
def test_a_refusal_is_said_and_waited_out(exchange: LocalExchange, kind: type[Refuse429]) -> None:
    exchange.inject(kind(on=["rest"], times=1, retry_after_s=12))
    feed = head_feed(exchange, time.time_ns())
    need = Need(0, 0, Seam(5 * MINUTE, 1, 5 * MINUTE))

    def is_refused() -> bool:
        feed.ask(SYMBOL, MINUTE, need)
        feed.step(time.monotonic())
        return bool(feed.progress(SYMBOL, MINUTE).trouble)

    until(is_refused)
    assert "too many requests" in feed.progress(SYMBOL, MINUTE).trouble
    asked = len(exchange.requests)
    feed.step(time.monotonic() + 10.0)
    assert len(exchange.requests) == asked, "not before the venue allows it"
    feed.ask(SYMBOL, MINUTE, need)
    step_until(feed, time.monotonic() + 13.0, lambda: len(exchange.requests) > asked)


def test_an_answer_that_does_not_come_is_said_and_asked_for_again(exchange: LocalExchange) -> None:
    exchange.inject(LateAnswer(path="/klines", delay_s=5.0, times=1))
    feed = head_feed(exchange, time.time_ns(), timeout_s=0.3)
    need = Need(0, 0, Seam(5 * MINUTE, 1, 5 * MINUTE))

    def is_said() -> bool:
        feed.ask(SYMBOL, MINUTE, need)
        feed.step(time.monotonic())
        return "did not answer in time" in feed.progress(SYMBOL, MINUTE).trouble

    until(is_said)
    step_until(feed, time.monotonic() + 6.0, lambda: feed.ask(SYMBOL, MINUTE, need) is not None)


def test_what_nobody_asks_for_any_more_is_not_fetched(exchange: LocalExchange) -> None:
    feed = head_feed(exchange, time.time_ns())
    feed.ask(SYMBOL, MINUTE, Need(0, 0, Seam(100_000 * MINUTE, 1, 5 * MINUTE)))
    feed.step(time.monotonic())
    assert feed.progress(SYMBOL, MINUTE).is_fetching
    feed.step(time.monotonic() + 20.0)
    assert not feed.progress(SYMBOL, MINUTE).is_fetching
    assert len(exchange.requests) <= 4
