"""Bars from trades and from files, as events."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from alphastream.errors import ParameterError, UploadError
from alphastream.trading import (
    BarEvent,
    CsvBarSource,
    Event,
    FifoQueueEventSource,
    Pair,
    TradesToBars,
    backtesting_dispatcher,
    realtime_dispatcher,
)

PAIR = Pair("BTC", "USDT")
SECOND = 10**9


def played(trades: Sequence[tuple[int, Any, Any]], **options: Any) -> tuple[list[BarEvent[Any]], TradesToBars[Any]]:
    """Bars of 10 ns of (time, price, amount)."""
    dispatcher = backtesting_dispatcher()
    found: list[BarEvent[Any]] = []
    dispatcher.stop_on_handler_exceptions = True
    bars: TradesToBars[Any] = TradesToBars(dispatcher, PAIR, 10, **{"skip_first_bar": False, **options})
    source = FifoQueueEventSource(events=[Event(when) for when, _, _ in trades])
    rest = iter(trades)
    dispatcher.subscribe(source, lambda event: bars.push_trade(*next(rest)))
    dispatcher.subscribe(bars, found.append)
    asyncio.run(dispatcher.run(stop_signals=[]))
    assert dispatcher.last_error is None
    return found, bars


def test_bars_are_dispatched_at_their_ends_in_the_time_of_the_events() -> None:
    found, bars = played([(3, 5.0, 1.0), (7, 9.0, 2.0), (9, 4.0, 0.5), (10, 6.0, 1.0), (41, 7.0, 3.0)])
    seen = [(e.when_ns, e.bar.begin_ns, e.bar.open, e.bar.high, e.bar.low, e.bar.close, e.bar.volume) for e in found]
    assert seen == [
        (10, 0, 5.0, 9.0, 4.0, 4.0, 3.5),
        (20, 10, 6.0, 6.0, 6.0, 6.0, 1.0),
        (50, 40, 7.0, 7.0, 7.0, 7.0, 3.0),
    ]
    assert bars.late == 0


def test_decimals_stay_decimals() -> None:
    (event,), _ = played([(3, Decimal("5.1"), Decimal("0.1")), (4, Decimal("5.2"), Decimal("0.2"))])
    assert event.bar.volume == Decimal("0.3")
    assert event.bar.high == Decimal("5.2")


def test_the_bar_of_the_first_trade_is_incomplete_and_left_out() -> None:
    found, _ = played([(3, 5.0, 1.0), (13, 6.0, 1.0)], skip_first_bar=True)
    assert [event.bar.begin_ns for event in found] == [10]


def test_a_bar_waits_for_trades_that_are_on_their_way() -> None:
    found, bars = played([(3, 5.0, 1.0), (12, 8.0, 1.0)], flush_delay=4)
    assert [(event.when_ns, event.bar.close) for event in found] == [(14, 5.0), (24, 8.0)]
    assert bars.late == 0


def test_late_trades_are_counted_and_change_no_bar(caplog: pytest.LogCaptureFixture) -> None:
    dispatcher = backtesting_dispatcher()
    bars: TradesToBars[float] = TradesToBars(dispatcher, PAIR, 10, skip_first_bar=False)
    found: list[Any] = []

    def push(event: Event) -> None:
        bars.push_trade(event.when_ns, 5.0, 1.0)
        bars.push_trade(event.when_ns - 3, 99.0, 1.0)

    dispatcher.subscribe(FifoQueueEventSource(events=[Event(5), Event(21)]), push)
    dispatcher.subscribe(bars, found.append)
    asyncio.run(dispatcher.run(stop_signals=[]))
    assert [event.bar.high for event in found] == [5.0, 5.0]
    assert bars.late == 2
    assert "older than the trade before it" in caplog.text


def test_live_the_clock_closes_a_bar_that_no_trade_follows() -> None:
    dispatcher = realtime_dispatcher()
    found: list[Any] = []
    bars: TradesToBars[float] = TradesToBars(dispatcher, PAIR, timedelta(milliseconds=50), skip_first_bar=False)

    def seen(event: Any) -> None:
        found.append(event)
        dispatcher.stop()

    async def live() -> None:
        dispatcher.subscribe(bars, seen)
        running = asyncio.ensure_future(dispatcher.run(stop_signals=[]))
        bars.push_trade(datetime.now(tz=UTC), 5.0, 1.0)
        await asyncio.wait_for(running, 60)

    asyncio.run(live())
    (event,) = found
    assert event.bar.duration == timedelta(milliseconds=50)
    assert event.when == event.bar.begin + event.bar.duration


@pytest.mark.parametrize(("duration", "delay"), [(0, 0), (10, -1)])
def test_lengths_that_cannot_be_are_refused(duration: int, delay: int) -> None:
    with pytest.raises(ParameterError, match="give a length above 0"):
        TradesToBars(backtesting_dispatcher(), PAIR, duration, flush_delay=delay)


BARS = "time,open,high,low,close,volume\n2026-01-02,2,4,1,3,10\n2026-01-01,1,3,1,2,20\n2026-01-03,3,3,2,2,5\n"


def test_a_file_of_bars_is_a_source_oldest_first(tmp_path: Path) -> None:
    path = tmp_path / "BTC.csv"
    path.write_text(BARS)
    dispatcher = backtesting_dispatcher()
    found: list[Any] = []
    dispatcher.subscribe(CsvBarSource(path, PAIR), found.append)
    asyncio.run(dispatcher.run(stop_signals=[]))
    assert [(event.when.day, event.bar.begin.day, event.bar.close, event.bar.volume) for event in found] == [
        (2, 1, 2.0, 20.0),
        (3, 2, 3.0, 10.0),
        (4, 3, 2.0, 5.0),
    ]


def test_what_is_no_file_of_bars_is_said(tmp_path: Path) -> None:
    ticks, table, one = tmp_path / "A.csv", tmp_path / "B.csv", tmp_path / "C.csv"
    ticks.write_text("time,price,quantity\n2026-01-01T00:00:00Z,1,2\n2026-01-01T00:00:01Z,2,2\n")
    table.write_text("name,age\nx,3\n")
    one.write_text("time,open,high,low,close,volume\n2026-01-02,2,4,1,3,10\n")
    with pytest.raises(ParameterError, match="has ticks"):
        CsvBarSource(ticks, PAIR)
    with pytest.raises(UploadError):
        CsvBarSource(table, PAIR)
    with pytest.raises(ParameterError, match="give duration="):
        CsvBarSource(one, PAIR)
    assert CsvBarSource(one, PAIR, duration=timedelta(days=1)).pop() is not None
    with pytest.raises(ParameterError, match="has no ETH: it has"):
        CsvBarSource(one, PAIR, symbol="ETH", duration=SECOND)
