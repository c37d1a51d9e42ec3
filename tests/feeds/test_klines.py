"""Closed bars by REST: how each venue is asked, what its answers mean, and that damaged ones are refused."""

from typing import Final
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.core.units import SECOND
from alphastream.errors import FeedError
from alphastream.feeds import FEEDS
from alphastream.feeds.klines import KlineCodec, length_for, pages
from alphastream.instruments import InstrumentId

MINUTE: Final = 60 * SECOND
START: Final = 1_790_000_040 * SECOND // MINUTE * MINUTE
S, MS = START // SECOND, START // 1_000_000

# Three minutes, the middle one without a trade where the venue says so; as each venue writes them.
ANSWERS: Final = {
    "binance-usdm": f"""[[{MS},"10.0","12.0","9.0","11.0","5.5",{MS + 59999},"60",12,"2.5","27","0"],
        [{MS + 60000},"11.0","11.0","11.0","11.0","0",{MS + 119999},"0",0,"0","0","0"],
        [{MS + 120000},"11.0","11.5","10.5","10.6","1.25",{MS + 179999},"13",3,"1.0","10","0"]]""",
    "coinbase": f"[[{S + 120},10.5,11.5,11.0,10.6,1.25],[{S},9.0,12.0,10.0,11.0,5.5]]",
    "kraken": f"""{{"error":[],"result":{{"XXBTZUSD":[[{S},"10.0","12.0","9.0","11.0","10.4","5.5",12],
        [{S + 60},"11.0","11.0","11.0","11.0","0.0","0.0",0],
        [{S + 120},"11.0","11.5","10.5","10.6","11.1","1.25",3]],"last":{S + 60}}}}}""",
    "okx": f"""{{"code":"0","msg":"","data":[["{MS + 120000}","11.0","11.5","10.5","10.6","125","1.25","13","1"],
        ["{MS + 60000}","11.0","11.0","11.0","11.0","0","0","0","1"],
        ["{MS}","10.0","12.0","9.0","11.0","550","5.5","60","1"]]}}""",
    "bybit-linear": f"""{{"retCode":0,"retMsg":"OK","result":{{"category":"linear","symbol":"BTCUSDT","list":[
        ["{MS + 120000}","11.0","11.5","10.5","10.6","1.25","13"],["{MS + 60000}","11.0","11.0","11.0","11.0","0","0"],
        ["{MS}","10.0","12.0","9.0","11.0","5.5","60"]]}},"retExtInfo":{{}},"time":1}}""",
}
NAMES: Final = {"coinbase": "BTC-USD", "kraken": "BTC/USD", "okx": "BTC-USDT-SWAP"}


def klines(venue: str) -> tuple[KlineCodec, InstrumentId]:
    codec = FEEDS[venue].klines
    assert codec is not None
    return codec, InstrumentId(venue, NAMES.get(venue, "BTCUSDT"))


@pytest.mark.parametrize("venue", ANSWERS)
def test_an_answer_becomes_bars_oldest_first_without_those_in_which_nothing_traded(venue: str) -> None:
    codec, instrument = klines(venue)
    bars = codec.parse(instrument, 60, ANSWERS[venue].encode())
    assert bars.start_ns.tolist() == [START, START + 2 * MINUTE]
    assert bars.open.tolist() == [10.0, 11.0]
    assert bars.high.tolist() == [12.0, 11.5]
    assert bars.low.tolist() == [9.0, 10.5]
    assert bars.close.tolist() == [11.0, 10.6]
    assert bars.volume.tolist() == [5.5, 1.25]
    assert bars.trades.tolist() == [0, 0], "nobody counted them as a tape does"
    assert (bars.last_ns - bars.start_ns).tolist() == [MINUTE, MINUTE]
    bought = [2.5, 1.0] if venue.startswith("binance") else [np.nan, np.nan]
    np.testing.assert_array_equal(bars.buy_volume, bought)


def test_sizes_of_spot_pairs_are_their_own_column() -> None:
    codec, _ = klines("okx")
    bars = codec.parse(InstrumentId("okx", "BTC-USDT"), 60, ANSWERS["okx"].encode())
    assert bars.volume.tolist() == [550.0, 125.0]


REQUESTS: Final = {
    "binance-usdm": ("/fapi/v1/klines", {"interval": "5m", "startTime": str(MS), "endTime": str(MS + 599_999)}),
    "binance-spot": ("/api/v3/klines", {"interval": "5m", "symbol": "BTCUSDT"}),
    "coinbase": ("/products/BTC-USD/candles", {"granularity": "300"}),
    "kraken": ("/0/public/OHLC", {"pair": "XBTUSD", "interval": "5", "since": str(S - 1)}),
    "okx": ("/api/v5/market/history-candles", {"bar": "5m", "before": str(MS - 1), "after": str(MS + 600_000)}),
    "bybit-linear": ("/v5/market/kline", {"category": "linear", "interval": "5", "end": str(MS + 599_999)}),
}


@pytest.mark.parametrize("venue", REQUESTS)
def test_a_stretch_of_time_is_asked_for_as_the_venue_wants_it(venue: str) -> None:
    codec, instrument = klines(venue)
    parts = urlsplit(codec.request(instrument, 300, START, START + 10 * MINUTE).url)
    path, wanted = REQUESTS[venue]
    assert parts.path == path
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert wanted.items() <= query.items()


@pytest.mark.parametrize("venue", ANSWERS)
@pytest.mark.parametrize(
    ("good", "bad"), [("12.0", "-12.0"), ("12.0", "1.0"), ("12.0", "1e400"), ("]", ""), ("5.5", "-5.5"), ("9.0", "nan")]
)
def test_an_answer_that_cannot_be_is_refused(venue: str, good: str, bad: str) -> None:
    codec, instrument = klines(venue)
    with pytest.raises(FeedError):
        codec.parse(instrument, 60, ANSWERS[venue].replace(good, bad).encode())


@pytest.mark.parametrize("venue", ANSWERS)
@given(cut=st.integers(0, 200))
def test_half_an_answer_is_refused(venue: str, cut: int) -> None:
    codec, instrument = klines(venue)
    body = ANSWERS[venue].strip().encode()
    with pytest.raises(FeedError):
        codec.parse(instrument, 60, body[: min(cut, len(body) - 1)])


@given(st.integers(0, 5_000), st.sampled_from(sorted(ANSWERS)))
def test_pages_cover_a_stretch_once_newest_first(bars: int, venue: str) -> None:
    codec, _ = klines(venue)
    found = list(pages(codec, 60, START, START + bars * MINUTE))
    assert sum(end - start for start, end in found) == bars * MINUTE
    assert all(end - start <= codec.page_bars * MINUTE for start, end in found)
    assert [start for start, _ in found] == [end for _, end in found[1:]] + ([START] if bars else [])


@pytest.mark.parametrize("venue", sorted(FEEDS))
def test_every_venue_has_bars_of_which_all_that_pages_offer_are_made(venue: str) -> None:
    codec, _ = klines(venue)
    for seconds in (60, 300, 900, 3_600, 14_400, 86_400):
        assert length_for(codec, seconds * SECOND) is not None
