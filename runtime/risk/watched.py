"""What the risk monitor is told to watch, on disk."""

from pathlib import Path
from typing import Final

import msgspec

from alphastream.errors import ParameterError
from alphastream.risk import Limits
from runtime.kept_choices import KeptChoices

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


def watched_file(folder: Path) -> KeptChoices[Watched]:
    """Return the file that keeps it in a folder."""
    otherwise = "there are no limits and no file of positions"
    return KeptChoices(folder / FILE, Watched(), otherwise, "it holds until this app ends")
