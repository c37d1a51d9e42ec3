"""Episodes in which buying at one venue and selling at another paid, after costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from alphastream.instruments import split


@dataclass(frozen=True, slots=True)
class Signal:
    """One episode: from when on buying on one leg and selling on another paid for certain, and until when.

    Parameters
    ----------
    asset : base and quote, such as BTC/USDT.
    buy, sell : instruments.
    opened_ns, best_ns, closed_ns : UTC ns on this computer's clock; each may be off by ``error_ns``. ``closed_ns`` is
        None while it is open.
    net, gross : edge after and before costs at the best moment, share of the value bought. The best moment is the one
        of the largest net profit.
    quantity : that paid at that moment, units of base; infinite where the sizes are not known.
    value : what was paid for it, units of quote.
    error_ns : of the alignment of both legs together.
    prices : "quotes", or "trades" where a leg's quotes were made of trades and a stated half spread.
    """

    asset: str
    buy: str
    sell: str
    opened_ns: int
    best_ns: int
    closed_ns: int | None
    net: float
    gross: float
    quantity: float
    value: float
    error_ns: int
    prices: str


COLUMNS: Final = (
    *("exchange_a", "exchange_b", "asset", "profit_pct", "volume_usd", "timestamp"),
    *("duration_s", "error_ms", "gross_pct", "best_at", "instrument_a", "instrument_b", "prices"),
)


def signals_frame(signals: Sequence[Signal]) -> pd.DataFrame:
    """Return signals as a table, in the order given.

    Returns
    -------
    One row a signal. ``exchange_a`` is where one buys and ``exchange_b`` where one sells; ``profit_pct`` and
    ``gross_pct`` are the edge after and before costs; ``volume_usd`` is in units of quote, a stable coin taken at par,
    NaN where sizes are not known; ``timestamp`` is the opening; ``duration_s`` is NaN while it is open.
    """
    closed = [float("nan") if each.closed_ns is None else (each.closed_ns - each.opened_ns) / 1e9 for each in signals]
    values = (
        [split(each.buy)[0] for each in signals],
        [split(each.sell)[0] for each in signals],
        [each.asset for each in signals],
        [each.net * 100.0 for each in signals],
        [each.value if each.value < float("inf") else float("nan") for each in signals],
        pd.to_datetime([each.opened_ns for each in signals], utc=True),
        closed,
        [each.error_ns / 1e6 for each in signals],
        [each.gross * 100.0 for each in signals],
        pd.to_datetime([each.best_ns for each in signals], utc=True),
        [each.buy for each in signals],
        [each.sell for each in signals],
        [each.prices for each in signals],
    )
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))
