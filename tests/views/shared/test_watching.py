"""Pairs in an address: what people write is read, each pair once, and what is none is said."""

import pytest

from alphastream.instruments import InstrumentId
from alphastream.pairs import PairSpec
from views.shared.pair_view import PairView
from views.shared.watching import MAX_PAIRS, all_pairs, pairs_text, read_pairs, watch_link

VENUE = "binance-usdm"
ETH, BTC = InstrumentId(VENUE, "ETHUSDT"), InstrumentId(VENUE, "BTCUSDT")


@pytest.mark.parametrize(
    "text",
    ["ETHUSDT~BTCUSDT", "ethusdt/btcusdt", " ETHUSDT/BTCUSDT,\nETHUSDT~BTCUSDT ", "binance-usdm:ETHUSDT~BTCUSDT"],
)
def test_a_pair_may_be_written_in_some_ways(text: str) -> None:
    assert read_pairs(text, VENUE) == ([(ETH, BTC)], [])


def test_what_an_address_says_is_read_back() -> None:
    pairs = [(ETH, BTC), (InstrumentId("kraken", "ETH/USD"), InstrumentId("kraken", "BTC/USD"))]
    text = pairs_text(pairs, VENUE)
    assert text == "ETHUSDT~BTCUSDT kraken:ETH/USD~kraken:BTC/USD"
    assert read_pairs(text, VENUE) == (pairs, [])


@pytest.mark.parametrize(
    ("text", "why"),
    [("foo", "not a pair"), ("ETHUSDT~", "not a pair"), ("nowhere:A~B", "not known"), ("eth~eth", "twice")],
)
def test_what_is_no_pair_is_said_and_the_others_stay(text: str, why: str) -> None:
    pairs, problems = read_pairs(f"{text} ethusdt~btcusdt", VENUE)
    assert pairs == [(ETH, BTC)]
    assert why in problems[0]


def test_a_list_has_a_most() -> None:
    pairs, problems = read_pairs(pairs_text(all_pairs([f"S{number}" for number in range(12)]), ""), "")
    assert len(pairs) == MAX_PAIRS
    assert "66 pairs are more than the 60" in problems[0]


def test_a_link_says_the_pair_and_how_it_is_computed() -> None:
    spec = PairSpec(ETH, BTC, 5 * 10**9, "huber", 60, entry=2.5)
    assert watch_link(PairView(spec, 3.0), VENUE) == (
        "/watchlist?pairs=ETHUSDT~BTCUSDT&interval=5s&model=Huber&window=60&entry=2.5&exit=0.5&price=log&fill_cost=3"
    )
