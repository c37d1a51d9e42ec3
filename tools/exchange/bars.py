"""Bars of the trades that were played: what a venue's klines say.

They are made of the texts and times of the trades, lap for lap, by no code that the program under test uses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from .playback import MS_NS, Playback, Rate

LENGTHS_MS: Final = {
    "1s": 1_000,
    "1m": 60_000,
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "4h": 14_400_000,
    "1d": 86_400_000,
}


@dataclass(frozen=True, slots=True)
class PlayedBar:
    """One bar; a bar without trades has the close of the one before, and no volume."""

    start_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    bought: str
    trades: int


def bars_between(playback: Playback, symbol: str, length_ms: int, first_ms: int, until_ms: int) -> Iterator[PlayedBar]:
    """Every bar that begins at ``first_ms`` or later and before ``until_ms``, from that of the first trade of all on.

    The one that is still forming is among them.
    """
    trades = [playback.tape.trades[place] for place in playback.tape.positions[symbol]]
    price = np.array([float(trade.price_text) for trade in trades])
    size = np.array([float(trade.quantity_text) for trade in trades])
    sold = np.array([trade.buyer_is_maker for trade in trades])
    fills = np.array([trade.last_id - trade.first_id + 1 for trade in trades])
    start = playback.nth_at(symbol, first_ms)
    stop = playback.nth_at(
        symbol, until_ms if until_ms % length_ms == 0 else until_ms - until_ms % length_ms + length_ms
    )
    close = trades[(start - 1) % len(trades)].price_text if start else ""
    nth = np.arange(start, stop)
    place = nth % len(trades)
    starts_ms = _times_ms(playback, symbol, nth) // length_ms * length_ms
    bounds = np.flatnonzero(np.r_[True, starts_ms[1:] != starts_ms[:-1]]) if len(nth) else np.empty(0, np.int64)
    found = dict(zip(starts_ms[bounds].tolist(), zip(bounds, np.r_[bounds[1:], len(nth)], strict=False), strict=False))
    for start_ms in range(first_ms, until_ms, length_ms):
        if start_ms not in found:
            if close:
                yield PlayedBar(start_ms, close, close, close, close, "0.00000000", "0.00000000", 0)
            continue
        rows = place[slice(*found[start_ms])]
        close = trades[rows[-1]].price_text
        yield PlayedBar(
            start_ms,
            trades[rows[0]].price_text,
            trades[rows[np.argmax(price[rows])]].price_text,
            trades[rows[np.argmin(price[rows])]].price_text,
            close,
            f"{size[rows].sum():.8f}",
            f"{size[rows][~sold[rows]].sum():.8f}",
            int(fills[rows].sum()),
        )


def _times_ms(playback: Playback, symbol: str, nth: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Times of the trades with these numbers of a symbol, as its messages say them."""
    tape = playback.tape
    positions = np.array(tape.positions[symbol], dtype=np.int64)
    laps, k = nth // len(positions), nth % len(positions)
    if isinstance(playback.pace, Rate):
        return playback.beats(laps * len(tape) + positions[k]) // MS_NS
    recorded = np.array([tape.trades[place].time_ns for place in positions], dtype=np.int64)
    return playback.moved(recorded[k] + laps * tape.period_ns) // MS_NS
