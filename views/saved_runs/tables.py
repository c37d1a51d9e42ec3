"""Kept runs in tables: all of them, and some side by side, what differs first. No Streamlit."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from alphastream.backtest.saved_run import SavedRun
from alphastream.graph import interval_name
from alphastream.instruments import in_words
from alphastream.reports.metrics import UNKNOWN, duration, utc
from views.shared.exports import csv_bytes

UNITS: Final = (", a year", ", of a bar", "a year", "of a bar")
"""Ends of a figure's words that change what its number means."""


def runs_frame(runs: Sequence[SavedRun], own: Sequence[str], venue: str = "") -> pd.DataFrame:
    """A line a run.

    Parameters
    ----------
    own : ids of those that are in the visitor's session only.
    venue : whose symbols are printed bare.
    """
    return pd.DataFrame(
        {
            "name": [run.name for run in runs],
            "kept": [utc(run.saved_ns) for run in runs],
            "strategy": [in_words(run.strategy, venue) for run in runs],
            "bar": [interval_name(run.interval_ns) for run in runs],
            "data": [run.data for run in runs],
            "from": [utc(run.start_ns) for run in runs],
            "lasts": [duration(run.end_ns - run.start_ns) for run in runs],
            "bars": [run.rows for run in runs],
            "profit": [run.profit for run in runs],
            "return, %": [run.profit / run.capital * 100.0 for run in runs],
            "where": ["this session" if run.id in own else "data folder" for run in runs],
        }
    )


def settings_frame(runs: Sequence[SavedRun], venue: str = "") -> pd.DataFrame:
    """A line a setting and a column a run; those that differ first, in the order in which runs name them.

    Parameters
    ----------
    venue : whose symbols are printed bare.
    """
    lines = [
        {"data": run.data, "rows": run.extent, "bars": interval_name(run.interval_ns)}
        | {in_words(name, venue): in_words(value, venue) for name, value in run.settings}
        for run in runs
    ]
    return _beside(runs, lines, "setting")


def figures_frame(runs: Sequence[SavedRun]) -> pd.DataFrame:
    """A line a figure and a column a run, with "a year" or "of a bar" where that is part of the number."""
    lines = [{name: _figure(value, words) for name, value, words in run.figures} for run in runs]
    return _beside(runs, lines, "figure").drop(columns="differs").sort_index()


def _figure(value: str, words: str) -> str:
    unit = next((end.removeprefix(", ") for end in UNITS if words.endswith(end)), "")
    return f"{value} {unit}" if unit and value != UNKNOWN else value


def _beside(runs: Sequence[SavedRun], lines: Sequence[dict[str, str]], what: str) -> pd.DataFrame:
    names = list(dict.fromkeys(name for line in lines for name in line))
    frame = pd.DataFrame({what: names})
    for run, line in zip(runs, lines, strict=True):
        frame[run.name] = [line.get(name, UNKNOWN) for name in names]
    values = [[line.get(name, UNKNOWN) for line in lines] for name in names]
    frame.insert(1, "differs", [len(set(each)) > 1 for each in values])
    return frame.sort_values("differs", ascending=False, kind="stable")


def same_rows(runs: Sequence[SavedRun]) -> bool:
    """Whether all runs are of the same data from the same time to the same time."""
    return len({(run.data, run.extent, run.start_ns, run.end_ns, run.rows) for run in runs}) == 1


def equity_csv(run: SavedRun) -> bytes:
    """The kept points of the equity."""
    return csv_bytes(
        pd.DataFrame({"time": pd.to_datetime(run.when, utc=True), "equity": run.equity, "return": run.growth})
    )


def comparison_csv(runs: Sequence[SavedRun]) -> bytes:
    """Settings and figures of several runs, a column a run."""
    settings = settings_frame(runs).drop(columns="differs").rename(columns={"setting": "what"})
    figures = figures_frame(runs).rename(columns={"figure": "what"})
    return csv_bytes(pd.concat([settings, figures], ignore_index=True))
