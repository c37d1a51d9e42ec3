"""The local exchange, seen from outside: websocket-client for the streams, urllib for REST."""

import itertools
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import websocket

from alphastream.errors import ParameterError
from tools.exchange import (
    USDM,
    Fast,
    Fault,
    LocalExchange,
    PingFlood,
    Rate,
    RealTime,
    Reorder,
    Silence,
    SlowClose,
    Stall,
    Stepped,
    Tape,
)
from tools.exchange.client import (
    BOTH,
    BTC,
    PING,
    ask,
    close_code,
    connect,
    get,
    get_error,
    next_is_the_answer,
    receive,
    tick,
)
from tools.exchange.playback import Playback


@pytest.fixture(scope="module")
def tape() -> Tape:
    return Tape.read()


@pytest.fixture(scope="module")
def short_tape(tape: Tape) -> Tape:
    return Tape(tape.trades[:100])


# Streams


def test_combined_stream_delivers_the_recorded_texts(tape: Tape) -> None:
    with LocalExchange(tape, pace=Stepped(tape.trades[0].time_ns)) as exchange, connect(exchange, BOTH) as client:
        exchange.step(40)
        for trade in tape.trades[:40]:
            message = json.loads(client.recv())
            assert message["stream"] == trade.stream
            told = {key: message["data"][key] for key in ("e", "E", "a", "s", "p", "q", "nq", "f", "l", "T", "m", "st")}
            assert told == {
                "e": "aggTrade",
                "E": trade.event_ns // 1_000_000,
                "a": trade.id,
                "s": trade.symbol,
                "p": trade.price_text,
                "q": trade.quantity_text,
                "nq": trade.quantity_text,
                "f": trade.first_id,
                "l": trade.last_id,
                "T": trade.time_ns // 1_000_000,
                "m": trade.buyer_is_maker,
                "st": 1,
            }


def test_raw_stream_is_not_wrapped_and_keys_vary(tape: Tape) -> None:
    with LocalExchange(tape, pace=Stepped()) as exchange, connect(exchange, BTC) as client:
        exchange.step(60)
        messages = [json.loads(client.recv()) for _ in range(exchange.sent["BTCUSDT"])]
        assert {message["s"] for message in messages} == {"BTCUSDT"}
        orders = {tuple(message) for message in messages}
        assert len(orders) > 2
        assert any("zz" in order for order in orders)


@pytest.mark.parametrize("path", ["/market", "/market/", "/public/ws/btcusdt@aggTrade", "/"])
def test_paths_without_streams_are_refused(short_tape: Tape, path: str) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange:
        with pytest.raises(websocket.WebSocketBadStatusException) as caught, connect(exchange, path):
            pass
        assert caught.value.status_code == 404


@pytest.mark.parametrize("path", ["/stream?streams=btcusdt@aggTrade", "/ws/btcusdt@aggTrade", "/ws"])
def test_legacy_paths_acknowledge_and_send_nothing(short_tape: Tape, path: str) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange, connect(exchange, path) as client:
        assert ask(client, method="SUBSCRIBE", params=["btcusdt@aggTrade"], id=1) == {"result": None, "id": 1}
        exchange.step(50)
        assert next_is_the_answer(client)
        assert exchange.sent == {}


