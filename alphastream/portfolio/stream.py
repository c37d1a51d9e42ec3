"""The position optimiser row by row, and over a whole history: the same fold."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Floats
from alphastream.portfolio import inputs, kernels
from alphastream.portfolio.config import PositionConfig
from alphastream.portfolio.state import REASON, STATUS, StateLayout, Status, read, write

At = tuple[
    StateLayout, Floats, int
]  # what is shared, the block, what its last row came to; nobody writes a block again

_empty = np.empty
_row = kernels.step
_VALID, _PARTIAL = kernels.VALID, kernels.PARTIAL


@dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """What the optimiser says to T rows of N assets. NaN where there is no position.

    Parameters
    ----------
    assets : names, in the order of the columns.
    cash_position : (T, N), in units of ``position_scale``; NaN on rows that are not valid.
    risk_position : (T, N), cash position × volatility.
    volatility : (T, N), exponentially weighted deviation of the returns of a row; NaN before ``vola`` returns.
    held : (T, N), cash held after the row, 0 for none: the cash position, or what ``max_turnover`` leaves of the one
        before on a row that has none.
    status : (T,) of "warmup", "zero_signal", "degenerate", "valid".
    """

    assets: tuple[str, ...]
    cash_position: Floats
    risk_position: Floats
    volatility: Floats
    held: Floats
    status: NDArray[np.str_]


class StepResult:
    """What the optimiser says to one row; immutable. Dictionaries are made when they are asked for.

    ``status`` is "warmup", "zero_signal", "degenerate" or "valid", and ``reason`` says why, in words.
    ``cash_position`` and ``risk_position`` have one value an asset, None for an asset that is missing, and are None
    as a whole unless the status is valid. ``next_stream`` takes the next row.
    """

    __slots__ = ("_at",)

    def __init__(self, at: At) -> None:
        self._at = at

    @property
    def status(self) -> Status:
        """What the row came to."""
        return STATUS[self._at[2]]

    @property
    def cash_position(self) -> dict[str, float | None] | None:
        """Cash position by asset, in units of ``position_scale``."""
        layout, block, outcome = self._at
        if outcome == _VALID:
            # strict=True would take longer than the rest of this line
            return dict(zip(layout.assets, layout.unpack(block, layout.cash_at)))  # noqa: B905
        return self._dictionary(kernels.CASH) if outcome == _PARTIAL else None

    @property
    def risk_position(self) -> dict[str, float | None] | None:
        """Risk position by asset: cash position × volatility."""
        return self._dictionary(kernels.RISK) if self._at[2] <= _PARTIAL else None

    @property
    def volatility(self) -> dict[str, float | None]:
        """Deviation of the returns of a row by asset; None before ``vola`` returns."""
        return self._dictionary(kernels.VOLATILITY)

    @property
    def reason(self) -> str:
        """Why the status is what it is."""
        layout, block, outcome = self._at
        rows, cash = int(block[kernels.ROWS]), layout.vector(block, kernels.CASH)
        missing = ", ".join(asset for asset, value in zip(layout.assets, cash, strict=True) if np.isnan(value))
        return REASON[outcome].format(missing=missing, rows=rows, needed=layout.config.rows_needed)

    @property
    def next_stream(self) -> "PositionStream":
        """The stream after this row."""
        return PositionStream(self._at)

    def __repr__(self) -> str:
        return f"StepResult(status={self.status!r}, reason={self.reason!r}, cash_position={self.cash_position!r})"

    def _dictionary(self, field: int) -> dict[str, float | None]:
        layout, block, _ = self._at
        values = layout.vector(block, field).tolist()
        return {asset: value if value == value else None for asset, value in zip(layout.assets, values, strict=True)}


class PositionStream:
    """The optimiser after some rows; immutable, so a checkpoint is a variable and a replay is calling again.

    Begin with ``from_warmup`` or, without a history, with ``begin``. The size does not depend on the rows seen.
    """

    __slots__ = ("_at",)

    def __init__(self, at: At) -> None:
        self._at = at

    @classmethod
    def begin(cls, assets: Iterable[str], config: PositionConfig) -> "PositionStream":
        """Return the stream before the first row. Raises ParameterError unless it has 1 to 500 different assets."""
        layout = StateLayout(tuple(assets), config)
        return cls((layout, layout.begin(), kernels.WARMUP))

    @classmethod
    def from_warmup(
        cls, prices: Any, signals: Any, config: PositionConfig, *, assets: Iterable[str] | None = None
    ) -> "PositionStream":
        """Return the stream after a history.

        Parameters
        ----------
        prices, signals : (T, N): pandas or polars frame, dict of columns, or array; a column "date" and columns that
            hold no numbers are passed over. NaN or None where a value is missing.
        config : the parameters.
        assets : names for the columns of arrays; without them they are called "0", "1", ….

        Raises
        ------
        ParameterError
            Tables that do not fit, prices that are not positive, too many missing prices.
        """
        names, price_table, signal_table = inputs.history(prices, signals, assets, config.max_nan_fraction)
        return cls.begin(names, config).run(price_table, signal_table)[1]

    @property
    def assets(self) -> tuple[str, ...]:
        """Names, in the order of arrays."""
        return self._at[0].assets

    @property
    def config(self) -> PositionConfig:
        """The parameters."""
        return self._at[0].config

    @property
    def rows(self) -> int:
        """Rows seen."""
        return int(self._at[1][kernels.ROWS])

    @property
    def nbytes(self) -> int:
        """Memory of the state."""
        return self._at[1].nbytes

    def step(self, prices: Any, signals: Any) -> StepResult:
        """Take one row; this stream stays as it is.

        Parameters
        ----------
        prices, signals : dict by asset, single-row pandas or polars frame, or array in the order of the assets.
            None or NaN where a value is missing; a missing price takes only its own asset out.

        Raises
        ------
        ParameterError
            An asset without entry, something that is no number, a price that is not positive.
        """
        layout, before, said = self._at
        after = _empty(before.size)
        try:  # plain numbers in plain dicts, the common case, go straight into the block
            layout.pack(after, layout.row_at, *layout.pick(prices), *layout.pick(signals))
        except Exception:  # noqa: BLE001 - whatever else it is: read it with care, and complain in words
            names = layout.assets
            values = inputs.row("prices", prices, names) + inputs.row("signals", signals, names)
            layout.pack(after, layout.row_at, *values)
        outcome = _row(before, after, layout.params)
        if outcome >= 0:
            return StepResult((layout, after, outcome))
        if outcome == kernels.BAD_PRICE:
            layout.refuse_price(after)
        return PositionStream((layout, layout.grown(before), said)).step(prices, signals)

    def run(self, prices: Any, signals: Any) -> tuple[Positions, "PositionStream"]:
        """Take T rows: what ``step`` says to each, and the stream after them. Tables as in ``from_warmup``."""
        layout, block, last = self._at
        _, price_table = inputs.table("prices", prices, layout.assets)
        _, signal_table = inputs.table("signals", signals, layout.assets)
        rows = inputs.equal_rows(price_table, signal_table)
        out, outcomes = np.empty((4, rows, len(layout.assets))), np.empty(rows, np.int64)
        done = 0
        while True:
            two = np.empty((2, block.size))
            two[done % 2] = block
            stop = kernels.walk(price_table, signal_table, done, two, layout.params, out, outcomes)
            block = two[stop % 2].copy()
            if stop == rows:
                break
            if outcomes[stop] == kernels.BAD_PRICE:
                layout.refuse_price(two[(stop + 1) % 2])
            block, done = layout.grown(block), stop
        status = np.array([STATUS[outcome] for outcome in outcomes.tolist()], dtype="U11")
        last = int(outcomes[-1]) if rows else last
        return Positions(layout.assets, out[0], out[1], out[2], out[3], status), PositionStream((layout, block, last))

    def matrix(self) -> Floats:
        """Return the matrix A of the last row, (N, N): shrunk correlations, or the factor model of the window.

        NaN in the rows and columns of assets that took no part, everywhere if there is no matrix yet.
        """
        layout, block, _ = self._at
        out = np.empty((len(layout.assets), len(layout.assets)))
        kernels.matrix(block, layout.params, out)
        return out

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the stream to a file (npz, no pickle); ``load`` gives a stream that goes on with the same bits."""
        write(path, *self._at)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "PositionStream":
        """Read a stream. Raises StreamFileError if the file is missing, damaged, foreign or of a newer version."""
        return cls(read(path))

    def __repr__(self) -> str:
        return f"PositionStream(assets={len(self.assets)}, rows={self.rows}, status={STATUS[self._at[2]]!r})"


def optimise(prices: Any, signals: Any, config: PositionConfig, *, assets: Iterable[str] | None = None) -> Positions:
    """Positions for every row of a history: the fold of ``PositionStream`` over all of them.

    Parameters and errors as in ``PositionStream.from_warmup``.

    Examples
    --------
    >>> config = PositionConfig(vola=2, corr=3, clip=3.0, shrink=0.5, aum=1e6)
    >>> prices = {"A": [10.0, 11.0, 10.0, 12.0, 11.0], "B": [5.0, 5.1, 5.3, 5.0, 5.2]}
    >>> positions = optimise(prices, {"A": [1.0] * 5, "B": [-1.0] * 5}, config)
    >>> positions.status.tolist()
    ['warmup', 'warmup', 'warmup', 'valid', 'valid']
    """
    names, price_table, signal_table = inputs.history(prices, signals, assets, config.max_nan_fraction)
    return PositionStream.begin(names, config).run(price_table, signal_table)[0]
