"""Choose on the past, trade on what follows, again and again: what a sweep is worth out of sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, Unpack

import numpy as np

from alphastream.backtest.compiled_run import VectorisedRun
from alphastream.backtest.pair_history import PairHistory
from alphastream.backtest.pair_series import PairSeries, PairStrategy, pair_series
from alphastream.backtest.sweep import Grid, Sweep, gathered, grid_of
from alphastream.backtest.trials import Work, outcomes, statistics
from alphastream.backtest.vectorised import keep_books, terms_of
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.pairs import source_columns
from alphastream.performance import lo_sharpe, returns

Training: TypeAlias = Literal["rolling", "anchored"]
"""Whether a fold trains on as many rows as the first ("rolling"), or on all from the first row on ("anchored")."""


@dataclass(frozen=True, slots=True)
class WalkForwardFold:
    """One training and the test that follows it; ranges are rows of the history, the end not included.

    Parameters
    ----------
    train, test : first row and row after the last.
    window, entry, exit : with the highest plain Sharpe ratio of the training.
    train_sharpe, test_sharpe : of a row over the autocorrelation of the rows (``lo_sharpe``), not annualised; NaN where
        nothing was traded, or the account came to its end.
    trades : round trips begun in the test.
    profitable : whether any combination gained in the training. Where none did, the best of them trades all the same,
        unless the walk stays out of such tests.
    ended : whether the account that trades the tests came to its end by then; after that it trades no more.
    """

    train: tuple[int, int]
    test: tuple[int, int]
    window: int
    entry: float
    exit: float
    train_sharpe: float
    test_sharpe: float
    trades: int
    profitable: bool
    ended: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class WalkForward:
    """The folds, and one account that traded all of their tests.

    Parameters
    ----------
    grid : what was chosen from.
    run : over the rows of all tests, which follow on each other; its strategy is that of the last. A position is
        carried from one test into the next only where both want it; otherwise it is closed, at trades and costs, when
        the next begins.
    trainings : the sweep of each fold.
    """

    grid: Grid
    folds: tuple[WalkForwardFold, ...]
    run: VectorisedRun
    trainings: tuple[Sweep, ...]

    @property
    def rows(self) -> tuple[int, int]:
        """First row of the first test and row after the last of the last one."""
        return self.folds[0].test[0], self.folds[-1].test[1]

    @property
    def equity(self) -> Floats:
        """Out of sample, at the end of each row of the tests."""
        return self.run.equity


def ranges(
    rows: int, train_rows: int, test_rows: int, purge_rows: int, training: Training = "rolling"
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Rows of the training and of the test of each fold; tests follow on each other, rows too few for one are left.

    Parameters
    ----------
    purge_rows : between a training and its test, used by neither.

    Raises
    ------
    NotEnoughObservations : not even one fold.
    ParameterError : fewer than two rows to train or test on, a negative purge.

    Examples
    --------
    >>> ranges(100, train_rows=40, test_rows=20, purge_rows=10)
    [((0, 40), (50, 70)), ((20, 60), (70, 90))]
    """
    for name, value, minimum in (
        ("train_rows", train_rows, 2),
        ("test_rows", test_rows, 2),
        ("purge_rows", purge_rows, 0),
    ):
        require_integer(name, value, minimum)
    if training not in ("rolling", "anchored"):
        raise ParameterError(f"training is {training!r}: it is 'rolling' or 'anchored'")
    ahead = train_rows + purge_rows
    if rows < ahead + test_rows:
        what = f"walking forward with {train_rows} rows to train, {purge_rows} between and {test_rows} to test"
        raise NotEnoughObservations(what, needed=ahead + test_rows, have=rows)
    starts = range(0, rows - ahead - test_rows + 1, test_rows)
    return [
        ((0 if training == "anchored" else at, at + train_rows), (at + ahead, at + ahead + test_rows)) for at in starts
    ]


