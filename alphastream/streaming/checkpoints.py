"""States of a pair's nodes at some of its closed rows, so that a late trade changes no row before its own.

Estimators remember more rows than are kept: a row that changes cannot be computed anew from the kept rows, but from
the states before it. States are values, so a checkpoint costs no copy, only that they stay alive.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from alphastream.graph import Node

SPACINGS: Final = 8  # checkpoints over the rows that are kept
MIN_ROWS_BETWEEN: Final = 64


@dataclass(slots=True)
class Checkpoint:
    """Where a pair stood.

    Parameters
    ----------
    rows : closed since the beginning.
    closed_ns : end of the newest of them, 0 before the first.
    states : of the nodes that had rows by then.
    """

    rows: int = 0
    closed_ns: int = 0
    states: dict[Node, Any] = field(default_factory=dict)


class Checkpoints:
    """As many as cover the rows that are kept: one of them is not after the first kept row.

    Parameters
    ----------
    keep : rows that are kept.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._spacing = max(keep // SPACINGS, MIN_ROWS_BETWEEN)
        self._held = [Checkpoint()]

    def rows_until_next(self, rows: int) -> int:
        """How many more rows may close before a checkpoint is due, for a pair that has closed so many."""
        return self._spacing - rows % self._spacing

    def is_due(self, rows: int) -> bool:
        """Whether a pair that has closed so many rows stands where a checkpoint belongs."""
        return rows % self._spacing == 0

    def add(self, checkpoint: Checkpoint) -> None:
        """Take a new one in, and let go of those that no kept row needs."""
        self._held.append(checkpoint)
        while self._held[1].rows <= checkpoint.rows - self._keep:
            del self._held[0]

    def go_back(self, time_ns: int) -> Checkpoint:
        """The newest whose rows a trade of that time does not touch, or else the oldest; later ones are forgotten."""
        before = [each for each in self._held if each.closed_ns <= time_ns]
        self._held = before or self._held[:1]
        return self._held[-1]

    def begin_again(self, covered_ns: int) -> Checkpoint:
        """The oldest from which rows can be made of bars that begin at a time; later ones are forgotten."""
        covered = [each for each in self._held if each.closed_ns >= covered_ns]
        self._held = covered[:1] or [Checkpoint()]
        return self._held[0]

    def after(self, row: int) -> list[Checkpoint]:
        """Those after a row, oldest first; rows count from the beginning."""
        return [each for each in self._held if each.rows > row]

    def forget(self, nodes: Iterable[Node]) -> None:
        """Drop the states of nodes."""
        gone = set(nodes)
        for each in self._held:
            each.states = {node: state for node, state in each.states.items() if node not in gone}
