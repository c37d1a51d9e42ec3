"""Large prints and what they left behind, as tables and figures in words. No Streamlit."""

import math

import numpy as np
import pandas as pd

from alphastream.core.types import Floats
from alphastream.microstructure import LargePrints, Resilience
from alphastream.microstructure.liquidity import BACK, DEPTH_BPS, WAIT_NS
from views.shared.metrics import UNKNOWN, Metric

SHOWN_PRINTS = 200


def prints_frame(prints: LargePrints) -> pd.DataFrame:
    """The newest large prints, newest first."""
    newest = slice(None, -SHOWN_PRINTS - 1, -1)
    return pd.DataFrame(
        {
            "time": pd.to_datetime(prints.time_ns[newest], utc=True),
            "taker": np.where(prints.is_buy[newest], "▲ bought", "▼ sold"),
            "price": prints.price[newest],
            "quantity": prints.quantity[newest],
            "notional": prints.notional[newest],
        }
    )


def prints_words(prints: LargePrints) -> str:
    """From which size on a print is large, and what large ones add up to."""
    bought, sold = (float(prints.quantity[side].sum()) for side in (prints.is_buy, ~prints.is_buy))
    large = f"{len(prints):,} of {prints.of:,} trades are at least {prints.threshold:g}"
    return f"{large}: bought {bought:,.4g}, sold {sold:,.4g}."


def liquidity_metrics(effective_bps: Floats, quantity: Floats, found: Resilience) -> list[Metric]:
    """What takers paid, and how long the book took to come back.

    Parameters
    ----------
    effective_bps, quantity : (T,) of each trade; NaN where its spread is not known.
    """
    known = np.isfinite(effective_bps)
    mean = float(np.average(effective_bps[known], weights=quantity[known])) if known.any() else math.nan
    wait_s = WAIT_NS / 1e9
    return [
        Metric(
            "Effective spread",
            f"{mean:.3f} bps" if known.any() else UNKNOWN,
            f"mean of {int(known.sum()):,} trades, by quantity",
            "Twice the distance of each trade's price from the middle of the book before it, on the taker's side.",
        ),
        Metric(
            "Spread back",
            _seconds(found.spread_s, wait_s),
            f"median of {len(found.spread_s)} large prints",
            "Time after a large print until the quoted spread is at most what it was before it. Those that were not "
            f"back in {wait_s:g} s count as longest.",
        ),
        Metric(
            f"{BACK:.0%} of the depth back",
            _seconds(found.depth_s, wait_s),
            f"median of {len(found.depth_s)} large prints",
            f"Time until the side that was hit holds {BACK:.0%} of what it held within {DEPTH_BPS:g} bps of the middle "
            "before the print. Only prints at which the kept levels reach so far.",
        ),
    ]


def _seconds(seconds: Floats, wait_s: float) -> str:
    median = Resilience.median(seconds)
    if math.isnan(median):
        return UNKNOWN
    return f"{median:.2f} s" if math.isfinite(median) else f"over {wait_s:g} s"
