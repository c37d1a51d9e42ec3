"""The folds and the tools people use today, in turn in one process: median milliseconds and ratios.

``python -m benchmarks.bench_estimators`` prints one table and the drift after ten million updates. BLAS gets one
thread: on matrices this thin a second one costs the other tools more than it gives.
"""

import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
from pykalman import KalmanFilter
from statsmodels.regression.rolling import RollingOLS as StatsmodelsRollingOLS
from statsmodels.robust.norms import HuberT
from statsmodels.robust.robust_linear_model import RLM
from statsmodels.tools import add_constant
from statsmodels.tsa.statespace.kalman_filter import KalmanFilter as StatsmodelsKalmanFilter
from threadpoolctl import threadpool_limits

from alphastream.core.types import Floats
from alphastream.estimators import (
    DiscountedRegression,
    FrozenHedge,
    KalmanHedge,
    RollingCorrelation,
    RollingHuber,
    RollingOLS,
    RollingTLS,
    ThresholdSignal,
    ZScore,
    run_many,
    warm_up,
)

ROWS, WINDOW = 100_000, 100
PYKALMAN_ROWS = 5_000  # its time grows with the rows alone; the table scales it up
HUBER_WINDOWS = 100
UPDATES = 10_000_000
ROUNDS = 5


def pair(length: int) -> tuple[Floats, Floats]:
    """Prices of bitcoin's size and a leg that follows them."""
    rng = np.random.default_rng(7)
    x = 60_000.0 + np.cumsum(rng.normal(size=length))
    return x, 3_000.0 + 0.5 * x + rng.normal(size=length)


def milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / 1e6


