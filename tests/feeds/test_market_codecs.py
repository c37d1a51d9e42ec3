"""What holds for the codec of quotes and books of every venue that has one."""

import math
import os
import random
from collections.abc import Iterable
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.errors import FeedError
from alphastream.feeds import FEEDS, Codec
from alphastream.feeds.market import BookUpdate, MarketCodec, MarketEvent, Quote, without_old_quotes
from alphastream.instruments import InstrumentId
from tests.feeds import recordings

MUTATED_FRAMES: Final = int(os.environ.get("MUTATED_FRAMES", "2000"))
FIRST_SEED: Final = int(os.environ.get("SEED", "0"))
BURST: Final = 20

each = pytest.mark.parametrize(
    "codec", [codec for codec in FEEDS.values() if codec.market is not None], ids=lambda codec: codec.name
)


def fresh(codec: Codec) -> MarketCodec:
    market = codec.fresh().market
    assert market is not None
    return market


def is_sound(event: MarketEvent) -> bool:
    """Say whether an event holds nothing that cannot be."""
    if event.time_ns <= 0 or event.receive_ns <= 0:
        return False
    if isinstance(event, BookUpdate):
        levels = (*event.bids, *event.asks)
    elif isinstance(event, Quote):
        levels = ((event.bid, event.bid_quantity), (event.ask, event.ask_quantity))
    else:
        return event.mark > 0 or math.isnan(event.mark)
    return all(0 < price < math.inf and 0 <= quantity < math.inf for price, quantity in levels)


@each
def test_a_market_codec_says_who_it_is_and_what_it_carries(codec: Codec) -> None:
    market = fresh(codec)
    assert (market.name, market.title) == (codec.name, codec.title)
    assert market.depth >= 0
    routes = market.routes([InstrumentId(codec.name, codec.spelt("BTCUSDT"))])
    assert all(route.url.startswith("wss://") and route.kinds for route in routes)
    assert {"books"} <= set().union(*(route.kinds for route in routes))


@each
def test_addresses_can_be_others(codec: Codec) -> None:
    market = codec.fresh("ws://127.0.0.1:8900", "http://127.0.0.1:8900").market
    assert market is not None
    btc = InstrumentId(codec.name, codec.spelt("BTCUSDT"))
    assert all(route.url.startswith("ws://127.0.0.1:8900") for route in market.routes([btc]))
    for request in (market.snapshot(btc), market.mark_request(btc), market.past_funding(btc, 0, 10**18)):
        assert request is None or request.url.startswith("http://127.0.0.1:8900/")


@each
def test_every_recorded_frame_is_sound_and_none_is_rejected(codec: Codec) -> None:
    market, frames = fresh(codec), recordings.market(codec)
    events = market.parse(frames, range(1, len(frames) + 1))
    assert len(events) > 10
    assert all(is_sound(event) for event in events)
    assert market.rejected == {}


@each
@given(frame=st.binary(max_size=200))
def test_no_bytes_raise(codec: Codec, frame: bytes) -> None:
    market = fresh(codec)
    assert market.parse([frame], [1]) == []
    assert sum(market.rejected.values()) <= 1


@each
def test_mutated_frames_give_sound_events_or_are_counted(codec: Codec) -> None:
    """No exception, no number that cannot be; one frame does not take others along."""
    frames = sorted(recordings.market(codec), key=len)[: len(recordings.market(codec)) * 9 // 10]  # no whole books
    original = next(frame for frame in frames if fresh(codec).parse([frame], [1]))
    for seed in range(FIRST_SEED, FIRST_SEED + MUTATED_FRAMES // BURST):
        chance, market = random.Random(seed), fresh(codec)
        burst = [recordings.mutated(chance.choice(frames), chance) for _ in range(BURST - 1)] + [original]
        events = market.parse(burst, range(1, BURST + 1))
        assert all(is_sound(event) for event in events), seed
        assert events[-1].receive_ns == BURST, seed


def last_quotes(events: Iterable[MarketEvent]) -> dict[InstrumentId, Quote]:
    """Quotes that stand after a burst."""
    return {event.instrument: event for event in events if isinstance(event, Quote)}


def all_but_quotes(events: Iterable[MarketEvent]) -> list[str]:
    """The others in their order, as texts: a number that is not told is NaN, which equals nothing."""
    return [repr(event) for event in events if not isinstance(event, Quote)]


@each
def test_quotes_left_out_of_a_burst_are_those_another_one_replaces(codec: Codec) -> None:
    """What is not read makes no difference after the burst; books and mark prices are all read."""
    frames = [frame for frame in recordings.market(codec) if len(frame) < 5_000]  # no whole books
    for seed in range(50):
        chance = random.Random(seed)
        burst = chance.choices(frames, k=200)
        times = range(1, len(burst) + 1)
        everything = fresh(codec).parse(burst, times)
        thinned = fresh(codec).parse(*without_old_quotes(fresh(codec), burst, times))
        assert last_quotes(thinned) == last_quotes(everything)
        assert all_but_quotes(thinned) == all_but_quotes(everything)


@pytest.mark.parametrize("name", ["binance-usdm", "binance-spot", "kraken"])
def test_of_many_quotes_of_an_instrument_one_is_read(name: str) -> None:
    codec = FEEDS[name]
    quotes = [frame for frame in recordings.market(codec) if fresh(codec).quote_stream(frame) is not None]
    assert quotes
    frames, times = without_old_quotes(fresh(codec), quotes * 9, range(1, 9 * len(quotes) + 1))
    events = fresh(codec).parse(frames, times)
    assert len(events) == len(last_quotes(events)) == len(last_quotes(fresh(codec).parse(quotes, [1] * len(quotes))))


@each
@pytest.mark.parametrize("body", [b"", b"{", b"null", b"<html>", b'"x"', b"[1]", msgspec.json.encode({"code": 1})])
def test_answers_that_are_none_are_errors_of_ours(codec: Codec, body: bytes) -> None:
    market, btc = fresh(codec), InstrumentId(codec.name, codec.spelt("BTCUSDT"))
    if market.snapshot(btc) is not None:
        with pytest.raises(FeedError):
            market.parse_snapshot(btc, body, 1)
    if market.mark_request(btc) is not None:
        with pytest.raises(FeedError):
            market.parse_marks(body, 1)
    if market.past_funding(btc, 0, 10**18) is not None:
        with pytest.raises(FeedError):
            market.parse_past_funding(btc, body)
