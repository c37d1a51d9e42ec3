"""The local exchange, seen from outside by websocket-client: streams, faults, stopping, the command line."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import websocket

from tools.exchange import (
    USDM,
    Fault,
    LocalExchange,
    PingFlood,
    Rate,
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
)

# Streams


def test_combined_stream_delivers_the_recorded_texts(tape: Tape) -> None:
    with LocalExchange(tape, pace=Stepped(tape.trades[0].time_ns)) as exchange, connect(exchange, BOTH) as client:
        exchange.step(40)
        for trade in tape.trades[:40]:
            message = json.loads(client.recv())
            assert message["stream"] == f"{trade.symbol.lower()}@aggTrade"
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


@pytest.mark.parametrize("path", ["/market", "/market/", "/"])
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


# Playing


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
