"""Edges between the venues of one asset, as a fold: new quotes in, episodes that closed out, and a state."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from alphastream.arbitrage.alignment import Alignment
from alphastream.arbitrage.costs import Assumptions, Leg, cost_factors
from alphastream.arbitrage.kernels import CLOSED, edges_now, follow_edges, worst_around
from alphastream.arbitrage.lead_lag import lead_lag
from alphastream.arbitrage.levels import Levels, levels_of_quotes
from alphastream.arbitrage.signals import Signal
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError

MISSING = np.array([-np.inf, 0.0, np.inf, 0.0])
"""Bid, its quantity, offer and its quantity of a level that is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class MonitorState:
    """What a monitor remembers.

    Parameters
    ----------
    until_ns : moment up to which edges were looked at.
    times, sides : of each leg, the quotes that may still hold after it: shape (n,) and (n, 4, L).
    books, edges, openings : as in ``follow_edges``.
    late : quotes that came after their moment had been looked at; they count from then on.
    """

    until_ns: int
    times: tuple[Ints, ...]
    sides: tuple[Floats, ...]
    books: Floats
    edges: Floats
    openings: Ints
    late: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """What one leg and another quote at a moment.

    Parameters
    ----------
    buy, sell : instruments.
    net, gross : edge after and before costs as the stamps say, share of the value; NaN where a side is missing. Of all
        that pays; where nothing does, of the best levels.
    worst : net edge that holds whatever the error of the alignment is.
    value : cost of all that pays for certain, units of quote; infinite where the sizes are not known.
    since_ns : when the open episode opened; None where none is open.
    """

    buy: str
    sell: str
    net: float
    gross: float
    worst: float
    value: float
    since_ns: int | None


@dataclass(frozen=True, slots=True)
class ArbitrageMonitor:
    """Looks at all legs of one asset, each against each.

    An edge counts only while it holds for the whole error of the alignment: each leg gives the worst of all quotes that
    may have held, see ``worst_around``. So a quote that a venue has left, and that is not known to be left at the same
    moment elsewhere, opens nothing.

    Work grows with new quotes, times the legs of the asset. The state holds the quotes of the error's length.

    Parameters
    ----------
    asset : its name in signals.
    legs : two or more, of different instruments.
    assumptions : what is done after both orders are filled.

    Raises
    ------
    ParameterError : fewer than two legs, or one instrument twice.

    Examples
    --------
    >>> from alphastream.arbitrage import Alignment, levels_of_quotes
    >>> sure = Alignment("venue", 0, 0, 0)
    >>> monitor = ArbitrageMonitor("KO/USD", (Leg("one:KO", 0.0, sure), Leg("two:KO", 0.0, sure)), Assumptions(0.0))
    >>> quotes = {
    ...     "one:KO": levels_of_quotes([10], [10], [99.0], [5.0], [100.0], [5.0]),
    ...     "two:KO": levels_of_quotes([10, 30], [10, 30], [101.0, 99.0], [3.0, 3.0], [102.0, 100.0], [3.0, 3.0]),
    ... }
    >>> signals, state = monitor.run(quotes, 40)
    >>> [(each.buy, each.sell, each.opened_ns, each.closed_ns, round(each.net, 4), each.value) for each in signals]
    [('one:KO', 'two:KO', 10, 30, 0.01, 300.0)]
    """

    asset: str
    legs: tuple[Leg, ...]
    assumptions: Assumptions = field(default_factory=Assumptions)

    def __post_init__(self) -> None:
        names = [leg.instrument for leg in self.legs]
        if len(names) < 2 or len(set(names)) != len(names):
            raise ParameterError(f"{self.asset} needs two or more different instruments, has {', '.join(names)}")

    def known_until(self, now_ns: int) -> int:
        """Return the last moment of which all quotes that may have held are here."""
        return now_ns - max(leg.alignment.delay_ns + leg.alignment.error_ns for leg in self.legs)

    def run(
        self, quotes: Mapping[str, Levels], until_ns: int, state: MonitorState | None = None
    ) -> tuple[list[Signal], MonitorState]:
        """Take new quotes in and look at every moment up to ``until_ns``.

        Parameters
        ----------
        quotes : new ones by instrument, each in the order its venue sent them. A stamp that runs backwards counts as
            the newest before it. Some may be later than ``until_ns``; all up to it and its error must be here, see
            ``known_until``.
        until_ns : moments before that of the state stay as they were looked at.
        state : after the quotes before; None for the beginning.

        Returns
        -------
        Episodes that closed, in the order they did, and the state to go on with.

        Raises
        ------
        ParameterError : quotes of an instrument that is no leg.
        """
        if unknown := quotes.keys() - {leg.instrument for leg in self.legs}:
            raise ParameterError(f"{', '.join(sorted(unknown))}: no leg of {self.asset}")
        before = state or self._beginning()
        width = max([before.books.shape[2], *(each.bid_price.shape[1] for each in quotes.values())])
        until = max(until_ns, before.until_ns)
        times, sides, moments, worsts = [], [], [], []
        late = before.late
        for place, leg in enumerate(self.legs):
            held, rows = before.times[place], _widened(before.sides[place], width)
            if (new := quotes.get(leg.instrument)) is not None and len(new.time_ns):
                earliest = before.until_ns + leg.alignment.error_ns + 1
                stamps = leg.alignment.times_of(new)
                late += int((stamps < earliest).sum()) if state is not None else 0
                last = held[-1] if held.size else earliest
                held = np.concatenate((held, np.maximum.accumulate(np.maximum(stamps, max(last, earliest)))))
                rows = np.concatenate((rows, _sides_of(new, width)))
            error = leg.alignment.error_ns
            moment, worst = worst_around(held, rows, error, before.until_ns, until)
            moments.append(moment)
            worsts.append(worst)
            first = max(0, int(held.searchsorted(until - error, side="right")) - 1)
            times.append(held[first:].copy())
            sides.append(rows[first:].copy())
        when = np.concatenate(moments)
        order = np.argsort(when, kind="stable")
        whose = np.repeat(np.arange(len(self.legs)), [each.size for each in moments])
        books, edges, openings = _widened(before.books, width), before.edges.copy(), before.openings.copy()
        found, values = follow_edges(
            when[order], whose[order], np.concatenate(worsts)[order], self._costs(), books, edges, openings
        )
        signals = [
            self._signal((a, b), opened, best, closed, value)
            for (a, b, opened, best, closed), value in zip(found.tolist(), values.tolist(), strict=True)
        ]
        return signals, MonitorState(until, tuple(times), tuple(sides), books, edges, openings, late)

    def open(self, state: MonitorState) -> list[Signal]:
        """Return the episodes that are open."""
        return [
            self._signal(
                (a, b), int(state.openings[a, b, 0]), int(state.openings[a, b, 1]), None, state.edges[a, b].tolist()
            )
            for a, b in self._pairs()
            if state.openings[a, b, 0] != CLOSED
        ]

    def edges(self, state: MonitorState) -> list[Edge]:
        """Return what each leg and each other quote at the moment of the state."""
        width = state.books.shape[2]
        stamped = np.empty_like(state.books)
        for place in range(len(self.legs)):
            row = int(state.times[place].searchsorted(state.until_ns, side="right")) - 1
            stamped[place] = state.sides[place][row] if row >= 0 else _missing(1, width)[0]
        costs = self._costs()
        now, sure = edges_now(stamped, costs), edges_now(state.books, costs)
        found = []
        for a, b in self._pairs():
            opened = int(state.openings[a, b, 0])
            found.append(
                Edge(
                    buy=self.legs[a].instrument,
                    sell=self.legs[b].instrument,
                    net=float(now[a, b, 0]),
                    gross=float(now[a, b, 1]),
                    worst=float(sure[a, b, 0]),
                    value=float(sure[a, b, 3]),
                    since_ns=opened if opened != CLOSED else None,
                )
            )
        return found

    def _pairs(self) -> Iterator[tuple[int, int]]:
        count = range(len(self.legs))
        return ((a, b) for a in count for b in count if a != b)

    def _costs(self) -> Floats:
        return cost_factors(self.legs, self.assumptions)

    def _beginning(self) -> MonitorState:
        count = len(self.legs)
        return MonitorState(
            np.iinfo(np.int64).min // 2,
            tuple(np.empty(0, np.int64) for _ in self.legs),
            tuple(np.empty((0, 4, 1)) for _ in self.legs),
            _missing(count, 1),
            np.zeros((count, count, 5)),
            np.full((count, count, 2), CLOSED, np.int64),
        )

    def _signal(
        self, legs: tuple[int, int], opened_ns: int, best_ns: int, closed_ns: int | None, best: list[float]
    ) -> Signal:
        buys, sells = (self.legs[place] for place in legs)
        error_ns = buys.alignment.error_ns + sells.alignment.error_ns
        prices = "quotes" if buys.prices == sells.prices == "quotes" else "trades"
        net, gross, quantity, value, _ = best
        names = self.asset, buys.instrument, sells.instrument
        return Signal(*names, opened_ns, best_ns, closed_ns, net, gross, quantity, value, error_ns, prices)


