"""The newest edges and mid prices of one asset, for a chart and for who leads."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.arbitrage import Edge, LeadLag, Levels, lead_lag
from alphastream.core.types import Floats, Ints
from alphastream.core.units import MS, SECOND

EDGE_ROWS: Final = 3_600
EDGE_EVERY_NS: Final = SECOND
MIDS_NS: Final = 900 * SECOND
MAX_MIDS: Final = 200_000
LAG_GRID_MS: Final = (1_000, 10)
"""Longest lag and step of the grid."""


@dataclass(frozen=True, slots=True, eq=False)
class EdgeHistory:
    """Edges of one direction over time, at most one row a second.

    Parameters
    ----------
    time_ns, net, worst : shape (T,); as in ``Edge``.
    """

    time_ns: Ints
    net: Floats
    worst: Floats


class KeptEdges:
    """The edges of an hour."""

    def __init__(self) -> None:
        self._rows: deque[tuple[int, dict[tuple[str, str], tuple[float, float]]]] = deque(maxlen=EDGE_ROWS)

    def note(self, time_ns: int, edges: Sequence[Edge]) -> None:
        """Take in what holds at a moment, where the last row is a second old."""
        if not self._rows or time_ns - self._rows[-1][0] >= EDGE_EVERY_NS:
            self._rows.append((time_ns, {(edge.buy, edge.sell): (edge.net, edge.worst) for edge in edges}))

    def of(self, buy: str, sell: str) -> EdgeHistory:
        """Return one direction."""
        rows = [(time_ns, *edges[buy, sell]) for time_ns, edges in list(self._rows) if (buy, sell) in edges]
        values = np.array([row[1:] for row in rows], np.float64).reshape(len(rows), 2)
        return EdgeHistory(np.array([row[0] for row in rows], np.int64), values[:, 0], values[:, 1])


class KeptMids:
    """Times of arrival and mid prices of a quarter of an hour, by instrument."""

    def __init__(self) -> None:
        self._parts: dict[str, deque[tuple[Ints, Floats]]] = {}

    def note(self, quotes: Mapping[str, Levels]) -> None:
        """Take in quotes; those with a side missing are left out."""
        for name, each in quotes.items():
            mids = (each.bid_price[:, 0] + each.ask_price[:, 0]) / 2.0
            known = np.isfinite(mids) & (mids > 0.0)
            if known.any():
                parts = self._parts.setdefault(name, deque())
                parts.append((each.receive_ns[known], mids[known]))
                newest = int(each.receive_ns[-1])
                rows = sum(len(times) for times, _ in parts) if len(parts) % 64 == 0 else 0
                while len(parts) > 1 and (int(parts[0][0][-1]) < newest - MIDS_NS or rows > MAX_MIDS):
                    rows -= len(parts.popleft()[0])

    def of(self, name: str) -> tuple[Ints, Floats]:
        """Return times of arrival, ascending, and mid prices of one instrument."""
        parts = list(self._parts.get(name, ()))
        if not parts:
            return np.empty(0, np.int64), np.empty(0)
        times, mids = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
        return np.maximum.accumulate(times), mids


def lead_of(first: tuple[Ints, Floats], second: tuple[Ints, Floats], error_ns: int, shift_ns: int) -> LeadLag:
    """Find which of two series of times of arrival and mid prices moves first.

    Parameters
    ----------
    error_ns : how far their times may be off from each other.
    shift_ns : to be added to the second one's times.

    Raises
    ------
    ParameterError : there is not enough of them yet.
    """
    longest, step = (each * MS for each in LAG_GRID_MS)
    times, mids = second
    return lead_lag(*first, times + shift_ns, mids, max_lag_ns=longest, step_ns=step, error_ns=error_ns)
