"""Recorded trades and quotes that the tests of windows and microstructure read."""

from functools import cache
from pathlib import Path

import pyarrow.parquet as pq

from alphastream.tape.columns import TickColumns
from alphastream.tape.recordings import read_tape
from alphastream.windows import Trades

ROOT = Path(__file__).resolve().parents[2]
TAPE = ROOT / "data" / "tape_usdm_20240808.parquet"
QUOTES = ROOT / "tests" / "data" / "quotes_ethusdt_20240808.parquet"


@cache
def recorded(symbol: str) -> TickColumns:
    """The trades of one symbol of the bundled tape, in order of arrival."""
    tape = read_tape(TAPE)
    of = tape.symbol_index == tape.symbols.index(symbol)
    time_ns = tape.time_ns[of]
    return TickColumns(
        tape.id[of], tape.price[of], tape.quantity[of], time_ns, time_ns, tape.buyer_is_maker[of].astype(bool)
    )


@cache
def quoted() -> Trades:
    """Trades and quotes of ETHUSDT, 40 seconds."""
    names = ("time_ns", "price", "quantity", "buyer_is_maker", "bid", "ask")
    table = pq.read_table(QUOTES, columns=list(names))
    return Trades(*(table[name].to_numpy() for name in names))
