"""Cells to prices, and prices that a file does not hold as they are used: quotes, adjusted bars, fixed point."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Floats
from alphastream.uploads.cells import UNDEFINED_PRICE, CellError, Decimal, floats
from alphastream.uploads.columns import ASK_BARS, BAR_ROLES, BID_BARS
from alphastream.uploads.notes import Notes

Values = dict[str, NDArray[Any]]

_PRICES: Final = ("price", "bid", "ask", *BAR_ROLES, "adj_close", *BID_BARS, *ASK_BARS)
_UNADJUSTED: Final = 1e-6  # adjusted closes that differ by less are rounded


def priced(leg: Values, scale: float, notes: Notes, sides_stay: bool = False) -> None:
    """Put prices into a leg as they are used.

    ``price`` (ticks) or ``close`` (bars) is there afterwards, and ``bid`` and ``ask`` where the file has both sides:
    prices are their middle then.

    Parameters
    ----------
    leg : role to column, shape (T,) each; changed in place.
    scale : what written prices are multiplied by.
    sides_stay : whether an empty bid or ask is the one before it; rows are in the order of time then.

    Raises
    ------
    CellError
        An adjusted close is missing in a row that has a close.
    """
    if scale != 1:
        parts = round(1 / scale)  # dividing by a whole number gives the digits that were meant
        leg.update({role: leg[role] / parts for role in _PRICES if role in leg})
    if "close" not in leg and leg.keys() & {"bid_close", "ask_close"}:
        _quoted_bars(leg)
    elif not leg.keys() & {"close", "price"} and leg.keys() & {"bid", "ask"}:
        if sides_stay:
            leg |= {role: _carried(leg[role]) for role in ("bid", "ask")}
        leg["price"] = _middle(leg.get("bid"), leg.get("ask"))
    elif "adj_close" in leg:
        _adjust(leg, notes)


def prices(cells: Any, decimal: Decimal) -> Floats:
    """Prices above zero; NaN where a cell is empty, zero or Databento's undefined price."""
    values = floats(cells, decimal)
    if not values.all():
        values = np.where(values == 0, np.nan, values)
    undefined = values == float(UNDEFINED_PRICE)
    if undefined.any():
        values = np.where(undefined, np.nan, values)
    return _lawful(cells, values, (values > 0) & (values < np.inf), "a price above zero is needed")


def amounts(cells: Any, decimal: Decimal) -> Floats:
    """Amounts of zero or more; NaN where a cell is empty."""
    values = floats(cells, decimal)
    return _lawful(cells, values, (values >= 0) & (values < np.inf), "an amount of zero or more is needed")


def _lawful(cells: Any, values: Floats, lawful: NDArray[np.bool_], needed: str) -> Floats:
    lawful |= np.isnan(values)
    if not lawful.all():
        row = int(np.argmin(lawful))
        raise CellError(row, cells[row].as_py(), needed)
    return values


def _carried(side: Floats) -> Floats:
    """Each row with the last value up to it, (T,); NaN before the first one."""
    last = np.maximum.accumulate(np.where(np.isnan(side), -1, np.arange(len(side))))
    return np.where(last < 0, np.nan, side[last])


def _middle(bid: Floats | None, ask: Floats | None) -> Floats:
    sides = [side for side in (bid, ask) if side is not None]
    return sides[0] if len(sides) == 1 else (sides[0] + sides[1]) / 2


def _quoted_bars(leg: Values) -> None:
    for role, bid, ask in zip(BAR_ROLES, BID_BARS, ASK_BARS, strict=True):
        if bid in leg or ask in leg:
            leg[role] = _middle(leg.get(bid), leg.get(ask))
    if "bid_close" in leg and "ask_close" in leg:
        leg |= {"bid": leg["bid_close"], "ask": leg["ask_close"]}
    for role in (*BID_BARS, *ASK_BARS):
        leg.pop(role, None)


def _adjust(leg: Values, notes: Notes) -> None:
    """Bars scaled by adjusted to unadjusted close; volumes stay."""
    adjusted, close = leg.pop("adj_close"), leg["close"]
    missing = np.isnan(adjusted) & ~np.isnan(close)
    if missing.any():
        raise CellError(int(np.argmax(missing)), "", "an adjusted close is needed where there is a close")
    factor = adjusted / close
    known = factor[~np.isnan(factor)]
    if len(known) == 0 or np.abs(known - 1).max() < _UNADJUSTED:
        return
    notes.say(
        "prices are adjusted: open, high, low and close are multiplied by adjusted / unadjusted close "
        f"({known.min():.4g} to {known.max():.4g}); volumes are as in the file"
    )
    leg.update({role: leg[role] * factor for role in BAR_ROLES if role in leg})
    leg["close"] = np.where(np.isnan(close), close, adjusted)
