"""A run under two rules of filling, side by side. No Streamlit."""

from collections.abc import Mapping

import pandas as pd

from alphastream.backtest import RunResult
from alphastream.performance import split_costs
from alphastream.reports.run_words import is_short


def comparison_frame(runs: Mapping[str, RunResult]) -> pd.DataFrame:
    """Profit, costs and what stayed unfilled of each run, a column each; amounts in quote units."""
    columns = {name: _column(run) for name, run in runs.items()}
    return pd.DataFrame(
        {"figure": list(next(iter(columns.values()))), **{n: list(c.values()) for n, c in columns.items()}}
    )


def _column(run: RunResult) -> dict[str, float]:
    marks = dict(zip(run.symbols, run.marks[-1].tolist(), strict=True))
    split = split_costs(run.fills, run.funding, marks)
    traded = sum(abs(fill.quantity) * fill.trade_price for fill in run.fills)
    slipped = split.spread + split.impact
    return {
        "net profit": split.net,
        "fees": split.fees,
        "spread": split.spread,
        "impact": split.impact,
        "spread and impact, bps of what was traded": slipped / traded * 1e4 if traded else float("nan"),
        "funding received": split.funding,
        "fills": float(len(run.fills)),
        "orders filled in part or not at all": float(sum(is_short(order) for order in run.orders)),
        "longest wait for a fill, s": _longest_wait_s(run),
    }


def _longest_wait_s(run: RunResult) -> float:
    filled = [(order.decided_ns, leg.filled_ns) for order in run.orders for leg in order.legs]
    return max(((when - decided) / 1e9 for decided, when in filled if when is not None), default=float("nan"))
