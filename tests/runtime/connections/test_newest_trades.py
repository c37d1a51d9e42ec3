"""The newest trades of a venue without numbers, asked for once a connection."""

from concurrent.futures import Future
from typing import cast

import pytest

from alphastream.feeds import FEEDS
from alphastream.feeds.feed import FeedContext, FeedStats
from alphastream.instruments import InstrumentId
from runtime.connections import newest_trades
from runtime.connections.newest_trades import AGAIN_S, LAG_S, PAUSE_S, NewestTrades

BTC = InstrumentId("bybit-linear", "BTCUSDT")
NOTHING = b'{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[]}}'


class Context:
    """As much of a feed's context as is asked for."""

    refills = True
    state = "live"
    stopping = False

    def __init__(self) -> None:
        self.stats = FeedStats()
        self.reports: list[str] = []

    def report(self, state: str, reason: str) -> None:
        self.reports.append(reason)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Future[bytes]]:
    """Answers of the requests that were made, in their order; to be given by the test."""
    made: list[Future[bytes]] = []

    def ask(work: object) -> Future[bytes]:
        made.append(Future())
        return made[-1]

    monkeypatch.setattr(newest_trades, "in_thread", ask)
    return made


def test_a_connection_that_begins_before_an_answer_has_its_own_request(answers: list[Future[bytes]]) -> None:
    newest, context = NewestTrades(FEEDS["bybit-linear"].fresh(), 1.0), cast(FeedContext, Context())
    newest.want([BTC], 0.0)
    newest.step(context, [BTC], LAG_S)
    assert len(answers) == 1
    newest.want([BTC], 2.0)  # the connection was lost and the next one has brought a trade
    answers[0].set_result(NOTHING)
    newest.step(context, [BTC], 2.0)
    newest.step(context, [BTC], 2.0 + LAG_S)
    assert len(answers) == 2
    answers[1].set_result(NOTHING)
    newest.step(context, [BTC], 4.0)
    newest.step(context, [BTC], 60.0)
    assert len(answers) == 2, "once a connection"


def test_a_failure_is_asked_again_three_times_in_all(answers: list[Future[bytes]]) -> None:
    context = Context()
    newest = NewestTrades(FEEDS["bybit-linear"].fresh(), 1.0)
    newest.want([BTC], 0.0)
    now_s = LAG_S
    for attempt in range(1, 4):
        newest.step(cast(FeedContext, context), [BTC], now_s)
        assert len(answers) == attempt
        answers[-1].set_result(b"<html>")
        newest.step(cast(FeedContext, context), [BTC], now_s + PAUSE_S)
        now_s += PAUSE_S + AGAIN_S
    newest.step(cast(FeedContext, context), [BTC], now_s)
    assert len(answers) == 3
    assert len(context.reports) == 3
