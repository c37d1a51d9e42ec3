"""Replay of a recorded tape: real prices and real timings, moved to now. Pure: time is an argument.

A tape keeps the order in which trades arrived. Arrival order and trade time disagree by up to 100 ms between two
symbols, because the venue holds trades back to merge them. So a row is due at the latest trade time seen up to it:
order of arrival is kept, and no trade is shown before it happened. The recorder's own clock is not used (on the
bundled tape it runs 1.27 s behind the venue's).
"""

from collections.abc import Iterator

import numpy as np

from alphastream.core.units import MS, SECOND
from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.tape.columns import TickColumns
from alphastream.tape.recordings import Recording
from alphastream.tape.repetition import Repetition


class Replay:
    """What of a tape is due at a moment, with times moved so that the tape happens now.

    The first ``head_s`` seconds of the tape lie before ``start_ns`` and are due at once. With ``loop`` the tape begins
    again when it ends: times move on by its length, ids by the ids it used, so both stay contiguous per symbol. Only
    the price jumps where the end meets the beginning.

    Parameters
    ----------
    tape : what to play.
    start_ns : data time at the start. ``receive_ns`` of a tick is when it is due, in data time as well.
    loop : never end.
    head_s : seconds of the tape that have already happened at the start.

    Raises
    ------
    ParameterError
        ``head_s`` is negative or not finite.
    """

    def __init__(self, tape: Recording, start_ns: int, *, loop: bool = True, head_s: float = 0.0) -> None:
        if not 0 <= head_s < float("inf"):
            raise ParameterError(f"head_s is {head_s}, needs a number of seconds from 0 on")
        self.tape = tape
        self._names = tape.instruments
        self._loop = loop
        self._row = 0
        # A whole millisecond, as the venue's times are.
        self._shift_ns = (start_ns - tape.start_ns - int(head_s * SECOND)) // MS * MS
        # The seam is a pause of the mean spacing, rounded up to a whole millisecond.
        span_ns = tape.end_ns - tape.start_ns
        self._period_ns = span_ns + max(MS, span_ns // len(tape) // MS * MS)
        self._id_span, self._id_shift = _id_spans(tape), [0] * len(tape.symbols)

    @property
    def repetition(self) -> Repetition:
        """When the laps of the tape begin, the one that plays now among them."""
        return Repetition(int(self.tape.time_ns.min()) + self._shift_ns, self._period_ns)

    def next_ns(self) -> int | None:
        """Return the data time of the next trade, None when the tape has ended."""
        if self._row == len(self.tape):
            return None
        return int(self.tape.due_ns[self._row]) + self._shift_ns

    def take(self, limit: int, until_ns: int | None = None) -> list[Tick]:
        """Return the next trades, at most ``limit``, none due after ``until_ns`` (None: however late)."""
        return [tick for part in self._parts(limit, until_ns) for tick in self._ticks(*part)]

    def take_columns(self, limit: int, until_ns: int | None = None) -> tuple[dict[str, TickColumns], int]:
        """Return the same trades as columns of each instrument, and when the last of them was due, 0 for none."""
        parts: dict[str, list[TickColumns]] = {}
        last_ns = 0
        for start, stop, shift_ns, id_shift in self._parts(limit, until_ns):
            rows, tape = np.arange(start, stop), self.tape
            last_ns = int(tape.due_ns[stop - 1]) + shift_ns
            for k, name in enumerate(self._names):
                mine = rows[tape.symbol_index[start:stop] == k]
                if len(mine):
                    columns = TickColumns(
                        tape.id[mine] + id_shift[k],
                        tape.price[mine],
                        tape.quantity[mine],
                        tape.time_ns[mine] + shift_ns,
                        tape.due_ns[mine] + shift_ns,
                        tape.buyer_is_maker[mine],
                    )
                    parts.setdefault(name, []).append(columns)
        return {name: TickColumns.joined(found) for name, found in parts.items()}, last_ns

    def _parts(self, limit: int, until_ns: int | None) -> Iterator[tuple[int, int, int, list[int]]]:
        """Rows that are due, from and to, with what is added to their times and ids; one part a lap of the tape."""
        taken = 0
        while taken < limit:
            stop = min(len(self.tape), self._row + limit - taken)
            if until_ns is not None:
                due = int(np.searchsorted(self.tape.due_ns, until_ns - self._shift_ns, side="right"))
                stop = min(stop, due)
            if stop <= self._row:
                break
            part = self._row, stop, self._shift_ns, self._id_shift
            taken += stop - self._row
            self._row = stop
            if self._row == len(self.tape) and self._loop:
                self._rewind()
            yield part

    def _ticks(self, start: int, stop: int, shift_ns: int, id_shift: list[int]) -> list[Tick]:
        tape, names, rows = self.tape, self._names, slice(start, stop)
        return [
            Tick(names[k], id_ + id_shift[k], price, quantity, t + shift_ns, due + shift_ns, maker)
            for k, id_, price, quantity, t, due, maker in zip(
                tape.symbol_index[rows].tolist(),
                tape.id[rows].tolist(),
                tape.price[rows].tolist(),
                tape.quantity[rows].tolist(),
                tape.time_ns[rows].tolist(),
                tape.due_ns[rows].tolist(),
                tape.buyer_is_maker[rows].tolist(),
                strict=True,
            )
        ]

    def _rewind(self) -> None:
        self._row = 0
        self._shift_ns += self._period_ns
        self._id_shift = [shift + span for shift, span in zip(self._id_shift, self._id_span, strict=True)]


def _id_spans(tape: Recording) -> list[int]:
    spans = []
    for index in range(len(tape.symbols)):
        ids = tape.id[tape.symbol_index == index]
        spans.append(int(ids.max() - ids.min()) + 1)
    return spans
