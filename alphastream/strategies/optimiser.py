"""The position optimiser as a strategy over several pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.graph import Series
from alphastream.pairs import Columns, PairSpec, Progress, series_of, traded_zscore
from alphastream.portfolio import PositionConfig, PositionStream
from alphastream.portfolio.allocation import Style, carried, decided_on, pair_rows
from alphastream.strategies.strategy import Decision, PairColumns, Table
from alphastream.trading.broker.account import Account
from alphastream.trading.broker.orders import Target

_NO_ROWS: Final[Columns] = {"time_ns": np.empty(0, np.int64)}


@dataclass(frozen=True, slots=True, eq=False)
class _ClosedRows:
    """New rows of a pair, all of them closed, as ``pair_rows`` reads them."""

    spec: PairSpec
    closed: Columns
    forming: Columns = field(default_factory=lambda: _NO_ROWS)
    calibrating: Progress | None = None


@dataclass(frozen=True, slots=True)
class PositionOptimiser:
    """Hold what the optimiser makes of the z-scores of some pairs.

    Parameters
    ----------
    specs : the pairs, of one interval.
    config : of the optimiser. Positions are in the quote currency, ``position_scale`` of it a unit.
    style : "reversal" bets on the return of spreads, "momentum" on their going on.
    """

    specs: tuple[PairSpec, ...]
    config: PositionConfig
    style: Style = "reversal"

    def __post_init__(self) -> None:
        if len({spec.interval_ns for spec in self.specs}) != 1:
            raise ParameterError(f"{len(self.specs)} pairs: give at least one, and all with bars of one length")

    @property
    def name(self) -> str:
        """For example ``optimiser ETHUSDT/BTCUSDT, SOLUSDT/BTCUSDT``."""
        return f"optimiser {', '.join(f'{spec.y}/{spec.x}' for spec in self.specs)}"

    @property
    def pairs(self) -> tuple[PairSpec, ...]:
        """The pairs."""
        return self.specs

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every leg once, in the order of the pairs."""
        return tuple(dict.fromkeys(leg for spec in self.specs for leg in (spec.y, spec.x)))

    def series(self, spec: PairSpec) -> Mapping[str, Series]:
        """Return hedge ratio and z-score of a pair."""
        return {"hedge_ratio": series_of(spec)["hedge_ratio"], "settled_zscore": traded_zscore(spec)}

    def table(self, found: Sequence[PairColumns], state: Any) -> tuple[Table, Any]:
        """Fold new rows of the pairs into the units that the optimiser wants to hold of each symbol.

        A symbol that is not decided about on a row (it did not trade, or too seldom yet) keeps what was wanted before,
        NaN as long as nothing was.
        """
        rows = pair_rows([_closed_rows(each) for each in found], self.style)
        never = np.full(len(rows.assets), np.nan)
        stream, mark, wanted = state or (PositionStream.begin(rows.assets, self.config), never, never)
        positions, stream = stream.run(rows.prices, rows.signals)
        units = decided_on(positions, rows.prices) * self.config.position_scale / rows.prices
        marks, units = (
            carried(np.vstack((last, values)))[1:] for last, values in ((mark, rows.prices), (wanted, units))
        )
        table = Table(rows.time_ns, marks, self._volumes(found, rows.time_ns), {"units": units})
        return table, ((stream, marks[-1], units[-1]) if len(marks) else (stream, mark, wanted))

    def _volumes(self, found: Sequence[PairColumns], ends: Any) -> Floats:
        """Units that traded of each symbol in the bars that end then."""
        symbols = self.symbols
        volumes = np.zeros((len(ends), len(symbols)))
        for each in found:
            here = np.isin(each.rows.end_ns, ends)
            at = np.searchsorted(ends, each.rows.end_ns[here])
            for symbol, volume in ((each.spec.y, each.rows.y_volume), (each.spec.x, each.rows.x_volume)):
                volumes[at, symbols.index(symbol)] = volume[here]
        return volumes

    def direction_at(self, row: Any) -> int:
        """No direction: positions of many symbols are adjusted on every row."""
        return 0

    def decide(self, row: Any, account: Account) -> Decision:
        """Trade to what the optimiser wants; a symbol without an opinion is held on."""
        wanted = tuple(
            held if units != units else units for held, units in zip(account.positions, row.units, strict=True)
        )
        return Target(wanted, None, "optimiser") if wanted != tuple(account.positions) else None


def _closed_rows(columns: PairColumns) -> _ClosedRows:
    rows = columns.rows
    legs = {"time_ns": rows.end_ns, "y": rows.y, "x": rows.x, "y_age_ns": rows.y_age_ns, "x_age_ns": rows.x_age_ns}
    return _ClosedRows(columns.spec, {**legs, **columns.series})
