"""What is asked of a market, whatever size recorded it, and the digest of all answers."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from alphastream.backtest import TickMarket, backtest
from alphastream.core.units import SECOND
from alphastream.history import Tape
from alphastream.pairs import PairAnalytics, PairSpec
from alphastream.scan import scan_pairs
from alphastream.strategies import Units, ZScoreThreshold
from tools.scenario.market import BEGIN_NS, END_NS

INTERVAL_NS = 10 * SECOND
QUERY = """
SELECT symbol, time_bucket(INTERVAL '5 minutes', time) AS bucket, first(price ORDER BY time, id) AS open,
       max(price) AS high, min(price) AS low, last(price ORDER BY time, id) AS close, count(*) AS trades,
       sum(CAST(quantity * 1000 AS BIGINT)) AS volume
FROM ticks GROUP BY ALL ORDER BY symbol, bucket
"""
"""Volumes as whole numbers: sums of floating point depend on the order in which threads add."""


@dataclass
class Answers:
    """Bytes of every answer, in the order in which they came."""

    parts: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, *arrays: object) -> str:
        """Take an answer in; its own digest."""
        digest = hashlib.blake2b(digest_size=16)
        for array in arrays:
            values = np.asarray(array)
            content = "\n".join(map(str, values.tolist())) if values.dtype.kind in "OUTM" else values.tobytes()
            digest.update(content.encode() if isinstance(content, str) else content)
        self.parts[name] = digest.hexdigest()
        return self.parts[name]

    @property
    def digest(self) -> str:
        """One digest of all."""
        text = "\n".join(f"{name} {digest}" for name, digest in sorted(self.parts.items()))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def names(tape: Tape) -> list[str]:
    """What the tape has ticks of."""
    return tape.instruments("ticks")


def scan(tape: Tape, backend: str) -> pd.DataFrame:
    """All pairs of the market, ranked."""
    closes = tape.closes(names(tape), "10s", BEGIN_NS, END_NS).ffill().dropna()
    return scan_pairs(closes, backend=backend)


def sql(tape: Tape) -> pa.Table:
    """Candles of five minutes."""
    return tape.sql(QUERY, BEGIN_NS, END_NS)


def best_pair(tape: Tape, found: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """A threshold strategy on the pair that the scan ranks first: equity, and its fills."""
    y, x = str(found["y"].iloc[0]), str(found["x"].iloc[0])
    market = TickMarket({name: tape.ticks(name, BEGIN_NS, END_NS) for name in (y, x)}, until_ns=END_NS)
    result = backtest(market, ZScoreThreshold(PairSpec(y, x, INTERVAL_NS, window=60), sizer=Units(10.0)))
    fills = [(fill.time_ns, fill.price, fill.quantity) for fill in result.fills]
    return result.equity, np.array(fills, dtype=np.float64)


def seen(answer: PairAnalytics) -> tuple[np.ndarray, ...]:
    """What a dashboard shows of a pair: the columns of its closed bars."""
    columns = answer.closed
    rows = columns["time_ns"] <= END_NS
    return tuple(columns[name][rows] for name in sorted(columns))
