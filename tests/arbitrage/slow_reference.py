"""Signals of two legs as one would first write them: pandas, then row by row. Shares no code with the library."""

import itertools
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from alphastream.core.types import Floats, Ints


class Quoted(NamedTuple):
    """A leg: times of its quotes on one clock, their best levels, its error and its costs as shares."""

    name: str
    time: Ints
    bid: Floats
    bid_quantity: Floats
    ask: Floats
    ask_quantity: Floats
    error: int
    fee: float


Episode = tuple[str, str, int, int, int, float, float, float]


def worst_of(leg: Quoted, moments: list[int]) -> pd.DataFrame:
    """The least favourable of all quotes that may have held at each moment."""
    rows = []
    for moment in moments:
        held = np.flatnonzero(leg.time <= moment - leg.error)
        if not len(held):
            continue  # merge_asof leaves what is before the first row missing
        inside = slice(held[-1], np.flatnonzero(leg.time <= moment + leg.error)[-1] + 1)
        rows.append(
            (
                moment,
                leg.bid[inside].min(),
                leg.bid_quantity[inside].min(),
                leg.ask[inside].max(),
                leg.ask_quantity[inside].min(),
            )
        )
    return pd.DataFrame(rows, columns=["time", "bid", "bid_quantity", "ask", "ask_quantity"])


def episodes(a: Quoted, b: Quoted, until: int) -> list[Episode]:
    """Closed episodes of buying on one and selling on the other, both ways, as they close."""
    found: list[Episode] = []
    tables = {}
    for leg in (a, b):
        moments = sorted({*(leg.time - leg.error).tolist(), *(leg.time + leg.error).tolist()})
        tables[leg.name] = worst_of(leg, [moment for moment in moments if moment <= until])
    every = pd.DataFrame({"time": np.unique(np.concatenate([each["time"] for each in tables.values()]))})
    for buys, sells in itertools.permutations((a, b)):
        both = pd.merge_asof(every, tables[buys.name][["time", "ask", "ask_quantity"]], on="time")
        both = pd.merge_asof(both, tables[sells.name][["time", "bid", "bid_quantity"]], on="time")
        opened, best = None, (0, 0.0, 0.0, 0.0, -np.inf)
        row: Any
        for row in both.itertuples():
            unit = row.bid * (1 - sells.fee) - row.ask * (1 + buys.fee)
            size = min(row.ask_quantity, row.bid_quantity)
            if unit > 0 and size > 0:  # false where a leg has no quote
                opened = row.time if opened is None else opened
                if unit * size > best[4] * (1 + 1e-12):
                    best = (row.time, unit / row.ask, row.bid / row.ask - 1, size * row.ask, unit * size)
            elif opened is not None:
                found.append((buys.name, sells.name, opened, best[0], row.time, best[1], best[2], best[3]))
                opened, best = None, (0, 0.0, 0.0, 0.0, -np.inf)
    return sorted(found, key=lambda each: each[4])