def test_subscribe_list_unsubscribe(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange, connect(exchange, "/market/stream") as client:
        assert ask(client, method="SUBSCRIBE", params=["ethusdt@aggTrade"], id=7) == {"result": None, "id": 7}
        assert ask(client, method="LIST_SUBSCRIPTIONS", id=8) == {"result": ["ethusdt@aggTrade"], "id": 8}
        trades = [trade for trade in exchange.step(50) if trade.symbol == "ETHUSDT"]
        assert [message["a"] for message in receive(client, len(trades))] == [trade.id for trade in trades]
        assert ask(client, method="UNSUBSCRIBE", params=["ethusdt@aggTrade"], id=9) == {"result": None, "id": 9}
        exchange.step(50)
        assert next_is_the_answer(client)


def test_an_unknown_symbol_is_acknowledged_and_silent(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange, connect(exchange, "/market/ws") as client:
        assert ask(client, method="SUBSCRIBE", params=["nosuchcoin@aggTrade"], id=1) == {"result": None, "id": 1}
        exchange.step(100)
        assert next_is_the_answer(client)


@pytest.mark.parametrize(
    ("frame", "form", "number"),
    [
        ("{", "flat", None),
        ("[]", "flat", None),
        ('{"method":"SUBSCRIBE","params":["a"],"id":-1}', "flat", None),
        ('{"method":"SUBSCRIBE","params":["a"],"id":"x"}', "flat", None),
        ('{"method":"LOGIN","id":3}', "flat", 3),
        ('{"method":"SUBSCRIBE","params":[1],"id":4}', "nested", 4),
        ('{"method":"SUBSCRIBE","id":5}', "nested", 5),
    ],
)
def test_both_forms_of_error(short_tape: Tape, frame: str, form: str, number: int | None) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange, connect(exchange, "/market/ws") as client:
        client.send(frame)
        reply = json.loads(client.recv())
        assert reply["id"] == number
        error = reply if form == "flat" else reply["error"]
        assert error["code"] in (1, 2, 3)
        assert error["msg"]


def test_too_many_streams(short_tape: Tape) -> None:
    names = [f"coin{number}@aggTrade" for number in range(201)]
    with LocalExchange(short_tape, pace=Stepped()) as exchange:
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            websocket.create_connection(f"{exchange.ws_url}/market/ws/{'/'.join(names)}", timeout=5)
        assert caught.value.status_code == 400
        with connect(exchange, "/market/ws") as client:
            assert ask(client, method="SUBSCRIBE", params=names, id=1)["error"]["code"] == 2
            assert ask(client, method="SUBSCRIBE", params=names[:200], id=2) == {"result": None, "id": 2}


def test_too_many_messages_a_second_are_cut(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange, connect(exchange, BTC) as client:
        for number in range(11):
            client.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
        assert close_code(client) == 1008


def test_a_client_that_answers_pings_lives_and_one_that_does_not_is_cut(short_tape: Tape) -> None:
    limits = replace(USDM.limits, ping_interval_s=0.1, pong_timeout_s=0.5)
    with LocalExchange(short_tape, pace=Stepped(), limits=limits) as exchange, connect(exchange, BTC) as lively:
        for _ in range(8):
            assert lively.recv_data(control_frame=True)[0] == PING
        assert exchange.connections == 1
        with connect(exchange, BTC) as deaf:
            while exchange.connections == 2:
                assert lively.recv_data(control_frame=True)[0] == PING
            assert close_code(deaf) == 1008
        assert exchange.connections == 1


def test_spot_speaks_its_own_dialect(tape: Tape) -> None:
    with LocalExchange(tape, market="spot", pace=Stepped()) as exchange:
        with connect(exchange, "/stream?streams=btcusdt@aggTrade") as wrapped, connect(exchange, "/ws") as raw:
            ask(raw, method="SUBSCRIBE", params=["btcusdt@aggTrade"], id=1)
            exchange.step(20)
            message = json.loads(wrapped.recv())
            assert message["stream"] == "btcusdt@aggTrade"
            assert message["data"]["M"] is True
            assert not {"nq", "st"} & message["data"].keys()
            assert json.loads(raw.recv())["a"] == message["data"]["a"]
        assert get(exchange, "/api/v3/aggTrades?symbol=BTCUSDT&limit=1")[0]["M"] is True
        assert {symbol["symbol"] for symbol in get(exchange, "/api/v3/exchangeInfo")["symbols"]} > {"BTCUSDT"}
        assert get_error(exchange, "/fapi/v1/time")[0] == 404


# REST


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


# Playing


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


# Bounds and ends


def test_a_client_that_does_not_read_is_dropped(tape: Tape) -> None:
    limits = replace(USDM.limits, queue_bytes=2**16)
    small_buffer = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)]
    with (
        LocalExchange(tape, pace=Stepped(), loop=True, limits=limits) as exchange,
        connect(exchange, BOTH, sockopt=small_buffer),
        connect(exchange, BTC),
    ):
        for _ in range(200):
            exchange.step(200)
            if exchange.connections < 2:
                break
        assert exchange.connections < 2


def test_connections_are_bounded(short_tape: Tape) -> None:
    limits = replace(USDM.limits, connections=2)
    with (
        LocalExchange(short_tape, pace=Stepped(), limits=limits) as exchange,
        connect(exchange, BOTH),
        connect(exchange, BOTH),
    ):
        with pytest.raises((websocket.WebSocketException, OSError)), connect(exchange, BOTH):
            pass
        assert exchange.connections == 2


@pytest.mark.parametrize("fault", [Stall(), Silence(), SlowClose(), PingFlood(), Reorder(count=1_000)])
def test_stop_is_prompt_and_leaves_no_thread(short_tape: Tape, fault: Fault) -> None:
    before = set(threading.enumerate())
    exchange = LocalExchange(short_tape, pace=Rate(1_000), loop=True, faults=[fault])
    exchange.start()
    with connect(exchange, BOTH), connect(exchange, BOTH) as healthy:
        receive(healthy, 20)
        begin = time.monotonic()
        exchange.stop()
        assert time.monotonic() - begin < 2
        assert set(threading.enumerate()) <= before
        exchange.stop()


def test_the_port_is_free_again_and_a_taken_one_is_an_error(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange, connect(exchange, BOTH):
        port = exchange.port
        with pytest.raises(OSError, match="in use"), LocalExchange(short_tape, port=port):
            pass
    with LocalExchange(short_tape, pace=Stepped(), port=port, already_played=50) as exchange:
        assert exchange.played == 50


def test_command_line_plays_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "tools.exchange", "--port", "0", "--speed", "5", "--fault", "Duplicate()"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if "ws=" in line)
            url = line.split("ws=")[1].split()[0]
            with closing(websocket.create_connection(url + BOTH, timeout=5)) as client:
                first, again = receive(client, 2)
            assert first["a"] == again["a"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
        finally:
            process.kill()


def test_command_line_names_what_is_wrong() -> None:
    command = [sys.executable, "-m", "tools.exchange", "--fault", "Flood()"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert "known faults" in done.stderr
