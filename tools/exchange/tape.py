"""A tape of recorded trades that can be asked for the trade at any ordinal, lap after lap."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from alphastream.errors import ParameterError
from alphastream.events import Tick

from .events import Trade

TAPE_PATH = Path(__file__).parents[2] / "data" / "tape_usdm_20240808.parquet"
SPOT_TAPE_PATH = TAPE_PATH.with_name("tape_spot_20240808.parquet")


class Tape:
    """Trades in the order they were received, endless by repetition.

    Ordinal n is trade n modulo the length, with ids and times shifted by its lap, so ids of a symbol stay
    contiguous and times keep rising. Nothing of the past is stored: every ordinal is computed.

    Parameters
    ----------
    trades : at least one, ``receive_ns`` never falling, ids of each symbol contiguous.

    Raises
    ------
    ParameterError
        The tape is empty, out of order, or an id is missing.
    """

    def __init__(self, trades: Sequence[Trade]) -> None:
        if not trades:
            raise ParameterError("a tape needs at least one trade, got none")
        self.trades = tuple(trades)
        self.positions: dict[str, list[int]] = {}
        for position, trade in enumerate(self.trades):
            self._check_order(position, trade)
            self.positions.setdefault(trade.symbol, []).append(position)
        self._fill_span = {symbol: self._span_of_fills(symbol) for symbol in self.positions}
        spans = (self._span_ns("receive_ns"), self._span_ns("event_ns"), self._span_ns("time_ns"))
        self.period_ns = max(spans) + max(1_000_000, max(spans) // len(self.trades))
        self.skew_ns = max(trade.event_ns - trade.receive_ns for trade in self.trades)

    @classmethod
    def read(cls, path: Path = TAPE_PATH) -> "Tape":
        """Read a Parquet tape (columns as in the fields of `Trade`, others ignored)."""
        columns = pq.read_table(path, columns=list(Trade.__struct_fields__)).to_pydict()
        rows = zip(*(columns[name] for name in Trade.__struct_fields__), strict=True)
        return cls([Trade(*row) for row in rows])

    @classmethod
    def of_ticks(cls, ticks: Sequence[Tick]) -> "Tape":
        """Take ticks built by a test; each is one fill, received when it says or, if it says 0, when it traded."""
        return cls(
            [
                Trade(
                    symbol=tick.symbol,
                    id=tick.id,
                    price_text=_plain(tick.price),
                    quantity_text=_plain(tick.quantity),
                    first_id=tick.id,
                    last_id=tick.id,
                    time_ns=tick.time_ns,
                    event_ns=tick.time_ns,
                    receive_ns=tick.time_ns if tick.receive_ns == 0 else tick.receive_ns,
                    buyer_is_maker=tick.buyer_is_maker,
                )
                for tick in ticks
            ]
        )

    def begins_with(self, other: "Tape") -> bool:
        """Tell whether it was recorded in the same minutes as another."""
        return abs(self.trades[0].receive_ns - other.trades[0].receive_ns) < min(self.period_ns, other.period_ns)

    def spelt(self, spelling: Callable[[str], str]) -> "Tape":
        """Return the tape with its symbols spelt otherwise; itself where that changes none."""
        names = {symbol: spelling(symbol) for symbol in self.positions}
        if all(symbol == name for symbol, name in names.items()):
            return self
        return Tape([msgspec.structs.replace(trade, symbol=names[trade.symbol]) for trade in self.trades])

    def widened(self, count: int) -> "Tape":
        """Return a tape of ``count`` symbols over the same minutes: those there are, and others made of them.

        A made symbol is called ``MADE01USDT`` and so on. It takes the trades of one that was recorded, in turn, each
        later in the lap by its own share of it, at a fixed multiple of their prices. Its ids and times are in order;
        nothing holds it together with any other symbol.
        """
        recorded = self.symbols
        trades = list(self.trades)
        for number in range(len(recorded), count):
            trades += self._made(recorded[number % len(recorded)], number, number / count)
        return Tape(sorted(trades, key=lambda trade: trade.receive_ns))

    def _made(self, symbol: str, number: int, share: float) -> list[Trade]:
        """The trades of a symbol, later by a share of the lap, under another name."""
        original = [self.trades[position] for position in self.positions[symbol]]
        begin = self.trades[0].receive_ns
        shift = int(share * self.period_ns)
        later = [(begin + (trade.receive_ns - begin + shift) % self.period_ns, trade) for trade in original]
        name, factor = f"MADE{number:02d}USDT", Decimal(f"0.{number % 9 + 1}")
        made = []
        for place, (receive_ns, trade) in enumerate(sorted(later, key=lambda each: each[0])):
            delay = trade.receive_ns - receive_ns
            price = (Decimal(trade.price_text) * factor).quantize(Decimal(trade.price_text))
            made.append(
                Trade(
                    name,
                    1 + place,
                    format(price, "f"),
                    trade.quantity_text,
                    1 + place,
                    1 + place,
                    trade.time_ns - delay,
                    trade.event_ns - delay,
                    receive_ns,
                    trade.buyer_is_maker,
                )
            )
        return made

    def __len__(self) -> int:
        return len(self.trades)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols in order of their first trade."""
        return tuple(self.positions)

    def at(self, ordinal: int) -> Trade:
        """Give the trade at an ordinal ≥ 0, times still those of the recording plus whole laps."""
        lap, position = divmod(ordinal, len(self.trades))
        trade = self.trades[position]
        if lap == 0:
            return trade
        fills, shift_ns = lap * self._fill_span[trade.symbol], lap * self.period_ns
        return Trade(
            trade.symbol,
            trade.id + lap * len(self.positions[trade.symbol]),
            trade.price_text,
            trade.quantity_text,
            trade.first_id + fills,
            trade.last_id + fills,
            trade.time_ns + shift_ns,
            trade.event_ns + shift_ns,
            trade.receive_ns + shift_ns,
            trade.buyer_is_maker,
        )

    def first_id(self, symbol: str) -> int:
        """Id of the first trade of a symbol of this tape."""
        return self.trades[self.positions[symbol][0]].id

    def count(self, symbol: str, played: int) -> int:
        """Count the trades of a symbol among the first ``played`` ordinals."""
        lap, position = divmod(played, len(self.trades))
        positions = self.positions[symbol]
        return lap * len(positions) + bisect_left(positions, position)

    def ordinal(self, symbol: str, nth: int) -> int:
        """Ordinal of the ``nth`` trade (from 0) of a symbol."""
        positions = self.positions[symbol]
        lap, k = divmod(nth, len(positions))
        return lap * len(self.trades) + positions[k]

    def _check_order(self, position: int, trade: Trade) -> None:
        if position and trade.receive_ns < self.trades[position - 1].receive_ns:
            raise ParameterError(
                f"trade {position} of the tape was received before the one ahead of it: sort by receive_ns"
            )
        earlier = self.positions.get(trade.symbol)
        if earlier and trade.id != (expected := self.trades[earlier[-1]].id + 1):
            raise ParameterError(
                f"{trade.symbol} id {trade.id} follows {expected - 1} on the tape: "
                "ids must be contiguous; use the faults SkipIds, Duplicate or Reorder to break them"
            )

    def _span_of_fills(self, symbol: str) -> int:
        trades = [self.trades[position] for position in self.positions[symbol]]
        return max(trade.last_id for trade in trades) - min(trade.first_id for trade in trades) + 1

    def _span_ns(self, field: str) -> int:
        times: list[int] = [getattr(trade, field) for trade in self.trades]
        return max(times) - min(times)


def _plain(number: float) -> str:
    return format(Decimal(repr(number)), "f")
