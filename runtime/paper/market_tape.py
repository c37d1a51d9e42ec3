"""What a paper run reads beside trades: sampled books that its orders meet, and funding that the venue has paid."""

import asyncio
import math
from typing import Final

from alphastream.backtest import LiveRun
from alphastream.backtest.book_tapes import QUOTED_NS
from alphastream.carry import paid_between
from alphastream.trading import VenueFunding
from alphastream.trading.broker.costs import Due
from runtime.paper.record import RunRecord
from runtime.paper.view import TradeSource

LOOK_S: Final = 1.0  # between two looks for payments
FAR_NS: Final = 2**62


class MarketTape:
    """Where a run is in the books and the payments of its pipeline.

    Attributes
    ----------
    unpaid : payments that were not booked because nobody knows their mark price, in a sentence; "" without any.
    """

    def __init__(self, record: RunRecord) -> None:
        self._record = record
        self._books_ns: dict[str, int] = {}  # samples before were read
        self._paid_ns: dict[str, int] = {}  # payments before were read
        self._looked_s = -math.inf
        self._begin_ns = 0
        self._unmarked: dict[tuple[str, int], None] = {}
        self.unpaid = ""

    def begin(self, from_ns: int) -> None:
        """Read books from a moment on, and payments since the beginning of the run."""
        self._begin_ns, self._looked_s = from_ns, -math.inf
        self._books_ns, self._paid_ns = {}, {}

    def read(self, pipeline: TradeSource, live: LiveRun, newest_ns: int) -> None:
        """Hand over what has come: books only where trades have gone on beyond a bar that is not over yet.

        Parameters
        ----------
        newest_ns : time of the newest trade.
        """
        goes_on = newest_ns >= live.until_ns + live.interval_ns
        if live.booked and goes_on and pipeline.market is not None:
            for symbol in live.booked:
                from_ns = self._begin_ns - max(QUOTED_NS, live.interval_ns)
                books = pipeline.market.samples(symbol, self._books_ns.get(symbol, from_ns), FAR_NS)
                live.take_books(symbol, books)
                if len(books):
                    self._books_ns[symbol] = int(books.time_ns.max()) + 1
        now_s = asyncio.get_running_loop().time()
        if isinstance(live.rules.funding, VenueFunding) and now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            self._pay(pipeline, live)

    def _pay(self, pipeline: TradeSource, live: LiveRun) -> None:
        if pipeline.market_history is None:
            return
        booked = {(payment.symbol, payment.time_ns) for payment in self._record.funding}
        for symbol in live.strategy.symbols:
            from_ns = self._paid_ns.get(symbol, self._record.begin.begin_ns)
            for payment in paid_between(pipeline.market_history, symbol, from_ns, FAR_NS):
                if math.isnan(payment.mark):
                    self._unmarked[symbol, payment.time_ns] = None
                elif (symbol, payment.time_ns) not in booked:
                    live.pay(symbol, Due(payment.time_ns, payment.rate, payment.mark))
                self._paid_ns[symbol] = payment.time_ns + 1
        if self._unmarked:
            symbols = ", ".join(dict.fromkeys(symbol for symbol, _ in self._unmarked))
            self.unpaid = (
                f"{len(self._unmarked)} funding payments of {symbols} are not booked: their mark price is not known, "
                "so what they cost is not either"
            )
