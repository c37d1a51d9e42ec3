"""What figures show, as numbered messages. Who carries them is another matter (``hub.py``, or the page itself).

A ``Topic`` is one figure with its cards. It compares each frame with the one before, once for everybody who looks,
and tells the difference as one JSON object::

    {"topic": id, "figure": id, "seq": n, "sent": ms, "base": {...} or "delta": {...}, "cards" or "patch": [...],
     "status": text, "stamps": {...}, "clock": {"now": ms, "pace": x}}

figure : names the rows that deltas refer to. It changes when rows can no longer be continued.
seq : grows by one with each message of a topic; a receiver skips what it has seen and asks again after a hole.
after : the newest message that a receiver needs to have seen; where it is left out, the one before.
base : ``layout`` and ``data`` (traces without numbers; ``meta`` names their columns), ``columns`` with all rows, and
    ``from_row``, the number of the first.
delta : ``from_row``, ``rows`` and ``columns``: these rows replace everything from ``from_row`` on, a column that is
    left out is undefined there; and ``first_row``: rows before it fall off the front.
cards, patch : all cards in order; or of those that changed, the fields that did.
status : changes when what the page says around the figure has to be rendered again.
stamps : when the newest ticks were traded, received and computed, ms UTC; only where there were any.
clock : the time that the data live in and how fast it runs: what is told with a moment ages by it, in the browser.

A carrier that loses nothing gets what changed since the message before. One that may drop a message in favour of a
newer one asks for ``window``: deltas that overlap.
"""

import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from runtime.channel.numbered import Numbered

Columns = Mapping[str, npt.NDArray[Any]]
Card = Mapping[str, str]

OVERLAP_S: Final = 5.0
"""How far back ``window`` reaches: a receiver that lost messages for longer gets a new base."""

SAME_CLOCK_S: Final = 0.25
"""Everybody who asks within it gets the same message: ages are that exact."""

_GUARD_DIGITS: Final = 2
"""Decimals sent beyond those shown, so that lines do not look like stairs."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a figure shows at one moment.

    Parameters
    ----------
    look : frames of equal look share their template; a change begins a new figure.
    columns : (T,) each; ``time`` int64 ms UTC, strictly increasing, the others float64 with NaN for undefined.
    template : layout and traces without numbers; called once a figure. ``layout.meta.decimals`` names the decimals
        that are shown of each column.
    cards : each with an ``id``, in order.
    status : see the message.
    stamps : see the message.
    clock : now in ms UTC, and its pace against the browser's time; see the message.
    """

    look: Hashable
    columns: Columns
    template: Callable[[], dict[str, Any]]
    cards: Sequence[Card] = ()
    status: str = ""
    stamps: Mapping[str, float] | None = None
    clock: tuple[float, float] | None = None


