"""The verdict on a pair: whether its legs are cointegrated, on which rows that was asked, or why nobody can know.

One set of rows serves all that is said about a pair: the newest in which both legs traded. A price that is carried
forward is no observation: of walks with a correlation of .9 a fifth to a half are called cointegrated where one leg
trades in every second or fifth bar and all rows are tested.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.bars import UNKNOWN_TRADES, PairRows
from alphastream.core.types import Floats, Ints
from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError
from alphastream.estimators import engle_granger_wild, residual_half_life
from alphastream.estimators.tests.rescaled import REPLICATIONS, HiddenByBounceError, without_spikes
from alphastream.graph import Price, interval_name

TEST_ROWS: Final = 500  # newest closed rows, in which both legs traded, that a test looks at
LEAST_ROWS: Final = 250  # below, a bounce of one step or a leg of few trades passes for cointegration in 9 to 15 %
TRADES_A_BAR: Final = 2.0  # of the slower leg, with which it trades in six bars of seven
USUAL_INTERVALS_S: Final = (1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400)
SMALLEST_P: Final = 1.0 / (REPLICATIONS + 1)  # that the bootstrap can give

_RARE = 0.75  # share of rows with trades of both legs below which longer bars are suggested


@dataclass(frozen=True, slots=True)
class Cointegration:
    """Engle-Granger on a ratio fixed over the newest closed rows in which both legs traded, or why there is no result.

    Parameters
    ----------
    rows : tested, or those there are.
    statistic, lags : of the test.
    pvalue : the one to decide by: of a wild bootstrap, which keeps its size where volatility changes.
    half_life_bars : of the residual of the same fixed ratio, freed of its bias, in tested rows; infinite where it is as
        likely that nothing returns.
    refusal : what was seen and what is needed; None where there is a result.
    mackinnon_pvalue : of the same rows by MacKinnon's surface, which presumes increments of one variance.
    hedge_ratio : the fixed ratio.
    half_life_low, half_life_high : 95 % interval of the half-life, in tested rows; the upper end may be infinite.
    span_s : seconds that the tested rows span.
    suggested_interval_ns : with a refusal, the shortest usual bar in most of which both legs would trade, or in which a
        bounce would no longer hide the spread; None where neither is the reason, or nobody knows.
    """

    rows: int
    statistic: float = math.nan
    pvalue: float = math.nan
    lags: int = 0
    half_life_bars: float = math.nan
    refusal: str | None = None
    mackinnon_pvalue: float = math.nan
    hedge_ratio: float = math.nan
    half_life_low: float = math.nan
    half_life_high: float = math.nan
    span_s: float = math.nan
    suggested_interval_ns: int | None = None

    @property
    def row_s(self) -> float:
        """Seconds from one tested row to the next, on average: more than a bar where legs trade rarely."""
        return self.span_s / (self.rows - 1) if self.rows > 1 else math.nan

    @property
    def half_life_s(self) -> float:
        """The half-life in seconds, at the pace of the tested rows."""
        return self.half_life_bars * self.row_s


def newest_tested(y_trades: Ints, x_trades: Ints) -> Ints:
    """Places of the rows that tests look at: the newest ``TEST_ROWS`` in which both legs traded, oldest first.

    Parameters
    ----------
    y_trades, x_trades : (T,) as in ``PairRows``.
    """
    return np.flatnonzero((y_trades != 0) & (x_trades != 0))[-TEST_ROWS:]


def cointegration(rows: PairRows, price: Price) -> Cointegration:
    """Engle-Granger of y on x over the newest closed rows in which both legs traded.

    Parameters
    ----------
    rows : closed, all that are kept.
    price : test log prices or prices.

    Returns
    -------
    A refusal in words under ``LEAST_ROWS`` such rows, or where the legs leave nothing to test; nothing is raised.
    """
    tested = newest_tested(rows.y_trades, rows.x_trades)
    span_s = float(rows.end_ns[tested[-1]] - rows.end_ns[tested[0]]) / SECOND if tested.size else math.nan
    if tested.size < LEAST_ROWS:
        return _too_few(rows, tested.size, span_s)
    y, x = (_levels(leg[tested], price) for leg in (rows.y, rows.x))
    try:
        test = engle_granger_wild(y, x)
        speed = residual_half_life(without_spikes(y), without_spikes(x))
    except HiddenByBounceError as error:
        longer = usual_interval(error.longer * _shortest_s(rows))
        return Cointegration(tested.size, refusal=str(error), span_s=span_s, suggested_interval_ns=longer)
    except AlphaStreamError as error:
        return Cointegration(tested.size, refusal=str(error), span_s=span_s)
    return Cointegration(
        rows=tested.size,
        statistic=test.statistic,
        pvalue=test.pvalue,
        lags=test.lags,
        half_life_bars=speed.half_life,
        mackinnon_pvalue=test.plain.pvalue,
        hedge_ratio=test.hedge_ratio,
        half_life_low=speed.low,
        half_life_high=speed.high,
        span_s=span_s,
    )


def _levels(leg: Floats, price: Price) -> Floats:
    levels: Floats = np.log(leg) if price == "log" else leg
    return levels


def _too_few(rows: PairRows, found: int, span_s: float) -> Cointegration:
    """The refusal of few rows, with the bar that would give more of them where the legs trade too rarely."""
    refusal = f"{found} of {LEAST_ROWS} bars in which both legs traded"
    longer = _longer_interval(rows) if found < _RARE * len(rows) else None
    if longer is not None:
        share, name = found / len(rows), interval_name(longer)
        refusal = f"{refusal}: they did in {share:.0%} of the bars, and would in most bars of {name}"
    return Cointegration(found, refusal=refusal, span_s=span_s, suggested_interval_ns=longer)


def _longer_interval(rows: PairRows) -> int | None:
    """The shortest usual bar, longer than those of ``rows``, in which the slower leg trades ``TRADES_A_BAR`` times."""
    span_s = float(rows.end_ns[-1] - rows.end_ns[0]) / SECOND
    unknown = np.any(rows.y_trades == UNKNOWN_TRADES) or np.any(rows.x_trades == UNKNOWN_TRADES)
    trades = min(rows.y_trades.sum(), rows.x_trades.sum())
    if unknown or trades == 0 or span_s == 0.0:
        return None
    return usual_interval(max(TRADES_A_BAR * span_s / trades, _shortest_s(rows) + 1e-9))


def _shortest_s(rows: PairRows) -> float:
    """Seconds of a bar, as far as the rows show: from one to the next where they are closest."""
    return float(np.diff(rows.end_ns).min()) / SECOND


def usual_interval(seconds: float) -> int | None:
    """The shortest usual bar of ``seconds`` or more, in nanoseconds."""
    return next((length * SECOND for length in USUAL_INTERVALS_S if length >= seconds), None)
