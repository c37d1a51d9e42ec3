"""Runs that people keep, one JSON file each with its checksum, in a folder that is bounded."""

import logging
import os
import re
import threading
from pathlib import Path
from typing import Final

import msgspec

from alphastream.backtest.saved_run import SavedRun, named
from alphastream.errors import AlphaStreamError, ParameterError, StorageError
from runtime.checked_lines import with_checksum, without_checksum

log = logging.getLogger(__name__)

MOST_RUNS: Final = 200
MOST_BYTES: Final = 1_000_000
"""Of one file; a run of a pair has about 50 kB."""
_NAME: Final = re.compile(r"[0-9a-f]{16}\.json")


class RunFolder:
    """The runs in a folder. Each file is written whole or not at all; any thread may call.

    Parameters
    ----------
    folder : made when something is kept.

    Attributes
    ----------
    notices : files that cannot be read, a sentence each, as of the last ``runs``. They stay where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._read: dict[str, tuple[tuple[int, int], SavedRun | str]] = {}
        self.notices: tuple[str, ...] = ()

    def runs(self) -> tuple[SavedRun, ...]:
        """All that can be read, those kept last first. Files that have not changed are not read again."""
        with self._lock:
            found: dict[str, tuple[tuple[int, int], SavedRun | str]] = {}
            for path in self._files():
                try:
                    stat = path.stat()
                except OSError:
                    continue  # deleted since it was listed
                mark = (stat.st_mtime_ns, stat.st_size)
                before = self._read.get(path.name)
                found[path.name] = before if before is not None and before[0] == mark else (mark, _read(path))
            self._read = found
            held = [each for _, each in found.values()]
            self.notices = tuple(each for each in held if isinstance(each, str))
            runs = [each for each in held if isinstance(each, SavedRun)]
            return tuple(sorted(runs, key=lambda run: (-run.saved_ns, run.id)))

    def keep(self, run: SavedRun) -> None:
        """Write a run, in the place of the one with its id if there is one.

        Raises
        ------
        ParameterError : there are as many as are kept, or it is too large.
        StorageError : it cannot be written.
        """
        text, _ = with_checksum(run.as_json())
        if len(text) > MOST_BYTES:
            raise ParameterError(
                f"the run takes {len(text):,} bytes, {MOST_BYTES:,} are kept at most: its settings hold long tables"
            )
        with self._lock:
            path = self._folder / f"{run.id}.json"
            if len(self._files()) >= MOST_RUNS and not path.exists():
                raise ParameterError(f"{MOST_RUNS} runs are kept already, the most there may be: delete one first")
            self._write(path, text)

    def rename(self, run_id: str, name: str) -> None:
        """Give a run another name. Raises ParameterError, StorageError."""
        run = next((each for each in self.runs() if each.id == run_id), None)
        if run is None:
            raise ParameterError("this run is not kept any more: somebody has deleted it")
        self.keep(msgspec.structs.replace(run, name=named(name)))

    def delete(self, run_id: str) -> None:
        """Remove a run; nothing happens where it is not there. Raises StorageError."""
        if _NAME.fullmatch(f"{run_id}.json") is None:
            return
        try:
            (self._folder / f"{run_id}.json").unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{self._folder}: {error}: the run is still there") from error

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self._folder.iterdir() if _NAME.fullmatch(path.name))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(f"{self._folder} cannot be read ({error}): make the folder readable") from error

    def _write(self, path: Path, text: bytes) -> None:
        scratch = path.with_suffix(".json.new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with scratch.open("wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(scratch, path)
        except OSError as error:
            raise StorageError(f"{path}: {error}: the run is not kept") from error


def _read(path: Path) -> SavedRun | str:
    """A run, or why it is none."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ParameterError(f"it has more than {MOST_BYTES:,} bytes")
        text, _ = without_checksum(path.read_bytes())
        run = SavedRun.from_json(text)
        if f"{run.id}.json" != path.name:
            raise ParameterError(f"it holds the run {run.id}")
    except (OSError, ValueError, AlphaStreamError) as error:
        words = f"{path} cannot be read ({error}): it is left as it is and not shown"
        log.error("saved run not read: file=%r error=%s", str(path), error)
        return words
    return run
