"""Fetching what a live feed missed, one request at a time on a thread of its own, while trades go on arriving."""

import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from typing import Final

from alphastream.errors import FeedError
from alphastream.feeds.backfill import Backfill, Page
from alphastream.feeds.codec import Codec, RetryAdvice
from alphastream.feeds.feed import FeedContext, FeedState
from alphastream.feeds.traffic import Healed
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns, TickGroups
from runtime.connections.rest import RefusedError, RestClient, in_thread

log = logging.getLogger(__name__)

LIVE: Final = "trades arrive"
LONG_PAUSE_S: Final = 60.0  # a gap that must wait longer does not keep the feed from being called live
NO_HISTORY: Final = RetryAdvice("retry", 0.0, "the venue gives no past trades")
LOOK_AGAIN_S: Final = (60.0, 1_920.0)  # between looks at all gaps; twice as long each time that the same are there


class Refill:
    """Closes gaps step by step. All but ``interrupt`` belongs to the feed's thread.

    What made a gap does not matter: all gaps are looked at again and again, so what the tape loses later, to a full
    disk or a damaged file, is fetched as well.

    Parameters
    ----------
    codec : of the feed.
    timeout_s : for an answer.
    history_s : as in Backfill.
    """

    def __init__(self, codec: Codec, timeout_s: float, history_s: float | None = None) -> None:
        self._codec, self._timeout_s = codec, timeout_s
        self._backfill = Backfill(codec, history_s)
        self._request: tuple[Page, RestClient, Future[bytes]] | None = None
        self._pause_s = LOOK_AGAIN_S[0]
        self._look_again_s = 0.0
        self._missed = 0  # when all gaps were looked at last

    def want(self, symbols: Iterable[InstrumentId], now_s: float) -> None:
        """Look at the gaps of these instruments soon."""
        self._backfill.want(symbols, now_s)

    def forget(self, symbols: Iterable[InstrumentId]) -> None:
        """Take note that the venue counts these instruments' trades anew."""
        self._backfill.forget(symbols)

    def step(self, context: FeedContext, symbols: Sequence[InstrumentId], now_s: float) -> None:
        """Move the closing of gaps one step on, without ever waiting."""
        if not context.refills or context.state not in ("live", "backfilling"):
            return
        if self._request is not None:
            page, _, answer = self._request
            if answer.done():
                self._request = None
                self._take(context, page, answer, now_s)
            return
        if now_s >= self._look_again_s:
            self._look_again(context, symbols, now_s)
        if not self._backfill.due(now_s):
            return
        found = self._backfill.next_page(context.missing, now_s)
        context.stats.unfillable = self._backfill.unfillable
        if found is None:
            if context.state == "backfilling":
                context.report("live", LIVE)
            return
        self._ask(context, *found, now_s)

    def interrupt(self) -> None:
        """End a waiting request, from any thread."""
        request = self._request
        if request is not None:
            request[1].abort()

    def wait(self) -> None:
        """Wait for the end of an interrupted request."""
        if self._request is not None:
            wait([self._request[2]], 1.0)

    def _look_again(self, context: FeedContext, symbols: Sequence[InstrumentId], now_s: float) -> None:
        missed = sum(last - first + 1 for symbol in symbols for first, last in context.missing(symbol))
        repeats = missed > 0 and missed == self._missed
        self._pause_s = min(2.0 * self._pause_s, LOOK_AGAIN_S[1]) if repeats else LOOK_AGAIN_S[0]
        self._missed, self._look_again_s = missed, now_s + self._pause_s
        if missed:
            self._backfill.look_again(symbols, now_s)

    def _ask(self, context: FeedContext, page: Page, missing: int, now_s: float) -> None:
        context.report("backfilling", f"{LIVE}; fetching {missing:,} missed before")
        after_ns = context.time_before(page.symbol, page.first) if self._codec.pages_forward else 0
        request = self._codec.past_trades(page.symbol, page.first, page.last - page.first + 1, after_ns)
        if request is None:
            self._backfill.refused(page, 404, NO_HISTORY, now_s)
            return
        context.stats.traffic.asked(request.weight, now_s)
        client = RestClient(self._timeout_s)
        self._request = (page, client, in_thread(lambda: client.get(request.url)))
        if context.stopping:  # it was set before ``interrupt`` could see this one
            client.abort()

    def _take(self, context: FeedContext, page: Page, answer: "Future[bytes]", now_s: float) -> None:
        try:
            ticks = self._codec.parse_past_trades(page.symbol, answer.result())
        except RefusedError as refusal:
            advice = self._codec.advise(refusal.status, refusal.headers)
            self._backfill.refused(page, refusal.status, advice, now_s)
            reason = advice.reason
        except FeedError as error:
            self._backfill.failed(now_s)
            reason = str(error)
        else:
            inside = TickColumns.of(tick for tick in ticks if page.first <= tick.id <= page.last)
            if len(inside) and not context.deliver(TickGroups({page.symbol: inside})):
                self._backfill.failed(now_s)
                return
            if len(inside):
                context.stats.backfilled += len(inside)
                context.stats.traffic.heal(Healed(page.symbol, page.first, page.last, len(inside), time.time_ns()))
            self._backfill.answered(page, ticks, time.time_ns())
            return
        log.warning("feed=%r page=%s not fetched: %s", self._codec.title, page, reason)
        state: FeedState = "live" if self._backfill.pause_s(now_s) > LONG_PAUSE_S else "backfilling"
        context.report(state, f"{LIVE}; some missed before cannot be fetched now: {reason}")
