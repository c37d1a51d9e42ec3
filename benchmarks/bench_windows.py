"""Windows over trades, Polars' group_by_dynamic beside them, and what a following leg costs.

python -m benchmarks.bench_windows
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Final

import numpy as np
import polars as pl

from alphastream.core.units import SECOND
from alphastream.microstructure.leg import LegSpec, analyse_leg
from alphastream.windows import ImbalanceWindow, SessionWindow, TimeWindow, Trades, TradeWindow, VolumeWindow, Window

ROWS: Final = 1_000_000
ROUNDS: Final = 3
WINDOWS: Final[tuple[Window, ...]] = (
    TimeWindow(SECOND),
    TimeWindow(SECOND, 5 * SECOND),
    TimeWindow(SECOND, 600 * SECOND),
    TradeWindow(100),
    VolumeWindow(100.0),
    ImbalanceWindow(50.0),
    SessionWindow(SECOND // 10),
)


def rate(work: Callable[[], object]) -> float:
    """Million rows a second of processor time, the median."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return ROWS / median(times) / 1e6


def of_polars(window: TimeWindow, frame: pl.DataFrame) -> pl.DataFrame:
    """Open to close, volumes and counts of the same windows."""
    quantity = pl.col("quantity")
    period_ns = window.period_ns or window.every_ns
    return frame.group_by_dynamic("at", every=f"{window.every_ns}ns", period=f"{period_ns}ns").agg(
        pl.col("price").first().alias("open"),
        pl.col("price").max().alias("high"),
        pl.col("price").min().alias("low"),
        pl.col("price").last().alias("close"),
        quantity.sum().alias("volume"),
        (quantity * pl.col("price")).sum().alias("quote_volume"),
        quantity.filter(pl.col("sold")).sum().alias("sell_volume"),
        pl.len().alias("trades"),
    )


def main() -> None:
    """Print one table."""
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.integers(0, 80_000_000, ROWS))
    price = 1_000.0 + np.cumsum(rng.normal(0.0, 0.01, ROWS))
    trades = Trades(times, price, rng.exponential(size=ROWS), rng.random(ROWS) < 0.5)
    frame = pl.DataFrame(
        {"at": times, "price": price, "quantity": trades.quantity, "sold": trades.buyer_is_maker}
    ).with_columns(pl.col("at").cast(pl.Datetime("ns")))
    print(f"{'million rows a second of processor time':<72} {'here':>7} {'Polars':>7}")
    for window in WINDOWS:
        window.run(trades.rows(slice(10)))
        rival = f"{rate(lambda w=window: of_polars(w, frame)):7.2f}" if isinstance(window, TimeWindow) else ""  # type: ignore[misc]
        print(f"{window!r:<72} {rate(lambda w=window: w.run(trades)):7.2f} {rival}")  # type: ignore[misc]
    spec = LegSpec("A", bucket=100.0)
    analyse_leg(trades.rows(slice(10)), spec)
    print(f"{'a leg with all its measures, bars of a second':<72} {rate(lambda: analyse_leg(trades, spec)):7.2f}")


if __name__ == "__main__":
    main()
