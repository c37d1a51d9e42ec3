"""VPIN: how one-sided the newest buckets of equal volume were."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer, require_number
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.microstructure.order_flow import SIDES

FILLED, NEXT, VOLUME, BOUGHT, HEAD = 1, 2, 3, 4, 5  # places in a state; the buckets' imbalances follow
ROUNDING: Final = 1e-9  # of a bucket

CAVEATS: Final = (
    "VPIN was proposed as a measure of informed trading (Easley, López de Prado and O'Hara 2012). Andersen and "
    "Bondarenko (2014) find that it mostly follows volume and volatility and did not foresee the crash it became known "
    "by. Trades of one order that was split look like many. Its level depends on the bucket: compare it with itself."
)


@dataclass(frozen=True, slots=True, eq=False)
class VpinRows:
    """Each field has shape (T,) and is NaN until enough buckets are full.

    Parameters
    ----------
    vpin : mean of |bought − sold| / bucket over the newest full buckets, 0 to 1.
    """

    vpin: Floats


@dataclass(frozen=True, slots=True)
class VPIN(Fold[VpinRows]):
    """Volume-synchronised probability of informed trading, with the side of each trade as the venue tells it.

    Volume is poured into buckets of one size; what does not fit goes on in the next bucket, bought and sold in the
    proportion of the row. Rows of single trades are therefore exact; in rows of bars the order within a bar is lost.
    The original infers the sides from price changes of bars ("bulk classification"): here they are known. A row with
    NaN or inf gives NaN and adds nothing.

    Parameters
    ----------
    bucket : volume of a bucket, base units. The original takes a fiftieth of a day's volume.
    buckets : how many of the newest ones are averaged.

    References
    ----------
    Easley, López de Prado & O'Hara (2012), "Flow toxicity and liquidity in a high-frequency world", Review of Financial
    Studies 25, equation 4. Andersen & Bondarenko (2014), "VPIN and the flash crash", Journal of Financial Markets 17.

    Examples
    --------
    >>> VPIN(bucket=2.0, buckets=2).run([2.0, 1.0, 0.0], [0.0, 0.0, 1.0])[0].vpin.tolist()
    [nan, nan, 0.5]
    """

    inputs: ClassVar[tuple[str, ...]] = SIDES
    row_type: ClassVar[type[VpinRows]] = VpinRows

    bucket: float
    buckets: int = 50

    def __post_init__(self) -> None:
        require_number("bucket", self.bucket, above=0.0)
        require_integer("buckets", self.buckets, minimum=1)

    @property
    def min_observations(self) -> int:
        """Full buckets, not rows, before the outputs are defined."""
        return self.buckets

    def progress(self, state: State | None) -> tuple[int, int]:
        """Buckets that are full, at most those needed, and how many are needed."""
        have = 0 if state is None else int(state.values[:, FILLED].min(initial=self.buckets))
        return min(have, self.buckets), self.buckets

    def run(self, buy_volume: ArrayLike, sell_volume: ArrayLike, state: State | None = None) -> tuple[VpinRows, State]:
        """Fold the volume that takers bought and sold, (T,) each, into rows and the next state."""
        return self._fold(state, buy_volume, sell_volume)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, HEAD + self.buckets))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        bought, sold = columns
        _vpin_kernel(bought, sold, values, out, float(self.bucket))


@kernel
def _vpin_kernel(bought: Floats, sold: Floats, states: Floats, out: Floats, bucket: float) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        ring = state[HEAD:]
        for t in range(bought.shape[1]):
            out[0, pair, t] = np.nan
            buy, sell = bought[pair, t], sold[pair, t]
            if not (np.isfinite(buy) and np.isfinite(sell)):
                continue
            state[COUNT] += 1.0
            left = buy + sell
            share = buy / left if left > 0.0 else 0.0
            # A row that fills the whole ring more than once leaves it as its last buckets do.
            spare = np.floor(left / bucket) - ring.size - 1
            if spare > 0.0:
                left -= spare * bucket
                state[FILLED] += spare
            while left > 0.0:
                room = bucket - state[VOLUME]
                if left < room - ROUNDING * bucket:
                    state[VOLUME] += left
                    state[BOUGHT] += share * left
                    break
                taken = min(left, room)
                at = int(state[NEXT])
                ring[at] = abs(2.0 * (state[BOUGHT] + share * taken) - bucket) / bucket
                state[NEXT] = at + 1 if at + 1 < ring.size else 0
                state[FILLED] += 1.0
                state[VOLUME] = state[BOUGHT] = 0.0
                left -= taken
            if state[FILLED] >= ring.size:
                out[0, pair, t] = ring.mean()
