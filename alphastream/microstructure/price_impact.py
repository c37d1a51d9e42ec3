"""Kyle's lambda: how far the price moves for what takers buy or sell, with its error."""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import aligned, require_integer
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.fold import COUNT, Fold, State

LAST_PRICE, NEXT, HEAD = 1, 2, 3  # places in a state; the rings of price changes and signed volumes follow
LEAST_ROWS: Final = 60
"""Rows under which no error of a slope is told."""


@dataclass(frozen=True, slots=True, eq=False)
class ImpactRows:
    """Each field has shape (T,) and is NaN while the window fills, or where no signed volume differs from the others.

    Parameters
    ----------
    price_impact : λ, price units a base unit that takers buy net.
    standard_error : of it (Newey-West).
    """

    price_impact: Floats
    standard_error: Floats


@dataclass(frozen=True, slots=True)
class ImpactResult:
    """λ over given rows.

    Parameters
    ----------
    price_impact : price units a base unit that takers buy net.
    standard_error : of it (Newey-West).
    rows : price changes it was fitted to.
    lags : of the Newey-West estimate.
    """

    price_impact: float
    standard_error: float
    rows: int
    lags: int

    @property
    def interval(self) -> tuple[float, float]:
        """λ ± 1.96 standard errors."""
        return self.price_impact - 1.96 * self.standard_error, self.price_impact + 1.96 * self.standard_error


def newey_west_lags(rows: int) -> int:
    """The whole part of 4 (n/100)^(2/9) (Newey & West 1994)."""
    return int(4.0 * (rows / 100.0) ** (2.0 / 9.0))


def kyle_lambda(price: ArrayLike, signed_volume: ArrayLike) -> ImpactResult:
    """Regress price changes on signed volume: Δp_t = α + λ q_t + e_t, by least squares.

    The error is Newey and West's with Bartlett weights and ``newey_west_lags``, without a small-sample correction.

    Parameters
    ----------
    price : (T,) last price of each window, oldest first.
    signed_volume : (T,) bought − sold by takers in each window; the first only gives its price.

    Raises
    ------
    NotEnoughObservations
        Fewer than ``LEAST_ROWS`` price changes.
    ParameterError
        A value that is not finite, or signed volumes that are all the same.

    References
    ----------
    Kyle (1985), "Continuous auctions and insider trading", Econometrica 53. Newey & West (1987), Econometrica 55.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> flow = rng.normal(size=400)
    >>> result = kyle_lambda(100.0 + np.cumsum(0.5 * flow + rng.normal(size=400)), flow)
    >>> round(result.price_impact, 2), round(result.standard_error, 3)
    (0.58, 0.057)
    """
    columns = aligned(("price", "signed_volume"), (price, signed_volume), ndim=1)
    prices, flow = columns[0][0], columns[1][0]
    if not (np.isfinite(prices).all() and np.isfinite(flow).all()):
        raise ParameterError("price and signed_volume need finite numbers: leave rows without trades out")
    rows = len(prices) - 1
    if rows < LEAST_ROWS:
        raise NotEnoughObservations("Kyle's lambda", LEAST_ROWS + 1, len(prices))
    lags = newey_west_lags(rows)
    slope, error = _slope(np.diff(prices), flow[1:].copy(), lags)
    if np.isnan(slope):
        raise ParameterError("every window has the same signed volume: there is nothing to regress on")
    return ImpactResult(slope, error, rows, lags)


@dataclass(frozen=True, slots=True)
class KyleLambda(Fold[ImpactRows]):
    """Kyle's λ over a sliding window of price changes, as ``kyle_lambda`` fits it.

    A row with NaN or inf gives NaN and is left out: the next price change is from the price before it.

    How the error does was measured on 2,000 simulated windows each: Gaussian ones, heavy tails (t3), noise that grows
    with the flow, flow that lasts (autocorrelation .5). Of windows of 60 rows λ ± 1.96 standard errors held the true λ
    in 90 to 92 %, of 300 and more in 93 to 95 %. Where noise lasts as well as flow it is too narrow: 87 and 91 % at an
    autocorrelation of .5, 77 and 86 % at .8. It says nothing of flow that follows the price instead of moving it.

    Parameters
    ----------
    window : price changes, at least 60.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> flow = rng.normal(size=400)
    >>> rows, state = KyleLambda(window=300).run(100.0 + np.cumsum(0.5 * flow + rng.normal(size=400)), flow)
    >>> round(float(rows.price_impact[-1]), 2)
    0.6
    """

    inputs: ClassVar[tuple[str, ...]] = ("price", "signed_volume")
    row_type: ClassVar[type[ImpactRows]] = ImpactRows

    window: int

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=LEAST_ROWS)

    @property
    def min_observations(self) -> int:
        """Valid rows before the outputs are defined: a price, and the changes after it."""
        return self.window + 1

    def run(self, price: ArrayLike, signed_volume: ArrayLike, state: State | None = None) -> tuple[ImpactRows, State]:
        """Fold prices and signed volumes, (T,) each, into rows and the next state."""
        return self._fold(state, price, signed_volume)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, HEAD + 2 * self.window))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        price, signed = columns
        _impact_kernel(price, signed, values, out, newey_west_lags(self.window))


@kernel
def _slope(change: Floats, flow: Floats, lags: int) -> tuple[float, float]:
    """Slope of a line through changes over flow, and its Newey-West error; NaN where flow does not vary."""
    rows = change.size
    mean_flow, mean_change = flow.mean(), change.mean()
    squares = cross = largest = 0.0
    for t in range(rows):
        centred = flow[t] - mean_flow
        squares += centred * centred
        cross += centred * (change[t] - mean_change)
        largest = max(largest, abs(flow[t]))
    if not squares > rows * (1e-14 * largest) ** 2:
        return np.nan, np.nan
    slope = cross / squares
    score = np.empty(rows)
    for t in range(rows):
        centred = flow[t] - mean_flow
        score[t] = centred * (change[t] - mean_change - slope * centred)
    spread = 0.0
    for lag in range(lags + 1):
        product = 0.0
        for t in range(lag, rows):
            product += score[t] * score[t - lag]
        spread += product if lag == 0 else 2.0 * (1.0 - lag / (lags + 1.0)) * product
    return slope, sqrt(max(spread, 0.0)) / squares


@kernel
def _impact_kernel(price: Floats, signed: Floats, states: Floats, out: Floats, lags: int) -> None:
    window = (states.shape[1] - HEAD) // 2
    change, flow = np.empty(window), np.empty(window)
    for pair in range(states.shape[0]):
        state = states[pair]
        changes, flows = state[HEAD : HEAD + window], state[HEAD + window :]
        for t in range(price.shape[1]):
            out[:, pair, t] = np.nan
            if not (np.isfinite(price[pair, t]) and np.isfinite(signed[pair, t])):
                continue
            state[COUNT] += 1.0
            if state[COUNT] > 1.0:
                at = int(state[NEXT])
                changes[at], flows[at] = price[pair, t] - state[LAST_PRICE], signed[pair, t]
                state[NEXT] = at + 1 if at + 1 < window else 0
            state[LAST_PRICE] = price[pair, t]
            if state[COUNT] <= window:
                continue
            oldest = int(state[NEXT])
            for row in range(window):
                place = (oldest + row) % window
                change[row], flow[row] = changes[place], flows[place]
            out[0, pair, t], out[1, pair, t] = _slope(change, flow, lags)
