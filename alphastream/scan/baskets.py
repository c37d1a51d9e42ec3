"""Baskets of a universe: chosen on one part of the rows, judged on the other.

There are too many baskets to test them all, and the best of many fits well by chance. So the rows are split. On the
first part every symbol in turn is the first leg; of it and the symbols whose returns move most with its own those are
dropped, one by one, that the least predictable combination misses least; the weights of what is left are fitted, and
the best baskets are chosen by a bootstrap that knows how many weights were fitted. The second part has had no say in
any of this: there the weights are fixed, and one test of each chosen basket says whether its spread returns.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from alphastream.compute import Backend, JobCancelled, named_arrays, open_arrays, run
from alphastream.core.types import Floats, Ints
from alphastream.core.validation import require_integer
from alphastream.errors import AlphaStreamError, NotEnoughObservations, ParameterError
from alphastream.estimators import basket_weights, basket_wild, half_life, spread_wild
from alphastream.estimators.basket_fit import box_tao_moments, drop_legs
from alphastream.scan.clusters import correlations
from alphastream.scan.discoveries import qvalues
from alphastream.scan.panel import Panel, read_panel
from alphastream.scan.work import ScanCancelled

FittedMethod = Literal["ols", "johansen", "sparse"]
FEWEST_LEGS: Final = 3
MOST_LEGS: Final = 10
LEAST_ROWS: Final = 100  # of either part
CHOICE_REPLICATIONS: Final = 999  # of the bootstrap that chooses
REPLICATIONS: Final = 19_999  # of the one that judges, at most
LEVEL: Final = 0.05
COLUMNS: Final = (
    "symbols",
    "weights",
    "legs",
    "pvalue_chosen_on",
    "statistic",
    "pvalue",
    "pvalue_floor",
    "qvalue_bh",
    "half_life",
    "spread_std",
    "rows",
    "note",
)
_LEVELS: Final = "levels"
_NEIGHBOURS: Final = "neighbours"
_A_CHUNK: Final = 4  # first legs: some tens of milliseconds, so that progress moves and a cancellation is heard


@dataclass(frozen=True, slots=True)
class Search:
    """What all chunks of a search have in common.

    Parameters
    ----------
    prices : name of the arrays: levels (N, T) of the first part, and the candidates beside each first leg.
    fewest, most : legs of a basket.
    method : how weights are fitted.
    """

    prices: str
    fewest: int
    most: int
    method: str


@dataclass(frozen=True, slots=True)
class FirstLegs:
    """First legs from ``begin`` up to ``end``."""

    search: Search
    begin: int
    end: int


def scan_baskets(
    prices: pd.DataFrame,
    *,
    log: bool = True,
    legs: tuple[int, int] = (3, 5),
    method: FittedMethod = "ols",
    neighbours: int = 11,
    judged: int = 20,
    split: float = 0.5,
    backend: str | Backend = "threads",
    workers: int | None = None,
    folder: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> pd.DataFrame:
    """Baskets chosen on the first rows and judged on the last ones.

    Parameters
    ----------
    prices : T rows, oldest first, one column a symbol; NaN where there is no price. A basket uses the rows in which all
        the symbols it was looked for among have one. The index is not looked at.
    log : combine log prices; otherwise prices.
    legs : fewest and most legs, from 3 to 10.
    method : weights of the legs that were found: "ols", "johansen" or "sparse" (``basket_weights``).
    neighbours : symbols beside the first leg among which the others are looked for: those with the largest correlation
        of returns, of either sign, on the first part.
    judged : baskets that are chosen, at most. More of them make each harder to tell from chance.
    split : share of the rows that baskets are chosen on.
    backend, workers, folder, progress, cancelled : as of ``scan_pairs``; progress counts first legs. The table is the
        same bit for bit.

    Returns
    -------
    DataFrame, one row a judged basket, lowest p-value first:

    - ``symbols``, ``weights``: tuples of N, the first weight is 1; ``legs``: N;
    - ``pvalue_chosen_on``: of the bootstrap on the first part, by which it was chosen: it says nothing by itself, being
      the best of many;
    - ``statistic``, ``pvalue``: of the spread with these weights on the second part alone (``spread_wild``);
    - ``pvalue_floor``: the smallest p-value that so many replications can give;
    - ``qvalue_bh``: Benjamini-Hochberg over the judged baskets;
    - ``half_life`` in rows and ``spread_std``, on the second part;
    - ``rows`` of the second part; ``note``: why it could not be judged, else "".

    Raises
    ------
    ParameterError
        An argument out of range, or prices that are not a frame of numbers.
    NotEnoughObservations
        Fewer than 100 rows in either part.
    ScanCancelled
        When ``cancelled`` said so.

    Examples
    --------
    >>> rng = np.random.default_rng(4)
    >>> walks = np.cumsum(rng.normal(size=(600, 6)), axis=0) / 100
    >>> planted = walks[:, 0] + 0.5 * walks[:, 1] + rng.normal(size=600) / 100
    >>> frame = pd.DataFrame(np.exp(np.column_stack([walks, planted])), columns=list("ABCDEFG"))
    >>> table = scan_baskets(frame, legs=(3, 3), judged=3)
    >>> sorted(table.loc[0, "symbols"]), table["qvalue_bh"].lt(0.05).sum().item()
    (['A', 'B', 'G'], 1)
    """
    fewest, most = legs
    require_integer("fewest legs", fewest, minimum=FEWEST_LEGS)
    require_integer("neighbours", neighbours, minimum=2)
    require_integer("judged", judged, minimum=1)
    if not fewest <= most <= MOST_LEGS:
        raise ParameterError(f"legs is {legs}: give the fewest and the most, from {FEWEST_LEGS} to {MOST_LEGS}")
    if method not in ("ols", "johansen", "sparse"):
        raise ParameterError(f"method is {method!r}: choose 'ols', 'johansen' or 'sparse'")
    if not 0.0 < split < 1.0:
        raise ParameterError(f"split is {split!r}: give the share of rows to choose on, between 0 and 1")
    panel = read_panel(prices, log)
    rows = panel.levels.shape[1]
    if len(panel.symbols) < fewest:
        raise ParameterError(f"prices has {len(panel.symbols)} columns: a basket of {fewest} legs needs as many")
    cut = int(rows * split)
    if min(cut, rows - cut) < LEAST_ROWS:
        needed = math.ceil(LEAST_ROWS / min(split, 1.0 - split))
        raise NotEnoughObservations("scan of baskets", needed, rows)
    chosen_on = Panel(panel.symbols, np.ascontiguousarray(panel.levels[:, :cut]), log)
    near = nearest(chosen_on, neighbours)
    with named_arrays({_LEVELS: chosen_on.levels, _NEIGHBOURS: near}, backend, folder) as name:
        search = Search(name, fewest, min(most, near.shape[1]), method)
        parts = list(_chunks(search, len(panel.symbols)))
        try:
            found = run(
                examine,
                parts,
                backend,
                workers=workers,
                folder=folder,
                size=_size,
                progress=progress,
                cancelled=cancelled,
            )
        except JobCancelled as stopped:
            raise ScanCancelled(stopped.done, stopped.total) from stopped
    table = np.concatenate(found)
    return _judge(_chosen(table, judged), panel.symbols, panel.levels[:, cut:])


def nearest(panel: Panel, neighbours: int) -> Ints:
    """(N, K + 1) places: each symbol, then those with the largest correlation of returns of either sign.

    A symbol without a correlation (one that never moves) is nobody's neighbour, -1 where there are not as many.
    """
    size = np.abs(correlations(panel))
    np.fill_diagonal(size, np.inf)
    size = np.where(np.isnan(size), -1.0, size)
    order = np.argsort(-size, axis=1, kind="stable")[:, : neighbours + 1]
    return np.where(np.take_along_axis(size, order, axis=1) < 0.0, -1, order).astype(np.int64)


def _chunks(search: Search, symbols: int) -> Iterator[FirstLegs]:
    for begin in range(0, symbols, _A_CHUNK):
        yield FirstLegs(search, begin, min(begin + _A_CHUNK, symbols))


def _size(chunk: FirstLegs) -> int:
    return chunk.end - chunk.begin


def examine(chunk: FirstLegs) -> Floats:
    """Best basket of each first leg of a chunk, a row each: p, statistic, legs, their places, their weights."""
    arrays = open_arrays(chunk.search.prices)
    levels, near = arrays[_LEVELS], arrays[_NEIGHBOURS]
    found = [_best(levels, near[first], chunk.search) for first in range(chunk.begin, chunk.end)]
    return np.array([each for each in found if each is not None]).reshape(-1, 3 + 2 * MOST_LEGS)


def _best(levels: Floats, near: Ints, search: Search) -> Floats | None:
    """The basket with the lowest p of those around one first leg; None where there is none."""
    places = near[near >= 0]
    if len(places) < search.fewest:
        return None
    own = levels[places]
    own = np.ascontiguousarray(own[:, np.isfinite(own).all(axis=0)])
    moments = np.zeros((3, len(places), len(places)))
    members = np.empty(len(places))
    if own.shape[1] < LEAST_ROWS or not box_tao_moments(own, moments):
        return None
    count = min(drop_legs(moments, search.fewest, members), search.most)
    best: Floats | None = None
    for size in range(search.fewest, count + 1):
        inside = members[:size].astype(np.int64)
        method: Any = search.method
        try:
            test = basket_wild(own[inside].T, CHOICE_REPLICATIONS)
            fit = basket_weights(own[inside].T, method, kept=size if method == "sparse" else None)
        except AlphaStreamError:  # singular legs, or a bounce that hides the spread: no basket to choose
            continue
        if best is None or (test.pvalue, test.statistic) < (best[0], best[1]):
            best = np.full(3 + 2 * MOST_LEGS, np.nan)
            best[:3] = test.pvalue, test.statistic, size
            best[3 : 3 + size] = places[inside]
            best[3 + MOST_LEGS : 3 + MOST_LEGS + size] = fit.weights
    return best


def _chosen(table: Floats, judged: int) -> Floats:
    """The rows with the lowest p, each set of symbols once."""
    kept: list[Floats] = []
    seen: set[frozenset[float]] = set()
    for row in table[np.lexsort((table[:, 1], table[:, 0]))]:
        symbols = frozenset(row[3 : 3 + int(row[2])].tolist())
        if symbols not in seen and len(kept) < judged:
            seen.add(symbols)
            kept.append(row)
    return np.array(kept).reshape(-1, table.shape[1])


def _judge(chosen: Floats, symbols: list[str], levels: Floats) -> pd.DataFrame:
    """Test each basket on rows that had no say in its choice."""
    replications = min(max(math.ceil(2.0 * len(chosen) / LEVEL), CHOICE_REPLICATIONS), REPLICATIONS)
    rows = []
    for each in chosen:
        count = int(each[2])
        places, weights = each[3 : 3 + count].astype(np.int64), each[3 + MOST_LEGS : 3 + MOST_LEGS + count]
        spread = weights @ levels[places]
        spread = spread[np.isfinite(spread)]
        row: dict[str, Any] = dict.fromkeys(("statistic", "pvalue", "half_life"), math.nan)
        row |= {"symbols": tuple(symbols[place] for place in places), "weights": tuple(weights.tolist())}
        row |= {"legs": count, "pvalue_chosen_on": each[0], "rows": spread.size, "note": ""}
        row["pvalue_floor"] = 1.0 / (replications + 1)
        row["spread_std"] = float(np.std(spread, ddof=1)) if spread.size > 1 else math.nan
        try:
            test = spread_wild(spread, replications)
            row |= {"statistic": test.statistic, "pvalue": test.pvalue, "half_life": half_life(spread).half_life}
        except AlphaStreamError as error:
            row["note"] = str(error)
        rows.append(row)
    frame = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "qvalue_bh"])
    frame.insert(COLUMNS.index("qvalue_bh"), "qvalue_bh", qvalues(frame["pvalue"].to_numpy(np.float64)))
    return frame.sort_values("pvalue", kind="stable", na_position="last", ignore_index=True)


@dataclass(frozen=True, slots=True)
class BasketScanSummary:
    """What a table of ``scan_baskets`` says as a whole, at the 5 % level.

    Parameters
    ----------
    judged : baskets with a p-value on the second part.
    hits : of them with p < 5 %.
    expected_hits : as many would pass if no spread returned.
    survive_bh : with a q-value under 5 %.
    most_by_chance : hits that chance exceeds in 5 % of such scans at most, were baskets independent. They share
        symbols, so that the actual number scatters more.
    """

    judged: int
    hits: int
    expected_hits: float
    survive_bh: int
    most_by_chance: int

    @property
    def sentence(self) -> str:
        """The summary in plain words."""
        if not self.judged:
            return "No basket could be judged."
        verdict = "about as many as" if self.hits <= self.most_by_chance else "more than"
        kind = "basket" if self.judged == 1 else "baskets"
        passes = "passes" if self.hits == 1 else "pass"
        return (
            f"Of {self.judged} {kind} chosen on the first rows {self.hits or 'none'} {passes} at {LEVEL:.0%} on the "
            f"others, {verdict} chance would give ({self.expected_hits:.2g}); after Benjamini-Hochberg "
            f"{self.survive_bh or 'none'} {'remain' if self.survive_bh > 1 else 'remains'}."
        )


def summarise_baskets(table: pd.DataFrame) -> BasketScanSummary:
    """Count what a whole table of ``scan_baskets`` holds."""
    pvalues = table["pvalue"].dropna()
    count, most = len(pvalues), 0
    tail = 1.0 - (1.0 - LEVEL) ** count  # probability of more than ``most`` hits
    while tail > LEVEL * (1.0 + 1e-9):  # of one basket the tail is the level itself
        most += 1
        tail -= math.comb(count, most) * LEVEL**most * (1.0 - LEVEL) ** (count - most)
    hits = int((pvalues < LEVEL).sum())
    return BasketScanSummary(count, hits, LEVEL * count, int((table["qvalue_bh"] < LEVEL).sum()), most)
