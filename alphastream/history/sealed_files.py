"""Which files of a history count beside the rows of tape files: of rows that stand in both, one may be seen."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from alphastream.history.places import Found
from alphastream.tape_files import reading, sealed_rows
from alphastream.tape_files.reading import Connection, Verify

SEALED: Final = "sealed-"
"""Begins the names of files that tape files send to a history."""


class SealedFiles:
    """Files that some tape files have sealed by one moment, or may have been sealing since.

    A file that none of them knows is somebody else's: of another recorder, of a tape file that was deleted or deletes
    instead of moving now, or of a list that was damaged. It counts, and what it repeats is found by times and ids.

    Parameters
    ----------
    kinds : that they hold; files of others are none of theirs, and count.
    files : the tape files, each held at that moment.
    verify : as in ``reading.connect``.
    """

    def __init__(self, kinds: Iterable[str], files: Mapping[Path, Connection], verify: Verify) -> None:
        self._kinds, self._files, self._verify = frozenset(kinds), files, verify

    def counting(self, files: Sequence[Found]) -> list[Found]:
        """Return those of a listing that was taken after the moment that count: those not sealed at it do not.

        Raises
        ------
        StorageError : a tape file cannot be read.
        """
        unknown = {each.path for each in files if self._may_be_ours(each.path)}
        if unknown:
            unknown -= self._sealed
        if unknown:  # what was written since the moment was announced since, before it was written
            unknown &= self._announced | self._known_by_now()
        return [each for each in files if each.path not in unknown]

    @cached_property
    def _sealed(self) -> set[str]:
        return {file for connection in self._files.values() for file in sealed_rows.counting(connection)}

    @property
    def _announced(self) -> set[str]:
        return {file for connection in self._files.values() for file in sealed_rows.announced(connection)}

    def _may_be_ours(self, path: str) -> bool:
        return path.rpartition("/")[2].startswith(SEALED) and path.partition("/")[0] in self._kinds

    def _known_by_now(self) -> set[str]:
        with reading.one_moment(self._files, self._verify) as files:
            return {file for connection in files.values() for file in sealed_rows.known(connection)}
