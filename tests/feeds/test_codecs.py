"""What holds for the codec of every venue in the registry."""

from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from alphastream import feeds
from alphastream.errors import FeedError
from alphastream.feeds import FEEDS, Codec
from alphastream.feeds.market import BookUpdate
from alphastream.instruments import InstrumentId
from tests.feeds import recordings

each = pytest.mark.parametrize("codec", FEEDS.values(), ids=FEEDS.keys())
REFUSALS = (403, 418, 429, 451, 500, 503)


def test_every_family_in_the_folder_is_registered_and_has_recordings() -> None:
    """A package that nobody registered, a codec without recordings or recordings without a source are found here."""
    folders = {path.parent.name for path in Path(feeds.__path__[0]).glob("*/__init__.py")}
    codecs = [codec for name in folders for codec in import_module(f"alphastream.feeds.{name}").CODECS]
    assert {codec.name for codec in codecs} == set(FEEDS)
    assert {path.name for path in recordings.DATA.iterdir()} >= folders
    for codec in codecs:
        family = codec.name.partition("-")[0]
        assert type(codec).__module__.startswith(f"alphastream.feeds.{family}")
        assert (recordings.DATA / family / "README.md").read_text(), f"where do the frames of {family} come from?"
        ticks = [tick for frame in recordings.trades(codec) for tick in codec.fresh().parse(frame, 1)]
        assert ticks
        assert {tick.symbol.partition(":")[0] for tick in ticks} == {codec.name}
        market = codec.fresh().market
        assert market is not None, f"{codec.name} has no quotes and books"
        events = market.parse(recordings.market(codec), [1] * len(recordings.market(codec)))
        assert {type(event) for event in events} >= {BookUpdate}
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
