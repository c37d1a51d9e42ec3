"""Requests that nobody waits for stay within their share, and a refusal makes a pause."""

from typing import Final

import pytest

from alphastream.errors import FeedError
from alphastream.feeds import FEEDS, Request
from runtime.connections import rest_queue
from runtime.connections.rest_queue import RestQueue
from tests.runtime.connections.feed_runs import until
from tools.exchange import LocalExchange, Refuse429, Stepped

CODEC: Final = FEEDS["binance-usdm"]


class Asked:
    """Takes answers and failures."""

    def __init__(self, queue: RestQueue, exchange: LocalExchange) -> None:
        self._queue, self._exchange = queue, exchange
        self.answers: list[bytes] = []
        self.failures: list[FeedError] = []

    def ask(self, key: str, weight: int = 1) -> None:
        request = Request(f"{self._exchange.rest_url}/fapi/v1/time?key={key}", weight)
        self._queue.ask(key, request, self.answers.append, self.failures.append)

    def wait(self, now_s: float, answers: int = 0, failures: int = 0) -> None:
        def is_done() -> bool:
            self._queue.step(now_s)
            return len(self.answers) >= answers and len(self.failures) >= failures

        until(is_done)


def test_what_waits_is_asked_when_the_minute_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_queue, "SHARE", 100 / CODEC.weight_per_minute)
    with LocalExchange(pace=Stepped()) as exchange:
        queue = RestQueue(CODEC, 2.0)
        asked = Asked(queue, exchange)
        for key in "abca":
            asked.ask(key, 40)
        asked.wait(0.0, answers=2)
        queue.step(59.0)
        assert len(exchange.requests) == 2, "the same key is not asked twice, and a third would be too much"
        assert queue.weight_of_minute(59.0) == 80
        asked.wait(61.0, answers=3)
        assert queue.weight_of_minute(61.0) == 40


def test_one_that_weighs_more_than_the_share_is_asked_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_queue, "SHARE", 10 / CODEC.weight_per_minute)
    with LocalExchange(pace=Stepped()) as exchange:
        asked = Asked(RestQueue(CODEC, 2.0), exchange)
        asked.ask("a", 40)
        asked.wait(0.0, answers=1)


def test_a_refusal_makes_a_pause_for_all() -> None:
    with LocalExchange(pace=Stepped(), faults=[Refuse429(on=("rest",), times=1, retry_after_s=30)]) as exchange:
        queue = RestQueue(CODEC, 2.0)
        asked = Asked(queue, exchange)
        asked.ask("a")
        asked.wait(0.0, failures=1)
        asked.ask("b")
        queue.step(20.0)
        assert len(exchange.requests) <= 1
        asked.wait(31.0, answers=1)


def test_an_answer_that_cannot_be_read_is_a_failure() -> None:
    def refuse(body: bytes) -> None:
        raise FeedError(f"{len(body)} bytes that say nothing")

    with LocalExchange(pace=Stepped()) as exchange:
        queue, failures = RestQueue(CODEC, 2.0), list[FeedError]()
        queue.ask("a", Request(f"{exchange.rest_url}/fapi/v1/time", 1), refuse, failures.append)

        def is_done() -> bool:
            queue.step(0.0)
            return bool(failures)

        until(is_done)
        assert not queue.is_asking("a")
