"""Write docs/calibration.md: `python -m calibration`, or `make calibration`; some twenty minutes on two cores."""

import math
import os
from pathlib import Path
from typing import Final

from calibration.markets import FRESH
from calibration.table import (
    HALF_LIVES,
    SEED,
    WALKS,
    ask_card,
    card_table,
    count_all,
    table,
    verdict_table,
)
from calibration.verdicts import answers
from calibration.watching import SECONDS_OF_DAY, alarms, median_delays

FILE: Final = Path(__file__).resolve().parent.parent / "docs" / "calibration.md"
CARD_RUNS: Final = {WALKS: 600, **dict.fromkeys(HALF_LIVES, 200)}
RUNS: Final = {WALKS: 200, **dict.fromkeys(HALF_LIVES, 50)}
WATCHED: Final = {WALKS: 60}
DELAYS, DELAY_BARS = 40, 20_000


def error(share: float, runs: int) -> str:
    """Standard error of a share, in percent."""
    return f"{100.0 * math.sqrt(share * (1.0 - share) / runs):.1f}"


def document(workers: int) -> str:
    """The whole page."""
    cards = count_all(ask_card, CARD_RUNS, workers=workers)
    others = count_all(answers, RUNS, workers=workers)
    watched = count_all(alarms, WATCHED, bars=SECONDS_OF_DAY, workers=workers)
    cards_error, pairs_error = error(0.05, CARD_RUNS[WALKS]), error(0.95, CARD_RUNS[HALF_LIVES[0]])
    waits = (
        [
            name,
            f"{half_life:g}",
            *(f"{rows:,.0f}" for rows in median_delays(name, market, half_life, DELAYS, DELAY_BARS)),
        ]
        for name, market in FRESH.items()
        for half_life in HALF_LIVES
    )
    return "\n".join(
        (
            _INTRODUCTION,
            f"Percent of {CARD_RUNS[WALKS]:,} runs of walks (standard error {cards_error} at 5 %) and of "
            f"{CARD_RUNS[HALF_LIVES[0]]} of each pair ({pairs_error} at 95 %).\n",
            card_table(cards),
            _OTHERS,
            f"Walks, percent of {RUNS[WALKS]} runs (standard error {error(0.05, RUNS[WALKS])} at 5 %):\n",
            verdict_table(others, WALKS),
            *(
                f"Pairs with a half-life of {half_life:g} bars, percent of {RUNS[half_life]} runs:\n\n"
                + verdict_table(others, half_life)
                for half_life in HALF_LIVES
            ),
            _WATCHING,
            f"Percent of {WATCHED[WALKS]} days of walks on which it ever came (standard error "
            f"{error(0.05, WATCHED[WALKS])} at 5 %):\n",
            verdict_table(watched, WALKS),
            f"Median rows until it came for pairs, {DELAYS} runs of {DELAY_BARS:,} rows:\n",
            table(["condition", "half-life", "evidence", "alert, 1 s bars", "alert, 1 min bars"], waits),
        )
    )


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

_OTHERS = """## The other verdicts

They are shown with the words that limit them. What counts as a yes: for the card's MacKinnon p-value, the newest value
of the p-line over 100 bars, Engle-Granger, Johansen and the scanner a rejection at 5 %; for Phillips-Ouliaris, the
variance ratio and the half-life the sentence that says so without "proves little"; for Shin's test that it does not
reject, for its null is a spread that returns. ADF is about a leg alone, which walks in all runs: a yes calls it
stationary.
"""

_WATCHING = """## Watching all day

The evidence that deviations come back, judged at every row in which both legs traded: evidence of 20 since the start,
and the alert on a relation at the level for a day of such bars.
"""


if __name__ == "__main__":
    FILE.write_text(document(os.cpu_count() or 1), encoding="utf-8")
