"""How the local exchange plays a tape: real time, loops, constant rate, fast, step by step."""

import itertools
import time

import pytest

from alphastream.errors import ParameterError
from tools.exchange import (
    Fast,
    LocalExchange,
    Rate,
    RealTime,
    Stepped,
    Tape,
)
from tools.exchange.client import (
    BOTH,
    BTC,
    connect,
    get,
    receive,
    tick,
)
from tools.exchange.playback import Playback


def test_real_time_shifts_times_to_now_and_keeps_ids(tape: Tape) -> None:
    opened_ms = time.time_ns() // 1_000_000
    with LocalExchange(tape, pace=RealTime(speed=20)) as exchange, connect(exchange, BOTH) as client:
        messages = []
        for _ in range(300):
            messages += receive(client, 1)
            assert opened_ms - 1_000 <= messages[-1]["T"] <= messages[-1]["E"] <= time.time_ns() // 1_000_000
        for symbol in exchange.symbols:
            own = [message for message in messages if message["s"] == symbol]
            assert [message["a"] for message in own] == list(range(own[0]["a"], own[0]["a"] + len(own)))
            times = [message["T"] for message in own]
            assert times == sorted(times)


def test_a_looping_tape_never_ends(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped(), loop=True) as exchange, connect(exchange, BOTH) as client:
        exchange.step(350)
        assert not exchange.ended
        messages = receive(client, 350)
        for symbol in exchange.symbols:
            own = [message for message in messages if message["s"] == symbol]
            first = short_tape.first_id(symbol)
            assert [message["a"] for message in own] == list(range(first, first + len(own)))
            assert all(a["T"] <= b["T"] and a["l"] < b["f"] for a, b in itertools.pairwise(own))
            assert [message["p"] for message in own[: len(own) // 4]] == [
                trade.price_text for trade in short_tape.trades if trade.symbol == symbol
            ][: len(own) // 4]
            rows = get(exchange, f"/fapi/v1/aggTrades?symbol={symbol}&fromId={first}&limit=1000")
            assert [(row["a"], row["T"]) for row in rows] == [(message["a"], message["T"]) for message in own]


def test_constant_rate(short_tape: Tape) -> None:
    playback = Playback(short_tape, Rate(2_000), loop=True, already_played=0)
    moments = [playback.trade(ordinal).time_ns for ordinal in (0, 1, 2_000, 20_000)]
    assert [moment - moments[0] for moment in moments] == [0, 500_000, 1_000_000_000, 10_000_000_000]
    with LocalExchange(short_tape, pace=Rate(2_000), loop=True) as exchange, connect(exchange, BTC) as client:
        ids = [message["a"] for message in receive(client, 300)]
        assert ids == list(range(ids[0], ids[0] + 300))


def test_fast_begins_with_the_first_listener_and_ends(tape: Tape) -> None:
    with LocalExchange(tape, pace=Fast()) as exchange:
        with connect(exchange, "/market/ws"):
            assert exchange.played == 0
        with connect(exchange, BOTH, skip_utf8_validation=True) as client:
            messages = receive(client, len(tape))
        assert exchange.ended
        assert [message["a"] for message in messages] == [trade.id for trade in tape.trades]
        last = exchange.last_trade("BTCUSDT")
        assert last is not None
        assert (last.id, last.price_text) == [(m["a"], m["p"]) for m in messages if m["s"] == "BTCUSDT"][-1]


def test_stepping_tells_what_was_sent(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange:
        assert exchange.last_trade("BTCUSDT") is None
        with connect(exchange, BOTH), connect(exchange, BOTH):
            trades = exchange.step(10)
            assert (exchange.played, sum(exchange.sent.values()), exchange.connections) == (10, 20, 2)
        last = exchange.last_trade("BTCUSDT")
        assert last is not None
        assert last.price_text == [trade.price_text for trade in trades if trade.symbol == "BTCUSDT"][-1]
        assert len(exchange.step(1_000)) == 90
        assert exchange.ended
        assert exchange.requests == [f"GET {BOTH}"] * 2
    with LocalExchange(short_tape) as exchange, pytest.raises(ParameterError, match="Stepped"):
        exchange.step()


def test_ticks_of_a_test_are_a_tape() -> None:
    with LocalExchange([tick(5, 1e-8), tick(6, 123.0)], pace=Stepped(10**18)) as exchange:
        with connect(exchange, "/market/ws/abcusdt@aggTrade") as client:
            exchange.step(2)
            assert [(m["a"], m["p"], m["q"], m["T"]) for m in receive(client, 2)] == [
                (5, "0.00000001", "2.5", 10**12),
                (6, "123.0", "2.5", 10**12 + 1_000),
            ]
        listed = {symbol["symbol"]: symbol for symbol in get(exchange, "/fapi/v1/exchangeInfo")["symbols"]}
        assert listed["ABCUSDT"]["filters"][0]["tickSize"] == "0.00000001"


def test_a_tape_out_of_order_is_refused() -> None:
    with pytest.raises(ParameterError, match="at least one trade"):
        LocalExchange([])
    with pytest.raises(ParameterError, match="id 7 follows 5"):
        LocalExchange([tick(5, 1.0), tick(7, 1.0)])
    with pytest.raises(ParameterError, match="sort by receive_ns"):
        LocalExchange([tick(6, 1.0), tick(5, 1.0, "XYZUSDT")])