def walk_forward(
    history: PairHistory,
    strategy: PairStrategy,
    windows: Sequence[int],
    entries: Sequence[float],
    exits: float | Sequence[float] | None = None,
    *,
    train_rows: int,
    test_rows: int,
    purge_rows: int | None = None,
    training: Training = "rolling",
    stay_out: bool = False,
    capital: float = 100_000.0,
    **work: Unpack[Work],
) -> WalkForward:
    """Choose windows and thresholds by the Sharpe ratio of past rows and trade the rows that follow.

    Estimators have seen all rows before a training or a test, so that neither begins with a warm-up; each row uses
    rows up to itself, and the rule begins flat in both. A position that is open at the end of a training is marked
    there.

    Parameters
    ----------
    windows, entries, exits : as in ``sweep``.
    purge_rows : between training and test, used by neither; None for the longest of the windows, so that no row of a
        training is in the window of a test's z-score.
    stay_out : hold nothing in a test where no combination gained in its training; False takes the best even so.
    **work : as in ``sweep``.

    Raises
    ------
    NotEnoughObservations : the history is too short for one fold.
    ParameterError, JobCancelled : as ``sweep``.
    """
    grid = grid_of(strategy, windows, entries, exits)
    purge = max(grid.windows) if purge_rows is None else purge_rows
    pieces = ranges(len(history), train_rows, test_rows, purge, training)
    answers = outcomes(
        history, strategy, grid.windows, grid.signals, [train for train, _ in pieces], capital, work, with_series=True
    )
    trainings = [gathered(grid, np.stack([found[at] for found, _ in answers])) for at in range(len(pieces))]
    chosen = [sweep.best() for sweep in trainings]
    tests = [test for _, test in pieces]
    out = [stay_out and not sweep.sharpe[sweep.best()] > 0.0 for sweep in trainings]
    run = _trade(history, grid, [series for _, series in answers], chosen, tests, out, capital)
    trained = [
        keep_books(history.cut(*train), grid.strategy(place), answers[place[0]][1].cut(*train), capital).sharpe.sharpe
        for place, (train, _) in zip(chosen, pieces, strict=True)
    ]
    folds = tuple(
        _fold(run, grid, sweep, place, learnt, train, test, tests[0][0])
        for sweep, place, learnt, (train, test) in zip(trainings, chosen, trained, pieces, strict=True)
    )
    return WalkForward(grid, folds, run, tuple(trainings))


def best_in_hindsight(history: PairHistory, walk: WalkForward) -> VectorisedRun:
    """One account over the rows of all tests with the one combination that was best on these very rows.

    Nobody could have known it: it is what the choices of a walk-forward are measured against.

    Parameters
    ----------
    history : that was walked over.
    """
    grid, (start, stop), capital = walk.grid, walk.rows, walk.run.capital
    strategy, piece = grid.strategies[0], history.cut(start, stop)
    terms, columns = terms_of(strategy, history.rules, capital), source_columns(history.rows, strategy.pair.price)
    series = [pair_series(history.rows, each, columns).cut(start, stop) for each in grid.strategies]
    best = gathered(grid, np.stack([statistics(piece, each, grid.signals, terms) for each in series])).best()
    return keep_books(piece, grid.strategy(best), series[best[0]], capital)


def _trade(
    history: PairHistory,
    grid: Grid,
    series: Sequence[PairSeries],
    chosen: Sequence[tuple[int, int]],
    tests: Sequence[tuple[int, int]],
    out: Sequence[bool],
    capital: float,
) -> VectorisedRun:
    """One account over all tests, each with the combination chosen for it and a rule that begins flat; flat where
    ``out``."""
    parts, directions = [], []
    for (window, threshold), (start, stop), stays_out in zip(chosen, tests, out, strict=True):
        part = series[window].cut(start, stop)
        parts.append(part)
        position = grid.signals[threshold].run(part.zscore)[0].position
        directions.append(np.zeros_like(position) if stays_out else position)
    whole = PairSeries(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("zscore", "hedge_ratio", "leverage"))
    )
    piece = history.cut(tests[0][0], tests[-1][1])
    return keep_books(piece, grid.strategy(chosen[-1]), whole, capital, np.concatenate(directions))


def _fold(
    run: VectorisedRun,
    grid: Grid,
    sweep: Sweep,
    place: tuple[int, int],
    train_sharpe: float,
    train: tuple[int, int],
    test: tuple[int, int],
    first: int,
) -> WalkForwardFold:
    start, stop = test[0] - first, test[1] - first
    before = run.capital if start == 0 else float(run.equity[start - 1])
    curve = np.concatenate(([before], run.equity[start:stop]))
    traded = run.fills.round_trip[(run.fills.row >= start) & (run.fills.row < stop)]
    earlier = run.fills.round_trip[run.fills.row < start]
    signal, trades = grid.signals[place[1]], int(np.setdiff1d(traded, earlier).size)
    held = np.count_nonzero(run.positions[start:stop].any(axis=1)) / max(trades, 1)
    ended = run.ended is not None and run.ended.time_ns <= int(run.history.rows.end_ns[stop - 1])
    return WalkForwardFold(
        train=train,
        test=test,
        window=grid.windows[place[0]],
        entry=signal.entry,
        exit=signal.exit,
        train_sharpe=train_sharpe,
        test_sharpe=float("nan") if ended else lo_sharpe(returns(curve), holding_rows=held).sharpe,
        trades=trades,
        profitable=bool(sweep.sharpe[place] > 0.0),
        ended=ended,
    )
