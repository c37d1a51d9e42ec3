"""What is fetched where trades have no numbers: the newest ones, once a connection. Nobody can say what is missing."""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from typing import Final, NamedTuple

from alphastream.errors import FeedError
from alphastream.events import Tick
from alphastream.feeds.codec import Codec
from alphastream.feeds.feed import FeedContext
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns, TickGroups
from runtime.connections.refill import LIVE
from runtime.connections.rest import RefusedError, RestClient, in_thread

log = logging.getLogger(__name__)

LAG_S: Final = 1.0  # after the first trade of a connection: REST lags behind the stream
PAUSE_S: Final = 0.2  # between requests
AGAIN_S: Final = 10.0  # after a failure, three times


class _Request(NamedTuple):
    """A request under way, and how often it failed before."""

    symbol: InstrumentId
    failures: int
    client: RestClient
    answer: Future[bytes]


class NewestTrades:
    """Asks for the newest trades of an instrument once a new connection has brought its first ones.

    They bring what was missed while there was no connection, where that was little. The tape tells by their ids which
    it has. All but ``interrupt`` belongs to the feed's thread.

    Parameters
    ----------
    codec : of the feed, with ``completeness`` "unknown".
    timeout_s : for an answer.
    """

    def __init__(self, codec: Codec, timeout_s: float) -> None:
        self._codec, self._timeout_s = codec, timeout_s
        self._wanted: dict[InstrumentId, int] = {}  # and how often that failed
        self._not_before_s = 0.0
        self._request: _Request | None = None

    def want(self, symbols: Iterable[InstrumentId], now_s: float) -> None:
        """Ask for these instruments soon."""
        self._wanted.update(dict.fromkeys(symbols, 0))
        self._not_before_s = max(self._not_before_s, now_s + LAG_S)

    def forget(self, symbols: Iterable[InstrumentId]) -> None:
        """Take note that the venue counts these instruments' trades anew: nothing is known of their ids anyway."""

    def step(self, context: FeedContext, symbols: Sequence[InstrumentId], now_s: float) -> None:
        """Go one step on, without ever waiting."""
        if not context.refills or context.state not in ("live", "backfilling"):
            return
        if self._request is not None:
            if self._request.answer.done():
                answered, self._request = self._request, None
                self._take(context, answered, now_s)
            return
        self._wanted = {symbol: failures for symbol, failures in self._wanted.items() if symbol in symbols}
        if not self._wanted or now_s < self._not_before_s:
            return
        symbol = next(iter(self._wanted))
        failures = self._wanted.pop(symbol)  # a connection that begins before the answer wants it once more
        self._not_before_s = now_s + PAUSE_S
        request = self._codec.past_trades(symbol, 0, self._codec.page_limit, 0)
        if request is None:
            return
        context.stats.traffic.asked(request.weight, now_s)
        client = RestClient(self._timeout_s)
        self._request = _Request(symbol, failures, client, in_thread(lambda: client.get(request.url)))
        if context.stopping:  # it was set before ``interrupt`` could see this one
            client.abort()

    def interrupt(self) -> None:
        """End a waiting request, from any thread."""
        request = self._request
        if request is not None:
            request.client.abort()

    def wait(self) -> None:
        """Wait for the end of an interrupted request."""
        if self._request is not None:
            wait([self._request.answer], 1.0)

    def _take(self, context: FeedContext, request: _Request, now_s: float) -> None:
        symbol, failures = request.symbol, request.failures
        try:
            ticks: list[Tick] = self._codec.parse_past_trades(symbol, request.answer.result())
        except RefusedError as refusal:
            advice = self._codec.advise(refusal.status, refusal.headers)
            self._not_before_s = now_s + (float("inf") if advice.action == "stop" else max(advice.wait_s, AGAIN_S))
            reason = advice.reason
        except FeedError as error:
            self._not_before_s = now_s + AGAIN_S
            reason = str(error)
        else:
            if ticks and not context.deliver(TickGroups({symbol: TickColumns.of(ticks)})):
                self._wanted.setdefault(symbol, failures)
            return
        log.warning("feed=%r newest trades of %s not fetched: %s", self._codec.title, symbol, reason)
        if failures < 2:
            self._wanted.setdefault(symbol, failures + 1)
        context.report("live", f"{LIVE}; those missed before cannot be fetched now: {reason}")
