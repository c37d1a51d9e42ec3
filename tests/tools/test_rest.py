"""REST of the local exchange: the answers, the errors and the limits of the venue."""

import json
import time
import urllib.request
from dataclasses import replace

import pytest

from tools.exchange import (
    USDM,
    LocalExchange,
    Stepped,
    Tape,
)
from tools.exchange.client import (
    BTC,
    connect,
    get,
    get_error,
    receive,
)


def test_agg_trades_from_id_is_inclusive_and_knows_only_what_was_played(tape: Tape) -> None:
    with LocalExchange(tape, pace=Stepped()) as exchange, connect(exchange, BTC) as client:
        exchange.step(100)
        streamed = receive(client, exchange.sent["BTCUSDT"])
        keys = ("a", "p", "q", "nq", "f", "l", "T", "m")
        played = [{key: message[key] for key in keys} for message in streamed]
        path = "/fapi/v1/aggTrades?symbol=BTCUSDT"
        assert get(exchange, f"{path}&fromId={streamed[3]['a']}&limit=1000") == played[3:]
        assert get(exchange, f"{path}&fromId={streamed[-1]['a'] + 1}") == []
        assert get(exchange, f"{path}&fromId=0&limit=2") == played[:2]
        assert get(exchange, f"{path}&limit=2") == played[-2:]
        assert get(exchange, "/fapi/v1/aggTrades?symbol=SOLUSDT") == []


def test_agg_trades_between_times(tape: Tape) -> None:
    with LocalExchange(tape, pace=Stepped(tape.trades[0].time_ns), already_played=5_000) as exchange:
        trades = [trade for trade in tape.trades[:5_000] if trade.symbol == "ETHUSDT"]
        start, end = trades[100].time_ns // 1_000_000, trades[300].time_ns // 1_000_000
        inside = [trade.id for trade in trades if start <= trade.time_ns // 1_000_000 <= end]
        path = "/fapi/v1/aggTrades?symbol=ETHUSDT&limit=1000"
        assert [row["a"] for row in get(exchange, f"{path}&startTime={start}&endTime={end}")] == inside
        few = "/fapi/v1/aggTrades?symbol=ETHUSDT&limit=3"
        assert [row["a"] for row in get(exchange, f"{few}&startTime={start}&endTime={end}")] == inside[:3]
        assert get(exchange, f"{path}&endTime={end}")[-1]["a"] == inside[-1]
        assert get(exchange, f"{path}&startTime={start}")[0]["a"] == inside[0]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", -1102),
        ("symbol=NOSUCH", -1121),
        ("symbol=BTCUSDT&limit=1001", -1130),
        ("symbol=BTCUSDT&fromId=minus", -1100),
        ("symbol=BTCUSDT&fromId=1&startTime=1", -1128),
        ("symbol=BTCUSDT&fromId=1&endTime=1", -1128),
        ("symbol=BTCUSDT&startTime=2&endTime=1", -1023),
        ("symbol=BTCUSDT&startTime=0&endTime=3600000", -1127),
    ],
)
def test_agg_trades_errors(short_tape: Tape, query: str, code: int) -> None:
    with LocalExchange(short_tape, pace=Stepped(), already_played=100) as exchange:
        status, _, body = get_error(exchange, f"/fapi/v1/aggTrades?{query}")
        assert status == 400
        assert json.loads(body)["code"] == code
        assert json.loads(body)["msg"]


def test_exchange_info_lists_what_trades_and_what_does_not(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange:
        symbols = {symbol["symbol"]: symbol for symbol in get(exchange, "/fapi/v1/exchangeInfo")["symbols"]}
    assert {"BTCUSDT", "ETHUSDT", "SOLUSDT"} <= symbols.keys()
    btc = symbols["BTCUSDT"]
    assert (btc["status"], btc["pricePrecision"], btc["baseAsset"], btc["quoteAsset"]) == ("TRADING", 2, "BTC", "USDT")
    filters = {entry["filterType"]: entry for entry in btc["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.10"
    assert filters["LOT_SIZE"]["stepSize"] == "0.001"
    assert filters["MIN_NOTIONAL"]["notional"] == "100"
    assert symbols["SRMUSDT"]["status"] == "SETTLING"


def test_time_is_the_clock_on_the_wall_while_playing_in_real_time(short_tape: Tape) -> None:
    with LocalExchange(short_tape) as exchange:
        before = time.time_ns() // 1_000_000
        told = get(exchange, "/fapi/v1/time")["serverTime"]
        assert before <= told <= time.time_ns() // 1_000_000


def test_weight_is_counted_and_its_limit_answered_with_429(short_tape: Tape) -> None:
    limits = replace(USDM.limits, weight_per_minute=41)
    with LocalExchange(short_tape, pace=Stepped(), limits=limits) as exchange:
        wait_for_a_young_minute()
        with urllib.request.urlopen(f"{exchange.rest_url}/fapi/v1/time", timeout=5) as response:
            assert response.headers["X-MBX-USED-WEIGHT-1M"] == "1"
        for used in (21, 41):
            url = f"{exchange.rest_url}/fapi/v1/aggTrades?symbol=BTCUSDT"
            with urllib.request.urlopen(url, timeout=5) as response:
                assert response.headers["X-MBX-USED-WEIGHT-1M"] == str(used)
        status, headers, body = get_error(exchange, "/fapi/v1/ping")
        assert (status, json.loads(body)["code"]) == (429, -1003)
        assert 1 <= int(headers["Retry-After"]) <= 60


def wait_for_a_young_minute() -> None:
    """Weights are counted by the minute of the clock: do not let one end inside a test."""
    left = 60 - time.time() % 60
    if left < 2:
        time.sleep(left)


def test_ids_that_begin_anew(tape: Tape) -> None:
    first = tape.first_id("BTCUSDT")
    with LocalExchange(tape, pace=Stepped()) as exchange, connect(exchange, BTC) as client:
        exchange.step(300)
        before = tape.count("BTCUSDT", 300)
        exchange.restart_ids()
        exchange.step(300)
        exchange.step(300)
        ids = [message["a"] - first for message in receive(client, tape.count("BTCUSDT", 900))]
        anew = ids.index(0, 1)
        assert ids == [*range(anew), *range(len(ids) - anew)]
        assert before <= anew < before + 50, "in the next millisecond"
        rows = get(exchange, f"/fapi/v1/aggTrades?symbol=BTCUSDT&fromId={first + 5}&limit=3")
        assert [row["a"] for row in rows] == [first + 5, first + 6, first + 7]
        recent = get(exchange, "/fapi/v1/aggTrades?symbol=BTCUSDT&limit=1")
        assert recent[0]["a"] == first + ids[-1]
        assert rows[0]["T"] > get(exchange, f"/fapi/v1/aggTrades?symbol=BTCUSDT&limit={1000}")[4]["T"]
