"""Markets and strategies that the tests of this room share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphastream.backtest import TickMarket
from alphastream.bars import Bars
from alphastream.books import BookColumns
from alphastream.core.types import Floats, Ints
from alphastream.graph import Series
from alphastream.pairs import PairSpec
from alphastream.strategies import Decision, PairColumns, Table, pair_table
from alphastream.trading import Account

SECOND = 10**9
DAY = 86_400 * SECOND
PAIR = PairSpec("Y", "X", SECOND)


@dataclass(frozen=True, slots=True, eq=False)
class Ticks:
    """Trades of one symbol, (T,) each."""

    time_ns: Ints
    price: Floats
    quantity: Floats


class Sampled(dict[str, BookColumns]):
    """Sampled books by symbol.

    Attributes
    ----------
    asked : what was asked for.
    """

    def __init__(self, books: Mapping[str, BookColumns]) -> None:
        super().__init__(books)
        self.asked: list[tuple[str, int, int]] = []

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        """Samples of a time."""
        self.asked.append((name, from_ns, until_ns))
        return self.get(name, BookColumns.empty(1)).between(from_ns, until_ns)


def ticks(*trades: tuple[float, float] | tuple[float, float, float]) -> Ticks:
    """Trades of (seconds, price) or (seconds, price, quantity)."""
    seconds, price, quantity = zip(*((*trade, 1.0)[:3] for trade in trades), strict=True)
    return Ticks(np.array([round(s * SECOND) for s in seconds]), np.array(price), np.array(quantity))


def random_ticks(rng: np.random.Generator, trades: int, seconds: int, step: float = 1e-3) -> Ticks:
    """A walk that trades at random moments of whole tenths of a second, so that many of them tie."""
    times = np.sort(rng.integers(0, seconds * 10, trades)) * (SECOND // 10)
    price = 100.0 * np.exp(np.cumsum(rng.normal(0.0, step, trades)))
    return Ticks(times, price, rng.integers(1, 9, trades) / 4.0)


def random_market(seed: int, seconds: int = 60, rates: tuple[float, float] = (3.0, 1.0)) -> TickMarket:
    """Two independent walks in ticks."""
    rng = np.random.default_rng(seed)
    y, x = (random_ticks(rng, max(2, int(rate * seconds)), seconds) for rate in rates)
    return TickMarket({"Y": y, "X": x})


def bars(
    start_ns: Sequence[int] | NDArray[Any], opens: Sequence[float] | Floats, closes: Sequence[float] | Floats,
    interval_ns: int, volume: float = 1.0,
) -> Bars:  # fmt: skip
    """Bars as a file has them: times of first and last trade are those of the bar."""
    start = np.asarray(start_ns, dtype=np.int64)
    first, last = np.asarray(opens, dtype=float), np.asarray(closes, dtype=float)
    ones = np.ones(len(start))
    return Bars(
        start, first, np.maximum(first, last), np.minimum(first, last), last,
        ones * volume, ones.astype(np.int64), start, start + interval_ns - 1,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Scripted:
    """Decides as it is told: the n-th decision on the n-th row, None for none. Notes the books at each of them."""

    script: Sequence[Decision]
    pair: PairSpec = PAIR
    seen: list[tuple[Account, Any, float, tuple[float, ...], int, int]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "script"

    @property
    def pairs(self) -> tuple[PairSpec, ...]:
        return (self.pair,)

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.pair.y, self.pair.x

    def series(self, spec: PairSpec) -> Mapping[str, Series]:
        return {}

    def table(self, found: Sequence[PairColumns], state: Any) -> tuple[Table, Any]:
        return pair_table(found[0]), None

    def direction_at(self, row: Any) -> int:
        return 0

    def decide(self, row: Any, account: Account) -> Decision:
        books = account.cash, tuple(account.positions), len(account.fills), len(account.funding)
        self.seen.append((account, row, *books))
        return self.script[row.place] if row.place < len(self.script) else None
