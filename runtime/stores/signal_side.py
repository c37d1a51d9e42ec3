"""Arbitrage signals beside what else is in no file of a history yet."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa

from alphastream.arbitrage import Signal
from alphastream.history.hot import Hot, HotSnapshot
from alphastream.history.layout import Kind
from alphastream.history.places import Found
from alphastream.history.tables import SCHEMAS, times


class WithSignals:
    """A hot side of a history, and signals beside it.

    Parameters
    ----------
    hot : of all other kinds.
    signals : those that closed.
    """

    def __init__(self, hot: Hot, signals: Callable[[], Sequence[Signal]]) -> None:
        self._hot, self._signals = hot, signals

    @contextmanager
    def snapshot(self) -> Iterator[HotSnapshot]:
        """Hold one moment while it is read."""
        with self._hot.snapshot() as rest:
            yield _Snapshot(rest, self._signals)


class _Snapshot:
    """One moment of both."""

    def __init__(self, rest: HotSnapshot, signals: Callable[[], Sequence[Signal]]) -> None:
        self._rest, self._read = rest, signals
        self._of: dict[str, list[Signal]] | None = None

    def counting(self, files: Sequence[Found]) -> list[Found]:
        return self._rest.counting(files)

    def instruments(self, kind: Kind) -> Sequence[str]:
        return sorted(self._signals()) if kind == "signals" else self._rest.instruments(kind)

    def about(self, instrument: str, start_ns: int, end_ns: int) -> int:
        return self._rest.about(instrument, start_ns, end_ns)

    def span(self, kind: Kind, instrument: str) -> tuple[int, int] | None:
        if kind != "signals":
            return self._rest.span(kind, instrument)
        held = self._signals().get(instrument)
        return (held[0].opened_ns, held[-1].opened_ns) if held else None

    def parts(self, kind: Kind, instrument: str, start_ns: int, end_ns: int) -> Sequence[tuple[int, pa.Table]]:
        if kind != "signals":
            return self._rest.parts(kind, instrument, start_ns, end_ns)
        held = self._signals().get(instrument, [])
        return [(0, signals_table([each for each in held if start_ns <= each.opened_ns < end_ns]))]

    def _signals(self) -> dict[str, list[Signal]]:
        """Signals by the instrument that was to be bought, by time; read once, where anybody asks."""
        if self._of is None:
            self._of = {}
            for signal in sorted(self._read(), key=lambda each: each.opened_ns):
                self._of.setdefault(signal.buy, []).append(signal)
        return self._of


def signals_table(signals: Sequence[Signal]) -> pa.Table:
    """Return signals that closed as rows of a history; sizes that are not known are infinite."""
    moments = ([getattr(each, f"{name}_ns") for each in signals] for name in ("opened", "best", "closed"))
    columns: list[Any] = [times(np.array(each, np.int64)) for each in moments]
    columns += [[getattr(each, name) for each in signals] for name in ("asset", "buy", "sell", "prices")]
    columns += [[100.0 * getattr(each, name) for each in signals] for name in ("net", "gross")]
    columns += [[getattr(each, name) for each in signals] for name in ("quantity", "value")]
    columns.append([each.error_ns / 1e6 for each in signals])
    schema = SCHEMAS["signals"]
    return pa.table([pa.array(each, kind) for each, kind in zip(columns, schema.types, strict=True)], schema=schema)
