"""Bars of a file as a source of events."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alphastream.errors import ParameterError
from alphastream.trading.engine.clock import Span, span_ns
from alphastream.trading.engine.events import BarEvent, Dated, PairBar
from alphastream.trading.engine.pairs import Pair
from alphastream.trading.engine.sources import FifoQueueEventSource

if TYPE_CHECKING:
    import pandas as pd

CHUNK: Final = 128  # bars made ahead


class CsvBarSource(FifoQueueEventSource):
    """Bars of one symbol, oldest first, each known at its end.

    Any file that the History page takes is read: CSV, its zip, Parquet; columns, times and their order are found, and
    what could mean two things is asked about in the error.

    Parameters
    ----------
    path : of the file.
    pair : what the bars are of.
    symbol : in the file; None where it has one symbol only.
    duration : length of a bar: timedelta or nanoseconds; None: the commonest step between the bars of the file.
    priority : among events of one moment the higher goes first.

    Raises
    ------
    UploadError : the file is no table of bars, with line and column.
    ParameterError : it has ticks, another symbol, or one bar whose length nobody knows.
    """

    in_order = True

    def __init__(
        self,
        path: str | Path,
        pair: Pair,
        *,
        symbol: str | None = None,
        duration: Span | int | None = None,
        priority: int = 0,
    ) -> None:
        from alphastream.uploads import combine, read  # with pandas, 30 MB that a backtest in memory does without

        super().__init__(priority=priority)
        upload = combine(read(path))
        if upload.kind != "bars":
            raise ParameterError(f"{path} has ticks: give a file of bars, or push its trades to TradesToBars")
        if symbol is None and len(upload.symbols) > 1:
            raise ParameterError(f"{path} has {', '.join(upload.symbols)}: say which with symbol=")
        symbol = upload.symbols[0] if symbol is None else symbol
        if symbol not in upload.frames:
            raise ParameterError(f"{path} has no {symbol}: it has {', '.join(upload.symbols)}")
        length_ns = upload.interval_ns if duration is None else span_ns(duration)
        if length_ns is None:
            raise ParameterError(f"{path} has one bar, whose length nobody knows: give duration=")
        self._events = _events(upload.frames[symbol], pair, length_ns)

    def pop(self) -> Dated | None:
        """The next bar, and some more into the queue."""
        self._queue.extend(islice(self._events, CHUNK))
        return self._queue.popleft() if self._queue else None


def _events(frame: "pd.DataFrame", pair: Pair, length_ns: int) -> Iterator[BarEvent[float]]:
    begins, *columns = (frame[name].tolist() for name in ("time_ns", "open", "high", "low", "close", "volume"))
    for begin_ns, first, high, low, last, volume in zip(begins, *columns, strict=True):
        yield BarEvent(begin_ns + length_ns, PairBar(begin_ns, pair, first, high, low, last, volume, length_ns))
