"""What a strategy is: series it reads, as folds, and a decision that looks at one row and the account.

Everything that remembers rows (an estimator, the threshold rule, the optimiser) is a fold over them, so that history
at once and rows as they close give the same bits. ``decide`` remembers nothing: all it may compare with is in the
account. So one strategy object runs over history, over a recorded tape and live.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from alphastream.bar_rows import BarRows, BarsSpec
from alphastream.bars import PairRows
from alphastream.core.types import Floats, Ints
from alphastream.graph import Series
from alphastream.pairs import PairSpec
from alphastream.trading.broker.account import Account
from alphastream.trading.broker.orders import Cancel, OrderRequest, SpreadRequest, Target
from alphastream.trading.engine.clock import from_ns

Action: TypeAlias = Target | SpreadRequest | OrderRequest | Cancel
"""What a strategy can do at one moment."""
Decision: TypeAlias = Action | Sequence[Action] | None
"""One action, several in their order, or none."""


@dataclass(frozen=True, slots=True, eq=False)
class PairColumns:
    """New rows of a pair with the series that were asked for.

    Parameters
    ----------
    series : by the strategy's names, (T,) each.
    """

    spec: PairSpec
    rows: PairRows
    series: Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class BarsColumns:
    """New rows of instruments with the series that were asked for.

    Parameters
    ----------
    series : by the strategy's names, (T,) each.
    """

    spec: BarsSpec
    rows: BarRows
    series: Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows to decide on, oldest first.

    Parameters
    ----------
    time_ns : (T,), ends of closed bars.
    marks : (T, N), last trade of each symbol at or before the end.
    volumes : (T, N), units that traded in the bar, 0 where the symbol did not trade.
    columns : what ``decide`` reads, by name: (T,) numbers, or (T, N) with one for each symbol.
    recorded : what it does not read and a result shows, (T,) each.
    follows : (T,) directions, where ``decide`` does nothing while the account has the direction of the row; None where
        it looks at every row.
    """

    time_ns: Ints
    marks: Floats
    volumes: Floats
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    recorded: Mapping[str, Floats] = field(default_factory=dict)
    follows: Floats | None = None

    def __len__(self) -> int:
        return len(self.time_ns)

    def take(self, rows: slice) -> "Table":
        """The same table, some rows of it."""
        columns, recorded = (
            {name: values[rows] for name, values in each.items()} for each in (self.columns, self.recorded)
        )
        follows = None if self.follows is None else self.follows[rows]
        return Table(self.time_ns[rows], self.marks[rows], self.volumes[rows], columns, recorded, follows)

    def rows(self) -> Iterator[Any]:
        """One event a row, a struct with ``when_ns``, ``place`` and the (T,) columns.

        ``marks``, ``volumes`` and columns with one number for each symbol are attributes too, lists that are made when
        they are asked for: few rows are traded on. ``time_ns`` is another word for ``when_ns``.
        """
        flat = [values.tolist() for values in self.columns.values() if values.ndim == 1]
        return map(self._kind(), self.time_ns.tolist(), range(len(self)), *flat)

    def row(self) -> Callable[[int], Any]:
        """Return a function that makes the event of one row, for those who want few of them."""
        kind, time_ns = self._kind(), self.time_ns.item
        flat = [values.item for values in self.columns.values() if values.ndim == 1]
        return lambda place: kind(time_ns(place), place, *[column(place) for column in flat])

    def _kind(self) -> type[msgspec.Struct]:
        flat = [name for name, values in self.columns.items() if values.ndim == 1]
        wide = {"marks": self.marks, "volumes": self.volumes}
        wide |= {name: values for name, values in self.columns.items() if values.ndim == 2}
        return msgspec.defstruct(
            "Row",
            [("when_ns", int), ("place", int), *((name, float) for name in flat)],
            namespace={**{name: _listed(values) for name, values in wide.items()}, **_MOMENT},
            gc=False,
        )


def _listed(values: Floats) -> property:
    return property(lambda row: values[row.place].tolist())


_MOMENT: Final = {"time_ns": property(lambda row: row.when_ns), "when": property(lambda row: from_ns(row.when_ns))}


class Strategy(Protocol):
    """What backtest, replay and paper run. Shipped ones are frozen dataclasses of their parameters.

    One that wants to hear of its orders between rows has, beside what stands here, ``on_order(order, account)`` or
    ``on_fill(fill, account)`` or both. They are called when an order changed its state (an order as it stood then) and
    for each fill, remember nothing either, and return a ``Decision``. Orders that they send meet what comes after that
    moment.
    """

    @property
    def name(self) -> str:
        """What pages and files call it."""

    @property
    def pairs(self) -> tuple[Any, ...]:
        """What it reads: pairs (``PairSpec``) or whole bars of instruments (``BarsSpec``); all of one interval."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """What it trades, in the order of its quantities."""

    def series(self, spec: Any) -> Mapping[str, Series]:
        """Graph series it reads of one of its pairs, by name."""

    def table(self, found: Sequence[Any], state: Any) -> tuple[Table, Any]:
        """Fold new rows of its pairs into rows to decide on.

        Parameters
        ----------
        found : one for each pair, in their order: ``PairColumns``, or ``BarsColumns`` of a ``BarsSpec``.
        state : what this gave after the rows before; None at the beginning.
        """

    def direction_at(self, row: Any) -> int:
        """Direction that it is in on a row, 0 where there is no such thing.

        A run that begins after this row does not join a position that was opened before.
        """

    def decide(self, row: Any, account: Account) -> Decision:
        """Return positions to be in, orders to send or to cancel, None to leave things as they are.

        Parameters
        ----------
        row : of ``Table.rows``.
        account : cash, positions, direction and open orders; not to be written.
        """


def pair_table(found: PairColumns | BarsColumns, shown: Sequence[str] = (), follows: str | None = None) -> Table:
    """Rows of one pair, or of instruments, as they are.

    Parameters
    ----------
    shown : series that are recorded; the others are for ``decide``.
    follows : the series that ``Table.follows`` is, if any.
    """
    rows, series = found.rows, found.series
    if isinstance(rows, BarRows):
        marks, volumes = rows.close, rows.volume
    else:
        marks, volumes = np.column_stack((rows.y, rows.x)), np.column_stack((rows.y_volume, rows.x_volume))
    return Table(
        rows.end_ns,
        marks,
        volumes,
        {name: values for name, values in series.items() if name not in shown},
        {name: series[name] for name in shown},
        None if follows is None else series[follows],
    )
