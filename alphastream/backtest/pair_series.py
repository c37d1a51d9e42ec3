"""What a strategy computes of its pair, over a whole history or piece by piece."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Final, TypeAlias

import numpy as np

from alphastream.bars import PairRows
from alphastream.core.types import Floats
from alphastream.graph import Graph, Node, Source
from alphastream.pairs import source_columns
from alphastream.strategies import InnovationThreshold, VolatilityTarget, ZScoreThreshold

PairStrategy: TypeAlias = ZScoreThreshold | InnovationThreshold

PIECE: Final = 1 << 15  # rows folded at once: what is made of them stays in the nearest caches until it has been used


@dataclass(frozen=True, slots=True, eq=False)
class PairSeries:
    """What a strategy computes of its pair, (T,) each; ``leverage`` is (0,) unless the size asks for it."""

    zscore: Floats
    hedge_ratio: Floats
    leverage: Floats

    def cut(self, start: int, stop: int) -> "PairSeries":
        """Rows from ``start`` on, before ``stop``."""
        return PairSeries(*(getattr(self, item.name)[start:stop] for item in fields(self)))


def pair_series(rows: PairRows, strategy: PairStrategy, columns: Mapping[str, Floats] | None = None) -> PairSeries:
    """What a strategy computes of its pair, and nothing that it does not need.

    Parameters
    ----------
    columns : the source's columns, for those who run several strategies on it; None takes them from the rows.
    """
    pieces = (rows_of for _, rows_of in series_pieces(rows, strategy, columns))
    known, count = PairSeries(*(np.empty(len(rows)) for _ in fields(PairSeries))), 0
    sized = isinstance(strategy.sizer, VolatilityTarget)
    for piece in pieces:
        here = slice(count, count + len(piece.zscore))
        known.zscore[here], known.hedge_ratio[here] = piece.zscore, piece.hedge_ratio
        if sized:
            known.leverage[here] = piece.leverage
        count = here.stop
    return known if sized else PairSeries(known.zscore, known.hedge_ratio, np.empty(0))


def series_pieces(
    rows: PairRows, strategy: PairStrategy, columns: Mapping[str, Floats] | None = None
) -> Iterator[tuple[int, PairSeries]]:
    """``pair_series`` in pieces that follow on each other, each with the place of its first row; the same bits."""
    spec = strategy.pair
    known, of_size = strategy.series(spec), strategy.sizer.series(spec)
    series = {name: known[name] for name in ("zscore", "hedge_ratio", *of_size)}
    graph = Graph(each.of for each in series.values() if isinstance(each.of, Node))
    read = {each.column for node in graph.nodes() for each in node.inputs if isinstance(each.of, Source)}
    for start in range(0, len(rows), PIECE):
        here = slice(start, start + PIECE)
        piece = rows.take(here)
        if columns is None:
            own = source_columns(piece, spec.price, read)
        else:
            own = {name: columns[name][here] for name in read}
        outputs = graph.run(spec.source, own)
        found = {name: getattr(outputs[each.of], each.column) for name, each in series.items()}  # type: ignore[index]
        yield start, PairSeries(found["zscore"], found["hedge_ratio"], _leverage(piece, strategy, found))


def _leverage(rows: PairRows, strategy: PairStrategy, found: Mapping[str, Floats]) -> Floats:
    """Value of y over equity that has the wanted deviation a year, (T,), NaN where that is not known; or (0,)."""
    sizer = strategy.sizer
    if not isinstance(sizer, VolatilityTarget):
        return np.empty(0)
    return sizer.leverages(found["hedge_ratio"], found, rows.y, strategy.pair)
