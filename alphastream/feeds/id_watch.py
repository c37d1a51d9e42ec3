"""What the ids that arrive say: that trades go on, that some were left out, or that the venue counts anew. Pure."""

from typing import Final, Literal

import numpy as np

from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.tape.ring import MOST_SKIPPED

Verdict = Literal["goes on", "hole", "anew"]
KEPT: Final = 16  # ids of an instrument that wait for one that goes on from them


class IdWatch:
    """Holds the ids of each instrument against the newest one before.

    An id that cannot be right, one far beyond the newest or an old one at a later time, is set aside until a second one
    goes on from it: one broken message must not make a million trades missing. The tape judges by the same rule.

    Parameters
    ----------
    numbered : ids are contiguous where nothing is missing. Else they say nothing, and only the first ones of a
        connection are a hole: what came before it may be missing.

    Examples
    --------
    >>> watch, second = IdWatch(), np.array([10**9])
    >>> [watch.note("A", np.array(ids), second) for ids in ([5], [6], [8], [10**15], [9])]
    ['hole', 'goes on', 'hole', 'goes on', 'goes on']
    """

    def __init__(self, *, numbered: bool = True) -> None:
        self._numbered = numbered
        self._newest: dict[str, tuple[int, int]] = {}  # id and trade time
        self._suspects: dict[str, Ints] = {}
        self._heard: set[str] = set()  # on this connection

    def begin(self) -> None:
        """Take note of a new connection: the first ids of each instrument may leave some out."""
        self._heard.clear()

    def forget(self, symbol: str) -> None:
        """Take note that an instrument is carried no more."""
        self._heard.discard(symbol)
        self._newest.pop(symbol, None)
        self._suspects.pop(symbol, None)

    def newest(self, symbol: str) -> int | None:
        """Return the newest id that is believed, None before one."""
        known = self._newest.get(symbol)
        return None if known is None else known[0]

    def note(self, symbol: str, ids: Ints, time_ns: Ints) -> Verdict:
        """Judge the next trades of an instrument, in the order of arrival; (n,) each, n ≥ 1."""
        is_first, known = symbol not in self._heard, self._newest.get(symbol)
        self._heard.add(symbol)
        if not self._numbered:
            self._take(symbol, ids, time_ns)
            return "hole" if is_first else "goes on"
        if known is None:
            self._take(symbol, ids, time_ns)
            return "hole"
        last, last_ns = known
        if ids[0] == last + 1 and ids[-1] == last + len(ids) and bool((ids[1:] > ids[:-1]).all()):  # as nearly always
            self._newest[symbol] = int(ids[-1]), int(time_ns[-1])
            return "hole" if is_first else "goes on"
        strange = (ids > last + MOST_SKIPPED) | ((ids <= last) & (time_ns > last_ns + SECOND))
        if strange.any():
            found = np.append(self._suspects.get(symbol, ids[:0]), ids[strange])
            if (np.diff(found) == 1).any():
                self._suspects.pop(symbol, None)
                self._newest.pop(symbol)
                self._take(symbol, ids[strange], time_ns[strange])
                return "anew" if int(found[-1]) <= last else "hole"
            self._suspects[symbol] = found[-KEPT:]
            ids, time_ns = ids[~strange], time_ns[~strange]
            if not len(ids):
                return "hole" if is_first else "goes on"
        reached = np.maximum.accumulate(np.append(last, ids))
        self._take(symbol, ids, time_ns)
        return "hole" if is_first or bool((np.diff(reached) > 1).any()) else "goes on"

    def _take(self, symbol: str, ids: Ints, time_ns: Ints) -> None:
        place = int(ids.argmax())
        self._newest[symbol] = max(self._newest.get(symbol, (-1, 0)), (int(ids[place]), int(time_ns[place])))
