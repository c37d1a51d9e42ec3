"""The thread that measures, every second, what all paper runs and a file of positions hold."""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from alphastream.baskets import BasketSpec
from alphastream.core.types import Floats
from alphastream.core.units import SECOND
from alphastream.feeds.codec import Instrument
from alphastream.instruments import bare, full, in_words, split
from alphastream.pairs import PairSpec
from alphastream.risk import (
    Account,
    AveragePrices,
    Breach,
    Holding,
    RiskReport,
    breaches,
    measure,
    read_positions,
)
from alphastream.streaming.tape_bars import TapeBars
from alphastream.tape.protocols import Tape
from runtime import threads
from runtime.risk.watched import Watched, watched_file

log = logging.getLogger(__name__)

EVERY_S: Final = 1.0
MOST_BARS: Final = 1_440
RECENT_BARS: Final = 60
TOLD_AGAIN_S: Final = 300.0
"""A limit that is passed again sooner is not told again."""
FILE_ACCOUNT: Final = "file of positions"


class Run(Protocol):
    """A paper run, as far as risk goes."""

    @property
    def id(self) -> str: ...
    @property
    def trades(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def definition(self) -> Any: ...
    @property
    def symbols(self) -> tuple[str, ...]: ...
    @property
    def positions(self) -> tuple[float, ...]: ...
    @property
    def fills(self) -> Sequence[Any]: ...
    @property
    def equity(self) -> float: ...
    @property
    def maintenance(self) -> float: ...


class Market(Protocol):
    """The trades that pages see."""

    @property
    def kind(self) -> str: ...
    @property
    def venue(self) -> str: ...
    @property
    def store(self) -> Tape: ...
    @property
    def instruments(self) -> Mapping[str, Instrument]: ...
    def now_ns(self) -> int: ...


@dataclass(slots=True)
class _Paid:
    """Average prices of a run, as far as its fills were counted."""

    prices: AveragePrices = field(default_factory=AveragePrices)
    counted: int = 0


class RiskMonitor:
    """Measures all that is held at the prices that pages see; safe to use from many threads.

    Runs on recorded trades and runs on live ones are never summed up: those count that run on what is shown.

    Parameters
    ----------
    folder : where limits and the file of positions are kept.
    runs : all paper runs.
    market : the trades that pages see, None while there are none.
    tell : called by the thread with each limit that is newly passed, and whether the trades are a recording.

    Attributes
    ----------
    outage : why nothing is measured now; None while it is.
    """

    def __init__(
        self,
        folder: Path,
        runs: Callable[[], Sequence[Run]],
        market: Callable[[], Market | None],
        tell: Callable[[Breach, bool], object] = lambda _breach, _recorded: None,
    ) -> None:
        self._runs, self._market, self._tell = runs, market, tell
        self._file = watched_file(folder)
        self._watched = self._file.load()
        self._lock = threading.RLock()
        self._of: tuple[Market, int] | None = None  # whose bars of which length are read
        self._bars: TapeBars | None = None
        self._paid: dict[str, _Paid] = {}
        self._peaks: dict[str, float] = {}
        self._told_s: dict[tuple[str, str], float] = {}
        self._passed: set[tuple[str, str]] = set()
        self._report: RiskReport | None = None
        self._marks: dict[str, float] = {}
        self._returns: dict[str, Floats] = {}
        self.outage: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alphastream-risk", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Stop the thread. May be called twice, or without ``start``."""
        self._stopping.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    @property
    def report(self) -> RiskReport | None:
        """The newest measurement; None before the first, and while there are no trades."""
        return self._report

    @property
    def breaches(self) -> tuple[Breach, ...]:
        """Limits that are passed now."""
        report = self._report
        return breaches(report, self._watched.limits) if report is not None else ()

    @property
    def watched(self) -> Watched:
        """What is watched, and how."""
        return self._watched

    @property
    def notice(self) -> str | None:
        """Why what was kept is not used; None where it is."""
        return self._file.notice

    def watch(self, watched: Watched) -> None:
        """Watch that from now on, and keep it.

        Raises
        ------
        ParameterError : the file of positions cannot be read. Nothing changes then.
        StorageError : it cannot be kept. It holds until the app ends.
        """
        if watched.positions:
            read_positions(watched.positions)
        with self._lock:
            self._watched = watched
        self._file.save(watched)

    def what_if(self, change: Callable[[Sequence[Holding]], Sequence[Holding]]) -> RiskReport | None:
        """Measure what would be held, at the prices and moves of the newest report."""
        with self._lock:
            report, marks, returns, watched = self._report, self._marks, self._returns, self._watched
        if report is None:
            return None
        return _measured(change(report.holdings), report.accounts, marks, returns, report.time_ns, watched, {})

    def once(self) -> RiskReport | None:
        """Measure now, and tell limits that are newly passed."""
        market = self._market()
        with self._lock:
            if market is None:
                self._report = None
                return None
            holdings, accounts = self._held(market)
            marks, returns = self._moves(market, {each.instrument for each in holdings})
            rules = market.instruments
            report = _measured(holdings, accounts, marks, returns, market.now_ns(), self._watched, rules)
            self._report, self._marks, self._returns = report, marks, returns
            passed = breaches(report, self._watched.limits)
        self._tell_new(passed, recorded=market.kind == "replay")
        return report

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.once()
                self.outage = None
            except Exception as error:  # the edge of the thread: the next second may be better
                threads.begins_again()
                words = f"{type(error).__name__}: {error}; the log has more"
                if self.outage != words:
                    log.exception("risk was not measured")
                self.outage = words
            self._stopping.wait(EVERY_S)

    def _held(self, market: Market) -> tuple[list[Holding], list[Account]]:
        holdings: list[Holding] = []
        accounts: list[Account] = []
        for run in self._runs():
            if run.trades != market.kind or run.status == "stopped":
                continue
            paid, account = self._paid_by(run), f"{in_words(run.definition.strategy.name, market.venue)}, {run.id}"
            pairs = run.definition.strategy.pairs
            for name, units in zip(run.symbols, run.positions, strict=True):
                if units:
                    pair = _pair_of(name, pairs, market.venue)
                    holdings.append(Holding(account, name, units, paid.prices.get(name, math.nan), pair))
            began = run.definition.capital
            peak = self._peaks[run.id] = max(self._peaks.get(run.id, began), began, _known(run.equity, began))
            accounts.append(Account(account, run.equity, run.maintenance, began, peak))
        if self._watched.positions:
            for each in read_positions(self._watched.positions, FILE_ACCOUNT):
                name = full(each.instrument, market.venue)
                holdings.append(Holding(each.account, name, each.units, each.price, each.pair))
        return holdings, accounts

    def _paid_by(self, run: Run) -> AveragePrices:
        paid = self._paid.get(run.id)
        if paid is None or paid.counted > len(run.fills):
            paid = self._paid[run.id] = _Paid()
        fills = run.fills
        for fill in fills[paid.counted :]:
            paid.prices.take(fill.symbol, fill.quantity, fill.price)
        paid.counted = len(fills)
        return paid.prices

    def _moves(self, market: Market, names: set[str]) -> tuple[dict[str, float], dict[str, Floats]]:
        """Last prices, and returns of closed bars on one grid; of what the tape holds."""
        interval_ns = self._watched.interval_s * SECOND
        if self._of is None or self._of[0] is not market or self._of[1] != interval_ns:
            self._of, self._bars = (market, interval_ns), TapeBars(market.store, MOST_BARS)
        assert self._bars is not None
        now_ns, marks = market.now_ns(), {}
        for name in names:
            last = market.store.last(name)
            if last is not None:
                marks[name] = last.price
                self._bars.follow(name, interval_ns, now_ns)
        self._bars.pull(now_ns)
        end = now_ns // interval_ns
        grid = np.arange(end - MOST_BARS - 1, end, dtype=np.int64)
        returns = {}
        for name in marks:
            bars = self._bars.bars(name, interval_ns)
            at = np.searchsorted(bars.start_ns // interval_ns, grid, "right") - 1
            price = (
                np.where(at >= 0, bars.close[np.maximum(at, 0)], np.nan) if len(bars) else np.full(len(grid), np.nan)
            )
            returns[name] = price[1:] / price[:-1] - 1.0
        return marks, returns

    def _tell_new(self, passed: Sequence[Breach], *, recorded: bool) -> None:
        now_s = time.monotonic()
        for breach in passed:
            is_new = breach.key not in self._passed
            if is_new and now_s - self._told_s.get(breach.key, -math.inf) >= TOLD_AGAIN_S:
                self._told_s[breach.key] = now_s
                log.warning("risk limit passed: %s", breach.sentence)
                self._tell(breach, recorded)
        self._passed = {breach.key for breach in passed}


def _measured(
    holdings: Sequence[Holding],
    accounts: Sequence[Account],
    marks: Mapping[str, float],
    returns: Mapping[str, Floats],
    time_ns: int,
    watched: Watched,
    rules: Mapping[str, Instrument],
) -> RiskReport:
    def asset_of(name: str) -> str:
        known = rules.get(name)
        return known.base if known is not None and known.base else split(name)[1]

    return measure(
        holdings,
        accounts,
        marks,
        returns,
        time_ns,
        assets=asset_of,
        level=watched.level,
        horizon_bars=watched.horizon_bars,
        recent=RECENT_BARS,
    )


def _pair_of(name: str, sources: Sequence[object], venue: str) -> str:
    """Name the pair or basket of a leg, "" where it is of none: bars of instruments hedge nothing by themselves.

    Symbols of another venue stand whole, so that two pairs never have one name.
    """
    for spec in sources:
        if isinstance(spec, PairSpec) and name in (spec.y, spec.x):
            return f"{bare(spec.y, venue)} against {bare(spec.x, venue)}"
        if isinstance(spec, BasketSpec) and name in spec.symbols:
            return "basket of " + ", ".join(bare(each, venue) for each in spec.symbols)
    return ""


def _known(value: float, otherwise: float) -> float:
    return value if math.isfinite(value) else otherwise
