"""Write docs/calibration.md: `python -m calibration`, or `make calibration`; some minutes on two cores.

With a folder as argument finished tables are kept there, and one that was stopped goes on where it was.
"""

import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alphastream.compute import run
from alphastream.core.types import Floats
from calibration.lead_lag import RUNS as LEAD_RUNS
from calibration.lead_lag import lead_table
from calibration.markets import FRESH
from calibration.scans import CONDITIONS as UNIVERSES
from calibration.scans import Universes, scanned
from calibration.table import (
    HALF_LIVES,
    SEED,
    WALKS,
    Counted,
    Question,
    ask_card,
    count_all,
    power_table,
    table,
    verdict_table,
)
from calibration.verdicts import ALONE, CARD, SAYS, SCANNER, answers, scanner
from calibration.watching import LOOK_EVERY, LOOKED_DAYS, SECONDS_OF_DAY, WATCHES, alarms, looks, median_delays

FILE: Final = Path(__file__).resolve().parent.parent / "docs" / "calibration.md"
CARD_RUNS: Final = {WALKS: 1_000, **dict.fromkeys(HALF_LIVES, 200)}
RUNS: Final = {WALKS: 300, **dict.fromkeys(HALF_LIVES, 60)}
SCANS: Final = {WALKS: 100, 10.0: 30}
WATCHED: Final = {WALKS: 60}
DELAYS, DELAY_BARS = 40, 20_000
UNIVERSE_RUNS, FOUND_RUNS, FOUND_ROWS, FOUND_HALF_LIFE = 200, 50, (500, 1_000, 2_000), 10.0


def error(share: float, runs: int) -> str:
    """Standard error of a share, in percent."""
    return f"{100.0 * math.sqrt(share * (1.0 - share) / runs):.1f}"


