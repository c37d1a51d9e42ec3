"""What the process takes of the machine: memory, files, room on the disk."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

if sys.platform != "win32":
    import resource

_STATUS: Final = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of the process that are in memory, now and at most so far; None where the system does not say."""

    now: int | None
    most: int | None


def memory() -> Memory:
    """Read the memory of this process. Linux says both, other Unixes the most."""
    try:
        lines = dict(line.split(":", 1) for line in _STATUS.read_text(encoding="ascii").splitlines())
        now, most = (int(lines[name].split()[0]) * 1_024 for name in ("VmRSS", "VmHWM"))
    except (OSError, KeyError, ValueError):
        return Memory(None, _most_of_rusage())
    return Memory(now, most)


def _most_of_rusage() -> int | None:
    if sys.platform == "win32":
        return None
    unit = 1 if sys.platform == "darwin" else 1_024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@dataclass(frozen=True, slots=True)
class FileRoom:
    """A file that grows, and its disk.

    Parameters
    ----------
    path : of the file.
    size : bytes of the file and of the SQLite files beside it; None where it cannot be looked at.
    free : bytes of its disk that this process may still fill; None likewise.
    """

    path: Path
    size: int | None
    free: int | None


def room_of(path: Path) -> FileRoom:
    """Look at an SQLite file."""
    size = 0
    for beside in ("", "-wal", "-shm"):
        try:
            size += path.with_name(path.name + beside).stat().st_size
        except FileNotFoundError:
            continue
        except OSError:
            return FileRoom(path, None, None)
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        return FileRoom(path, size, None)
    return FileRoom(path, size, free)
