"""Choices that people make on a page, in a small JSON file for the next start."""

import logging
import os
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from alphastream.errors import AlphaStreamError, StorageError

log = logging.getLogger(__name__)

T = TypeVar("T")


class KeptChoices(Generic[T]):
    """One value in one file, replaced whole or not at all.

    Parameters
    ----------
    path : the file; its folder is made when something is written.
    default : what holds where nothing was kept, or it cannot be read; its type is that of what is kept.
    otherwise : what that means, for the sentence of ``notice``.
    unsaved : what holds where it cannot be written, for the sentence of the error.

    Attributes
    ----------
    notice : why what was kept is not used; None where it is.
    """

    def __init__(self, path: Path, default: T, otherwise: str, unsaved: str) -> None:
        self._path, self._default, self._otherwise, self._unsaved = path, default, otherwise, unsaved
        self.notice: str | None = None

    def load(self) -> T:
        """Return what was kept, or the default."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=type(self._default))
        except FileNotFoundError:
            return self._default
        except (OSError, ValueError, AlphaStreamError) as error:
            self.notice = f"{self._path} cannot be read ({error}): {self._otherwise}"
            log.error("%s", self.notice)
            return self._default

    def save(self, value: T) -> None:
        """Replace what was kept. Raises StorageError."""
        scratch = self._path.with_suffix(".json.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_bytes(msgspec.json.encode(value))
            os.replace(scratch, self._path)
        except OSError as error:
            raise StorageError(f"{self._path}: {error}: {self._unsaved}") from error
        self.notice = None
