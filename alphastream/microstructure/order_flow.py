"""Who crossed the spread: signed volume, its running total, and its share of the volume."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, State

SIDES: tuple[str, ...] = ("buy_volume", "sell_volume")
TOTAL = 1  # place in the state of a running total
NEXT, HEAD = 1, 2  # of a window; the rings of bought and sold volume follow


@dataclass(frozen=True, slots=True, eq=False)
class DeltaRows:
    """Each field has shape (T,), in base units.

    Parameters
    ----------
    signed_volume : bought − sold by takers in the row.
    cvd : cumulative volume delta, the sum of it since the first row.
    """

    signed_volume: Floats
    cvd: Floats


@dataclass(frozen=True, slots=True)
class CumulativeDelta(Fold[DeltaRows]):
    """Signed volume and the cumulative volume delta (CVD). Where it begins is arbitrary: its changes say something.

    A row with NaN or inf gives NaN and adds nothing.

    Examples
    --------
    >>> rows, state = CumulativeDelta().run([3.0, 1.0], [1.0, 4.0])
    >>> rows.signed_volume.tolist(), rows.cvd.tolist()
    ([2.0, -3.0], [2.0, -1.0])
    """

    inputs: ClassVar[tuple[str, ...]] = SIDES
    row_type: ClassVar[type[DeltaRows]] = DeltaRows

    @property
    def min_observations(self) -> int:
        """Valid rows before the outputs are defined."""
        return 1

    def run(self, buy_volume: ArrayLike, sell_volume: ArrayLike, state: State | None = None) -> tuple[DeltaRows, State]:
        """Fold the volume that takers bought and sold, (T,) each, into rows and the next state."""
        return self._fold(state, buy_volume, sell_volume)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, 2))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        bought, sold = columns
        _delta_kernel(bought, sold, values, out)


@kernel
def _delta_kernel(bought: Floats, sold: Floats, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        count, total = states[pair, COUNT], states[pair, TOTAL]
        for t in range(bought.shape[1]):
            signed = bought[pair, t] - sold[pair, t]
            if not np.isfinite(signed):
                out[:, pair, t] = np.nan
                continue
            count += 1.0
            total += signed
            out[0, pair, t], out[1, pair, t] = signed, total
        states[pair, COUNT], states[pair, TOTAL] = count, total


@dataclass(frozen=True, slots=True, eq=False)
class ImbalanceRows:
    """Each field has shape (T,) and is NaN while the window fills.

    Parameters
    ----------
    imbalance : (bought − sold) / (bought + sold) over the window, −1 to 1; NaN where nothing traded in it.
    """

    imbalance: Floats


@dataclass(frozen=True, slots=True)
class FlowImbalance(Fold[ImbalanceRows]):
    """Signed volume of the newest rows as a share of their volume: 1 where takers only bought, −1 where they only sold.

    A row with NaN or inf gives NaN and does not enter the window.

    Parameters
    ----------
    window : rows, at least 2; the row itself is the last of them.

    Examples
    --------
    >>> FlowImbalance(window=2).run([3.0, 1.0, 0.0], [1.0, 3.0, 2.0])[0].imbalance.round(3).tolist()
    [nan, 0.0, -0.667]
    """

    inputs: ClassVar[tuple[str, ...]] = SIDES
    row_type: ClassVar[type[ImbalanceRows]] = ImbalanceRows

    window: int

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before the outputs are defined."""
        return self.window

    def run(
        self, buy_volume: ArrayLike, sell_volume: ArrayLike, state: State | None = None
    ) -> tuple[ImbalanceRows, State]:
        """Fold the volume that takers bought and sold, (T,) each, into rows and the next state."""
        return self._fold(state, buy_volume, sell_volume)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, HEAD + 2 * self.window))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        bought, sold = columns
        _imbalance_kernel(bought, sold, values, out)


@kernel
def _imbalance_kernel(bought: Floats, sold: Floats, states: Floats, out: Floats) -> None:
    window = (states.shape[1] - HEAD) // 2
    for pair in range(states.shape[0]):
        state = states[pair]
        buys, sells = state[HEAD : HEAD + window], state[HEAD + window :]
        for t in range(bought.shape[1]):
            out[0, pair, t] = np.nan
            if not (np.isfinite(bought[pair, t]) and np.isfinite(sold[pair, t])):
                continue
            at = int(state[NEXT])
            buys[at], sells[at] = bought[pair, t], sold[pair, t]
            state[NEXT] = at + 1 if at + 1 < window else 0
            state[COUNT] += 1.0
            if state[COUNT] < window:
                continue
            buy = sell = 0.0  # summed afresh: no rounding piles up, and what left the window leaves no trace
            for row in range(window):
                buy += buys[row]
                sell += sells[row]
            if buy + sell > 0.0:
                out[0, pair, t] = (buy - sell) / (buy + sell)
