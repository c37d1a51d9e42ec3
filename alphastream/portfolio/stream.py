"""The position optimiser row by row, and over a whole history: the same fold."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

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


def _dictionary(result: "StepResult", field: int) -> dict[str, float | None]:
    layout, block, _ = result._at
    values = layout.vector(block, field).tolist()
    return {asset: value if value == value else None for asset, value in zip(layout.assets, values, strict=True)}


def _status(result: "StepResult") -> Status:
    return STATUS[result._at[2]]


def _cash_position(result: "StepResult") -> dict[str, float | None] | None:
    layout, block, outcome = result._at
    if outcome == _VALID:
        # strict=True would take longer than the rest of this line
        return dict(zip(layout.assets, layout.unpack(block, layout.cash_at)))  # noqa: B905
    return _dictionary(result, kernels.CASH) if outcome == _PARTIAL else None


def _risk_position(result: "StepResult") -> dict[str, float | None] | None:
    return _dictionary(result, kernels.RISK) if result._at[2] <= _PARTIAL else None


def _volatility(result: "StepResult") -> dict[str, float | None]:
    return _dictionary(result, kernels.VOLATILITY)


def _reason(result: "StepResult") -> str:
    layout, block, outcome = result._at
    rows, cash = int(block[kernels.ROWS]), layout.vector(block, kernels.CASH)
    missing = ", ".join(asset for asset, value in zip(layout.assets, cash, strict=True) if np.isnan(value))
    return REASON[outcome].format(missing=missing, rows=rows, needed=layout.config.rows_needed)


def _next_stream(result: "StepResult") -> "PositionStream":
    return PositionStream(result._at)


# a step costs microseconds: a dictionary that nobody reads is not made
_ASKED_FOR: dict[str, Any] = {
    "status": property(_status),
    "cash_position": property(_cash_position),
    "risk_position": property(_risk_position),
    "volatility": property(_volatility),
    "reason": property(_reason),
    "next_stream": property(_next_stream),
}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class StepResult:
    """What the optimiser says to one row; immutable. Its fields are made when they are asked for.

    Parameters
    ----------
    status : "warmup", "zero_signal", "degenerate" or "valid".
    cash_position : by asset, in units of ``position_scale``, None for an asset that is missing; None as a whole unless
        the status is valid.
    risk_position : cash position × volatility, likewise.
    volatility : deviation of the returns of a row by asset; None before ``vola`` returns.
    reason : why the status is what it is, in words.
    next_stream : takes the next row.
    """

    __slots__ = ("_at",)

    status: Status = _ASKED_FOR["status"]
    cash_position: dict[str, float | None] | None = _ASKED_FOR["cash_position"]
    risk_position: dict[str, float | None] | None = _ASKED_FOR["risk_position"]
    volatility: dict[str, float | None] = _ASKED_FOR["volatility"]
    reason: str = _ASKED_FOR["reason"]
    next_stream: "PositionStream" = _ASKED_FOR["next_stream"]

    if TYPE_CHECKING:
        _at: ClassVar[At]

    def __init__(self, at: At) -> None:
        _set(self, at)

    def __reduce__(self) -> tuple[type["StepResult"], tuple[At]]:
        return StepResult, (self._at,)

    def __repr__(self) -> str:
        return f"StepResult(status={self.status!r}, reason={self.reason!r}, cash_position={self.cash_position!r})"


_set = StepResult.__dict__["_at"].__set__  # the slot itself, for a frozen class takes no attribute


class PositionStream:
    """The optimiser after some rows; immutable, so a checkpoint is a variable and a replay is calling again.

    Begin with ``from_warmup`` or, without a history, with ``begin``. The size does not depend on the rows seen. A
    stream pickles, and goes on with the same bits.
    """

    __slots__ = ("_at",)

    def __init__(self, at: At) -> None:
        self._at = at

    def __reduce__(self) -> tuple[type["PositionStream"], tuple[At]]:
        return PositionStream, (self._at,)

    @classmethod
    def begin(cls, assets: Iterable[str], config: PositionConfig) -> "PositionStream":
        """Return the stream before the first row. Raises ParameterError unless it has 1 to 500 different assets."""
        layout = StateLayout(tuple(assets), config)
        return cls((layout, layout.begin(), kernels.WARMUP))

    @classmethod
    def from_warmup(
        cls, prices: Any, mu: Any, cfg: PositionConfig, *, assets: Iterable[str] | None = None
    ) -> "PositionStream":
        """Return the stream after a history.

        Parameters
        ----------
        prices, mu : prices and signals, oldest row first, (T, N): pandas or polars frame, dict of columns, or array.
            NaN or None where a value is missing. A column "date", "datetime", "time" or "timestamp" or an index of
            dates is none of an asset: where both tables have one they must agree. Columns that hold no numbers are
            passed over.
        cfg : the parameters.
        assets : names for the columns of arrays; without them they are called "0", "1", ….

        Raises
        ------
        ParameterError
            Tables that do not fit or are of different dates, dates that go back, a column of integers that are times
            under another name, prices that are not positive, too many missing prices.
        """
        names, price_table, signal_table = inputs.history(prices, mu, assets, cfg.max_nan_fraction)
        return cls.begin(names, cfg).run(price_table, signal_table)[1]

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

    def step(self, new_prices: Any, new_mu: Any) -> StepResult:
        """Take one row; this stream stays as it is.

        Parameters
        ----------
        new_prices, new_mu : prices and signals: dict by asset, single-row pandas or polars frame, or array in the
            order of the assets. None or NaN where a value is missing; a missing price takes only its own asset out.

        Raises
        ------
        ParameterError
            An asset without entry, something that is no number, a price that is not positive, rows of different dates.
        """
        layout, before, said = self._at
        after = _empty(before.size)
        try:  # plain numbers in plain dicts, the common case, go straight into the block
            layout.pack(after, layout.row_at, *layout.pick(new_prices), *layout.pick(new_mu))
            dated = "date" in new_prices and "date" in new_mu
        except Exception:  # noqa: BLE001 - whatever else it is: read it with care, and complain in words
            names = layout.assets
            values = inputs.row("prices", new_prices, names) + inputs.row("signals", new_mu, names)
            layout.pack(after, layout.row_at, *values)
            dated = True
        if dated:
            inputs.refuse_other_dates(new_prices, new_mu)
        outcome = _row(before, after, layout.params)
        if outcome >= 0:
            return StepResult((layout, after, outcome))
        if outcome == kernels.BAD_PRICE:
            layout.refuse_price(after)
        return PositionStream((layout, layout.grown(before), said)).step(new_prices, new_mu)

    def run(self, prices: Any, mu: Any) -> tuple[Positions, "PositionStream"]:
        """Take T rows: what ``step`` says to each, and the stream after them. Tables as in ``from_warmup``."""
        layout, block, last = self._at
        _, price_table, signal_table = inputs.aligned(prices, mu, layout.assets)
        rows = len(price_table)
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


def optimise(prices: Any, mu: Any, cfg: PositionConfig, *, assets: Iterable[str] | None = None) -> Positions:
    """Positions for every row of a history: the fold of ``PositionStream`` over all of them.

    Parameters and errors as in ``PositionStream.from_warmup``.

    Examples
    --------
    >>> config = PositionConfig(vola=2, corr=3, clip=3.0, shrink=0.5, aum=1e6)
    >>> prices = {"A": [10.0, 11.0, 10.0, 12.0, 11.0], "B": [5.0, 5.1, 5.3, 5.0, 5.2]}
    >>> positions = optimise(prices, {"A": [1.0] * 5, "B": [-1.0] * 5}, config)
    >>> positions.status.tolist()
    ['warmup', 'warmup', 'warmup', 'degenerate', 'valid']
    """
    names, price_table, signal_table = inputs.history(prices, mu, assets, cfg.max_nan_fraction)
    return PositionStream.begin(names, cfg).run(price_table, signal_table)[0]
