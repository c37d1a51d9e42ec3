"""Between pairs and the position optimiser: answers become rows of prices and signals by symbol, and its positions
become what they would have earned.

Rows exist at bar ends that every pair has closed. A symbol that did not trade in a bar has no price there: it is
missing, not filled.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Final, Literal, Protocol

import numpy as np

from alphastream.core.types import Ints
from alphastream.errors import ParameterError
from alphastream.estimators import Floats, ZScore
from alphastream.pairs import Columns, PairSpec, Progress
from alphastream.performance import lo_sharpe
from alphastream.portfolio import (
    PositionConfig,
    Positions,
    PositionStream,
    Spectrum,
    StepResult,
    information_coefficient,
    returns,
    spectrum,
)
from alphastream.portfolio.evaluation import returns_over_shrinkage

Style = Literal["reversal", "momentum"]

SHRINKAGES: Final = tuple(step / 10 for step in range(11))


class ScoredPair(Protocol):
    """What rows for the optimiser are made of, for one pair; ``PairAnalytics`` has it."""

    @property
    def spec(self) -> PairSpec:
        """The pair."""

    @property
    def closed(self) -> Columns:
        """Rows of closed bars, (T,) a column: ``time_ns`` (bar ends), ``y``, ``x``, ``y_age_ns`` and ``x_age_ns``.

        ``pair_rows`` reads ``hedge_ratio`` and ``settled_zscore`` too; NaN where not yet defined.
        """

    @property
    def forming(self) -> Columns:
        """``time_ns`` of the bars that are not closed yet, (0,) where there are none."""

    @property
    def calibrating(self) -> Progress | None:
        """The first estimator that still lacks observations, or None."""


@dataclass(frozen=True, slots=True, eq=False)
class AllocationRows:
    """What the optimiser takes: T rows of N assets, oldest first.

    Parameters
    ----------
    assets : symbols, in the order of the columns.
    time_ns : (T,), bar ends.
    prices : (T, N), last trade in the bar; NaN where the symbol did not trade in it.
    signals : (T, N), NaN where nothing is known; the optimiser counts that as 0, no return expected.
    calibrating : what each signal still waits for, by the name of its pair or symbol.
    """

    assets: tuple[str, ...]
    time_ns: Ints
    prices: Floats
    signals: Floats
    calibrating: tuple[tuple[str, Progress], ...] = ()

    def __len__(self) -> int:
        return len(self.time_ns)


@dataclass(frozen=True, slots=True, eq=False)
class Allocation:
    """The optimiser over rows.

    Parameters
    ----------
    positions : of every row.
    last : what it said to the newest row.
    """

    rows: AllocationRows
    config: PositionConfig
    positions: Positions
    last: StepResult

    @property
    def matrix(self) -> Floats:
        """The matrix that was solved on the newest row, (N, N)."""
        return self.last.next_stream.matrix()


@dataclass(frozen=True, slots=True)
class ICSummary:
    """Mean of an information coefficient, its standard error if rows were independent, and how many rows had one."""

    mean: float
    error: float
    rows: int


@dataclass(frozen=True, slots=True)
class ShrinkTrial:
    """Sharpe ratio of a row, not annualised, for one value of ``shrink``; its standard error for independent rows."""

    shrink: float
    sharpe: float
    error: float
    rows: int


def pair_rows(answers: Sequence[ScoredPair], style: Style = "reversal") -> AllocationRows:
    """Rows for the legs of pairs.

    The signal of a symbol is the sum, over the pairs that have a settled z-score on this bar, of the z-score times the
    symbol's share of the spread: 1 for y and −hedge ratio for x, in notional; a ratio of units (pairs estimated on
    prices) is made one of notionals by the prices of the bar. Reversal takes −z, momentum z.
    A pair counts on bars in which both its legs traded: a z-score from an old price cannot be traded.
    """
    assets = tuple(dict.fromkeys(leg for answer in answers for leg in (answer.spec.y, answer.spec.x)))
    ends = _ends(answers)
    prices = _prices(answers, assets, ends)
    total, known = np.zeros(prices.shape), np.zeros(prices.shape, dtype=bool)
    for answer in answers:
        y, x = assets.index(answer.spec.y), assets.index(answer.spec.x)
        at = _place(answer, ends)
        ratio, zscore = answer.closed["hedge_ratio"][: len(at)], answer.closed["settled_zscore"][: len(at)]
        if answer.spec.price == "price":
            ratio = ratio * prices[at, x] / prices[at, y]
        push = zscore if style == "momentum" else -zscore
        counts = np.isfinite(push * ratio) & np.isfinite(prices[at, y]) & np.isfinite(prices[at, x])
        at, push, ratio = at[counts], push[counts], ratio[counts]
        total[at, y] += push
        total[at, x] -= push * ratio
        known[at, y] = known[at, x] = True
    waits = tuple((f"{a.spec.y}/{a.spec.x}", step) for a in answers if (step := a.calibrating) is not None)
    return AllocationRows(assets, ends, prices, np.where(known, total, np.nan), waits)


def symbol_rows(
    answers: Sequence[ScoredPair], symbols: Sequence[str], window: int, style: Style = "reversal"
) -> AllocationRows:
    """Rows for symbols alone: the signal is the z-score of the log price in its own last ``window`` bars with trades.

    Parameters
    ----------
    answers : of ``price_pairs``: only their prices are read.
    """
    assets = tuple(dict.fromkeys(symbols))
    ends = _ends(answers)
    prices = _prices(answers, assets, ends)
    traded = np.isfinite(prices).any(axis=1)
    ends, prices = ends[traded], prices[traded]
    scores = [ZScore(window).run(column)[0].zscore for column in np.log(prices).T]
    signals = np.column_stack(scores) * (1.0 if style == "momentum" else -1.0)
    have = np.isfinite(prices).sum(axis=0).tolist()
    steps = ((asset, Progress("z-score", bars, window)) for asset, bars in zip(assets, have, strict=True))
    return AllocationRows(assets, ends, prices, signals, tuple(wait for wait in steps if not wait[1].done))


def price_pairs(symbols: Sequence[str], others: Iterable[str], interval_ns: int) -> tuple[PairSpec, ...]:
    """Return pairs that have each of the symbols as a leg, so that the engine makes their bars.

    Parameters
    ----------
    others : symbols that may serve as the other leg of a last one.
    """
    names = list(dict.fromkeys(symbols))
    if len(names) % 2:
        partner = next((name for name in (*others, *names) if name != names[-1]), None)
        if partner is None:
            raise ParameterError(f"{names[-1]} is the only symbol: the bars of one need another beside them; add one")
        names.append(partner)
    return tuple(PairSpec(y, x, interval_ns) for y, x in zip(names[::2], names[1::2], strict=True))


def allocate(rows: AllocationRows, config: PositionConfig) -> Allocation:
    """Run the optimiser over all rows. Raises ParameterError without any."""
    if not len(rows):
        raise ParameterError("no closed bar yet: the first one is needed")
    stream = PositionStream.begin(rows.assets, config)
    before, stream = stream.run(rows.prices[:-1], rows.signals[:-1])
    newest, _ = stream.run(rows.prices[-1:], rows.signals[-1:])
    parts = {
        item.name: np.concatenate((getattr(before, item.name), getattr(newest, item.name)))
        for item in fields(Positions)
        if item.name != "assets"
    }
    last = stream.step(rows.prices[-1], rows.signals[-1])
    return Allocation(rows, config, Positions(rows.assets, **parts), last)


def decided_on(positions: Positions, prices: Floats) -> Floats:
    """``held`` where a row decides about a symbol, (T, N): NaN where it did not trade, or has no position while others
    have."""
    passed_over = np.isnan(positions.cash_position) & (positions.status == "valid")[:, None]
    return np.where(np.isfinite(prices) & ~passed_over, positions.held, np.nan)


def filled(positions: Positions, prices: Floats) -> Positions:
    """Return the positions with ``held`` as it could have been held.

    What was decided when bar t had closed is filled at the last trade of bar t + 1. Where a symbol did not trade,
    nothing is decided about it and nothing is filled: it is held on. Nothing is decided either where others have
    positions and it has none, as while it has traded too seldom for a correlation.
    """
    traded = np.isfinite(prices)
    decided = carried(decided_on(positions, prices))
    due = np.full(decided.shape, np.nan)
    due[1:] = decided[:-1]
    held = np.nan_to_num(carried(np.where(traded, due, np.nan)))
    return replace(positions, held=held)


def net_returns(positions: Positions, prices: Floats, config: PositionConfig) -> Floats:
    """Return of each row on the assets under management, (T,), after costs, for positions as ``filled`` has them.

    The return of a symbol over bars without a trade counts on the bar in which it trades again.
    """
    return returns(filled(positions, prices), carried(prices), config)


def soundness(rows: AllocationRows, config: PositionConfig) -> Spectrum:
    """Spectrum of the matrix of each row, NaN where it is of one symbol, which is always sound."""
    ever = np.isfinite(rows.prices).any(axis=0)
    some = config.replace(max_nan_fraction=1.0 - 1e-9)
    found = spectrum(rows.prices[:, ever], rows.signals[:, ever], some)
    alone = (found.condition_number == 1.0) & (found.effective_rank == 1.0)
    return Spectrum(*(np.where(alone, np.nan, values) for values in (found.condition_number, found.effective_rank)))


def ic_summary(rows: AllocationRows, *, ranked: bool = False) -> ICSummary:
    """Information coefficient of the signals of bar t and the returns from t + 1 to t + 2, the first to be had.

    The error takes rows as independent. Signals that last longer than a bar make the true one larger.
    """
    found = information_coefficient(rows.prices[1:], rows.signals[:-1], ranked=ranked)
    found = found[np.isfinite(found)]
    error = float(np.std(found, ddof=1) / np.sqrt(found.size)) if found.size > 1 else np.nan
    return ICSummary(float(found.mean()) if found.size else np.nan, error, int(found.size))


def sharpe_by_shrinkage(
    rows: AllocationRows, config: PositionConfig, shrinkages: Iterable[float] = SHRINKAGES
) -> list[ShrinkTrial]:
    """Sharpe ratio of what each value of ``shrink`` would have earned, from its first positions on.

    Unlike ``portfolio.sharpe_over_shrinkage``, which fills at the price a signal was made from, this fills a bar later.
    Ratio and error are over the autocorrelation of the bars; see ``lo_sharpe``.
    """
    trials = returns_over_shrinkage(rows.assets, rows.prices, rows.signals, config, shrinkages, net_returns)
    return [_trial(shrink, row_returns) for shrink, row_returns in trials]


def _trial(shrink: float, row_returns: Floats) -> ShrinkTrial:
    found = lo_sharpe(row_returns)
    return ShrinkTrial(shrink, found.sharpe, found.error, int(row_returns.size))


def _ends(answers: Sequence[ScoredPair]) -> Ints:
    """Bar ends of all pairs, up to the first that some pair has not closed yet."""
    ends = np.unique(np.concatenate([np.empty(0, np.int64), *(answer.closed["time_ns"] for answer in answers)]))
    still_open = [int(ns) for ns in chain(*(answer.forming["time_ns"][:1] for answer in answers))]
    return ends[ends < min(still_open)] if still_open else ends


def _place(answer: ScoredPair, ends: Ints) -> Ints:
    """Where in ``ends`` the oldest closed rows of a pair stand, those that come later left out."""
    times = answer.closed["time_ns"]
    used = int(np.searchsorted(times, ends[-1], side="right")) if len(ends) else 0
    return np.searchsorted(ends, times[:used])


def _prices(answers: Sequence[ScoredPair], assets: tuple[str, ...], ends: Ints) -> Floats:
    """Last trades in each bar, (T, N); NaN without one."""
    prices = np.full((len(ends), len(assets)), np.nan)
    for answer in answers:
        at = _place(answer, ends)
        for symbol, leg in ((answer.spec.y, "y"), (answer.spec.x, "x")):
            if symbol in assets:
                fresh = answer.closed[f"{leg}_age_ns"][: len(at)] <= answer.spec.interval_ns
                prices[at[fresh], assets.index(symbol)] = answer.closed[leg][: len(at)][fresh]
    return prices


def carried(values: Floats) -> Floats:
    """Each column with its last finite value carried on; NaN before the first."""
    rows = np.arange(len(values))[:, None]
    newest = np.maximum.accumulate(np.where(np.isfinite(values), rows, -1), axis=0)
    return np.where(newest >= 0, np.take_along_axis(values, np.maximum(newest, 0), axis=0), np.nan)
