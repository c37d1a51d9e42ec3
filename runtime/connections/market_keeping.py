"""Handing samples to the store: what it cannot take is lost, and told; what another process keeps is not kept twice."""

import logging
import time
from collections.abc import Sequence
from typing import Final

from alphastream.books import BookColumns, MarketKeeper
from alphastream.errors import AlphaStreamError
from alphastream.feeds.market import FundingPayment
from runtime.connections.market_kept import KeptMarket

log = logging.getLogger(__name__)

CLAIM_EVERY_S: Final = 5.0


class MarketKeeping:
    """The store of a market feed, as the feed uses it.

    Parameters
    ----------
    store : keeps samples and payments.
    title : of the venue, for the log.

    Attributes
    ----------
    error : why the newest samples were not taken; empty while they are.
    """

    def __init__(self, store: MarketKeeper, title: str) -> None:
        self._store, self._title = store, title
        self._claim_after_s = 0.0
        self.error = ""

    def claim(self) -> None:
        """Become the process that keeps samples, where no other one does; not too often. It may take a while."""
        now_s = time.monotonic()
        if not self._store.follows or now_s < self._claim_after_s:
            return
        self._claim_after_s = now_s + CLAIM_EVERY_S
        try:
            self._store.claim()
        except AlphaStreamError as error:
            log.debug("feed=%r another process keeps books: %s", self._title, error)
        else:
            log.info("feed=%r this process keeps books from now on", self._title)

    def drain(self, kept: KeptMarket) -> None:
        """Hand the samples of an instrument over."""
        samples = kept.drain()
        if self._store.follows:
            return
        try:
            for columns in samples:
                self._store.add(kept.name, columns)
        except AlphaStreamError as error:
            self._fail(error)
        else:
            self.error = ""

    def add_funding(self, payments: Sequence[FundingPayment]) -> None:
        """Hand payments over."""
        try:
            if not self._store.follows:
                self._store.add_funding(payments)
        except AlphaStreamError as error:
            self._fail(error)

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        """Return sampled books. Raises StorageError."""
        return self._store.samples(name, from_ns, until_ns)

    def _fail(self, error: AlphaStreamError) -> None:
        if str(error) != self.error:
            log.error("feed=%r samples are not kept: %s", self._title, error)
        self.error = str(error)
