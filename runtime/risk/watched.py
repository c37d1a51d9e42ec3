"""What the risk monitor is told to watch, on disk."""

import logging
import os
from pathlib import Path
from typing import Final

import msgspec

from alphastream.errors import AlphaStreamError, ParameterError, StorageError
from alphastream.risk import Limits

log = logging.getLogger(__name__)

FILE: Final = "risk.json"
INTERVALS_S: Final = (1, 10, 60, 300)


class Watched(msgspec.Struct, frozen=True):
    """What is looked at, and how.

    Parameters
    ----------
    positions : a file of positions as text, see ``alphastream.risk.read_positions``; "" for none.
    interval_s : length of the bars whose moves count.
    level : of confidence.
    horizon_bars : how long what is held is kept, in bars.
    channels : names of webhooks that are told of a limit that is passed.
    """

    limits: Limits = Limits()
    positions: str = ""
    interval_s: int = 60
    level: float = 0.95
    horizon_bars: int = 1
    channels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.interval_s not in INTERVALS_S:
            choices = ", ".join(map(str, INTERVALS_S))
            raise ParameterError(f"interval_s is {self.interval_s}: give one of {choices}")
        if not 0.5 < self.level < 1.0:
            raise ParameterError(f"level is {self.level}: give a confidence between 0.5 and 1, such as 0.95")
        if not 1 <= self.horizon_bars <= 1_000:
            raise ParameterError(f"horizon_bars is {self.horizon_bars}: give 1 to 1,000")


class WatchedFile:
    """Keeps it for the next start.

    Attributes
    ----------
    notice : why what was kept is not used; None where it is.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self.notice: str | None = None

    def load(self) -> Watched:
        """Return what was kept; no limits and no positions where nothing was, or it cannot be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Watched)
        except FileNotFoundError:
            return Watched()
        except (OSError, ValueError, AlphaStreamError) as error:
            self.notice = f"{self._path} cannot be read ({error}): there are no limits and no file of positions"
            log.error("%s", self.notice)
            return Watched()

    def save(self, watched: Watched) -> None:
        """Replace what was kept, whole or not at all. Raises StorageError."""
        scratch = self._path.with_suffix(".json.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_bytes(msgspec.json.encode(watched))
            os.replace(scratch, self._path)
        except OSError as error:
            raise StorageError(f"{self._path}: {error}: it holds until this app ends") from error
        self.notice = None