class Topic(Numbered[Frame]):
    """One figure: compares each frame with the one before and tells the difference. Safe to use from any thread.

    Parameters
    ----------
    source : gives the frame as it is now.
    """

    def __init__(self, name: str, source: Callable[[], Frame], now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__(name, source, now_s)
        self._first_row = 0
        self._template: dict[str, Any] = {}
        self._changes: deque[tuple[float, int, int]] = deque()  # when, in which message, from which row on
        self._base: tuple[int, float, bytes] | None = None
        self._clock: tuple[float, float, float] | None = None  # of the newest frame, and when it was read

    def _told(self, frame: Frame) -> bytes | None:
        self._clock = None if frame.clock is None else (*frame.clock, self._now_s())
        before = self._frame
        dropped = None if before is None or before.look != frame.look else _dropped(before.columns, frame.columns)
        if before is None or dropped is None:
            return self._begin(frame)
        changed = _first_difference(before.columns, frame.columns, dropped)
        same_rows = not dropped and changed == len(frame.columns["time"]) == len(before.columns["time"])
        if same_rows and before.cards == frame.cards and before.status == frame.status:
            return None
        self._frame = frame
        self._seq += 1
        self._first_row += dropped
        now_s = self._now_s()
        self._changes.append((now_s, self._seq, self._first_row + changed))
        while self._changes[0][0] < now_s - OVERLAP_S:
            self._changes.popleft()
        delta = {} if same_rows else {"delta": self._delta(self._first_row + changed)}
        return self._encode({**delta, **_cards(before.cards, frame.cards)})

    def snapshot(self) -> bytes:
        """Everything, as of the latest message; encoded once a message, and again when its clock has gone on."""
        with self._lock:
            if self._frame is None:
                self.advance()
            now_s = self._now_s()
            is_old = self._clock is not None and self._base is not None and now_s - self._base[1] > SAME_CLOCK_S
            if self._base is None or self._base[0] != self._seq or is_old:
                assert self._frame is not None
                base = self._encode({"base": self._rows_and_look(), "cards": self._frame.cards})
                self._base = self._seq, now_s, base
            return self._base[2]

    def window(self, figure: object, seq: object = None) -> bytes:
        """What a receiver lacks that holds a figure: the rows that changed, or everything where that is not known.

        Parameters
        ----------
        figure : the one it holds, or None.
        seq : the newest message it has seen; None where all that is known is that it listens: then what changed in
            the last ``OVERLAP_S``.
        """
        with self._lock:
            self.touched_s = self._now_s()
            if self._frame is None:
                self.advance()
            missed = [change for change in self._changes if not isinstance(seq, int) or change[1] > seq]
            oldest = self._changes[0][1] if self._changes else self._seq + 1
            if figure != self.figure or (isinstance(seq, int) and seq < oldest - 1):
                return self.snapshot()
            assert self._frame is not None
            rows_end = self._first_row + len(self._frame.columns["time"])
            start = max(self._first_row, min((row for _, _, row in missed), default=rows_end))
            return self._encode({"after": oldest - 1, "delta": self._delta(start), "cards": self._frame.cards})

    def _begin(self, frame: Frame) -> bytes:
        self._frame = frame
        self._figures += 1
        self._seq += 1
        self._first_row = 0
        self._changes.clear()
        self._template = frame.template()
        return self.snapshot()

    def _rows_and_look(self) -> dict[str, Any]:
        return {**self._template, "from_row": self._first_row, "columns": self._columns(0)}

    def _delta(self, start: int) -> dict[str, Any]:
        columns = self._columns(start - self._first_row)
        known = {name: values for name, values in columns.items() if name == "time" or not np.isnan(values).all()}
        return {"first_row": self._first_row, "from_row": start, "rows": len(columns["time"]), "columns": known}

    def _columns(self, start: int) -> dict[str, Any]:
        assert self._frame is not None
        decimals = self._template["layout"]["meta"]["decimals"]
        columns = {name: values[start:] for name, values in self._frame.columns.items()}
        return {
            name: values if name == "time" else np.round(values, decimals[name] + _GUARD_DIGITS)
            for name, values in columns.items()
        }

    def _encode(self, content: Mapping[str, Any]) -> bytes:
        frame = self._frame
        assert frame is not None
        return self._message({**content, **self._clock_now()}, frame.status, frame.stamps)

    def _clock_now(self) -> dict[str, Any]:
        if self._clock is None:
            return {}
        now_ms, pace, read_s = self._clock
        return {"clock": {"now": round(now_ms + (self._now_s() - read_s) * 1e3 * pace, 1), "pace": pace}}


def _dropped(before: Columns, after: Columns) -> int | None:
    """Rows of ``before`` that lie in front of the first row of ``after``; None where they do not join."""
    then, now = before["time"], after["time"]
    if not len(now):
        return 0 if not len(then) else None
    dropped = int(np.searchsorted(then, now[0]))
    return dropped if dropped < len(then) and then[dropped] == now[0] else None


def _first_difference(before: Columns, after: Columns, dropped: int) -> int:
    """Index in ``after`` of the first row that is new or has another value than in ``before``."""
    common = min(len(before["time"]) - dropped, len(after["time"]))
    differs: npt.NDArray[np.bool_] = np.zeros(common, dtype=np.bool_)
    for name, values in after.items():
        then, now = before[name][dropped : dropped + common], values[:common]
        differs |= (then != now) & ~((then != then) & (now != now))
    return int(differs.argmax()) if differs.any() else common


def _cards(before: Sequence[Card], after: Sequence[Card]) -> dict[str, list[Card]]:
    """All cards where there are others than before, else the fields that changed."""
    if [card["id"] for card in before] != [card["id"] for card in after]:
        return {"cards": list(after)}
    changed: list[Card] = []
    for then, now in zip(before, after, strict=True):
        if fields := {name: text for name, text in now.items() if then.get(name) != text}:
            changed.append({"id": now["id"], **fields})
    return {"patch": changed} if changed else {}
