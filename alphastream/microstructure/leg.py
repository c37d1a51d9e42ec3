"""One instrument and everything measured of its flow and its book, row by row of its bars.

Bars of the instrument are a ``Source``; the measures of flow are nodes on it, those of the book columns of it. So they
have an identity in the graph, and equal requests are computed once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alphastream.books.columns import BookColumns
from alphastream.core.types import Floats
from alphastream.core.units import SECOND
from alphastream.core.validation import require_number
from alphastream.graph import Graph, Node, Series, Source
from alphastream.microstructure.liquidity import (
    DEPTHS_BPS,
    book_imbalance,
    depth,
    newest_before,
    quoted_spread_bps,
    reach_bps,
)
from alphastream.microstructure.order_flow import CumulativeDelta, FlowImbalance
from alphastream.microstructure.price_impact import LEAST_ROWS, KyleLambda
from alphastream.microstructure.vpin import VPIN
from alphastream.windows import TimeWindow, Trades, WindowRows

Columns = Mapping[str, NDArray[Any]]

DEPTH_COLUMNS: Final = {within: f"depth_{within:g}bps" for within in DEPTHS_BPS}
BOOK_COLUMNS: Final = ("quoted_spread_bps", "book_imbalance", *DEPTH_COLUMNS.values(), "book_reach_bps")
"""Columns of the book; NaN without one, and where it was out of sequence. Depth is of both sides, quote units, and at
least that beyond ``book_reach_bps``, which is how far from the middle the sampled levels go on both sides."""
TRADE_COLUMNS: Final = ("price", "vwap", "volume", "buy_volume", "sell_volume", "trades")
NO_BOOK: Final = BookColumns.empty(1)
SAMPLE_AGE_NS: Final = 60 * SECOND
"""A book is sampled when it changes: one without a sample for so long is not known."""


@dataclass(frozen=True, slots=True)
class LegSpec:
    """One request: which instrument, which bars, how far back.

    Parameters
    ----------
    symbol : full name.
    interval_ns : length of a bar; a bar is a row where anything traded in it.
    window : rows of the flow imbalance and of Kyle's λ.
    bucket : volume of a VPIN bucket, base units; 0 leaves VPIN out.
    buckets : of VPIN.
    """

    symbol: str
    interval_ns: int = SECOND
    window: int = 300
    bucket: float = 0.0
    buckets: int = 50

    def __post_init__(self) -> None:
        require_number("bucket", self.bucket, minimum=0.0)

    @property
    def source(self) -> Source:
        """The bars of this instrument."""
        return Source((self.symbol,), self.interval_ns, "price")

    @property
    def bars(self) -> TimeWindow:
        """How its trades are cut."""
        return TimeWindow(self.interval_ns)


@lru_cache(maxsize=256)
def leg_series(spec: LegSpec) -> Mapping[str, Series]:
    """Column name to series for everything that is measured of a leg."""
    source = spec.source
    sides = source["buy_volume"], source["sell_volume"]
    delta = Node(CumulativeDelta(), sides)
    impact = Node(KyleLambda(max(spec.window, LEAST_ROWS)), (source["price"], delta["signed_volume"]))
    series = {
        "signed_volume": delta["signed_volume"],
        "cvd": delta["cvd"],
        "flow_imbalance": Node(FlowImbalance(spec.window), sides)["imbalance"],
        "price_impact": impact["price_impact"],
        "price_impact_error": impact["standard_error"],
        **{name: source[name] for name in BOOK_COLUMNS},
    }
    if spec.bucket:
        series["vpin"] = Node(VPIN(spec.bucket, spec.buckets), sides)["vpin"]
    return series


def leg_nodes(spec: LegSpec) -> tuple[Node, ...]:
    """The nodes that ``leg_series`` reads, each once."""
    return tuple(dict.fromkeys(each.of for each in leg_series(spec).values() if isinstance(each.of, Node)))


def leg_columns(rows: WindowRows, book: BookColumns = NO_BOOK) -> dict[str, Floats]:
    """What the source of a leg holds, (T,) each.

    ``price`` is the last trade, NaN in a bar without one. Columns of the book are those of its newest sample in the
    minute before the bar's end; without one it is not known.

    Parameters
    ----------
    book : samples by ascending time.
    """
    columns = {
        "price": rows.close,
        "vwap": rows.vwap,
        "volume": rows.volume,
        "buy_volume": rows.buy_volume,
        "sell_volume": rows.sell_volume,
        "trades": rows.trades.astype(np.float64),
    }
    place = newest_before(book.time_ns, rows.end_ns - 1)
    place[np.append(book.time_ns, 0)[place] < rows.end_ns - SAMPLE_AGE_NS] = -1
    needed, at = np.unique(place[place >= 0], return_inverse=True)
    levels = book.rows(needed)
    measured = {"quoted_spread_bps": quoted_spread_bps(levels), "book_imbalance": book_imbalance(levels)}
    measured |= {name: depth(levels, within).both for within, name in DEPTH_COLUMNS.items()}
    measured["book_reach_bps"] = reach_bps(levels)
    for name, values in measured.items():
        columns[name] = np.full(len(rows), np.nan)
        columns[name][place >= 0] = values[at]
    return columns


def leg_table(
    spec: LegSpec, rows: WindowRows, columns: Mapping[str, Floats], outputs: Mapping[Node, Any]
) -> dict[str, NDArray[Any]]:
    """Times, columns and series side by side, (T,) each; ``time_ns`` are the bars' ends."""
    table: dict[str, NDArray[Any]] = {"time_ns": rows.end_ns, **{name: columns[name] for name in TRADE_COLUMNS}}
    for name, series in leg_series(spec).items():
        table[name] = columns[name] if isinstance(series.of, Source) else getattr(outputs[series.of], series.column)
    table.setdefault("vpin", np.full(len(rows), np.nan))
    return table


def analyse_leg(trades: Trades, spec: LegSpec, book: BookColumns = NO_BOOK) -> Columns:
    """Everything about a leg whose trades are all known; the newest bar is as it is so far."""
    rows, state = spec.bars.run(trades)
    rows = rows.followed_by(spec.bars.forming(state))
    columns = leg_columns(rows, book)
    return leg_table(spec, rows, columns, Graph(leg_nodes(spec)).run(spec.source, columns))
