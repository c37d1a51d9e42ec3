"""What holds for the codec of every venue in the registry."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from alphastream.errors import FeedError
from alphastream.feeds import FEEDS, Codec
from alphastream.feeds.market import BookUpdate
from alphastream.instruments import InstrumentId
from tests.feeds import recordings

each = pytest.mark.parametrize("codec", FEEDS.values(), ids=FEEDS.keys())
REFUSALS = (403, 418, 429, 451, 500, 503)


@each
def test_what_is_read_is_of_the_venue_that_sent_it(codec: Codec) -> None:
    ticks = [tick for frame in recordings.trades(codec) for tick in codec.fresh().parse(frame, 1)]
    assert {tick.symbol.partition(":")[0] for tick in ticks} == {codec.name}
    market, frames = codec.fresh().market, recordings.market(codec)
    assert market is not None, f"{codec.name} has no quotes and books"
    events = market.parse(frames, [1] * len(frames))
    assert BookUpdate in {type(event) for event in events}
    assert {event.instrument.venue for event in events} == {codec.name}


@each
def test_a_codec_says_who_it_is_and_what_it_carries(codec: Codec) -> None:
    assert FEEDS[codec.name] is codec
    assert codec.title
    for limit in (codec.max_streams, codec.weight_per_minute, codec.history_s, codec.page_limit, codec.page_weight):
        assert limit > 0


@each
def test_a_symbol_is_spelt_once_and_for_all(codec: Codec) -> None:
    once = codec.spelt(" btcusdt ")
    assert codec.spelt(once) == codec.spelt("BTC-USDT") == once == once.upper()


def test_every_venue_can_be_chosen() -> None:
    for name in FEEDS:
        assert config.load({"ALPHASTREAM_VENUE": name}).venue == name


@each
def test_addresses_are_encrypted_and_can_be_others(codec: Codec) -> None:
    btc = InstrumentId(codec.name, codec.spelt("BTCUSDT"))
    assert codec.stream_url([btc]).startswith("wss://")
    requests = (codec.past_trades(btc, 1, 10, 10**18), *codec.listing(), codec.server_time())
    for request in filter(None, requests):
        assert request.url.startswith("https://")
        assert 0 < request.weight <= codec.weight_per_minute
    local = codec.fresh("ws://127.0.0.1:8900", "http://127.0.0.1:8900")
    assert local.stream_url([btc]).startswith("ws://127.0.0.1:8900")
    assert local.server_time().url.startswith("http://127.0.0.1:8900/")


@each
@given(frame=st.binary(max_size=200))
def test_no_frame_raises_and_each_connection_counts_for_itself(codec: Codec, frame: bytes) -> None:
    own = codec.fresh()
    assert own.parse(frame) == []
    assert sum(own.rejected.values()) <= 1
    assert codec.rejected == {}


@each
def test_a_burst_gives_what_its_frames_give_one_by_one(codec: Codec) -> None:
    """Also where one of many is no message, two in one, or half of one: it changes nothing about the others."""
    frames = recordings.trades(codec)
    for seed in range(200):
        chance = random.Random(seed)
        burst = chance.choices(frames, k=20)
        for _ in range(seed % 3):
            at = chance.randrange(20)
            burst[at] = chance.choice(
                (recordings.mutated(burst[at], chance), burst[at] * 2, burst[at] + b"\n" + burst[at], burst[at][:-1])
            )
        together, alone = codec.fresh(), codec.fresh()
        columns = together.parse_columns(burst, range(1, 21))
        ticks = [tick for at_ns, frame in enumerate(burst, 1) for tick in alone.parse(frame, at_ns)]
        assert {name: part.ticks(name) for name, part in columns.items()} == {
            name: [tick for tick in ticks if tick.symbol == name] for name in columns
        }, seed
        assert sum(map(len, columns.values())) == len(ticks), seed
        assert together.rejected == alone.rejected, seed


@each
@pytest.mark.parametrize("body", [b"", b"{", b"null", b"<html>", b'"x"', b"[1]"])
def test_answers_that_are_none_are_errors_of_ours(codec: Codec, body: bytes) -> None:
    for parse in (codec.parse_listing, codec.parse_server_time):
        with pytest.raises(FeedError):
            parse(body)
    with pytest.raises(FeedError):
        codec.parse_past_trades(InstrumentId(codec.name, codec.spelt("BTCUSDT")), body)


@each
@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_is_said_in_words(codec: Codec, status: int) -> None:
    advice = codec.advise(status, {})
    assert advice.reason
    assert advice.wait_s >= 0.0
    assert advice.action == "stop" or status != 451
