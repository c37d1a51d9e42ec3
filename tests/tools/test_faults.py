"""Every fault of the local exchange, seen from outside."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import websocket

from alphastream.errors import ParameterError
from tools.exchange import (
    SPOT,
    Close24h,
    Drop,
    Duplicate,
    Fault,
    Garbage,
    HalfClose,
    JumpIds,
    LateAnswer,
    LocalExchange,
    Mute,
    PingFlood,
    Refuse403,
    Refuse418,
    Refuse429,
    Refuse451,
    Reorder,
    Silence,
    SkipIds,
    SlowClose,
    Stall,
    Stepped,
    Tape,
)
from tools.exchange.client import (
    BOTH,
    BTC,
    PING,
    PONG,
    close_code,
    connect,
    get,
    get_error,
    next_is_the_answer,
    receive,
    tick,
)
from tools.exchange.faults import parse_fault


@pytest.fixture(scope="module")
def short_tape() -> Tape:
    return Tape(Tape.read().trades[:100])


def test_drop_resets_after_the_last_trade_and_strikes_once(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped(), faults=[Drop(after=3)]) as exchange:
        with connect(exchange, BOTH) as client:
            exchange.step(5)
            assert len(receive(client, 3)) == 3
            with pytest.raises(ConnectionResetError):
                client.recv()
        with connect(exchange, BOTH) as client:
            exchange.step(10)
            assert len(receive(client, 10)) == 10


def test_drop_of_every_connection(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped(), faults=[Drop(after=1, times=None)]) as exchange:
        for _ in range(3):
            with connect(exchange, BOTH) as client:
                exchange.step(2)
                receive(client, 1)
                with pytest.raises(ConnectionResetError):
                    client.recv()


def test_stall_answers_everything_and_sends_no_trade(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped(), faults=[Stall(after=2)]) as exchange:
        with connect(exchange, BOTH) as client:
            exchange.step(20)
            receive(client, 2)
            assert next_is_the_answer(client)
            client.ping(b"alive?")
            assert client.recv_data(control_frame=True) == (PONG, b"alive?")
        with connect(exchange, BOTH) as client:
            exchange.step(1)
            receive(client, 1)


def test_stall_for_a_time(short_tape: Tape) -> None:
    with (
        LocalExchange(short_tape, pace=Stepped(), faults=[Stall(seconds=0.1)]) as exchange,
        connect(exchange, BOTH) as client,
    ):
        exchange.step(5)
        time.sleep(0.15)
        (trade,) = exchange.step(1)
        assert receive(client, 1)[0]["a"] == trade.id


def test_silence_answers_nothing(short_tape: Tape) -> None:
    with (
        LocalExchange(short_tape, pace=Stepped(), faults=[Silence(after=2)]) as exchange,
        connect(exchange, BOTH, timeout=0.3) as client,
    ):
        exchange.step(20)
        receive(client, 2)
        client.ping(b"alive?")
        client.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
        client.send_close()
        with pytest.raises(websocket.WebSocketTimeoutException):
            client.recv_data(control_frame=True)
        assert exchange.connections == 1


def ids_with(tape: Tape, fault: Fault, steps: int, messages: int) -> list[int]:
    with LocalExchange(tape, pace=Stepped(), faults=[fault]) as exchange, connect(exchange, BTC) as client:
        exchange.step(steps)
        ids = [message["a"] - tape.first_id("BTCUSDT") for message in receive(client, messages)]
        assert next_is_the_answer(client)
        return ids


def test_duplicate_reorder_and_skip() -> None:
    btc = Tape.of_ticks([tick(number, 1.0 + number, "BTCUSDT") for number in range(10, 18)])
    assert ids_with(btc, Duplicate(after=2, count=2), 8, 10) == [0, 1, 2, 2, 3, 3, 4, 5, 6, 7]
    assert ids_with(btc, Reorder(after=2, count=3), 8, 8) == [0, 1, 4, 3, 2, 5, 6, 7]
    assert ids_with(btc, SkipIds(after=2, count=3), 8, 5) == [0, 1, 5, 6, 7]
    assert ids_with(btc, JumpIds(after=2), 4, 5) == [0, 1, 2 + 10**15, 2, 3]


@pytest.mark.parametrize("fault", [Mute(after=2), Mute(after=2, symbol="ETHUSDT"), Mute(symbol="XRPUSDT")])
def test_a_muted_symbol_is_silent_until_healed(fault: Mute) -> None:
    pairs = [tick(number, 1.0, symbol) for number in range(5) for symbol in ("ETHUSDT", "BTCUSDT")]
    with LocalExchange(pairs, pace=Stepped(), faults=[fault]) as exchange, connect(exchange, BOTH) as client:
        exchange.step(6)
        found = [(message["s"], message["a"]) for message in receive(client, 6 if fault.symbol == "XRPUSDT" else 4)]
        silent = "XRPUSDT" if fault.symbol == "XRPUSDT" else "ETHUSDT"
        expected = [(trade.symbol, trade.id) for trade in pairs[:2]]
        expected += [(trade.symbol, trade.id) for trade in pairs[2:6] if trade.symbol != silent]
        assert found == expected
        exchange.heal()
        exchange.step(2)
        assert [message["s"] for message in receive(client, 2)] == ["ETHUSDT", "BTCUSDT"]
        assert len(get(exchange, "/fapi/v1/aggTrades?symbol=ETHUSDT&fromId=0")) == 4


def test_mute_ends_by_itself() -> None:
    btc = [tick(number, 1.0, "BTCUSDT") for number in range(5)]
    with (
        LocalExchange(btc, pace=Stepped(), faults=[Mute(seconds=0.1)]) as exchange,
        connect(exchange, BTC) as client,
    ):
        exchange.step(1)
        assert next_is_the_answer(client)
        time.sleep(0.15)
        (trade,) = exchange.step(1)
        assert receive(client, 1)[0]["a"] == trade.id


def test_a_half_closed_connection_ends_without_a_close_frame(short_tape: Tape) -> None:
    with (
        LocalExchange(short_tape, pace=Stepped(), faults=[HalfClose(after=2)]) as exchange,
        connect(exchange, BOTH, timeout=1) as client,
    ):
        exchange.step(20)
        receive(client, 2)
        with pytest.raises(websocket.WebSocketConnectionClosedException):
            client.recv()


def test_a_closed_market_trades_no_more_and_remembers(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange, connect(exchange, BTC) as client:
        assert exchange.first_sent == {}
        exchange.step(3)
        exchange.close_market()
        assert exchange.step(3) == []
        (first, *_) = receive(client, 1)
        assert exchange.first_sent == {"BTCUSDT": first["a"]}
        assert exchange.ended
        assert exchange.connections == 1
        assert get(exchange, f"/fapi/v1/aggTrades?symbol=BTCUSDT&fromId={first['a']}")[0]["a"] == first["a"]


def test_skipped_ids_are_there_by_rest(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped(), faults=[SkipIds(count=10)]) as exchange:
        with connect(exchange, BTC) as client:
            exchange.step(30)
            first_seen = receive(client, 1)[0]["a"]
        first = short_tape.first_id("BTCUSDT")
        assert first_seen == first + 10
        rows = get(exchange, f"/fapi/v1/aggTrades?symbol=BTCUSDT&fromId={first}&limit=10")
        assert [row["a"] for row in rows] == list(range(first, first_seen))


def test_garbage_comes_between_the_trades(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped(), faults=[Garbage(after=2)]) as exchange:
        with connect(exchange, BOTH) as client:
            trades = exchange.step(4)
            frames = [client.recv() for _ in range(4 + 7)]
        malformed, truncated, binary, foreign, wrong_types, missing_keys, huge = frames[2:9]
        for broken in (malformed, truncated):
            with pytest.raises(json.JSONDecodeError):
                json.loads(broken)
        assert isinstance(binary, bytes)
        assert json.loads(foreign)["data"]["e"] == "unheard-of"
        assert json.loads(wrong_types)["data"]["p"] is None
        assert "a" not in json.loads(missing_keys)["data"]
        assert len(huge) > 2**20
        assert [json.loads(frame)["data"]["a"] for frame in frames[:2] + frames[9:]] == [trade.id for trade in trades]


def test_garbage_no_connection_survives(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange:
        with connect(exchange, BOTH) as client:
            exchange.inject(Garbage(kinds=("bad_utf8",)))
            with pytest.raises(websocket.WebSocketPayloadException):
                client.recv()
        with connect(exchange, BOTH) as client:
            exchange.inject(Garbage(kinds=("raw",)))
            with pytest.raises(websocket.WebSocketProtocolException):
                client.recv()


def test_slow_close_never_answers_a_close_frame(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped(), faults=[SlowClose()]) as exchange:
        with connect(exchange, BOTH, timeout=0.3) as slow:
            exchange.step(1)
            receive(slow, 1)
            slow.send_close()
            with pytest.raises(websocket.WebSocketTimeoutException):
                slow.recv_data(control_frame=True)
        with connect(exchange, BOTH) as healthy:
            healthy.send_close()
            assert close_code(healthy) == 1000


def test_ping_flood_does_not_end(short_tape: Tape) -> None:
    with (
        LocalExchange(short_tape, pace=Stepped(), faults=[PingFlood(), Stall()]) as exchange,
        connect(exchange, BOTH) as client,
    ):
        exchange.step(5)
        assert {client.recv_data(control_frame=True)[0] for _ in range(300)} == {PING}
        assert exchange.connections == 1


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        (Refuse451(times=2), None),
        (Refuse403(times=2), None),
        (Refuse429(retry_after_s=3, times=2), "3"),
        (Refuse418(retry_after_s=60, times=2), "60"),
    ],
)
def test_refusals(short_tape: Tape, fault: Any, retry_after: str | None) -> None:
    with LocalExchange(short_tape, pace=Stepped(), faults=[fault]) as exchange:
        with pytest.raises(websocket.WebSocketBadStatusException) as caught, connect(exchange, BOTH):
            pass
        assert caught.value.status_code == fault.status
        assert caught.value.resp_headers is not None
        assert caught.value.resp_headers.get("retry-after") == retry_after
        status, headers, body = get_error(exchange, "/fapi/v1/time")
        assert (status, headers.get("Retry-After"), body) == (fault.status, retry_after, fault.body)
        get(exchange, "/fapi/v1/time")
        with connect(exchange, BOTH) as client:
            exchange.step(1)
            receive(client, 1)


def test_a_refusal_of_one_channel_leaves_the_other(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped(), faults=[Refuse451(on=("ws",))]) as exchange:
        for _ in range(3):
            with pytest.raises(websocket.WebSocketBadStatusException), connect(exchange, BOTH):
                pass
        get(exchange, "/fapi/v1/time")
        exchange.heal()
        with connect(exchange, BOTH):
            assert exchange.connections == 1


def test_a_refusal_for_a_time(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped(), faults=[Refuse418(seconds=0.2)]) as exchange:
        assert get_error(exchange, "/fapi/v1/time")[0] == 418
        time.sleep(0.25)
        get(exchange, "/fapi/v1/time")


def test_24_hours_are_over(short_tape: Tape) -> None:
    with (
        LocalExchange(short_tape, pace=Stepped(), faults=[Close24h(after=1)]) as exchange,
        connect(exchange, BOTH) as client,
    ):
        exchange.step(3)
        receive(client, 1)
        assert close_code(client) == 1001
    with (
        LocalExchange(short_tape, pace=Stepped(), limits=replace(SPOT.limits, life_s=0.1), market="spot") as exchange,
        connect(exchange, "/ws") as client,
    ):
        assert close_code(client) == 1001


@pytest.mark.parametrize(("path", "stream"), [("/ws", None), ("/stream", "!serverShutdown")])
def test_spot_announces_the_close(short_tape: Tape, path: str, stream: str | None) -> None:
    fault = Close24h(notice_s=0.1)
    with (
        LocalExchange(short_tape, pace=Stepped(), market="spot", faults=[fault]) as exchange,
        connect(exchange, path) as client,
    ):
        message = json.loads(client.recv())
        assert message.get("stream") == stream
        assert message.get("data", message)["e"] == "serverShutdown"
        assert close_code(client) == 1001


def test_inject_counts_from_now_and_heal_ends_it(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange, connect(exchange, BOTH) as client:
        exchange.step(5)
        exchange.inject(Stall(after=2, times=None))
        exchange.step(5)
        receive(client, 7)
        assert next_is_the_answer(client)
        exchange.heal()
        (trade,) = exchange.step(1)
        assert receive(client, 1)[0]["a"] == trade.id


@pytest.mark.parametrize("text", ["Drop", "Nothing()", "Drop(5)", "Drop(before=1)", "Drop(after=open('x'))", "drop("])
def test_words_that_are_no_fault(text: str) -> None:
    with pytest.raises(ParameterError, match="known faults"):
        parse_fault(text)


def test_a_late_answer_tells_what_was_so_when_it_was_asked(short_tape: Tape) -> None:
    path = "/fapi/v1/depth?symbol=BTCUSDT"
    with LocalExchange(short_tape, pace=Stepped()) as exchange, ThreadPoolExecutor() as pool:
        before = get(exchange, path)
        exchange.inject(LateAnswer(path="/depth", delay_s=0.3))
        late = pool.submit(get, exchange, path)
        while len(exchange.requests) < 2:
            time.sleep(0.005)
        exchange.step(50)
        assert get(exchange, "/fapi/v1/ping") == {}
        after = get(exchange, path)
        told = late.result(5)
        assert [book["lastUpdateId"] for book in (before, told)] == [told["lastUpdateId"]] * 2
        assert after["lastUpdateId"] > told["lastUpdateId"]


def test_a_fault_of_one_kind_waits_for_a_connection_that_carries_it(short_tape: Tape) -> None:
    with (
        LocalExchange(short_tape, pace=Stepped(), faults=[SkipIds(on="quotes")]) as exchange,
        connect(exchange, BTC) as trades,
        connect(exchange, "/public/ws/btcusdt@bookTicker") as quotes,
    ):
        played = [trade for trade in exchange.step(100) if trade.symbol == "BTCUSDT"]
        assert [each["a"] for each in receive(trades, len(played))] == [trade.id for trade in played]
        first = receive(quotes, 1)[0]
    with (
        LocalExchange(short_tape, pace=Stepped()) as exchange,
        connect(exchange, "/public/ws/btcusdt@bookTicker") as quotes,
    ):
        exchange.step(100)
        assert [each["u"] for each in receive(quotes, 2)][1] == first["u"]


def test_a_fault_of_a_connection_can_be_for_those_that_carry_a_kind(short_tape: Tape) -> None:
    with (
        LocalExchange(short_tape, pace=Stepped(), faults=[Drop(on="quotes", after=3)]) as exchange,
        connect(exchange, BTC) as trades,
        connect(exchange, "/public/ws/btcusdt@bookTicker") as quotes,
    ):
        exchange.step(100)
        assert next_is_the_answer_after(trades, exchange.sent["BTCUSDT"])
        assert len(receive(quotes, 3)) == 3
        with pytest.raises(ConnectionResetError):
            quotes.recv()


def next_is_the_answer_after(client: websocket.WebSocket, count: int) -> bool:
    receive(client, count)
    return next_is_the_answer(client)
