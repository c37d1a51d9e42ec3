"""The market of the scenario: eight symbols in two groups that share a trend, a few hours of trades."""

from typing import Final

import numpy as np

from alphastream.core.units import HOUR, MS, SECOND
from alphastream.events import Tick
from tools.exchange import Tape

SYMBOLS: Final = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT", "LTCUSDT")
BEGIN_NS: Final = 20_667 * 24 * HOUR  # 2026-08-02
SEALED_NS: Final = BEGIN_NS + HOUR
"""What traded before goes to the history, the rest stays in the tape file: answers need both."""
END_NS: Final = BEGIN_NS + 2 * HOUR
_TRADES: Final = 4_000  # of a symbol
_STEP: Final = 2e-4  # of a log price, between two seconds


def market_tape(seed: int = 15) -> Tape:
    """Trades of all symbols in order of time, ids of each contiguous; the same for the same seed."""
    rng = np.random.default_rng(seed)
    seconds = (END_NS - BEGIN_NS) // SECOND
    trends = np.cumsum(rng.normal(0.0, _STEP, (2, seconds)), axis=1)
    ticks: list[Tick] = []
    for number, symbol in enumerate(SYMBOLS):
        own = np.zeros(seconds)
        for second, shock in enumerate(rng.normal(0.0, _STEP, seconds - 1)):
            own[second + 1] = 0.97 * own[second] + shock
        price = 100.0 * (number + 1) * np.exp(trends[number % 2] * (0.8 + 0.1 * number) + own)
        times_ms = np.sort(rng.integers(0, seconds * 1_000, _TRADES))
        first_id = 1_000_000 * (number + 1)
        for place, time_ms in enumerate(times_ms.tolist()):
            paid = round(float(price[time_ms // 1_000]), 2)
            size = round(float(rng.exponential(0.5)) + 0.001, 3)
            time_ns = BEGIN_NS + time_ms * MS
            ticks.append(Tick(symbol, first_id + place, paid, size, time_ns, time_ns, bool(rng.random() < 0.5)))
    return Tape.of_ticks(sorted(ticks, key=lambda tick: (tick.receive_ns, tick.symbol, tick.id)))
