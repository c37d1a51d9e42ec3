"""Fetches by REST what happened before a tape began: closed bars, and trades where bars are too short for those.

One thread for a venue, which sleeps while nothing is asked for. What was fetched is kept in memory, for all who ask.
It never enters the tape.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from alphastream.bars import Bars, concatenate, empty_bars, resample
from alphastream.core.units import SECOND
from alphastream.errors import FeedError
from alphastream.feeds.codec import Codec
from alphastream.feeds.klines import CLOSED_NS, KlineCodec, length_for, pages
from alphastream.graph import interval_name
from alphastream.heads import Head, HeadProgress, Need, Seam
from alphastream.instruments import InstrumentId, split
from alphastream.tape.columns import TickColumns
from alphastream.tape.repetition import Repetition
from runtime import threads
from runtime.connections.rest import RefusedError
from runtime.connections.rest_queue import RestQueue

log = logging.getLogger(__name__)

SHARE: Final = 0.3  # of the weight of a minute: books have their half, the rest is for trades that were missed
IDLE_S: Final = 15.0  # a head that nobody has asked for in this time is fetched no further
RETRY_S: Final = 5.0  # after an answer that failed
REFUSED_RETRY_S: Final = 300.0  # after an answer that says the request is wrong: a symbol without klines
MOST_PAGES: Final = 60  # of trades of one symbol
MOST_KEPT: Final = 64  # heads in memory that nobody asks for
TURN_S: Final = 0.05  # between looks while something is asked for
JOIN_S: Final = 2.0

NOTHING: Final = HeadProgress()

Gaps = Callable[[str], Sequence[tuple[int, int]]]


@dataclass(slots=True)
class _Fetch:
    """What is asked for of one symbol's bars, and what there is.

    ``wanted`` are the stretches of the answers under way, ``parts`` what they brought.
    """

    symbol: InstrumentId
    interval_ns: int
    need: Need
    asked_s: float
    head: Head | None = None
    wanted: list[tuple[int, int]] = field(default_factory=list)
    parts: dict[tuple[int, int], Bars] = field(default_factory=dict)
    ticks: TickColumns | None = None  # older than the tape, contiguous up to it
    before_id: int = 0
    from_ns: int = 0  # start of the oldest bar that was asked for
    is_paging: bool = False
    pages: int = 0
    retry_s: float = 0.0
    progress: HeadProgress = NOTHING

    @property
    def key(self) -> tuple[str, int]:
        return self.symbol, self.interval_ns


class HeadFeed:
    """Heads of one venue.

    Parameters
    ----------
    codec : of the venue.
    gaps : missing ids of an instrument, both ends inclusive: what the feed fetches by itself is not fetched here.
    now_ns : the venue's time.
    changed : called when a head or its progress has changed; must be quick.
    timeout_s : for an answer.
    """

    def __init__(
        self,
        codec: Codec,
        *,
        gaps: Gaps = lambda symbol: (),
        now_ns: Callable[[], int] = time.time_ns,
        changed: Callable[[], None] = lambda: None,
        timeout_s: float = 5.0,
    ) -> None:
        self._codec = codec.fresh()
        self._klines: KlineCodec | None = self._codec.klines
        self._rest = RestQueue(self._codec, timeout_s, share=SHARE)
        self._gaps, self._now_ns = gaps, now_ns
        self.changed = changed
        self._lock = threading.RLock()
        self._fetches: dict[tuple[str, int], _Fetch] = {}
        self._stop, self._turn = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heads {codec.name}", daemon=True)

    def start(self) -> None:
        """Start the thread. A HeadFeed runs once."""
        self._thread.start()

    def stop(self) -> None:
        """End waiting requests and the thread."""
        self._stop.set()
        self._turn.set()
        self._rest.interrupt()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    # ---- for those who ask -----------------------------------------------------------------------------------

    def ask(self, symbol: str, interval_ns: int, need: Need) -> Head | None:
        """What is there now; what is missing is fetched while somebody goes on asking."""
        with self._lock:
            fetch = self._fetches.pop((symbol, interval_ns), None)
            if fetch is None:
                fetch = _Fetch(InstrumentId.parse(symbol, self._codec.name), interval_ns, need, 0.0)
            is_new = fetch.need.seam != need.seam or need.least_ns < fetch.need.least_ns or not fetch.asked_s
            fetch.need, fetch.asked_s = need, time.monotonic()
            self._fetches[symbol, interval_ns] = fetch  # the newest last
            head = fetch.head
        if is_new:
            self._turn.set()
        return head

    def progress(self, symbol: str, interval_ns: int) -> HeadProgress:
        """How far the fetching is."""
        fetch = self._fetches.get((symbol, interval_ns))
        return fetch.progress if fetch is not None else HeadProgress()

    def repetition(self, symbol: str) -> Repetition | None:
        """Return None: trades happen once."""
        return None

    # ---- the thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            busy = any(fetch.wanted or fetch.is_paging for fetch in list(self._fetches.values()))
            self._turn.wait(TURN_S if busy else 1.0)
            self._turn.clear()
            try:
                with self._lock:
                    if not self._stop.is_set():
                        self.step(time.monotonic())
            except Exception:  # the edge of the thread
                threads.begins_again()
                log.exception("feed=%r fetching history ended by a defect, begins again", self._codec.title)
                self._stop.wait(1.0)

    def step(self, now_s: float) -> None:
        """Ask for what is missing, take what was answered, without ever waiting."""
        self._rest.step(now_s)
        before = {key: (fetch.head, fetch.progress) for key, fetch in self._fetches.items()}
        for fetch in list(self._fetches.values()):
            if now_s - fetch.asked_s > IDLE_S:
                self._cancel(fetch)
            elif now_s >= fetch.retry_s:
                self._look(fetch, now_s)
        self._forget()
        self._rest.step(now_s)
        if any(before.get(key) != (fetch.head, fetch.progress) for key, fetch in self._fetches.items()):
            self.changed()

    def _forget(self) -> None:
        """Let go of the heads that were asked for longest ago."""
        now_s = time.monotonic()
        idle = [key for key, fetch in self._fetches.items() if now_s - fetch.asked_s > IDLE_S]
        for key in idle[: max(len(idle) - MOST_KEPT, 0)]:
            del self._fetches[key]

    def _cancel(self, fetch: _Fetch) -> None:
        if fetch.wanted or fetch.is_paging:
            self._rest.cancel(self._key(fetch))
            fetch.wanted, fetch.parts, fetch.is_paging = [], {}, False
            fetch.progress = HeadProgress()

    def _key(self, fetch: _Fetch) -> str:
        return f"{interval_name(fetch.interval_ns)} history of {fetch.symbol},"

    def _look(self, fetch: _Fetch, now_s: float) -> None:
        if fetch.wanted or fetch.is_paging:
            return
        length_s = length_for(self._klines, fetch.interval_ns) if self._klines is not None else None
        if length_s is not None and self._klines is not None:
            self._look_for_bars(fetch, self._klines, length_s)
        elif self._klines is None and fetch.interval_ns >= 60 * SECOND:
            fetch.progress = HeadProgress(trouble=f"{self._codec.title} gives no past bars that this program reads")
        else:
            self._look_for_trades(fetch)

    # ---- bars ------------------------------------------------------------------------------------------------

    def _look_for_bars(self, fetch: _Fetch, klines: KlineCodec, length_s: int) -> None:
        """Ask for closed bars between what there is and the seam."""
        interval_ns, need, head = fetch.interval_ns, fetch.need, fetch.head
        closed_ns = (self._now_ns() - CLOSED_NS) // interval_ns * interval_ns
        until_ns = min(need.seam.until_ns or closed_ns, closed_ns)
        from_ns = need.from_ns // interval_ns * interval_ns
        if klines.newest_bars is not None:
            oldest_ns = closed_ns - (klines.newest_bars - 1) * length_s * SECOND
            from_ns = max(from_ns, -(-oldest_ns // interval_ns) * interval_ns)
        if head is not None and fetch.from_ns <= from_ns <= head.until_ns:
            from_ns = head.until_ns  # the rest was fetched
        else:
            fetch.from_ns = from_ns
        if until_ns <= from_ns:
            return
        fetch.wanted = list(pages(klines, length_s, from_ns, until_ns))
        fetch.parts = {}
        fetch.progress = HeadProgress(0, len(fetch.wanted))
        for start_ns, end_ns in fetch.wanted:
            self._ask_page(fetch, klines, length_s, start_ns, end_ns)

    def _ask_page(self, fetch: _Fetch, klines: KlineCodec, length_s: int, start_ns: int, end_ns: int) -> None:
        page = (start_ns, end_ns)

        def take(body: bytes) -> None:
            bars = klines.parse(fetch.symbol, length_s, body)
            inside = (bars.start_ns >= start_ns) & (bars.start_ns < end_ns)
            fetch.parts[page] = bars.take(np.flatnonzero(inside))
            fetch.progress = HeadProgress(len(fetch.parts), len(fetch.wanted))
            if len(fetch.parts) == len(fetch.wanted):
                self._finish_bars(fetch)

        def fail(error: FeedError) -> None:
            self._failed(fetch, error)

        key = f"{self._key(fetch)} {start_ns}"
        self._rest.ask(key, klines.request(fetch.symbol, length_s, start_ns, end_ns), take, fail)

    def _finish_bars(self, fetch: _Fetch) -> None:
        """Put the answers together, behind what there was."""
        from_ns, until_ns = fetch.wanted[-1][0], fetch.wanted[0][1]
        found = concatenate([fetch.parts[page] for page in fetch.wanted[::-1]])
        bars = resample(found, fetch.interval_ns)
        if fetch.head is not None and fetch.head.until_ns == from_ns:
            from_ns, bars = fetch.head.from_ns, concatenate((fetch.head.bars, bars))
        fetch.head = Head("klines", from_ns, until_ns, bars)
        fetch.wanted, fetch.parts, fetch.progress = [], {}, HeadProgress()

    def _failed(self, fetch: _Fetch, error: FeedError) -> None:
        """Say why an answer did not come, and ask for all of it again later."""
        wait_s, reason = RETRY_S, str(error)
        if isinstance(error, RefusedError):
            advice = self._codec.advise(error.status, error.headers)
            wait_s = max(advice.wait_s, RETRY_S)
            if advice.action == "stop" or error.status in (400, 404):
                wait_s = REFUSED_RETRY_S
            reason = advice.reason if advice.action != "retry" else reason
        self._rest.cancel(self._key(fetch))
        fetch.wanted, fetch.parts, fetch.is_paging = [], {}, False
        fetch.retry_s = time.monotonic() + wait_s
        fetch.progress = HeadProgress(trouble=f"history cannot be fetched now: {reason}")

    # ---- trades ----------------------------------------------------------------------------------------------

    def _look_for_trades(self, fetch: _Fetch) -> None:
        """Ask for the trades before the first of the tape, page by page, for bars that no kline makes."""
        seam, codec = fetch.need.seam, self._codec
        if codec.completeness != "contiguous" or codec.pages_forward:
            why = f"{codec.title} gives no past trades by number: bars shorter than a minute begin with the tape"
            fetch.progress = HeadProgress(trouble=why)
            return
        if not seam.first_id or (seam.first_id == fetch.before_id and fetch.head is not None):
            return
        if seam.until_ns <= fetch.need.least_ns or any(
            last == seam.first_id - 1 for _, last in self._gaps(fetch.symbol)
        ):
            return
        if fetch.before_id != seam.first_id:
            fetch.before_id, fetch.ticks, fetch.pages = seam.first_id, None, 0
        self._ask_trades(fetch, seam)

    def _ask_trades(self, fetch: _Fetch, seam: Seam) -> None:
        first = int(fetch.ticks.id[0]) if fetch.ticks is not None else seam.first_id
        count = min(self._codec.page_limit, first)
        request = self._codec.past_trades(fetch.symbol, first - count, count, 0) if count > 0 else None
        if request is None:
            self._finish_trades(fetch)
            return
        fetch.is_paging = True

        def take(body: bytes) -> None:
            fetch.is_paging = False
            found = self._codec.parse_past_trades(fetch.symbol, body)
            page = TickColumns.of(tick for tick in found if first - count <= tick.id < first)
            whole = len(page) > 0 and int(page.id[-1]) == first - 1 and bool((np.diff(page.id) == 1).all())
            if not whole:
                self._finish_trades(fetch)  # older ones are not to be had: what came is contiguous
                return
            fetch.ticks = page if fetch.ticks is None else TickColumns.joined((page, fetch.ticks))
            fetch.pages += 1
            least_ns, oldest_ns = fetch.need.least_ns, int(fetch.ticks.time_ns[0])
            if oldest_ns < least_ns or fetch.pages >= MOST_PAGES or len(page) < count:
                self._finish_trades(fetch)
                return
            share = (seam.first_ns - oldest_ns) / max(seam.first_ns - least_ns, 1)
            total = min(max(round(fetch.pages / max(share, 1e-3)), fetch.pages + 1), MOST_PAGES)
            fetch.progress = HeadProgress(fetch.pages, total)

        def fail(error: FeedError) -> None:
            self._failed(fetch, error)

        fetch.progress = HeadProgress(fetch.pages, max(fetch.progress.total, fetch.pages + 1))
        self._rest.ask(f"{self._key(fetch)} {first}", request, take, fail)

    def _finish_trades(self, fetch: _Fetch) -> None:
        """Make a head of the trades; the first bar may lack some of its own and is left out."""
        ticks, interval_ns = fetch.ticks, fetch.interval_ns
        fetch.progress = HeadProgress()
        if ticks is None or not len(ticks):
            fetch.head = Head("trades", 0, 0, before_id=0)
            fetch.progress = HeadProgress(trouble="the venue has no older trades")
            return
        from_ns = (int(ticks.time_ns[0]) // interval_ns + 1) * interval_ns
        kept = ticks.rows(ticks.time_ns >= from_ns)
        until_ns = fetch.need.seam.first_ns // interval_ns * interval_ns
        fetch.head = Head("trades", from_ns, max(until_ns, from_ns), empty_bars(), kept, fetch.before_id)
        fetch.ticks = None


class HeadsOfVenues:
    """Heads of several venues, each asked for its own instruments.

    Parameters
    ----------
    feeds : by venue.
    """

    def __init__(self, feeds: dict[str, HeadFeed]) -> None:
        self.feeds = feeds

    def _of(self, symbol: str) -> HeadFeed | None:
        return self.feeds.get(split(symbol)[0])

    def ask(self, symbol: str, interval_ns: int, need: Need) -> Head | None:
        """What is there now, of the instrument's venue."""
        feed = self._of(symbol)
        return feed.ask(symbol, interval_ns, need) if feed is not None else None

    def progress(self, symbol: str, interval_ns: int) -> HeadProgress:
        """How far the fetching is."""
        feed = self._of(symbol)
        return feed.progress(symbol, interval_ns) if feed is not None else HeadProgress()

    def repetition(self, symbol: str) -> Repetition | None:
        """Return None: trades happen once."""
        return None