def in_turn(calls: dict[str, Callable[[], object]], repeats: dict[str, int]) -> dict[str, float]:
    """Median milliseconds of a call, each tool once a round; a quick one is repeated within it."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            times[name] += [milliseconds(call) for _ in range(repeats.get(name, 1))]
    return {name: statistics.median(found) for name, found in times.items()}


def report(what: str, ours: float, others: dict[str, float]) -> None:
    for name, theirs in others.items():
        print(f"{what:34} {name:34} {theirs:12,.3f} {ours:10.4f} {theirs / ours:10,.0f} x")


def ols() -> None:
    x, y = pair(ROWS)
    design = add_constant(x)
    calls: dict[str, Callable[[], object]] = {
        "ours": lambda: RollingOLS(WINDOW).run(x, y),
        "statsmodels RollingOLS": lambda: StatsmodelsRollingOLS(y, design, WINDOW).fit(),
        "statsmodels, params only": lambda: StatsmodelsRollingOLS(y, design, WINDOW).fit(params_only=True),
    }
    medians = in_turn(calls, {"ours": 20})
    report(f"rolling OLS, {ROWS:,} rows", medians.pop("ours"), medians)


def cython_filter(x: Floats, y: Floats) -> Callable[[], object]:
    model = StatsmodelsKalmanFilter(k_endog=1, k_states=2, k_posdef=2)
    model.bind(y)
    model["design"] = np.stack([np.ones(x.size), x])[np.newaxis]
    model["transition"] = model["selection"] = np.eye(2)
    model["state_cov"], model["obs_cov"] = 1e-4 * np.eye(2), np.array([[1e-3]])
    model.initialize_known(np.zeros(2), np.zeros((2, 2)))
    return model.filter  # type: ignore[no-any-return]


def kalman() -> None:
    x, y = pair(ROWS)
    x, y = x / x[0], y / y[0]
    few_x, few_y = x[:PYKALMAN_ROWS], y[:PYKALMAN_ROWS]
    textbook = KalmanFilter(
        transition_matrices=np.eye(2),
        observation_matrices=np.column_stack([np.ones(few_x.size), few_x])[:, np.newaxis, :],
        transition_covariance=1e-4 * np.eye(2),
        observation_covariance=1e-3,
        initial_state_mean=np.zeros(2),
        initial_state_covariance=np.zeros((2, 2)),
    )
    calls: dict[str, Callable[[], object]] = {
        "ours": lambda: KalmanHedge().run(x, y),
        "pykalman": lambda: textbook.filter(few_y),
        "statsmodels' Cython filter": cython_filter(x, y),
    }
    medians = in_turn(calls, {"ours": 20})
    medians["pykalman"] *= ROWS / PYKALMAN_ROWS
    report(f"Kalman with likelihood, {ROWS:,} rows", medians.pop("ours"), medians)


def huber() -> None:
    x, y = pair(HUBER_WINDOWS + WINDOW - 1)

    def windows_of_rlm() -> None:
        for t in range(HUBER_WINDOWS):
            RLM(y[t : t + WINDOW], add_constant(x[t : t + WINDOW]), M=HuberT(1.345)).fit()

    medians = in_turn({"ours": lambda: RollingHuber(WINDOW).run(x, y), "statsmodels RLM": windows_of_rlm}, {"ours": 20})
    medians = {name: median / HUBER_WINDOWS for name, median in medians.items()}
    report("rolling Huber, a window", medians.pop("ours"), medians)


def our_own() -> None:
    """What has no rival in the table: the other folds, one row at a time, many pairs at a time."""
    x, y = pair(ROWS)
    z = (y - y.mean()) / y.std()
    for name, call in {
        "RollingTLS": lambda: RollingTLS(WINDOW).run(x, y),
        "DiscountedRegression": lambda: DiscountedRegression(WINDOW).run(x, y),
        "FrozenHedge": lambda: FrozenHedge(WINDOW).run(x, y),
        "RollingCorrelation": lambda: RollingCorrelation(WINDOW).run(x, y),
        "ZScore": lambda: ZScore(WINDOW).run(y),
        "ThresholdSignal": lambda: ThresholdSignal(2.0, 0.5).run(z),
    }.items():
        print(f"{name + f', {ROWS:,} rows':69} {statistics.median(milliseconds(call) for _ in range(20)):22.4f}")
    _, state = RollingOLS(WINDOW).run(x, y)
    row = statistics.median(milliseconds(lambda: RollingOLS(WINDOW).run(x[:1], y[:1], state)) for _ in range(2_000))
    print(f"{'RollingOLS, one row':69} {row:22.4f}")
    many_x, many_y = x[: 190 * 500].reshape(500, 190), y[: 190 * 500].reshape(500, 190)
    _, many = run_many(RollingOLS(WINDOW), many_x, many_y)
    row = statistics.median(
        milliseconds(lambda: run_many(RollingOLS(WINDOW), many_x[:1], many_y[:1], state=many)) for _ in range(500)
    )
    print(f"{'RollingOLS, one row of 190 pairs':69} {row:22.4f}")


def drift() -> None:
    x, y = pair(UPDATES)
    rows, _ = RollingOLS(WINDOW).run(x, y)
    worst = 0.0
    for t in [*range(WINDOW, UPDATES, UPDATES // 200), *range(UPDATES - 1_000, UPDATES)]:
        dx, dy = (leg[t - WINDOW + 1 : t + 1].astype(np.longdouble) for leg in (x, y))
        dx, dy = dx - dx.mean(), dy - dy.mean()
        worst = max(worst, abs(float(rows.hedge_ratio[t] * (dx @ dx) / (dx @ dy) - 1)))
    print(f"drift of the hedge ratio over {UPDATES:,} updates, worst of 1,200 rows: {worst:.1e}")


def main() -> None:
    warnings.simplefilter("ignore")  # the other tools warn of steps they did not take
    warm_up()
    print(f"{'what':34} {'compared with':34} {'theirs, ms':>12} {'ours, ms':>10} {'ratio':>12}")
    with threadpool_limits(limits=1):
        ols()
        kalman()
        huber()
        our_own()
        drift()


if __name__ == "__main__":
    main()
