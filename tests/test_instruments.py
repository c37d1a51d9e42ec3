"""Names of instruments: text and back, unchanged by every way they travel, and refused in words."""

import copy
import json
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.instruments import MAX_SYMBOL, InstrumentId, bare

VENUES = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5}){0,2}", fullmatch=True)
SYMBOLS = st.text(min_size=1, max_size=MAX_SYMBOL).filter(lambda text: text == text.strip() and text.isprintable())


@given(VENUES, SYMBOLS)
def test_a_name_comes_back_from_its_text(venue: str, symbol: str) -> None:
    name = InstrumentId(venue, symbol)
    assert InstrumentId.parse(str(name), "another") == name
    assert (name.venue, name.symbol) == (venue, symbol)
    assert {str(name): 1}[name] == {name: 1}[InstrumentId(venue, symbol)] == 1
    assert hash(name) == hash(f"{venue}:{symbol}")
    assert bare(name) == symbol
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(name, protocol))
        assert isinstance(again, InstrumentId)
        assert again == name
    assert isinstance(copy.deepcopy(name), InstrumentId)
    assert json.loads(json.dumps({name: name})) == {f"{venue}:{symbol}": f"{venue}:{symbol}"}


def test_a_bare_symbol_belongs_to_the_default_venue() -> None:
    assert InstrumentId.parse(" BTCUSDT ", "binance-usdm") == "binance-usdm:BTCUSDT"
    assert InstrumentId.parse("BINANCE:BTCUSDT", "mine").symbol == "BINANCE:BTCUSDT"
    assert InstrumentId.parse("hyperliquid:xyz:XYZ100").symbol == "xyz:XYZ100"
    with pytest.raises(ParameterError, match="'BTCUSDT' names no venue: write venue:symbol"):
        InstrumentId.parse("BTCUSDT")


@pytest.mark.parametrize("venue", ["", "Binance", "binance_usdm", "binance-", "-x", "a--b", "1inch", "a b"])
def test_what_cannot_be_a_venue_is_named(venue: str) -> None:
    with pytest.raises(ParameterError, match="needs small letters, digits and single hyphens"):
        InstrumentId(venue, "BTCUSDT")


@pytest.mark.parametrize("symbol", ["", " BTC", "BTC ", "A\nB", "A\x00", "x" * (MAX_SYMBOL + 1)])
def test_what_cannot_be_a_symbol_is_named(symbol: str) -> None:
    with pytest.raises(ParameterError, match="needs 1 to 64 printable characters"):
        InstrumentId("okx", symbol)
    assert InstrumentId("okx", "BTC / ₮").symbol == "BTC / ₮"


def test_a_name_travels_in_ticks_and_json() -> None:
    tick = Tick(InstrumentId("okx", "BTC-USDT"), 1, 2.0, 3.0, 4, 5, buyer_is_maker=False)
    encoded = msgspec.json.encode(tick, enc_hook=str)
    assert msgspec.json.decode(encoded, type=Tick) == tick


def test_only_a_full_name_has_a_bare_one() -> None:
    assert bare("okx:BTC-USDT", "okx") == "BTC-USDT"
    assert bare("okx:BTC-USDT", "kraken") == "okx:BTC-USDT"
    assert [bare(name) for name in ("KO", "BINANCE:BTCUSDT", "okx:", ":x")] == ["KO", "BINANCE:BTCUSDT", "okx:", ":x"]
