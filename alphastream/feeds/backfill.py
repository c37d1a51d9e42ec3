"""Which missing trades to ask a venue for, when, and when to give one up. Pure: sends nothing, time is an argument.

The newest missing ids come first: what joins the live tape is worth most, and going back in time finds the edge of
what the venue keeps with one request instead of thousands. A venue that is asked by time is asked for the oldest first:
only the time of the trade before a gap is known.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from alphastream.core.units import SECOND
from alphastream.events import Tick
from alphastream.feeds.codec import REFUSED_PLACE_S, Codec, RetryAdvice
from alphastream.instruments import InstrumentId
from alphastream.tape.id_ranges import IdRuns

Range = tuple[int, int]
Gaps = Callable[[str], Sequence[Range]]

MAX_TRIES = 3  # answers that may lack a page's newest ids: REST lags behind the stream
LAG_S = 0.3  # so long after a hole was seen it is asked for: late trades may still close it
SHARE = 0.8  # of the venue's allowance; the rest is for others behind the same address
MAX_PAUSE_S = 60.0


class Page(msgspec.Struct, frozen=True):
    """Missing trades of one request: ids ``first`` to ``last``, both inclusive."""

    symbol: InstrumentId
    first: int
    last: int


class Unfillable(msgspec.Struct, frozen=True):
    """Trades that the venue will not give any more, and why.

    ``before_ns`` is the time of a trade that came after them, UTC ns; 0 where none is known.
    """

    symbol: InstrumentId
    first: int
    last: int
    reason: str
    before_ns: int = 0


class Backfill:
    """The plan: whose gaps to look at, what was settled, what was given up, what is next and when.

    Parameters
    ----------
    codec : says how large a page may be, what it weighs, and how far back it is worth asking.
    history_s : how far back is wanted, where that is not as far as it is worth asking.
    """

    def __init__(self, codec: Codec, history_s: float | None = None) -> None:
        self._page_limit, self._goes_forward = codec.page_limit, codec.pages_forward
        self._history_ns = int((codec.history_s if history_s is None else history_s) * SECOND)
        self._spacing_s = 60.0 * codec.page_weight / (SHARE * codec.weight_per_minute)
        self._wanted: set[InstrumentId] = set()
        self._not_before_s = 0.0
        self._failures = 0
        self._settled: dict[InstrumentId, IdRuns] = {}  # answered or given up: not asked again
        self._settled_before: dict[InstrumentId, IdRuns] = {}  # the same until the look before
        self._floor: dict[InstrumentId, tuple[int, str, int]] = {}  # first id worth asking for, why, and its time
        self._tries: dict[Page, int] = {}
        self._given_up: dict[InstrumentId, dict[int, Unfillable]] = {}  # by first id
        self._told: list[Unfillable] = []

    @property
    def unfillable(self) -> tuple[Unfillable, ...]:
        """What was given up, in the order of giving up."""
        return tuple(self._told)

    @property
    def wanted(self) -> bool:
        """True while some symbol may have gaps worth asking for."""
        return bool(self._wanted)

    def want(self, symbols: Iterable[InstrumentId], now_s: float) -> None:
        """Look at the gaps of these symbols soon."""
        self._wanted.update(symbols)
        self._not_before_s = max(self._not_before_s, now_s + LAG_S)

    def look_again(self, symbols: Iterable[InstrumentId], now_s: float) -> None:
        """Look at all gaps of these symbols soon, also at what was answered before the last call of this.

        The tape may have lost since what it had: its disk was full, its file is damaged.
        """
        self._settled_before, self._settled = self._settled, {}
        for symbol, given_up in self._given_up.items():
            for lost in given_up.values():
                self._settle(symbol, [(lost.first, lost.last)])
        self.want(symbols, now_s)

    def forget(self, symbols: Iterable[InstrumentId]) -> None:
        """Forget what is known of the ids of these symbols: their venue counts anew. What was given up stays told."""
        for symbol in symbols:
            for known in (self._settled, self._settled_before, self._floor, self._given_up):
                known.pop(symbol, None)

    def due(self, now_s: float) -> bool:
        """Say whether ``next_page`` is worth calling."""
        return bool(self._wanted) and now_s >= self._not_before_s

    def next_page(self, gaps: Gaps, now_s: float) -> tuple[Page, int] | None:
        """Return the next page and how many trades are missing in all; None when nothing is.

        The symbol that misses least comes first. Symbols that miss nothing are looked at no more until wanted again.
        """
        missing = {symbol: self._open(symbol, gaps(symbol)) for symbol in self._wanted}
        self._wanted = {symbol for symbol, ranges in missing.items() if ranges}
        if not self._wanted:
            return None
        sizes = {symbol: sum(last - first + 1 for first, last in missing[symbol]) for symbol in self._wanted}
        symbol = min(sizes, key=lambda name: (sizes[name], name))
        self._not_before_s = now_s + self._spacing_s
        if self._goes_forward:
            first, last = missing[symbol][0]
            return Page(symbol, first, min(last, first + self._page_limit - 1)), sum(sizes.values())
        first, last = missing[symbol][-1]
        return Page(symbol, max(first, last - self._page_limit + 1), last), sum(sizes.values())

    def answered(self, page: Page, ticks: Sequence[Tick], now_ns: int) -> None:
        """Take note of an answer whose trades inside the page were delivered.

        Parameters
        ----------
        ticks : the whole answer, ascending; it begins at the first trade that the venue still has.
        now_ns : to tell how old the trades are.
        """
        self._failures = 0
        inside = IdRuns()
        for tick in ticks:
            if page.first <= tick.id <= page.last:
                inside.add(tick.id)
        self._settle(page.symbol, inside.pairs())
        if ticks and ticks[0].id > page.first:  # a venue's ids have no holes, so this is its oldest
            oldest, reason = min(ticks[0].id, page.last + 1), "the venue no longer keeps them"
            self._floor[page.symbol] = (oldest, reason, ticks[0].time_ns)
        elif ticks and ticks[0].time_ns < now_ns - self._history_ns:
            hours = self._history_ns / SECOND / 3600
            self._floor[page.symbol] = (ticks[0].id, f"they are more than {hours:g} h old", ticks[0].time_ns)
        newest = ticks[-1].id if ticks else page.first - 1
        floor = self._floor.get(page.symbol, (0, "", 0))[0]
        for first, last in _without((max(page.first, floor), page.last), inside):
            if last < newest:
                after_ns = next((tick.time_ns for tick in ticks if tick.id > last), 0)
                why = "the venue has the trades around them, not these"
                self._give_up(Page(page.symbol, first, last), why, after_ns)
            else:
                self._try_again(Page(page.symbol, first, last))

    def refused(self, page: Page, status: int, advice: RetryAdvice, now_s: float) -> None:
        """Take note of an answer that was no success: wait as advised, or give up what is asked wrongly."""
        if advice.action == "stop":
            self._not_before_s = now_s + REFUSED_PLACE_S
        elif advice.action == "retry" and 400 <= status < 500:
            self._floor[page.symbol] = (page.last + 1, advice.reason, 0)
        elif advice.action == "retry":
            self.failed(now_s)
        else:
            self._not_before_s = now_s + advice.wait_s

    def failed(self, now_s: float) -> None:
        """Take note of a request without a usable answer: the next one waits, longer each time."""
        self._failures += 1
        self._not_before_s = now_s + min(MAX_PAUSE_S, 2.0 ** min(self._failures - 1, 10))

    def pause_s(self, now_s: float) -> float:
        """Return how long the next request must wait."""
        return max(0.0, self._not_before_s - now_s)

    def _open(self, symbol: InstrumentId, ranges: Sequence[Range]) -> list[Range]:
        floor, reason, floor_ns = self._floor.get(symbol, (0, "", 0))
        settled = self._settled.get(symbol, IdRuns()).union(self._settled_before.get(symbol, IdRuns()))
        missing: list[Range] = []
        for first, last in sorted(ranges):
            if first < floor:
                self._tell(Unfillable(symbol, first, min(last, floor - 1), reason, floor_ns))
            if last >= floor:
                missing += _without((max(first, floor), last), settled)
        return missing

    def _try_again(self, page: Page) -> None:
        tries = self._tries[page] = self._tries.get(page, 0) + 1
        if tries >= MAX_TRIES:
            del self._tries[page]
            self._give_up(page, f"the venue answered {tries} times without them")

    def _give_up(self, page: Page, reason: str, before_ns: int = 0) -> None:
        self._tell(Unfillable(page.symbol, page.first, page.last, reason, before_ns))
        self._settle(page.symbol, [(page.first, page.last)])

    def _tell(self, lost: Unfillable) -> None:
        given_up = self._given_up.setdefault(lost.symbol, {})
        if lost.first not in given_up:
            given_up[lost.first] = lost
            self._told.append(lost)

    def _settle(self, symbol: InstrumentId, runs: Iterable[Range]) -> None:
        self._settled[symbol] = self._settled.get(symbol, IdRuns()).union(IdRuns(runs))


def _without(span: Range, ids: IdRuns) -> list[Range]:
    """Return the parts of a range that are not among the ids.

    >>> _without((1, 9), IdRuns([(3, 4), (9, 12)]))
    [(1, 2), (5, 8)]
    """
    first, last = span
    parts = []
    for run_first, run_last in ids.pairs():
        if run_last >= first and run_first <= last:
            if run_first > first:
                parts.append((first, run_first - 1))
            first = run_last + 1
    if first <= last:
        parts.append((first, last))
    return parts
