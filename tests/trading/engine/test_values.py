"""Moments, events, bars, pairs, signals and the token bucket."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.trading import (
    BarEvent,
    BaseTradingSignal,
    Event,
    InvalidBar,
    OrderOperation,
    Pair,
    PairBar,
    PairInfo,
    Position,
    PrecisionMode,
    TokenBucketLimiter,
    TradingSignal,
    TradingSignalSource,
    backtesting_dispatcher,
    local_now,
    round_decimal,
    truncate_decimal,
    utc_now,
)
from tests.trading.engine.tapes import Mark, queue, run

BTC, ETH = Pair("BTC", "USDT"), Pair("ETH", "USDT")
WHEN = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@given(st.datetimes(datetime(1678, 1, 1), datetime(2262, 1, 1), timezones=st.timezones()))  # noqa: DTZ001 bounds are naive
def test_moments_survive(when: datetime) -> None:
    event = Event(when)
    assert event.when is when
    assert Event(event.when_ns).when == when.astimezone(UTC)
    assert event.when_ns % 1000 == 0


def test_events_from_integers() -> None:
    event = Event(1_500_000_000_123_456_789)
    assert event.when_ns == 1_500_000_000_123_456_789
    assert event.when == datetime(2017, 7, 14, 2, 40, 0, 123456, tzinfo=UTC)
    assert Event(np.int64(5)).when_ns == 5  # type: ignore[arg-type]
    assert repr(Event(0)) == "Event(1970-01-01T00:00:00+00:00)"


def test_moments_in_other_zones_are_the_same_instant() -> None:
    east = WHEN.astimezone(timezone(timedelta(hours=9)))
    assert Event(east).when_ns == Event(WHEN).when_ns


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (datetime(2024, 1, 1), "2024-01-01 00:00:00 has no time zone"),  # noqa: DTZ001 that is the point
        ("2024-01-01", "'2024-01-01' is no moment"),
        (1.5, "1.5 is no moment"),
        (datetime(1500, 1, 1, tzinfo=UTC), "must lie between 1677"),
    ],
)
def test_no_moment(when: datetime, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        Event(when)
    with pytest.raises(ParameterError, match=words):
        backtesting_dispatcher().schedule(when, lambda: None)


def test_utc_now() -> None:
    for monotonic in (False, True):
        assert utc_now(monotonic).utcoffset() == timedelta(0)
        assert abs(utc_now(monotonic) - datetime.now(tz=UTC)) < timedelta(hours=1)
    assert utc_now(monotonic=True) <= utc_now(monotonic=True)


def test_bars_of_decimals_and_floats() -> None:
    ten = Decimal(10)
    exact = PairBar(WHEN, BTC, ten, Decimal("12.5"), Decimal("9.5"), ten, Decimal("0.1"), timedelta(minutes=1))
    assert (exact.begin, exact.datetime, exact.duration) == (WHEN, WHEN, timedelta(minutes=1))
    assert exact.high - exact.low == Decimal(3)
    fast = PairBar(exact.begin_ns, BTC, 10.0, 12.5, 9.5, 10.0, 0.1, 60 * 10**9)
    assert fast.end_ns == exact.end_ns == exact.begin_ns + 60 * 10**9
    assert fast != exact  # 0.1 is not Decimal("0.1")
    assert fast == PairBar(WHEN, BTC, 10.0, 12.5, 9.5, 10.0, 0.1, timedelta(minutes=1))
    assert hash(fast) == hash(exact)
    assert "BTC/USDT, open=10.0, high=12.5" in repr(fast)
    event = BarEvent(fast.end_ns, fast)
    assert event.bar is fast
    assert event.when == WHEN + timedelta(minutes=1)


@pytest.mark.parametrize(
    "prices",
    [
        *((1.0, 0.5, 2.0, 1.0), (3.0, 2.0, 1.0, 1.5), (1.5, 2.0, 1.0, 3.0), (0.5, 2.0, 1.0, 1.5), (1.5, 2.0, 1.0, 0.5)),
        *((float("nan"), 2.0, 1.0, 1.5), (1.5, float("nan"), 1.0, 1.5)),
    ],
)
def test_bars_that_contradict_themselves(prices: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidBar, match="high must be the highest"):
        PairBar(WHEN, BTC, *prices, 1.0, timedelta(minutes=1))


def test_bars_last() -> None:
    with pytest.raises(ParameterError, match="a duration is above 0"):
        PairBar(WHEN, BTC, 1.0, 1.0, 1.0, 1.0, 1.0, timedelta(0))


def test_pairs() -> None:
    assert str(BTC) == "BTC/USDT"
    assert len({BTC, Pair("BTC", "USDT"), ETH}) == 2


def test_decimals() -> None:
    assert round_decimal(Decimal("1.005"), 2) == Decimal("1.00")
    assert round_decimal(Decimal("1.001"), 2, rounding=ROUND_UP) == Decimal("1.01")
    assert truncate_decimal(Decimal("-1.999"), 1) == Decimal("-1.9")
    assert truncate_decimal(Decimal("1999"), -2) == Decimal("1900")
    assert truncate_decimal(Decimal("7"), 8) == Decimal("7.00000000")


def test_precision_by_places_digits_and_ticks() -> None:
    places = PairInfo(8, 2)
    assert places.round_quote(Decimal("1.236")) == Decimal("1.24")
    assert places.truncate_base(Decimal("0.123456789")) == Decimal("0.12345678")
    digits = PairInfo(3, 3, precision_mode=PrecisionMode.SIGNIFICANT_DIGITS)
    assert digits.truncate_base(Decimal("123456")) == Decimal("123000")
    assert digits.round_base(Decimal("0.0012367")) == Decimal("0.00124")
    assert digits.round_base(Decimal(0)) == 0
    ticks = PairInfo(
        0,
        0,
        precision_mode=PrecisionMode.TICK_SIZE,
        base_tick_size=Decimal("0.05"),
        quote_tick_size=Decimal("2.5"),
    )
    assert ticks.truncate_base(Decimal("-0.19")) == Decimal("-0.15")
    assert ticks.round_quote(Decimal("3.75")) == Decimal("5.0")
    assert ticks.round_quote(Decimal("-3.75")) == Decimal("-5.0")
    assert ticks.round_quote(Decimal("-3.75"), ROUND_CEILING) == Decimal("-2.5")
    assert ticks.round_quote(Decimal("3.76"), ROUND_DOWN) == Decimal("2.5")
    with pytest.raises(ParameterError, match="quote_tick_size is None"):
        PairInfo(0, 0, precision_mode=PrecisionMode.TICK_SIZE, base_tick_size=Decimal(1))


def test_signals_for_one_and_several_pairs() -> None:
    signal = TradingSignal(WHEN, Position.LONG, BTC)
    assert (signal.pair, signal.position, signal.when) == (BTC, Position.LONG, WHEN)
    signal.add_pair(ETH, Position.SHORT)
    assert list(signal.get_pairs()) == [(BTC, Position.LONG), (ETH, Position.SHORT)]
    assert signal.get_position(ETH) is Position.SHORT
    assert (signal.pair, str(signal.position), str(Position.NEUTRAL)) == (BTC, "long", "neutral")
    with pytest.raises(ParameterError, match="says nothing about SOL/USDT: it has BTC/USDT, ETH/USDT"):
        signal.get_position(Pair("SOL", "USDT"))
    with pytest.raises(ParameterError, match="'buy' is no position"):
        signal.add_pair(BTC, "buy")  # type: ignore[arg-type]
    assert list(BaseTradingSignal(5).get_pairs()) == []


def test_signals_come_after_the_data_of_their_moment() -> None:
    log: list[str] = []
    dispatcher = backtesting_dispatcher()
    signals = TradingSignalSource(dispatcher)

    def on_signal(signal: TradingSignal) -> None:
        log.append(f"{signal.position} {signal.pair}")

    def on_bar(event: Mark) -> None:
        log.append(event.name)
        signals.push(TradingSignal(event.when_ns, Position.LONG, BTC))

    signals.subscribe_to_trading_signals(on_signal)
    dispatcher.subscribe(queue("y", 1), on_bar)
    dispatcher.subscribe(queue("x", 1), on_bar)
    run(dispatcher)
    assert log == ["y0", "x0", "long BTC/USDT", "long BTC/USDT"]


def test_the_bucket_owes_and_fills() -> None:
    now = [0]
    limiter = TokenBucketLimiter(2, 10, initial_tokens=1, clock=lambda: now[0])
    assert (limiter.tokens, limiter.tokens_per_period, limiter.period_duration) == (1, 2, 10)
    assert [limiter.consume() for _ in range(3)] == [0.0, 5.0, 10.0]
    assert limiter.tokens == 0
    now[0] = 20 * 10**9  # four tokens flowed in, two were owed
    assert [limiter.consume() for _ in range(3)] == [0.0, 0.0, 5.0]
    now[0] = 1000 * 10**9  # never more than one period's
    assert [limiter.consume() for _ in range(3)] == [0.0, 0.0, 5.0]
    asyncio.run(TokenBucketLimiter(1000, 1, clock=lambda: 0).wait())


@pytest.mark.parametrize("arguments", [(0, 1), (1, 0), (1, 1, -1), (float("nan"), 1)])
def test_buckets_that_never_fill(arguments: tuple[float, float]) -> None:
    with pytest.raises(AlphaStreamError, match="must be above 0"):
        TokenBucketLimiter(*arguments)


@pytest.mark.parametrize(
    ("operation", "position"), [(OrderOperation.BUY, Position.LONG), (OrderOperation.SELL, Position.SHORT)]
)
def test_an_operation_means_the_position_it_opens(operation: OrderOperation, position: Position) -> None:
    signal = TradingSignal(WHEN, operation, BTC)
    assert signal.position is position
    assert signal.operation is operation


def test_no_operation_makes_a_position_neutral() -> None:
    with pytest.raises(ParameterError, match="is neutral: no one operation does that"):
        _ = TradingSignal(WHEN, Position.NEUTRAL, BTC).operation


def test_local_time_is_the_same_moment_as_utc() -> None:
    before, local, after = utc_now(), local_now(), utc_now()
    assert local.utcoffset() is not None
    assert before <= local <= after
