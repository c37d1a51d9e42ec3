"""A pair whose legs trade at two venues begins with bars of both, fetched while trades come; the seam shows nowhere."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from alphastream.events import Tick
from alphastream.feeds import FEEDS
from alphastream.instruments import InstrumentId
from alphastream.pairs import PairSpec
from alphastream.tape.columns import TickColumns, TickGroups
from analytics import QuantEngine
from runtime.connections.head_feed import HeadFeed, HeadsOfVenues
from runtime.stores.tapes import Tapes
from storage import TickStore
from tests.runtime.connections.feed_runs import until
from tools.exchange import LocalExchange, RealTime
from tools.exchange.tape import SPOT_TAPE_PATH, TAPE_PATH

MINUTE: Final = 60 * 10**9
VENUES: Final = ("binance-usdm", "binance-spot")
PLAYED: Final = 800_000  # some five hours of the tape, lap after lap


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    tapes = dict(zip(VENUES, (TAPE_PATH, SPOT_TAPE_PATH), strict=True))
    with LocalExchange(tapes, market=VENUES, pace=RealTime(), loop=True, already_played=PLAYED) as opened:
        yield opened


def newest_trades(exchange: LocalExchange, venue: str, symbol: str, count: int) -> TickGroups:
    """What a connection that has just been opened would have brought so far."""
    playback = exchange.at(venue).playback
    total, name = playback.count(symbol), InstrumentId(venue, symbol)
    played = playback.of_symbol(symbol, total - count, total)
    ticks = (
        Tick(name, t.id, float(t.price_text), float(t.quantity_text), t.time_ns, t.time_ns, t.buyer_is_maker)
        for t in played
    )
    return TickGroups({name: TickColumns.of(ticks)})


def test_legs_of_two_venues_have_their_history_without_a_seam(exchange: LocalExchange, tmp_path: Path) -> None:
    stores = {venue: TickStore(tmp_path / f"{venue}.db") for venue in VENUES}
    heads = HeadsOfVenues(
        {venue: HeadFeed(FEEDS[venue].fresh(rest_url=exchange.at(venue).rest_url)) for venue in VENUES}
    )
    engine = QuantEngine(Tapes(stores), time.time_ns, heads=heads)
    spec = PairSpec(InstrumentId(VENUES[0], "ETHUSDT"), InstrumentId(VENUES[1], "ETHUSDT"), MINUTE, window=60)
    for venue in VENUES:
        stores[venue].append(newest_trades(exchange, venue, "ETHUSDT", 300))
        heads.feeds[venue].start()
    try:
        engine.snapshot(spec)

        def has_history() -> bool:
            engine.refresh(time.time_ns())
            answer = engine.snapshot(spec)
            return answer is not None and answer.head.source == "klines" and answer.calibrating is None

        until(has_history, 60.0)
        answer = engine.snapshot(spec)
        assert answer is not None
        ends = answer.closed["time_ns"]
        assert len(ends) > 120
        np.testing.assert_array_equal(np.diff(ends), MINUTE, "every minute once")
        assert ends[0] < answer.head.until_ns <= ends[-1] + MINUTE
        assert np.isfinite(answer.closed["zscore"][-1])
    finally:
        for venue in VENUES:
            heads.feeds[venue].stop()
            stores[venue].close()
