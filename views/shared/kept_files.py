"""Files that people brought, kept for a while after their page has gone: it may come back. No Streamlit."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from alphastream.uploads import Layout, Upload
from alphastream.uploads.dates import Order
from alphastream.uploads.memory import free_bytes

MAX_BYTES: Final = 512 * 2**20
"""For the files of all visitors together, and what was read of them."""
MAX_AGE_S: Final = 2 * 3_600.0


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class KeptFile:
    """A file, what a person said about it, and what was found in it.

    Parameters
    ----------
    id : differs from that of any other file.
    data : its bytes, as they came; none where nothing can be read of them, whatever a person says about it.
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
    read_bytes: int = field(init=False)
    """Memory of its rows."""

    def __post_init__(self) -> None:
        """Measure its rows, once: many ask."""
        frames = () if self.upload is None else self.upload.frames.values()
        measured = sum(int(frame.memory_usage(index=False).sum()) for frame in frames)
        object.__setattr__(self, "read_bytes", measured)

    @property
    def upload(self) -> Upload | None:
        """Its rows, once they were read."""
        return None if isinstance(self.result, str) else self.result

    @property
    def held_bytes(self) -> int:
        """Memory of the file and of what was read of it."""
        return len(self.data) + self.read_bytes


@dataclass(frozen=True, slots=True)
class _Visit:
    files: tuple[KeptFile, ...]
    until_s: float

    @property
    def held_bytes(self) -> int:
        return sum(file.held_bytes for file in self.files)


class Shelf:
    """Files by visitor, the longest unused dropped first. Any thread may call.

    Parameters
    ----------
    max_bytes : of everything kept.
    max_age_s : after which a visit that was not used is gone.
    free : bytes that the process could still take; a quarter of them at most is taken for what comes.
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

    def put(self, visitor: str, files: tuple[KeptFile, ...]) -> tuple[KeptFile, ...]:
        """Keep these files of a visitor in place of those before.

        Returns
        -------
        Those for which there is no room. What was kept before goes first, and the files of others give way only to
        what fits.
        """
        with self._lock:
            self._drop_expired()
            room = min(self._max_bytes, self._held_bytes() + self._free() // 4)
            before = self._visits.pop(visitor, None)
            known = {file.id for file in before.files} if before is not None else set()
            fitting, held = set[str](), 0
            for file in sorted(files, key=lambda file: file.id not in known):
                if held + file.held_bytes <= room:
                    fitting.add(file.id)
                    held += file.held_bytes
            while self._held_bytes() + held > room:
                self._visits.popitem(last=False)
            if fitting:
                self._set(visitor, tuple(file for file in files if file.id in fitting))
            return tuple(file for file in files if file.id not in fitting)

    def get(self, visitor: str) -> tuple[KeptFile, ...]:
        """What a visitor brought; nothing where it was dropped since."""
        with self._lock:
            self._drop_expired()
            visit = self._visits.pop(visitor, None)
            if visit is None:
                return ()
            self._set(visitor, visit.files)
            return visit.files

    def sweep(self, present: Collection[str] = ()) -> None:
        """Drop what is past its time, except of visitors who are here: for them it begins anew."""
        with self._lock:
            for visitor in present:
                visit = self._visits.pop(visitor, None)
                if visit is not None:
                    self._set(visitor, visit.files)
            self._drop_expired()

    def drop_one(self, present: Collection[str] = ()) -> bool:
        """Drop the visit that was unused for longest, of a visitor who is not here; whether there was one."""
        with self._lock:
            found = next((visitor for visitor in self._visits if visitor not in present), None)
            if found is not None:
                del self._visits[found]
            return found is not None

    def _set(self, visitor: str, files: tuple[KeptFile, ...]) -> None:
        self._visits[visitor] = _Visit(files, self._clock() + self._max_age_s)

    def _held_bytes(self) -> int:
        return sum(visit.held_bytes for visit in self._visits.values())

    def _drop_expired(self) -> None:
        now_s = self._clock()
        for visitor in [visitor for visitor, visit in self._visits.items() if visit.until_s <= now_s]:
            del self._visits[visitor]
