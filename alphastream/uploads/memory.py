"""How much memory uploads may take, by what the machine has left, shared among all who upload at the same time.

Whatever is read reserves its memory before it takes it. All reservations of the process together never exceed what is
still free at that moment, so that at least half of the free memory stays with everything else that runs here.
"""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from alphastream.errors import UploadError
from alphastream.uploads.containers import readable_size

UNKNOWN: Final = 2 * 2**30  # bytes taken to be free where the system does not say
_STEP: Final = 2**20
_PROC: Final = Path("/proc")
_CGROUP: Final = Path("/sys/fs/cgroup")
_GROUP_FILES: Final = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}


def free_bytes() -> int:
    """Bytes this process could still take: of the machine, of its control group, of its own address space."""
    if sys.platform != "linux":
        return UNKNOWN
    known = [_machine_bytes(), _group_bytes(), _address_bytes()]
    return max(0, min((count for count in known if count is not None), default=UNKNOWN))


class Memory:
    """Memory that readings share.

    Parameters
    ----------
    free : bytes that could still be taken, asked for every time.
    """

    def __init__(self, free: Callable[[], int] = free_bytes) -> None:
        self._free = free
        self._lock = threading.Lock()
        self._reserved = 0

    @property
    def reserved(self) -> int:
        """Bytes that all readings together hold."""
        return self._reserved

    @contextmanager
    def reading(self, file: str) -> Iterator["Reservation"]:
        """Memory of one reading, given back on every way out.

        Parameters
        ----------
        file : name for the message.
        """
        reservation = Reservation(self, file)
        try:
            yield reservation
        finally:
            reservation.resize(0)

    def _change(self, difference: int, file: str) -> None:
        with self._lock:
            if difference > 0 and self._reserved + difference > self._free():
                raise UploadError(
                    f"reading this takes more memory than the {readable_size(self._free())} that are free here: "
                    "upload fewer days, or cut the file",
                    file=file,
                )
            self._reserved += difference


class Reservation:
    """What one reading holds, in whole megabytes: the system is not asked for every small file of a zip."""

    def __init__(self, memory: Memory, file: str) -> None:
        self._memory = memory
        self._file = file
        self._needed = 0
        self._held = 0

    def resize(self, count: int) -> None:
        """Hold as many bytes from now on.

        Raises
        ------
        UploadError
            That much is not free.
        """
        held = -(-count // _STEP) * _STEP
        if held != self._held:
            self._memory._change(held - self._held, self._file)
            self._held = held
        self._needed = count

    def grow(self, count: int) -> None:
        """Hold more bytes; see ``resize``."""
        self.resize(self._needed + count)


MEMORY: Final = Memory()


def _machine_bytes() -> int | None:
    return _field(_PROC / "meminfo", "MemAvailable")


def _group_bytes() -> int | None:
    """What is left of the memory of this process's control group and of those around it; their cache counts as free."""
    left = []
    for version, group in _groups():
        most, used, cache = _GROUP_FILES[version]
        limit, taken = _text(group / most).strip(), _text(group / used).strip()
        if limit.isdigit() and taken.isdigit():  # without a limit it says "max"
            cached = re.search(rf"^{cache} (\d+)$", _text(group / "memory.stat"), re.MULTILINE)
            left.append(int(limit) - int(taken) + (int(cached[1]) if cached else 0))
    return min(left, default=None)


def _groups() -> Iterator[tuple[int, Path]]:
    """Version and folder of the control groups that this process is in, the innermost first."""
    for line in _text(_PROC / "self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            version, root = 2, _CGROUP
        elif "memory" in controllers.split(","):
            version, root = 1, _CGROUP / "memory"
        else:
            continue
        inside = PurePosixPath(path.lstrip("/"))
        for folder in (inside, *inside.parents):
            yield version, root / folder


def _address_bytes() -> int | None:
    """What is left of the address space where it is limited (``ulimit -v``)."""
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    taken = _field(_PROC / "self/status", "VmSize")
    return None if limit == resource.RLIM_INFINITY or taken is None else limit - taken


def _field(path: Path, name: str) -> int | None:
    """A line such as ``VmSize: 12 kB``, in bytes."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", _text(path), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
