"""Choose parameters on the past, trade on what follows, again and again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Unpack

import numpy as np
import pandas as pd

from alphastream.backtest.runner import run_table
from alphastream.backtest.simulation import RowFold
from alphastream.backtest.trials import Work
from alphastream.backtest.walk_forward import Training, ranges
from alphastream.core.types import Floats, Ints
from alphastream.core.validation import require_integer
from alphastream.graph import Node, Series
from alphastream.strategies import Decision, PulseStrategy, Table
from alphastream.strategies.pulse import CHANGED
from alphastream.study.results import StudyResult, study_result
from alphastream.study.sweeps import best_of
from alphastream.study.trials import Prepared, figures
from alphastream.study.variants import Variant
from alphastream.trading import Account, Target

CHOICE: Final = "choice"
OUT: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class WalkedForward:
    """The folds, and one account that traded all of their tests.

    Parameters
    ----------
    folds : a row a fold: times of training and test (the ends of their first and last bars), what was chosen, whether
        it stayed out, and what it came to. Ratios are a year.
    result : out of sample, over the rows of all tests, which follow on each other.
    """

    folds: pd.DataFrame
    result: StudyResult

    @property
    def equity(self) -> Floats:
        """Out of sample, at the end of each row of the tests, (T,)."""
        return self.result.equity

    @property
    def time_ns(self) -> Ints:
        """Ends of these rows, (T,)."""
        return self.result.time_ns


@dataclass(frozen=True, slots=True)
class _InTurn:
    """The variants of a strategy, each on the rows that its number stands on; out of the market on others."""

    name: str
    variants: tuple[PulseStrategy, ...]

    @property
    def pairs(self) -> tuple[Any, ...]:
        return self.variants[0].pairs

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.variants[0].symbols

    def series(self, spec: Any) -> Mapping[str, Series]:
        return self.variants[0].series(spec)

    def table(self, found: Sequence[Any], state: Any) -> tuple[Table, Any]:
        return self.variants[0].table(found, state)

    def direction_at(self, row: Any) -> int:
        return 0

    def decide(self, row: Any, account: Account) -> Decision:
        choice = int(row.choice)
        if choice == OUT:
            return Target((0.0,) * len(self.symbols), reason="stays out") if any(account.positions) else None
        return self.variants[choice].decide(row, account)


def purge_of(variants: Sequence[Variant], interval_ns: int) -> int:
    """Rows back to the oldest bar that a row needs: of an average of an average, both windows less the row they share.

    What longer bars say is needed until the next of them closes.
    """
    fold = RowFold([variant.strategy for variant in variants])
    spans: dict[Node, int] = {}

    def span_of(series: Series) -> int:
        if series.held is not None:
            return span_of(series.held) + series.held.source.interval_ns - series.source.interval_ns
        return spans[series.of] if isinstance(series.of, Node) else series.source.interval_ns

    for node in fold.graph.nodes():  # inputs before what they feed
        more = max(fold.graph.progress(node)[1] - 1, 0) * node.source.interval_ns
        spans[node] = more + max(map(span_of, node.inputs))
    return max((-(-span // interval_ns) for span in spans.values()), default=0)


def walked(
    job: Prepared,
    names: Sequence[str],
    *,
    train_rows: int,
    test_rows: int,
    purge_rows: int | None,
    embargo_rows: int,
    training: Training,
    stay_out: bool,
    summary: Sequence[str],
    **work: Unpack[Work],
) -> WalkedForward:
    """Walk forward over what was prepared; see ``Study.walk_forward``."""
    require_integer("embargo_rows", embargo_rows, 0)
    strategy, rules = job.variants[0].strategy, job.variants[0].rules
    interval_ns = strategy.spec.interval_ns
    purge = purge_of(job.variants, interval_ns) if purge_rows is None else purge_rows
    rows = len(job.tables[0])
    pieces = ranges(rows, train_rows, test_rows, purge + embargo_rows, training)
    found = figures(job, [train for train, _ in pieces], **work)
    profit, sharpe = (list(summary).index(name) for name in ("profit", "plain_sharpe"))
    chosen = []
    for fold in range(len(pieces)):
        best = best_of(found[:, fold], summary)
        chosen.append(OUT if stay_out and not found[best, fold, profit] > 0.0 else best)
    first, last = pieces[0][1][0], pieces[-1][1][1]
    table = _in_turn(job, chosen, [test for _, test in pieces])
    several = _InTurn(strategy.name, tuple(variant.strategy for variant in job.variants))
    run = run_table(job.market, several, table, rules, job.capital)
    result = study_result(run, {})
    time_ns, folds = job.tables[0].time_ns, []
    for fold, ((begin, end), (start, stop)) in enumerate(pieces):
        best = chosen[fold]
        equity = np.concatenate(([job.capital], result.equity))[start - first : stop - first + 1]
        changes = np.diff(equity) / np.where(equity[:-1] > 0.0, equity[:-1], np.nan)
        spread = float(np.std(changes, ddof=1))
        folds.append(
            {
                "train_start": time_ns[begin],
                "train_end": time_ns[end - 1],
                "test_start": time_ns[start],
                "test_end": time_ns[stop - 1],
                **{name: None if best == OUT else job.variants[best].values[place] for place, name in enumerate(names)},
                "stayed_out": best == OUT,
                "train_sharpe": float(np.nan) if best == OUT else found[best, fold, sharpe],
                "test_sharpe": float(np.mean(changes)) / spread * np.sqrt(result.summary().rows_per_year)
                if spread > 0.0
                else float(np.nan),
                "test_profit": float(equity[-1] - equity[0]),
            }
        )
    frame = pd.DataFrame(folds)
    for name in ("train_start", "train_end", "test_start", "test_end"):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    assert last - first == len(result)
    return WalkedForward(frame, result)


def _in_turn(job: Prepared, chosen: Sequence[int], tests: Sequence[tuple[int, int]]) -> Table:
    """Rows of all tests, with the columns of the variant that was chosen for each."""
    parts = [job.tables[max(choice, 0)].take(slice(*test)) for choice, test in zip(chosen, tests, strict=True)]
    columns = {
        name: np.concatenate([part.columns.get(name, np.zeros(len(part))) for part in parts])
        for name in dict.fromkeys(name for part in parts for name in part.columns)  # what one does not ask for is 0
    }
    turns = [np.full(len(part), float(choice)) for choice, part in zip(chosen, parts, strict=True)]
    if CHANGED in columns:  # a variant asks for its own position when its turn comes
        for test in tests:
            columns[CHANGED][test[0] - tests[0][0]] = 1.0
    whole = job.tables[0].take(slice(tests[0][0], tests[-1][1]))
    return Table(whole.time_ns, whole.marks, whole.volumes, {**columns, CHOICE: np.concatenate(turns)})
