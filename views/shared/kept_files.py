"""Files that people brought, kept for a while after their page has gone: it may come back. No Streamlit."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from alphastream.uploads import Layout, Upload
from alphastream.uploads.dates import Order
from alphastream.uploads.memory import free_bytes

MAX_BYTES: Final = 512 * 2**20
"""For the files of all visitors together, and what was read of them."""
MAX_AGE_S: Final = 2 * 3_600.0


@dataclass(frozen=True, slots=True, eq=False)
class KeptFile:
    """A file, what a person said about it, and what was found in it.

    Parameters
    ----------
    id : differs from that of any other file.
    data : its bytes, as they came.
    mapping : roles that a person chose, put on top of those found; None takes a role away.
    symbol : the name that a person gave to a file of one symbol.
    order : of day, month and year, where a person chose it.
    layout : what it looks like, or why that cannot be said; None as long as nobody has looked.
    result : its rows, or why they cannot be read; None as long as nobody has read it.
    """

    id: str
    name: str
    data: bytes = field(repr=False)
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    symbol: str | None = None
    order: Order | None = None
    layout: Layout | str | None = None
    result: Upload | str | None = None

    @property
    def upload(self) -> Upload | None:
        """Its rows, once they were read."""
        return None if isinstance(self.result, str) else self.result

    @property
    def held_bytes(self) -> int:
        """Memory of the file and of what was read of it."""
        frames = () if self.upload is None else self.upload.frames.values()
        return len(self.data) + sum(int(frame.memory_usage(index=False).sum()) for frame in frames)


@dataclass(frozen=True, slots=True)
class _Visit:
    files: tuple[KeptFile, ...]
    held_bytes: int
    until_s: float


class Shelf:
    """Files by visitor, the longest untouched dropped first. Any thread may call.

    Parameters
    ----------
    max_bytes : of everything kept. A visit that needs more alone is not kept.
    free : bytes that the process could still take; a quarter of them at most is taken for what comes.
    max_age_s : after which a visit that was not touched is gone.
    clock : seconds, monotonic.
    """

    def __init__(
        self,
        max_bytes: int = MAX_BYTES,
        max_age_s: float = MAX_AGE_S,
        free: Callable[[], int] = free_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._free = free
        self._clock = clock
        self._visits: OrderedDict[str, _Visit] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, visitor: str, files: tuple[KeptFile, ...]) -> bool:
        """Keep these files of a visitor in place of those before; whether there is room for them."""
        held = sum(file.held_bytes for file in files)
        with self._lock:
            self._visits.pop(visitor, None)
            self._drop_old()
            room = min(self._max_bytes, self._held_bytes() + self._free() // 4)
            if held > room:
                return False
            while self._held_bytes() + held > room:
                self._visits.popitem(last=False)
            if files:
                self._visits[visitor] = _Visit(files, held, self._clock() + self._max_age_s)
            return True

    def get(self, visitor: str) -> tuple[KeptFile, ...]:
        """What a visitor brought; nothing where it was dropped since."""
        with self._lock:
            self._drop_old()
            visit = self._visits.pop(visitor, None)
            if visit is None:
                return ()
            self._visits[visitor] = _Visit(visit.files, visit.held_bytes, self._clock() + self._max_age_s)
            return visit.files

    def _held_bytes(self) -> int:
        return sum(visit.held_bytes for visit in self._visits.values())

    def _drop_old(self) -> None:
        now_s = self._clock()
        for visitor in [visitor for visitor, visit in self._visits.items() if visit.until_s <= now_s]:
            del self._visits[visitor]
