"""Verdicts on simulated markets, counted and written down as tables in Markdown."""

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from alphastream.bars import PairRows
from alphastream.cointegration import TEST_ROWS
from alphastream.compute import code_of, run
from calibration.markets import CONDITIONS, Market
from calibration.verdicts import CARD, Answers, card

SEED: Final = 20_261_128
WALKS: Final = math.inf
HALF_LIVES: Final = (5.0, 10.0, 25.0, 50.0)  # bars


@dataclass(frozen=True, slots=True)
class Count:
    """What one verdict said in a number of runs.

    Parameters
    ----------
    runs : markets drawn.
    said_yes : that something holds the legs together.
    refused : to say anything.
    """

    runs: int
    said_yes: int
    refused: int

    @property
    def share(self) -> float:
        """Of all runs, those in which it said yes."""
        return self.said_yes / self.runs

    @property
    def error(self) -> float:
        """Standard error of the share."""
        return math.sqrt(self.share * (1.0 - self.share) / self.runs)


Counts = Mapping[str, Count]
"""Of each verdict."""
Counted = Mapping[tuple[str, float], Counts]
"""Of each condition and half-life."""
Question = Callable[[PairRows], Answers]


def ask_card(rows: PairRows) -> Answers:
    """Only the verdict that counts most."""
    return {CARD: card(rows)}


def bars_needed(market: Market) -> int:
    """Bars after which both legs have traded in ``TEST_ROWS`` of them, all but surely."""
    share = market.share_of_both
    return math.ceil((TEST_ROWS + 4.0 * math.sqrt(TEST_ROWS * (1.0 - share))) / share)


def draws(name: str, market: Market, half_life: float, runs: int, bars: int) -> Iterator[PairRows]:
    """A market drawn again and again; each condition and half-life has its own random numbers."""
    place = 0 if math.isinf(half_life) else round(half_life)
    rng = np.random.default_rng([SEED, zlib.crc32(name.encode()), place])
    for _ in range(runs):
        yield market.rows(rng, bars, half_life)


def count(question: Question, name: str, market: Market, half_life: float, runs: int, bars: int) -> Counts:
    """Ask about a market again and again.

    Parameters
    ----------
    name : of the condition.
    half_life : of the pair, in bars; infinite for walks.
    bars : drawn each time.
    """
    with threadpool_limits(1):
        said = [question(rows) for rows in draws(name, market, half_life, runs, bars)]
    return {
        verdict: Count(runs, sum(each[verdict] is True for each in said), sum(each[verdict] is None for each in said))
        for verdict in said[0]
    }


@dataclass(frozen=True, slots=True)
class Draws:
    """A chunk: one condition and half-life.

    Parameters
    ----------
    question, code : module and name of the function that is asked, and the digest of its sources.
    """

    question: str
    code: str
    name: str
    market: Market
    half_life: float
    runs: int
    bars: int


def counted(chunk: Draws) -> pa.Table:
    """``count`` as a table, one row a verdict."""
    module, _, function = chunk.question.partition(":")
    question: Question = getattr(import_module(module), function)
    found = count(question, chunk.name, chunk.market, chunk.half_life, chunk.runs, chunk.bars)
    rows = [(verdict, each.runs, each.said_yes, each.refused) for verdict, each in found.items()]
    return pa.table(dict(zip(("verdict", "runs", "said_yes", "refused"), zip(*rows, strict=True), strict=True)))


def count_all(
    question: Question,
    runs: Mapping[float, int],
    conditions: Mapping[str, Market] = CONDITIONS,
    bars: int | None = None,
    workers: int = 1,
    folder: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Counted:
    """Counts for each condition and half-life.

    Parameters
    ----------
    question : a function of a module.
    runs : for each half-life, infinite for walks.
    bars : drawn each time; None for ``bars_needed``.
    workers : processes; 1 for this thread.
    folder : where finished counts are kept, so that what was stopped goes on.
    progress : called with conditions counted and all of them.
    """
    keys = [(name, half_life) for name in conditions for half_life in runs]
    asked, code = f"{question.__module__}:{question.__name__}", code_of(question)
    chunks = [
        Draws(
            asked,
            code,
            name,
            conditions[name],
            half_life,
            runs[half_life],
            bars_needed(conditions[name]) if bars is None else bars,
        )
        for name, half_life in keys
    ]
    backend = "processes" if workers > 1 else "sequential"
    found = run(counted, chunks, backend, workers=workers, folder=folder, progress=progress)
    return {
        key: {row["verdict"]: Count(row["runs"], row["said_yes"], row["refused"]) for row in table.to_pylist()}
        for key, table in zip(keys, found, strict=True)
    }


def percent(counted: Count) -> str:
    """A share in percent, with the share refused in brackets where there is any."""
    refused = f" ({100.0 * counted.refused / counted.runs:.0f})" if counted.refused else ""
    return f"{100.0 * counted.share:.1f}{refused}"


def power_table(counted: Counted, verdict: str) -> str:
    """One row a condition: size, refusals and power of a verdict."""
    half_lives = sorted({half_life for _, half_life in counted} - {WALKS})
    names = dict.fromkeys(name for name, _ in counted)
    return table(
        ["condition", "walks", *(f"half-life {half_life:g}" for half_life in half_lives)],
        ([name, *(percent(counted[name, h][verdict]) for h in (WALKS, *half_lives))] for name in names),
    )


def verdict_table(counted: Counted, half_life: float, verdicts: Sequence[str]) -> str:
    """One row a condition, one column a verdict, for walks or pairs of one half-life."""
    names = dict.fromkeys(name for name, _ in counted)
    return table(
        ["condition", *verdicts],
        ([name, *(percent(counted[name, half_life][verdict]) for verdict in verdicts)] for name in names),
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
