"""The pair of ``bench_backtest`` in vectorbt; runs in vectorbt's own interpreter and prints JSON.

``python rival_vectorbt.py PRICES.npz``. vectorbt has no rolling regression: its rolling means and deviations make one.
Signals are looked at on one row and filled at the open of the next.
"""

import json
import resource
import statistics
import sys
import time
from typing import Any

import numpy as np
import vectorbt as vbt  # type: ignore[import-not-found,unused-ignore]
from vectorbt.generic import nb  # type: ignore[import-not-found,unused-ignore]

FAR = 1e9  # cash, so that no order is refused
ROUNDS = 3
WINDOWS_AT_ONCE = 10  # all at once need gigabytes


def hedge_and_score(y: Any, x: Any, windows: list[int]) -> tuple[Any, Any]:
    """Slope and z-score of each window, (T, W)."""
    ratios, scores = [], []
    for window in windows:
        mean_x, mean_y, mean_xy, mean_xx = (
            nb.rolling_mean_nb(column.reshape(-1, 1), window, minp=window)[:, 0] for column in (x, y, x * y, x * x)
        )
        ratio = (mean_xy - mean_x * mean_y) / (mean_xx - mean_x * mean_x)
        spread = (y - mean_y - ratio * (x - mean_x)).reshape(-1, 1)
        mean, std = (
            nb.rolling_mean_nb(spread, window, minp=window),
            nb.rolling_std_nb(spread, window, minp=window, ddof=1),
        )
        ratios.append(ratio)
        scores.append(((spread - mean) / std)[:, 0])
    return np.column_stack(ratios), np.column_stack(scores)


def portfolio(data: Any, windows: list[int], entries: list[float], leave: float, units: float, cost: float) -> Any:
    """Two columns, y and x, for each combination."""
    ratio, score = hedge_and_score(data["y"], data["x"], windows)
    late = np.roll(np.repeat(score, len(entries), axis=1), 1, axis=0)
    ratio = np.roll(np.repeat(ratio, len(entries), axis=1), 1, axis=0)
    late[0] = np.nan
    entry = np.tile(entries, len(windows))
    low, high, up, down = late <= -entry, late >= entry, late >= -leave, late <= leave
    size = np.stack((np.full_like(ratio, units), units * np.abs(np.nan_to_num(ratio))), axis=2)

    def columns(of_y: Any, of_x: Any) -> Any:
        return np.stack((of_y, of_x), axis=2).reshape(len(late), -1)

    wide = late.shape[1]
    return vbt.Portfolio.from_signals(
        np.tile(np.column_stack((data["y"], data["x"])), wide),
        entries=columns(low, high),
        exits=columns(up, down),
        short_entries=columns(high, low),
        short_exits=columns(down, up),
        price=np.tile(np.column_stack((data["y_open"], data["x_open"])), wide),
        size=size.reshape(len(late), -1),
        slippage=cost,
        fees=0.0,
        init_cash=FAR,
        group_by=np.repeat(np.arange(wide), 2),
        cash_sharing=True,
        upon_opposite_entry="reverse",
        freq="1s",
    )


def measured(data: Any, batches: list[list[int]], entries: list[float], leave: float, units: float, cost: float) -> Any:
    """Median seconds of all batches with final value, Sharpe ratio and drawdown, and the gains."""
    times: list[float] = []
    gains: list[float] = []
    for _ in range(ROUNDS + 1):
        start, gains = time.perf_counter(), []
        for windows in batches:
            found = portfolio(data, windows, entries, leave, units, cost)
            gains += (np.atleast_1d(found.final_value()) - FAR).tolist()
            found.sharpe_ratio()
            found.max_drawdown()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:]), times[0], gains


def main() -> None:
    with np.load(sys.argv[1]) as file:
        data = dict(file)
    single = {name: data[name] for name in ("y", "x", "y_open", "x_open")}
    short = {name: values[: int(data["sweep_rows"])].copy() for name, values in single.items()}
    windows, entries = data["windows"].tolist(), data["entries"].tolist()
    terms = (float(data["leave"]), float(data["units"]), float(data["cost"]))
    one = measured(single, [[int(data["window"])]], [float(data["entry"])], *terms)
    batches = [windows[at : at + WINDOWS_AT_ONCE] for at in range(0, len(windows), WINDOWS_AT_ONCE)]
    many = measured(short, batches, entries, *terms)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"version": vbt.__version__, "run": one, "sweep": many, "megabytes": memory}))


if __name__ == "__main__":
    main()
