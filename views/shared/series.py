"""From an engine's answer to what charts draw."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alphastream.feeds import Instrument
from alphastream.pairs import PairAnalytics, PairSpec
from views.shared.charts import PairSeries

NONE: Final = np.empty(0)


def pair_series(
    answer: PairAnalytics | None, spec: PairSpec, instruments: Mapping[str, Instrument], newest: int | None = None
) -> PairSeries:
    """The newest rows of an answer, forming ones last; no rows while there is no answer.

    Parameters
    ----------
    instruments : tick sizes, where the venue told them; else the prices themselves show their decimals.
    """

    def column(name: str) -> NDArray[Any]:
        if answer is None:
            return NONE
        values = answer.column(name)
        return values if newest is None else values[-newest:]

    y, x = column("y"), column("x")
    return PairSeries(
        y_symbol=spec.y,
        x_symbol=spec.x,
        time_ns=column("time_ns").astype(np.int64),
        y_price=y,
        x_price=x,
        spread=column("spread"),
        spread_mean=column("spread_mean"),
        spread_std=column("spread_std"),
        zscore=column("zscore"),
        hedge_ratio=column("hedge_ratio"),
        correlation=column("correlation"),
        pvalue=column("pvalue"),
        half_life=column("half_life"),
        y_volume=column("y_volume"),
        x_volume=column("x_volume"),
        position=column("position"),
        entry_z=spec.entry,
        exit_z=spec.exit,
        tested_rows=spec.tested_rows,
        y_decimals=price_decimals(spec.y, y, instruments),
        x_decimals=price_decimals(spec.x, x, instruments),
    )


def price_decimals(symbol: str, prices: NDArray[np.float64], instruments: Mapping[str, Instrument]) -> int:
    """Decimals of a leg's tick size, or as many as its newest prices use."""
    if symbol in instruments:
        return instruments[symbol].price_decimals
    exponents = [Decimal(repr(price)).as_tuple().exponent for price in prices[-50:].tolist() if np.isfinite(price)]
    return max((min(-exponent, 10) for exponent in exponents if isinstance(exponent, int) and exponent < 0), default=2)
