"""What cryptofeed takes from the same frames to its callbacks, and to rows of SQLite: ``… FRAMES_FILE``.

cryptofeed 2 runs on Python 3.11, 3 needs 3.13; its own storage wants a database server, so its trades go into a list,
and from there into SQLite by executemany, a transaction a thousand.
"""

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from cryptofeed.defines import BINANCE_FUTURES, TRADES
from cryptofeed.exchanges import BinanceFutures
from cryptofeed.symbols import Symbols

NAMES = {"BTC-USDT-PERP": "BTCUSDT", "ETH-USDT-PERP": "ETHUSDT"}
BATCH = 1_000


def main(frames_file: str) -> None:
    """Print the figures as JSON."""
    data, frames, start = Path(frames_file).read_bytes(), [], 0
    while start < len(data):
        end = start + 4 + int.from_bytes(data[start + 2 : start + 4], "big")
        frames.append(data[start + 4 : end].decode())
        start = end
    Symbols.set(BINANCE_FUTURES, NAMES, {"instrument_type": {}, "tick_size": {}})
    trades: list[Any] = []

    async def keep(trade: Any, _received: float) -> None:
        trades.append(trade)

    feed = BinanceFutures(symbols=list(NAMES), channels=[TRADES], callbacks={TRADES: keep})

    async def handle() -> None:
        for frame in frames:
            await feed.message_handler(frame, None, time.time())

    begun = time.perf_counter()
    asyncio.run(handle())
    parsed_s = time.perf_counter() - begun
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "trades.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE trades(symbol, id, price, amount, time, side, PRIMARY KEY(symbol, id))")
        for at in range(0, len(trades), BATCH):
            rows = [
                (t.symbol, int(t.id), float(t.price), float(t.amount), t.timestamp, t.side)
                for t in trades[at : at + BATCH]
            ]
            connection.executemany("INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?)", rows)
            connection.commit()
    took = time.perf_counter() - begun
    print(json.dumps({"to_callback": len(trades) / parsed_s, "ticks_per_s": len(trades) / took}))


if __name__ == "__main__":
    main(sys.argv[1])
