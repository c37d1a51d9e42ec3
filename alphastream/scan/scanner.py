"""All pairs of a universe, tested for cointegration and ranked."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd

from alphastream.compute import Backend
from alphastream.core.validation import require_integer, require_number
from alphastream.errors import ParameterError
from alphastream.estimators.tests.mackinnon import Trend, trend_terms
from alphastream.estimators.tests.observations import MINIMUM_ROWS, AutoLag, criterion_code, lag_limit
from alphastream.estimators.tests.residual_half_life import corrected_half_life
from alphastream.scan.block import FIELDS
from alphastream.scan.clusters import correlations
from alphastream.scan.confirmation import confirm
from alphastream.scan.discoveries import LEVEL, qvalues
from alphastream.scan.panel import Panel, read_panel
from alphastream.scan.sample import Method
from alphastream.scan.work import every_pair

Direction = Literal["given", "better"]
"""Which leg is the dependent one: the one further left in the frame, or whichever gives the lower p-value."""

COLUMNS = (
    "y",
    "x",
    "statistic",
    "pvalue",
    "pvalue_rescaled",
    "qvalue_bh",
    "qvalue_by",
    "pvalue_wild",
    "pvalue_wild_floor",
    "confirmed",
    "pvalue_first_half",
    "pvalue_second_half",
    "persists",
    "hedge_ratio",
    "hedge_ratio_stability",
    "half_life",
    "half_life_low",
    "half_life_high",
    "crossings",
    "spread_std",
    "correlation",
    "expected_move_bps",
    "cost_bps",
    "edge_bps",
    "lags",
    "n_obs",
    "rows",
    "statistic_yx",
    "pvalue_yx",
    "statistic_xy",
    "pvalue_xy",
    "note",
)
"""Columns of a table of ``scan_pairs``, in order."""


def scan_pairs(
    prices: pd.DataFrame,
    *,
    log: bool = True,
    trend: Trend = "c",
    max_lags: int | None = None,
    autolag: AutoLag = "aic",
    direction: Direction = "given",
    least_rows: int = MINIMUM_ROWS,
    cost_bps: float = 5.0,
    threads: int | None = None,
    backend: str | Backend = "threads",
    folder: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> pd.DataFrame:
    """Engle-Granger test of every pair of columns, with what a trader asks next, ranked by p-value.

    Looking at both directions and keeping the better one finds more "pairs" than there are: on 100 stocks 686 instead
    of 490 at the 5 % level. So a direction is either fixed before looking, or paid for. ``direction="given"`` takes
    the column further left as y and its p-value as it is. ``direction="better"`` takes the direction with the lower
    p-value and doubles it (Bonferroni), which never rejects too often. The other direction is reported in both cases.

    A pair with gaps uses the rows in which both legs have a price, as if they followed each other. Any number of
    columns that share their gaps cost one preparation; columns whose gaps are all different are slower.

    Parameters
    ----------
    prices : T rows, oldest first, one column a symbol; NaN where there is no price. The index is not looked at.
    log : test log prices; otherwise prices.
    trend : "n", "c" or "ct": what stands beside x in the first regression.
    max_lags : the longest lag tried; None for ⌈12·(rows/100)^¼⌉, by the rows of each pair and of each half.
    autolag : "aic", "bic", or None to use exactly ``max_lags``.
    direction : "given" or "better", as above.
    least_rows : rows with prices of both legs below which a pair is refused, at least 30. Under 250 a bounce between
        bid and ask, or legs that trade rarely, pass for cointegration too often: take as many where rows come from
        trades.
    cost_bps : fee and half a bid-ask spread of one fill, in basis points of what is filled.
    threads : workers; None for one a core. The kernels run without the interpreter lock.
    backend : "threads", "processes", "dask", "ray", "spark" or your own, as ``alphastream.compute.run`` has it: the
        table is the same bit for bit.
    folder : where finished parts are kept, so that a scan that was stopped goes on where it was; workers of other
        machines find the prices there.
    progress : called with pairs done and pairs in all, in this thread, after every few hundred.
    cancelled : asked as often; a true answer ends the scan.

    Returns
    -------
    DataFrame, one row a pair, lowest p-value first, refused pairs last. Columns:

    - ``y``, ``x``: dependent and hedge leg;
    - ``statistic``, ``pvalue``, ``lags``, ``n_obs``, ``hedge_ratio``: of y on x, as ``engle_granger`` has them
      (the p-value doubled for "better");
    - ``pvalue_rescaled``: the same for legs without single bad ticks and over their local volatility, which keeps its
      size where volatility changes and prices bounce (``engle_granger_wild`` says how); with a trend other than "c"
      there is no such test, and it is ``pvalue``;
    - ``qvalue_bh``, ``qvalue_by``: of ``pvalue_rescaled`` over all tested pairs; see ``qvalues``;
    - ``pvalue_wild``, ``pvalue_wild_floor``, ``confirmed``: of the pairs with the lowest ``pvalue_rescaled``, by a wild
      bootstrap; the smallest p-value that so many replications can give; and whether a pair survives q-value and
      halves at 5 % and the bootstrap at the level of its place (``confirmation``);
    - ``pvalue_first_half``, ``pvalue_second_half``: the same test on rows [0, T/2) and [T/2, T); ``persists``: both
      are under 5 %, false where a half is too short to be tested;
    - ``hedge_ratio_stability``: 1 − |b₁ − b₂|/(|b₁| + |b₂|) for the hedge ratios of the halves, from 0 (opposite
      signs) to 1 (equal);
    - ``half_life`` in rows, freed of its bias, with its 95 % interval ``half_life_low`` to ``half_life_high`` (see
      ``residual_half_life``; with a trend other than "c" as it is, and no interval), ``crossings`` of the spread
      through its mean, ``spread_std``: of the whole residual;
    - ``correlation`` of returns, as in ``correlation_matrix``;
    - ``expected_move_bps``: from two standard deviations back to the mean, ``cost_bps``: of opening and closing both
      legs, ``edge_bps``: their difference; all in basis points of the gross notional. In sample, not a forecast;
    - ``rows`` that both legs have;
    - ``statistic_yx``, ``pvalue_yx``, ``statistic_xy``, ``pvalue_xy``: both directions, p-values as they are;
    - ``note``: why a pair was refused, else "". Its numbers are missing.

    Raises
    ------
    ParameterError
        An argument out of range, or prices that are not a frame of numbers: the message names column and row.
    NotEnoughObservations
        Fewer than 30 rows, or too few for ``max_lags``.
    ScanCancelled
        When ``cancelled`` said so.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> walks = np.cumsum(rng.normal(size=(400, 3)), axis=0) / 100
    >>> twin = 1.5 * walks[:, 0] + rng.normal(size=400) / 100
    >>> prices = pd.DataFrame(np.exp(np.column_stack([walks, twin])), columns=["AAA", "BBB", "CCC", "DDD"])
    >>> table = scan_pairs(prices)
    >>> table.loc[0, ["y", "x"]].tolist(), table["qvalue_by"].lt(0.05).sum().item(), len(table)
    (['AAA', 'DDD'], 1, 6)
    """
    require_integer("least_rows", least_rows, minimum=MINIMUM_ROWS)
    method = Method(trend_terms(trend), max_lags, criterion_code(autolag), least_rows=least_rows)
    if direction not in ("given", "better"):
        raise ParameterError(f"direction is {direction!r}: use 'given' (columns from left to right) or 'better'")
    require_number("cost_bps", cost_bps, minimum=0.0)
    if threads is not None:
        require_integer("threads", threads, minimum=1)
    panel = read_panel(prices, log)
    lag_limit("scan of pairs", panel.levels.shape[1], 0, max_lags)
    numbers, notes = every_pair(panel, method, direction == "better", backend, threads, folder, progress, cancelled)
    frame = pd.DataFrame(numbers, columns=list(FIELDS)).assign(note=notes)
    return _finished(frame, panel, 2.0 * cost_bps, 1 + (direction == "better"), trend == "c")


def _finished(frame: pd.DataFrame, panel: Panel, cost_bps: float, directions: int, with_constant: bool) -> pd.DataFrame:
    """Rank the pairs and add what follows from the numbers of all tasks."""
    frame = frame.sort_values(["pvalue", "statistic", "y", "x"], kind="stable", ignore_index=True)
    y, x = frame["y"].to_numpy(np.int64), frame["x"].to_numpy(np.int64)
    names = np.array(panel.symbols, dtype=object)
    frame["y"], frame["x"] = names[y], names[x]
    frame["correlation"] = correlations(panel)[y, x]
    frame["n_obs"] = frame["rows"] - 1 - frame["lags"]
    for count in ("lags", "n_obs", "crossings", "rows"):
        frame[count] = frame[count].astype("Int64")
    frame["qvalue_bh"] = qvalues(frame["pvalue_rescaled"])
    frame["qvalue_by"] = qvalues(frame["pvalue_rescaled"], dependent=True)
    frame["persists"] = (frame["pvalue_first_half"] < LEVEL) & (frame["pvalue_second_half"] < LEVEL)
    frame = confirm(frame, panel, directions)
    frame["half_life_low"] = frame["half_life_high"] = np.nan
    if with_constant:  # the bias of others is another one
        persistence = 2.0 ** (-1.0 / frame["half_life"].clip(lower=1e-9).to_numpy(np.float64))
        corrected = corrected_half_life(persistence, frame["rows"].to_numpy(np.float64, na_value=np.nan))
        frame["half_life"], frame["half_life_low"], frame["half_life_high"] = corrected
    frame["cost_bps"] = cost_bps
    frame["edge_bps"] = frame["expected_move_bps"] - cost_bps
    return frame[list(COLUMNS)]


def warm_up() -> None:
    """Compile the kernels of a scan, or load them from the cache; takes seconds the first time on a machine."""
    waves = np.sin(np.square(np.arange(240.0))).reshape(80, 3)
    scan_pairs(pd.DataFrame(waves), log=False)
