"""Arbitrage signals in an SQLite file of their own, for any program that speaks SQL."""

import logging
import math
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa

from alphastream.arbitrage import Signal, signals_frame
from alphastream.errors import StorageError
from alphastream.instruments import split
from runtime.stores import names
from runtime.stores.connections import ERRORS, Connections, explain, is_damage
from runtime.writer_lock import HeldError, WriterLock

log = logging.getLogger(__name__)

KIND: Final = "file of arbitrage signals"
FILE: Final = "arbitrage.db"
KEPT: Final = 200_000
"""Signals that stay: the newest."""
_PRUNE_EVERY: Final = 1_000  # signals

# Times twice: as text for people and as integers, UTC ns, for programs. volume_usd is in units of quote.
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS arbitrage_signals(
    exchange_a TEXT NOT NULL, exchange_b TEXT NOT NULL, asset TEXT NOT NULL,
    profit_pct REAL NOT NULL, volume_usd REAL, timestamp TEXT NOT NULL,
    duration_s REAL NOT NULL, error_ms REAL NOT NULL, gross_pct REAL NOT NULL, quantity REAL, prices TEXT NOT NULL,
    instrument_a TEXT NOT NULL, instrument_b TEXT NOT NULL,
    opened_ns INTEGER NOT NULL, best_ns INTEGER NOT NULL, closed_ns INTEGER NOT NULL,
    PRIMARY KEY(opened_ns, instrument_a, instrument_b)) WITHOUT ROWID
"""
_INSERT: Final = f"INSERT OR REPLACE INTO arbitrage_signals VALUES({', '.join('?' * 16)})"
_READ: Final = (
    "SELECT asset, instrument_a, instrument_b, opened_ns, best_ns, closed_ns, profit_pct, gross_pct, quantity, "
    "volume_usd, error_ms, prices FROM arbitrage_signals ORDER BY opened_ns DESC LIMIT ?"
)


class SignalStore:
    """Keeps signals that closed, the newest ``KEPT``; one process writes, others read.

    A file that SQLite cannot read is moved aside and begun anew, which ``notice`` says.

    Parameters
    ----------
    path : the file; its folder is made with the first signal.

    Attributes
    ----------
    notice : what was wrong with the file, or which other process writes it; None where nothing is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notice: str | None = None
        self._connections = Connections(path, KIND)
        self._held: WriterLock | None = None
        self._since_pruned = 0

    def append(self, signals: Sequence[Signal]) -> bool:
        """Write signals, all or none; False where another process writes the file, which has its own.

        Raises
        ------
        StorageError : they cannot be written now; give them again later.
        """
        if not signals:
            return True
        try:
            self._open()
            with self._connections.writing() as writer:
                writer.executemany(_INSERT, [_row(signal) for signal in signals])
                self._since_pruned += len(signals)
                if self._since_pruned >= _PRUNE_EVERY:
                    self._since_pruned = 0
                    newest = "SELECT opened_ns FROM arbitrage_signals ORDER BY opened_ns DESC LIMIT 1 OFFSET ?"
                    writer.execute(f"DELETE FROM arbitrage_signals WHERE opened_ns <= ({newest})", (KEPT,))
        except HeldError as error:
            self.notice = f"{error}. Signals are written there"
            return False
        except ERRORS as error:
            if is_damage(error):
                self._set_aside(error)
            raise StorageError(explain(self.path, error, KIND)) from error
        except OSError as error:
            raise StorageError(explain(self.path, error, KIND)) from error
        return True

    def newest(self, count: int) -> list[Signal]:
        """Return the newest signals, the newest first.

        Raises
        ------
        StorageError : the file cannot be read.
        """
        if not self.path.exists():
            return []
        with self._connections.reading() as reader:
            try:
                rows = reader.execute(_READ, (count,)).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):  # made in a moment by the process that writes
                    return []
                raise
        return [_signal(row) for row in rows]

    def tables(self) -> dict[str, pa.Table]:
        """Return the table ``arbitrage_signals``, for ``TickStore.sql(…, beside=…)``; times in UTC.

        Raises
        ------
        StorageError : the file cannot be read.
        """
        frame = signals_frame(self.newest(KEPT))
        return {"arbitrage_signals": pa.Table.from_pandas(frame, preserve_index=False)}

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._connections.close()
        if self._held is not None:
            self._held.release()
            self._held = None

    def _open(self) -> None:
        """Open to write, where that was not done. Raises HeldError, StorageError, ERRORS."""
        if self._connections.writer is not None:
            return
        if self._held is None:
            self._held = names.lock(self.path)
        writer = self._connections.connect("rwc")
        try:
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("PRAGMA synchronous = NORMAL")
            writer.execute(_TABLE)
        except BaseException:
            writer.close()
            raise
        self._connections.named = names.look(self.path)
        self._connections.writer = writer

    def _set_aside(self, error: Exception) -> None:
        self._connections.let_go()
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
        with self._connections.swapping():
            self.path.replace(aside)
            names.remove_log(self.path)
        self.notice = f"{self.path.name} could not be read ({error}) and is kept as {aside.name}: it begins anew"
        log.error("%s", self.notice)


def _row(signal: Signal) -> tuple[object, ...]:
    if signal.closed_ns is None:
        raise StorageError(f"the signal of {signal.asset} is open: only those that closed are kept")
    return (
        split(signal.buy)[0],
        split(signal.sell)[0],
        signal.asset,
        signal.net * 100.0,
        None if math.isinf(signal.value) else signal.value,
        datetime.fromtimestamp(signal.opened_ns / 1e9, UTC).isoformat(timespec="milliseconds"),
        (signal.closed_ns - signal.opened_ns) / 1e9,
        signal.error_ns / 1e6,
        signal.gross * 100.0,
        None if math.isinf(signal.quantity) else signal.quantity,
        signal.prices,
        signal.buy,
        signal.sell,
        signal.opened_ns,
        signal.best_ns,
        signal.closed_ns,
    )


def _signal(row: Sequence[object]) -> Signal:
    asset, buy, sell, opened, best, closed, net, gross, quantity, value, error_ms, prices = row
    return Signal(
        asset=str(asset),
        buy=str(buy),
        sell=str(sell),
        opened_ns=_whole(opened),
        best_ns=_whole(best),
        closed_ns=_whole(closed),
        net=_number(net) / 100.0,
        gross=_number(gross) / 100.0,
        quantity=_number(quantity),
        value=_number(value),
        error_ns=round(_number(error_ms) * 1e6),
        prices=str(prices),
    )


def _whole(value: object) -> int:
    return int(str(value))


def _number(value: object) -> float:
    """A number of the file; infinite where a size is not known."""
    return math.inf if value is None else float(str(value))
