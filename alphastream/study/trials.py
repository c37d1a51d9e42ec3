"""Many variants over one history: their series computed once, their accounts on any backend."""

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import count
from typing import Any, Final, TypeAlias, Unpack

import numpy as np

from alphastream.backtest import Definition, LegTrades, Market, RowFold, RunResult
from alphastream.backtest.functions import vouch
from alphastream.backtest.market import LegBars
from alphastream.backtest.own_code import own_code
from alphastream.backtest.runner import run_table
from alphastream.backtest.trials import Work
from alphastream.compute import Arrays, named_arrays, open_arrays, run
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.strategies import PulseStrategy, Table
from alphastream.study.results import study_result
from alphastream.study.variants import Variant
from alphastream.trading.broker.costs import FillRule

Span: TypeAlias = tuple[int, int]
MOMENTS: Final = ("moment_rows", "mean", "std", "skew", "kurtosis", "factor")
"""Behind the figures of ``StudyResult.summary``: of the returns of a row, and the factor of their autocorrelation."""

_LOCAL: Final = ("sequential", "threads")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Variants with the rows that each decides on."""

    market: Market
    variants: tuple[Variant, ...]
    tables: tuple[Table, ...]
    capital: float


@dataclass(frozen=True, slots=True)
class _Trial:
    """One variant over spans of rows, each with an account of its own.

    Parameters
    ----------
    job : name of what was prepared: in this process, or of arrays.
    written : the strategy and rules as text, and its functions, where it is worked on elsewhere.
    """

    job: str
    place: int
    spans: tuple[Span, ...]
    written: str = ""
    functions: tuple[str, ...] = ()


_jobs: dict[str, Prepared] = {}
_numbers = count()


def prepared(market: Market, tried: Sequence[Variant], capital: float) -> Prepared:
    """Compute what the variants read, each node once however many of them read it."""
    fold = RowFold([variant.strategy for variant in tried])
    tables, _ = fold.run(fold.rows_of(market))
    return Prepared(market, tuple(tried), tuple(tables), capital)


def figures(job: Prepared, spans: Sequence[Span], **work: Unpack[Work]) -> Floats:
    """Figures of each variant over each span of rows, (variants, spans, F): ``StudyResult.summary`` and ``MOMENTS``."""
    backend = work.get("backend", "threads")
    if isinstance(backend, str) and backend in _LOCAL:
        name = f"study:{next(_numbers)}"
        _jobs[name] = job
        try:
            trials = [_Trial(name, place, tuple(spans)) for place in range(len(job.variants))]
            return np.array(run(_outcome, trials, **work))
        finally:
            del _jobs[name]
    with named_arrays(_arrays(job), backend, work.get("folder")) as name:
        trials = [_written(name, place, tuple(spans), job) for place in range(len(job.variants))]
        return np.array(run(_outcome, trials, **work))


def _outcome(trial: _Trial) -> Floats:
    """Figures of one variant over its spans."""
    if trial.job in _jobs:
        job = _jobs[trial.job]
        market, capital, table = job.market, job.capital, job.tables[trial.place]
        strategy, rules = job.variants[trial.place].strategy, job.variants[trial.place].rules
    else:
        for reference in trial.functions:
            importlib.import_module(reference.partition(":")[0])
            vouch(reference)
        definition = Definition.of(json.loads(trial.written))
        assert isinstance(definition.strategy, PulseStrategy)
        strategy, rules, capital = definition.strategy, definition.rules, definition.capital
        table, market = _opened(trial.job, trial.place, strategy.symbols)
    return np.array(
        [_figures(run_table(market, strategy, table.take(slice(*span)), rules, capital)) for span in trial.spans]
    )


def _figures(result: RunResult) -> list[float]:
    found = study_result(result, {})
    ratios = found.performance.ratios
    its = ratios.moments
    return [*found.summary(), float(its.rows), its.mean, its.std, its.skew, its.kurtosis, ratios.factor]


# ---- elsewhere ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tapes:
    """The prices at which orders can be filled, and nothing else of a market."""

    arrays: Arrays
    symbols: tuple[str, ...]
    books: None = None

    def tape(self, symbol: str, rule: FillRule, interval_ns: int) -> LegTrades:
        names = (f"tape {rule} {symbol} {name}" for name in ("time_ns", "price", "quantity"))
        return LegTrades(*(self.arrays[name] for name in names))

    def leg_bars(self, symbol: str, rule: FillRule, _interval_ns: int) -> LegBars:
        return LegBars(*(self.arrays[f"bars {rule} {symbol} {item.name}"] for item in fields(LegBars)))

    def rows(self, *_: Any) -> Any:
        raise ParameterError("rows were made where the job was begun")

    bar_rows = rows


def _arrays(job: Prepared) -> dict[str, Any]:
    strategy = job.variants[0].strategy
    rules: set[FillRule] = {variant.rules.fill for variant in job.variants}
    if "recorded_depth" in rules:
        raise ParameterError("books are not sent to other processes: take backend='threads'")
    first = job.tables[0]
    arrays: dict[str, Any] = {"time_ns": first.time_ns, "marks": first.marks, "volumes": first.volumes}
    for place, table in enumerate(job.tables):
        for name, values in table.columns.items():
            arrays[f"{place} {name}"] = values
    for rule in sorted(rules):
        for symbol in strategy.symbols:
            tape = job.market.tape(symbol, rule, strategy.spec.interval_ns)
            for name in ("time_ns", "price", "quantity"):
                arrays[f"tape {rule} {symbol} {name}"] = getattr(tape, name)
            if rule != "next_trade":
                bars = job.market.leg_bars(symbol, rule, strategy.spec.interval_ns)
                for item in fields(LegBars):
                    arrays[f"bars {rule} {symbol} {item.name}"] = getattr(bars, item.name)
    return arrays


def _written(name: str, place: int, spans: tuple[Span, ...], job: Prepared) -> _Trial:
    variant = job.variants[place]
    definition = Definition(variant.strategy, variant.rules, job.capital)
    functions = tuple(each.name for each in own_code(definition) if ":" in each.name)
    return _Trial(name, place, spans, json.dumps(definition.plain()), functions)


@lru_cache(maxsize=4)
def _opened(name: str, place: int, symbols: tuple[str, ...]) -> tuple[Table, Market]:
    arrays = open_arrays(name)
    start = f"{place} "
    columns = {key.removeprefix(start): values for key, values in arrays.items() if key.startswith(start)}
    table = Table(arrays["time_ns"], arrays["marks"], arrays["volumes"], columns)
    return table, _Tapes(arrays, symbols)