def told(what: str) -> Callable[[int, int], None]:
    """Say how far something is, in one line of the terminal."""

    def say(done: int, total: int) -> None:
        print(f"\r{what}: {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return say


def scan_tables(workers: int, folder: str | None) -> str:
    """How often scans turn green on nothing, and how often they find the one pair there is."""
    nothing_there = [Universes(condition, UNIVERSE_RUNS) for condition in UNIVERSES]
    one_pair = [Universes("one factor", FOUND_RUNS, FOUND_HALF_LIFE, rows) for rows in FOUND_ROWS]
    shares = run(
        scanned,
        [*nothing_there, *one_pair],
        "processes",
        workers=workers,
        folder=folder,
        progress=told("universes"),
    )
    green, found = shares[: len(nothing_there)], shares[len(nothing_there) :]
    words = ["survives Benjamini-Hochberg", "confirmed: green"]
    nothing = ([name, *(f"{100.0 * share:.1f}" for share in each)] for name, each in zip(UNIVERSES, green, strict=True))
    pair = (
        [f"{rows:,}", *(f"{100.0 * share:.0f}" for share in each)] for rows, each in zip(FOUND_ROWS, found, strict=True)
    )
    return "\n".join(
        (
            f"Percent of {UNIVERSE_RUNS} scans (standard error {error(0.05, UNIVERSE_RUNS)} at 5 %) in which any pair "
            "is:\n",
            table(["condition", *words], nothing),
            f"Percent of {FOUND_RUNS} scans in which the one true pair, of a half-life of {FOUND_HALF_LIFE:g}, is:\n",
            table(["rows", *words], pair),
        )
    )


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that was counted; ``delays`` are median rows of a condition and half-life, as ``median_delays``."""

    cards: Counted
    others: Counted
    scans: Counted
    watched: Counted
    delays: Mapping[tuple[str, float], Floats]
    universes: str
    looks: tuple[float, float]
    leads: str


def measure(workers: int, folder: str | None = None) -> Results:
    """Draw and ask; what was finished and stands in the folder is not done again."""

    def counts(what: str, question: Question, runs: Mapping[float, int], bars: int | None = None) -> Counted:
        return count_all(question, runs, bars=bars, workers=workers, folder=folder, progress=told(what))

    return Results(
        counts("the card", ask_card, CARD_RUNS),
        counts("other verdicts", answers, RUNS),
        counts("scans of pairs", scanner, SCANS),
        counts("days that are watched", alarms, WATCHED, SECONDS_OF_DAY),
        {
            (name, half_life): median_delays(name, market, half_life, DELAYS, DELAY_BARS)
            for name, market in FRESH.items()
            for half_life in HALF_LIVES
        },
        scan_tables(workers, folder),
        looks(),
        lead_table(),
    )


def document(found: Results) -> str:
    """The whole page."""
    waits = (
        [name, f"{half_life:g}", *(f"{rows:,.0f}" for rows in found.delays[name, half_life])]
        for name, half_life in found.delays
    )
    return "\n".join(
        (
            _INTRODUCTION,
            f"Percent of {CARD_RUNS[WALKS]:,} runs of walks (standard error {error(0.05, CARD_RUNS[WALKS])} at 5 %) "
            f"and of {CARD_RUNS[10.0]} of each pair ({error(0.95, CARD_RUNS[10.0])} at 95 %).\n",
            power_table(found.cards, CARD),
            _OTHERS,
            f"Percent of {RUNS[WALKS]} runs of walks (standard error {error(0.05, RUNS[WALKS])} at 5 %) and of "
            f"{RUNS[10.0]} of each pair ({error(0.9, RUNS[10.0])} at 90 %).\n",
            *(f"{_of(half_life)}:\n\n{verdict_table(found.others, half_life, SAYS)}" for half_life in RUNS),
            _ALONE,
            *(f"{_of(half_life)}:\n\n{verdict_table(found.others, half_life, ALONE)}" for half_life in (WALKS, 10.0)),
            _SCANS,
            f"Percent of {SCANS[WALKS]} runs of walks and {SCANS[10.0]} of pairs.\n",
            power_table(found.scans, SCANNER),
            _UNIVERSES,
            found.universes,
            _WATCHING,
            f"The card's own verdict is one of 500 bars. Who looks at it every {LOOK_EVERY} s sees it call Gaussian "
            f"walks cointegrated at {found.looks[0]:.1%} of looks, and at some time on {found.looks[1]:.0%} of "
            f"{LOOKED_DAYS} days of 1 s bars. Hence the evidence:\n",
            f"Percent of {WATCHED[WALKS]} days of walks on which it came (standard error "
            f"{error(0.05, WATCHED[WALKS])} at 5 %):\n",
            verdict_table(found.watched, WALKS, WATCHES),
            f"Median rows until it came for pairs, {DELAYS} runs of {DELAY_BARS:,} rows:\n",
            table(["condition", "half-life", "evidence", "alert, 1 s bars", "alert, 1 min bars"], waits),
            _LEADS,
            f"{LEAD_RUNS} runs of each, 300 s (standard error {error(0.05, LEAD_RUNS)} at 5 %):\n",
            found.leads,
        )
    )


def _of(half_life: float) -> str:
    return "Walks" if half_life == WALKS else f"Pairs with a half-life of {half_life:g} bars"


_INTRODUCTION = f"""# How often the verdicts are wrong

What each verdict of the pages says of simulated legs of which the truth is known: walks that nothing holds together,
where a verdict should say yes in 5 % of runs at most, and pairs whose spread returns, where it should say yes often.
`make calibration` writes this page (seed {SEED}); `tests/calibration` holds a small version of it.

Every run has as many bars as it takes for both legs to have traded in 500 of them. Both legs' steps have a standard
deviation (sd) of 1 a bar; a correlation ρ is that of their steps. Bounce: each trade is at the bid or at the ask, so
far from the mid. "y in 0.2 of bars": at the ends of these bars. "y 0.2 trades a bar": at any time, against five of x,
so that prices are old when the bar ends. GARCH has Student-t innovations of four degrees of freedom. A bad tick is 50
sd off. `calibration/markets.py` has the equations.

A number in brackets is the percentage of runs in which the verdict was refused; a refusal is no yes.

## The verdict of the card

Trade readiness goes by it, too.
"""

_OTHERS = """## What the pages say besides

MacKinnon's p-value on the card, which is said to presume one volatility; the newest value of the line of p-values; and
the Tests panel, by its sentences: "Cointegrated", "as Engle-Granger finds", a half-life that is said to mean something,
a leg that "looks stationary by itself" (all legs walk here).
"""

_ALONE = """## What tests of the panel would say alone

Their sentences say so, or that Engle-Granger does not agree and how often walks get there. A yes is a rejection at 5 %;
for the variance ratio "changes are taken back, by reversion or by bid-ask bounce"; for Shin's test, whose null is a
spread that returns, that it does not reject.
"""

_SCANS = """## The scanner

The p-value that q-values are made of, of one pair. A scan shows the plain one beside it, and confirms its first rows by
the bootstrap of the card.
"""

_UNIVERSES = """Scans of universes of 40 symbols, 780 pairs, 500 rows in which both legs of a pair trade. Except where
they are independent, a common factor is half the variance of each step. Nothing is cointegrated in the first table.
"""

_WATCHING = """## Watching all day

The evidence that deviations come back, judged at every row in which both legs traded: evidence of 20 since the start,
and the alert on a relation at the level for a day of such bars.
"""

_LEADS = """## Who leads

The 95 % set for the lag between two prices of one asset, on a grid of 5 ms from −300 to 300 ms; a leader is named where
the set does not hold 0. Prices observe one walk at Poisson times; noise is that of each observation, in standard
deviations of the walk between two. The set is cautious: it holds the true lag more often than it says.
`python -m calibration.lead_lag` makes this table alone. Lags that change while one looks, and venues that quote only
after they have moved, were not simulated.
"""


if __name__ == "__main__":
    FILE.write_text(document(measure(os.cpu_count() or 1, *sys.argv[1:2])), encoding="utf-8")
