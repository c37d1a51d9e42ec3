"""How much memory visitors' files may take, by what the machine has. No Streamlit."""

import gc
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final
from weakref import WeakKeyDictionary

from alphastream.errors import UploadError
from alphastream.uploads.containers import readable_size
from alphastream.uploads.memory import free_bytes
from views.shared.kept_files import KeptFile

ONE_PART: Final = 3
"""One visitor may hold a third of what would be free if no file were here."""
ALL_PARTS: Final = 2
"""All together may hold half of it."""


class FileBudget:
    """Files that are in memory, whoever holds them: counted as long as anything refers to them. Any thread may call.

    Parameters
    ----------
    waiting : owner and bytes of files that have arrived and were not counted yet.
    drop_one : lets go files that nobody has open, called for room until it says that there are none.
    free : bytes that the process could still take.
    """

    def __init__(
        self,
        waiting: Callable[[], Iterable[tuple[str, bytes]]] = tuple,
        drop_one: Callable[[], bool] = lambda: False,
        free: Callable[[], int] = free_bytes,
    ) -> None:
        self._waiting = waiting
        self._drop_one = drop_one
        self._free = free
        self._owners: WeakKeyDictionary[KeptFile, str] = WeakKeyDictionary()
        self._arriving: dict[object, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def count(self, owner: str, file: KeptFile) -> None:
        """Count a file, and what was read of it, which are in memory already.

        Raises
        ------
        UploadError
            It takes more than there is room for: let it go.
        """
        with self._lock:
            self._check(owner, file.name, 0, file)
            self._owners[file] = owner

    def keep(self, owner: str, file: KeptFile) -> None:
        """Count a version that adds nothing to what was counted."""
        with self._lock:
            self._owners[file] = owner

    @contextmanager
    def arriving(self, owner: str, name: str, size: int) -> Iterator[None]:
        """Count bytes while they arrive.

        Raises
        ------
        UploadError
            There is no room for as many.
        """
        key = object()
        with self._lock:
            self._check(owner, name, size)
            self._arriving[key] = owner, size
        try:
            yield
        finally:
            with self._lock:
                del self._arriving[key]

    def _check(self, owner: str, name: str, size: int, file: KeptFile | None = None) -> None:
        problem = self._problem(owner, size, file)
        if problem is not None:
            gc.collect()  # what a closed session held refers to itself
            problem = self._problem(owner, size, file)
        while problem is not None and self._drop_one():
            problem = self._problem(owner, size, file)
        if problem is not None:
            raise UploadError(f"{problem}: remove files, or bring fewer days", file=name)

    def _problem(self, owner: str, size: int, file: KeptFile | None) -> str | None:
        """What stands against more bytes of an owner, those to come and those of a file that is here."""
        held = self._held()
        if file is not None:
            held |= {part: (owner, count) for part, count in _parts(file).items()}
        arriving = list(self._arriving.values())
        whole = self._free() + sum(count for _, count in held.values())
        every = sum(count for _, count in [*held.values(), *arriving]) + size
        own = sum(count for who, count in [*held.values(), *arriving] if who == owner) + size
        if own > whole // ONE_PART:
            return _too_much("your files", own, whole // ONE_PART, "one visitor")
        if every > whole // ALL_PARTS:
            return _too_much("the files of all who are here", every, whole // ALL_PARTS, "all together")
        return None

    def _held(self) -> dict[int, tuple[str, int]]:
        """Owner and size of everything in memory."""
        parts = {id(data): (who, len(data)) for who, data in self._waiting()}
        for file, who in list(self._owners.items()):
            parts |= {part: (who, count) for part, count in _parts(file).items()}
        return parts


def _parts(file: KeptFile) -> dict[int, int]:
    """Bytes of the file and of its rows, by identity: its versions share them."""
    rows = {} if file.upload is None else {id(file.upload): file.read_bytes}
    return {id(file.data): len(file.data), **rows}


def _too_much(what: str, count: int, most: int, whose: str) -> str:
    return (
        f"with this {what} would take {readable_size(count)} of memory, and {readable_size(most)} are the most "
        f"that {whose} may take here"
    )
