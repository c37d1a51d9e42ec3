"""Both sides of a split in a table. No Streamlit."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from alphastream.backtest import HoldoutRun
from alphastream.performance import Performance
from alphastream.reports import run_words

FIGURES: Final = ("Net profit", "Max drawdown", "Trades", "Costs paid", "Break-even cost")


def holdout_frame(held: HoldoutRun, performances: Sequence[Performance]) -> pd.DataFrame:
    """Figures of the training and of the test, a line each.

    Parameters
    ----------
    performances : of the training and of the test.
    """
    columns = {}
    for name, run, performance in zip(("train", "test"), (held.train, held.test), performances, strict=True):
        cards = {card.label: card.value for card in run_words.figures(run, performance)}
        sharpe = next(value for label, value in cards.items() if "Sharpe" in label and "Deflated" not in label)
        columns[name] = {
            "bars": f"{len(run):,}",
            "from": moment_text(run.time_ns[0]),
            "to": moment_text(run.time_ns[-1]),
            "Net profit": cards["Net profit"],
            "Return": f"{performance.total_return:+.2%}" if run.fills else cards["Net profit"],
            "Sharpe ratio": sharpe,
            **{label: cards[label] for label in FIGURES[1:]},
        }
    return pd.DataFrame(
        {"figure": list(columns["train"]), **{name: list(each.values()) for name, each in columns.items()}}
    )


def moment_text(time_ns: int) -> str:
    """A time to the minute, UTC; a day alone where it begins one."""
    text = str(np.datetime64(int(time_ns), "ns").astype("M8[m]")).replace("T", " ")
    return text.removesuffix(" 00:00")
