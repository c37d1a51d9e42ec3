"""Watchlists by name, in one small file of the data folder."""

import threading
from pathlib import Path
from typing import Final

import msgspec

from alphastream.errors import ParameterError
from runtime.kept_choices import KeptChoices

FILE: Final = "watchlists.json"
MAX_LISTS: Final = 100
MAX_NAME: Final = 40
MAX_TEXT: Final = 4_000


class Watchlist(msgspec.Struct, frozen=True):
    """Pairs and how each of them is computed, as they stand in an address.

    Parameters
    ----------
    pairs : as ``ETHUSDT~BTCUSDT SOLUSDT~BTCUSDT``.
    settings : values of the page's controls, by their keys.
    """

    pairs: str = ""
    settings: dict[str, str | float] = {}

    def __post_init__(self) -> None:
        """Check the lengths: the file is small."""
        if len(self.pairs) > MAX_TEXT:
            raise ParameterError(f"the pairs take {len(self.pairs):,} characters: {MAX_TEXT:,} at most are kept")


class Kept(msgspec.Struct, frozen=True):
    """What is in the file."""

    lists: dict[str, Watchlist] = {}


class Watchlists:
    """The lists of a data folder. Safe to use from any thread.

    Parameters
    ----------
    folder : where the file is, or will be.
    """

    def __init__(self, folder: Path) -> None:
        otherwise = "there are no kept watchlists; the file is replaced when one is kept"
        self._file = KeptChoices(folder / FILE, Kept(), otherwise, "nothing was kept")
        self._lock = threading.Lock()
        self._lists = self._file.load().lists

    @property
    def notice(self) -> str | None:
        """Why what was kept is not used; None where it is."""
        return self._file.notice

    @property
    def names(self) -> tuple[str, ...]:
        """Of all lists, in the order of the alphabet."""
        return tuple(sorted(self._lists, key=str.casefold))

    def get(self, name: str) -> Watchlist | None:
        """A list; None where there is none of that name."""
        return self._lists.get(name)

    def keep(self, name: str, watchlist: Watchlist) -> str:
        """Keep a list, in place of one of that name.

        Returns
        -------
        The name as it is kept.

        Raises
        ------
        ParameterError : the name is empty or too long, or there are too many lists.
        StorageError : it cannot be written.
        """
        name = " ".join(name.split())
        if not name:
            raise ParameterError("a kept list needs a name: type one")
        if len(name) > MAX_NAME:
            raise ParameterError(f"the name has {len(name)} characters: {MAX_NAME} at most")
        with self._lock:
            if name not in self._lists and len(self._lists) >= MAX_LISTS:
                raise ParameterError(f"{MAX_LISTS} lists are kept, which is the most: delete one first")
            self._replace({**self._lists, name: watchlist})
        return name

    def delete(self, name: str) -> None:
        """Forget a list. Raises StorageError where that cannot be written."""
        with self._lock:
            self._replace({kept: watchlist for kept, watchlist in self._lists.items() if kept != name})

    def _replace(self, lists: dict[str, Watchlist]) -> None:
        self._file.save(Kept(lists))
        self._lists = lists
