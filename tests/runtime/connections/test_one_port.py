"""All venues of the local exchange live at once on one port: what strikes one touches no other."""

from contextlib import ExitStack

from alphastream.feeds import FEEDS
from alphastream.instruments import InstrumentId
from ingest import Ingest
from tests.runtime.connections.feed_runs import Recorder, live_feed, until
from tools.exchange import (
    Drop,
    Garbage,
    LocalExchange,
    RealTime,
    Refuse429,
    Refuse451,
    Reorder,
    SkipIds,
    Stall,
)
from tools.exchange.faults import Fault
from tools.exchange.protocols import PROTOCOLS

TROUBLED, REFUSED = "binance-usdm", "binance-us"
HEALTHY = [name for name in PROTOCOLS if name not in (TROUBLED, REFUSED) and FEEDS[name].completeness == "contiguous"]


def test_one_venue_in_trouble_and_one_refused_leave_the_others_complete() -> None:
    trouble: list[Fault] = [
        Garbage(after=10),
        Reorder(after=30, count=4),
        SkipIds(after=50, count=30),
        Drop(after=100),
        Stall(after=60, times=2),
        Refuse429(on=["rest"], times=2),
    ]
    faults: dict[str, list[Fault]] = {TROUBLED: trouble, REFUSED: [Refuse451()]}
    recorders = {name: Recorder() for name in (TROUBLED, REFUSED, *HEALTHY)}
    with (
        LocalExchange(
            market=list(recorders), pace=RealTime(speed=8), loop=True, already_played=500, faults=faults
        ) as exchange,
        ExitStack() as feeds,
    ):
        runs = {}
        for name, recorder in recorders.items():
            names = [InstrumentId(name, symbol) for symbol in exchange.at(name).symbols]
            feed = live_feed(exchange.at(name), names, stall_s=0.6 if name == TROUBLED else 30.0)
            runs[name] = Ingest(feed, recorder.take, recorder.gaps, recorder.time_before)
            runs[name].start()
            feeds.callback(runs[name].stop)
        until(lambda: all(len(recorders[name].ticks) > 300 for name in (TROUBLED, *HEALTHY)), 60.0)
        until(lambda: runs[TROUBLED].health.reconnects and recorders[TROUBLED].complete, 60.0)
        until(lambda: runs[REFUSED].health.state == "blocked")
        assert "451" in runs[REFUSED].health.reason
        exchange.close_market()
        for name in (TROUBLED, *HEALTHY):
            at, recorder = exchange.at(name), recorders[name]
            newest = {f"{name}:{symbol}": at.last_trade(symbol) for symbol in at.symbols}
            told = {symbol: trade.id for symbol, trade in newest.items() if trade is not None}
            assert len(told) == 2
            until(lambda recorder=recorder, told=told: newest_ids(recorder) == told)  # type: ignore[misc]
            assert recorder.complete
        for name in HEALTHY:
            health = runs[name].health
            assert (health.state, health.reconnects, health.rejected) == ("live", 0, {})
        assert recorders[REFUSED].ticks == []


def newest_ids(recorder: Recorder) -> dict[str, int]:
    newest: dict[str, int] = {}
    for tick in recorder.ticks:
        newest[tick.symbol] = max(tick.id, newest.get(tick.symbol, 0))
    return newest
