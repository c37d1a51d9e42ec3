"""What may be added to a study as data, as a market of named instruments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from alphastream.backtest import BarMarket, LegTrades, Market, TickMarket
from alphastream.backtest.book_tapes import BookSource
from alphastream.backtest.market import LegBars
from alphastream.bar_rows import BarRows
from alphastream.bars import Bars, PairRows
from alphastream.errors import ParameterError
from alphastream.graph import interval_name
from alphastream.study.frames import bars_of_frames, frames_of, interval_of, trades_of
from alphastream.tape.protocols import TickArrays
from alphastream.trading.broker.costs import FillRule
from alphastream.uploads import Upload, combine, read
from alphastream.uploads.series import bars_together


@dataclass(frozen=True, slots=True, eq=False)
class _Arrays:
    """Trades whose taker nobody knows."""

    time_ns: Any
    price: Any
    quantity: Any


def market_of(
    source: Any, symbol: str | None, symbols: Sequence[str] | None, every: str | int | None, start: Any, end: Any
) -> tuple[Market, tuple[str, ...], int]:
    """A market, the instruments in it that were asked for, and the length of bars; see ``Study.add_data``."""
    symbols = (symbols,) if isinstance(symbols, str) else symbols
    wanted_ns = None if every is None else interval_of(every)
    market, native_ns = _market(source, symbol, symbols, wanted_ns, start, end)
    if symbols is None:
        symbols = market.symbols if symbol is None else (symbol,)
    names = tuple(symbols)
    for name in names:
        if name not in market.symbols:
            raise ParameterError(f"{name} is not in the data: it has {', '.join(market.symbols) or 'nothing'}")
    if not names:
        raise ParameterError("the data has no instrument: give some that has")
    interval_ns = wanted_ns or native_ns
    if interval_ns is None:
        raise ParameterError("trades do not say how long a bar is: give every='1s', '1m' or another length")
    if native_ns is not None and interval_ns < native_ns:
        raise ParameterError(
            f"every={interval_name(interval_ns)}: these bars last {interval_name(native_ns)}, and shorter ones cannot "
            "be made of them"
        )
    if native_ns is not None and interval_ns % native_ns:
        raise ParameterError(
            f"every={interval_name(interval_ns)}: these bars last {interval_name(native_ns)}, give a multiple of that"
        )
    return market, names, interval_ns


def _market(
    source: Any, symbol: str | None, symbols: Sequence[str] | None, wanted_ns: int | None, start: Any, end: Any
) -> tuple[Market, int | None]:
    if isinstance(source, str | Path):
        source = read(source, symbol=symbol)
    elif isinstance(source, list | tuple) and source and all(isinstance(each, str | Path) for each in source):
        source = combine(*(read(each) for each in source))
    if isinstance(source, pd.DataFrame):
        return _of_frames(frames_of(source, symbol), wanted_ns)
    if isinstance(source, Upload):
        return _of_upload(source)
    if isinstance(source, BarMarket):
        return source, source.interval_ns
    if hasattr(source, "bar_rows") and hasattr(source, "tape"):
        return cast(Market, source), None
    if isinstance(source, Mapping) and source:
        return _of_mapping(source, wanted_ns)
    if hasattr(source, "instruments") and hasattr(source, "ticks"):
        names = source.instruments() if symbols is None else symbols
        return TickMarket({name: source.ticks(name, start, end) for name in names}), None
    if callable(columns := getattr(source, "columns", None)):
        return _of_tape(columns, symbols or ([symbol] if symbol else None), start, end), None
    if all(hasattr(source, name) for name in ("time_ns", "price", "quantity")):
        return TickMarket({symbol or "data": source}), None
    raise ParameterError(
        f"data is a {type(source).__name__}: give a DataFrame, a file, a tape, ticks or bars by symbol, or a market"
    )


def _of_frames(frames: Mapping[str, pd.DataFrame], wanted_ns: int | None) -> tuple[Market, int | None]:
    trades = {symbol: trades_of(frame, symbol) for symbol, frame in frames.items()}
    ticks = {symbol: _Arrays(*columns) for symbol, columns in trades.items() if columns is not None}
    if ticks and len(ticks) == len(trades):
        return TickMarket(cast(Mapping[str, TickArrays], ticks)), None
    bars, interval_ns = bars_of_frames(frames, wanted_ns)
    return BarMarket(bars, interval_ns), interval_ns


def _of_upload(upload: Upload) -> tuple[Market, int | None]:
    if upload.kind == "bars":
        bars, interval_ns = bars_together(upload, upload.symbols, None)
        return BarMarket(bars, interval_ns), interval_ns
    ticks = {}
    for symbol, frame in upload.frames.items():
        columns = [frame[name].to_numpy() for name in ("time_ns", "price", "quantity")]
        ticks[symbol] = _Arrays(*columns)
    return TickMarket(ticks), None


def _of_mapping(source: Mapping[str, Any], wanted_ns: int | None) -> tuple[Market, int | None]:
    kinds = {type(each) for each in source.values()}
    if kinds == {pd.DataFrame}:
        return _of_frames(source, wanted_ns)
    if kinds == {Bars}:
        if wanted_ns is None:
            raise ParameterError("bars do not say how long one is: give every='1d' or another length")
        return BarMarket(source, wanted_ns), wanted_ns
    if all(hasattr(each, "price") and hasattr(each, "time_ns") for each in source.values()):
        return TickMarket(cast(Mapping[str, TickArrays], source)), None
    raise ParameterError(
        f"by symbol there are {', '.join(kind.__name__ for kind in kinds)}: give frames, bars or ticks"
    )


def _of_tape(columns: Callable[..., Any], symbols: Sequence[str] | None, start: Any, end: Any) -> TickMarket:
    """A tape that is looked up by time."""
    if not symbols:
        raise ParameterError("a tape does not say what to read of it: give symbols=[…]")
    times = [0 if start is None else int(start), np.iinfo(np.int64).max if end is None else int(end)]
    return TickMarket({symbol: columns(symbol, *times) for symbol in symbols})


@dataclass(frozen=True, slots=True, eq=False)
class JoinedMarket:
    """Markets of different instruments as one."""

    parts: tuple[Market, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Those of all."""
        return tuple(symbol for part in self.parts for symbol in part.symbols)

    @property
    def books(self) -> BookSource | None:
        """Those of the only one that has books."""
        found = [part.books for part in self.parts if part.books is not None]
        return found[0] if len(found) == 1 else None

    def rows(self, y: str, x: str, interval_ns: int, of_ns: int | None = None) -> PairRows:
        """Closed rows of a pair in one of the markets."""
        part = self._with((y, x))
        return part.rows(y, x, interval_ns, _own(part, of_ns))

    def bar_rows(self, symbols: Sequence[str], interval_ns: int, of_ns: int | None = None) -> BarRows:
        """Closed rows of instruments in one of the markets."""
        part = self._with(symbols)
        return part.bar_rows(symbols, interval_ns, _own(part, of_ns))

    def tape(self, symbol: str, rule: FillRule, interval_ns: int) -> LegTrades:
        """Where orders of a symbol can be filled."""
        return self._with((symbol,)).tape(symbol, rule, interval_ns)

    def leg_bars(self, symbol: str, rule: FillRule, interval_ns: int) -> LegBars:
        """What orders of a symbol with a price of their own meet."""
        return self._with((symbol,)).leg_bars(symbol, rule, interval_ns)

    def _with(self, symbols: Sequence[str]) -> Market:
        for part in self.parts:
            if set(symbols) <= set(part.symbols):
                return part
        raise ParameterError(f"{', '.join(symbols)} are not in one data: add them together, it has {self.symbols}")


def _own(part: Market, of_ns: int | None) -> int | None:
    """Bars that a market's longer ones are made of; None where it has none so short."""
    return None if isinstance(part, BarMarket) and of_ns is not None and of_ns < part.interval_ns else of_ns