def _missing(rows: int, width: int) -> Floats:
    return np.broadcast_to(MISSING[:, None], (rows, 4, width)).copy()


def _widened(sides: Floats, width: int) -> Floats:
    """Copy with more levels, which are missing."""
    wide = _missing(sides.shape[0], width)
    wide[:, :, : sides.shape[2]] = sides
    return wide


def _sides_of(quotes: Levels, width: int) -> Floats:
    """(n, 4, width) as the kernels want it. A level without both its price and a quantity ≥ 0 is missing."""
    sides = _missing(len(quotes.time_ns), width)
    for at, prices, quantities in (
        (0, quotes.bid_price, quotes.bid_quantity),
        (2, quotes.ask_price, quotes.ask_quantity),
    ):
        known = np.isfinite(prices) & (prices > 0.0)
        levels = prices.shape[1]
        sides[:, at, :levels] = np.where(known, prices, MISSING[at])
        sides[:, at + 1, :levels] = np.where(known, np.where(np.isnan(quantities), np.inf, quantities), 0.0)
    return sides


def warm_up() -> None:
    """Compile the kernels, or load them from the cache; takes seconds the first time on a machine."""
    sure = Alignment("venue", 0, 0, 0)
    monitor = ArbitrageMonitor("KO/USD", (Leg("one:KO", 0.0, sure), Leg("two:KO", 0.0, sure)))
    times = np.arange(2)
    ones = np.ones(2)
    quotes = {name: levels_of_quotes(times, times, ones, ones, 2.0 * ones, ones) for name in ("one:KO", "two:KO")}
    monitor.edges(monitor.run(quotes, 2)[1])
    waves = np.exp(np.sin(np.square(np.arange(1_000.0))) * 1e-4)
    moments = np.arange(1_000) * 10**9
    lead_lag(moments, waves, moments, waves, max_lag_ns=1, step_ns=1)
