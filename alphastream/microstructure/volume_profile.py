"""Volume by price: the point of control and the value area."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.core.types import Floats
from alphastream.core.validation import require_number
from alphastream.windows import Trades

VALUE_AREA: Final = 0.7
ROUNDING: Final = 1e-9  # of a row: a price that is a multiple of the step but for rounding is one
MOST_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class VolumeProfile:
    """What traded in each row of prices, lowest first, (R,) each. A row is [price, price + step).

    The **point of control** is the row with the largest volume; of several the one nearest to the middle of the rows,
    of two equally near the lower. The **value area** begins as that row and grows by the two rows above or the two
    rows below, whichever traded more, above where they are equal, until it holds 70 % of the volume; at an end of the
    profile there may be one row left on a side, or none. This is the way of the Market Profile with volume for time.

    Parameters
    ----------
    step : height of a row, price units.
    price : lower edges of the rows.
    buy_volume, sell_volume : by the side of the taker, base units.
    control : place of the point of control; −1 where nothing traded.
    low, high : first and last place of the value area.
    """

    step: float
    price: Floats
    buy_volume: Floats
    sell_volume: Floats
    control: int
    low: int
    high: int

    def __len__(self) -> int:
        return len(self.price)

    @property
    def volume(self) -> Floats:
        """Of both sides, (R,)."""
        return self.buy_volume + self.sell_volume

    @property
    def point_of_control(self) -> float:
        """Middle of its row; NaN where nothing traded."""
        return float(self.price[self.control]) + self.step / 2.0 if len(self) else np.nan

    @property
    def value_area(self) -> tuple[float, float]:
        """Lower edge of its lowest row and upper edge of its highest; NaN where nothing traded."""
        if not len(self):
            return np.nan, np.nan
        return float(self.price[self.low]), float(self.price[self.high]) + self.step


def volume_profile(trades: Trades, step: float) -> VolumeProfile:
    """Sum trades up by price.

    Parameters
    ----------
    step : height of a row, at least the price range over ``MOST_ROWS``; rows begin at its multiples.

    Raises
    ------
    ParameterError
        A step that is not above 0, or so small that there would be too many rows.
    """
    require_number("step", step, above=0.0)
    is_trade = ~np.isnan(trades.price)
    price, quantity = trades.price[is_trade], trades.quantity[is_trade]
    if not len(price):
        return VolumeProfile(step, np.empty(0), np.empty(0), np.empty(0), -1, -1, -1)
    require_number("step", step, minimum=float(price.max() - price.min()) / MOST_ROWS)
    place = np.floor(price / step + ROUNDING).astype(np.int64)
    first = int(place.min())
    rows = int(place.max()) - first + 1
    sold = trades.buyer_is_maker[is_trade]
    bought: Floats = np.bincount(place[~sold] - first, quantity[~sold], rows).astype(np.float64)
    sold_volume: Floats = np.bincount(place[sold] - first, quantity[sold], rows).astype(np.float64)
    volume = bought + sold_volume
    largest = np.flatnonzero(volume == volume.max())
    control = int(largest[np.argmin(np.abs(largest - (rows - 1) / 2.0))])
    low, high = _value_area(volume, control)
    return VolumeProfile(
        step, (first + np.arange(rows, dtype=np.float64)) * step, bought, sold_volume, control, low, high
    )


def nice_step(low: float, high: float, rows: int, tick: float) -> float:
    """A height of 1, 2 or 5 times a power of ten, and at least a tick, with which prices fill ``rows`` rows at most.

    Parameters
    ----------
    low, high : prices; where they are equal, a tick above 0 is needed.
    """
    wanted = max((high - low) / rows, tick)
    power = 10.0 ** np.floor(np.log10(wanted) + ROUNDING)
    return float(next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= wanted * (1.0 - ROUNDING)))


def _value_area(volume: Floats, control: int) -> tuple[int, int]:
    wanted = VALUE_AREA * float(volume.sum()) * (1.0 - 1e-12)
    low = high = control
    held = float(volume[control])
    while held < wanted and (low > 0 or high + 1 < len(volume)):
        above, below = float(volume[high + 1 : high + 3].sum()), float(volume[max(low - 2, 0) : low].sum())
        if (above >= below and high + 1 < len(volume)) or low == 0:
            high, held = min(high + 2, len(volume) - 1), held + above
        else:
            low, held = max(low - 2, 0), held + below
    return low, high
