"""Bursts of usual frames as columns, by compiled code once that is loaded: in a third of the time.

Nothing waits for it. Before ``warm_up``, and for frames that are not usual, there is no answer, and others read them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from alphastream.core.units import MAX_TIME_MS, MS
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns

FEWEST: Final = 8  # frames; so few are read as soon one after the other
_EXAMPLE: Final = (
    b'{"stream":"a@aggTrade","data":{"e":"aggTrade","a":1,"s":"A","p":"1.5","q":"2","T":1723161256322,"m":true}}'
)
_kernel: Any = None  # the module of the compiled code: importing it takes half a second


def warm_up() -> None:
    """Load the compiled code, compiling what is not on disk; ``read`` answers from then on."""
    global _kernel
    from alphastream.feeds.binance import frame_kernel

    _read(frame_kernel, [_EXAMPLE])
    _kernel = frame_kernel


def read(
    frames: Sequence[bytes], receive_ns: Sequence[int], names: Mapping[str, InstrumentId]
) -> dict[str, TickColumns] | None:
    """Return the trades of frames by instrument, in the order of arrival; None where not every frame is usual.

    Parameters
    ----------
    receive_ns : when each frame arrived, UTC ns.
    names : of the symbols.

    Raises
    ------
    ParameterError : from ``names``, for a symbol that cannot be one.
    """
    if _kernel is None or len(frames) < FEWEST or (found := _read(_kernel, frames)) is None:
        return None
    symbols, which, whole, decimal, sides = found
    received = np.array(receive_ns, dtype=np.int64)
    columns = TickColumns(whole[0], decimal[0], decimal[1], whole[1] * MS, received, sides)
    if len(symbols) == 1:
        return {names[symbols[0]]: columns}
    columns = columns.rows(np.argsort(which, kind="stable"))
    ends = np.cumsum(np.bincount(which)).tolist()
    starts = [0, *ends[:-1]]
    return {
        names[symbol]: columns.rows(slice(start, end)) for symbol, start, end in zip(symbols, starts, ends, strict=True)
    }


def _read(kernel: Any, frames: Sequence[bytes]) -> tuple[list[str], Any, Any, Any, Any] | None:
    """Return the symbols, and of each frame the number of its symbol and its values; None as ``read``."""
    text = b"\n".join((*frames, kernel.PADDING[1:]))
    whole, decimal = np.empty((2, len(frames)), np.int64), np.empty((2, len(frames)))
    sides = np.empty(len(frames), np.bool_)
    which, starts, ends = kernel.read_trades(np.frombuffer(text, np.uint8), MAX_TIME_MS, whole, decimal, sides)
    if not len(which):
        return None
    symbols = [text[start:end].decode("ascii") for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    return symbols, which, whole, decimal, sides
