"""What an order asks for beside its quantity, as columns and in words, the same on every page. No Streamlit."""

import math
from typing import Final

import pandas as pd

from alphastream.reports.metrics import utc
from alphastream.reports.trade_tables import kind_of
from alphastream.trading import LegOrder, SpreadOrder

TERMS: Final = ("kind", "limit", "stop", "good_till")
NO_TERMS: Final[dict[str, object]] = {"kind": "", "limit": math.nan, "stop": math.nan, "good_till": pd.NaT}


def terms_of(order: SpreadOrder, leg: LegOrder) -> dict[str, object]:
    """Kind, prices and time of a leg by the names of ``TERMS``; NaN and NaT where it has none."""
    return {
        "kind": kind_of(leg),
        "limit": math.nan if leg.limit is None else leg.limit,
        "stop": math.nan if leg.stop is None else leg.stop,
        "good_till": pd.NaT if order.good_till_ns is None else utc(order.good_till_ns),
    }


def state_of_leg(leg: LegOrder) -> str:
    """Its state; "triggered" for one that waits since its stop was reached."""
    return "triggered" if leg.state == "open" and leg.triggered_ns is not None else leg.state


def waits_for(leg: LegOrder) -> str:
    """What a leg waits for, in words."""
    buying = leg.quantity > 0.0
    if leg.waits_for_stop:
        return f"a trade at {leg.stop:,.8g} or {'above' if buying else 'below'}"
    if leg.limit is not None:
        return f"a trade {'below' if buying else 'above'} {leg.limit:,.8g}"
    return "the next trade"
