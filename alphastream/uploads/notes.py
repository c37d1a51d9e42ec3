"""What was done to an upload, in sentences; repeated deeds are counted."""

from collections import Counter
from typing import Any, Final

import numpy as np

Deed = tuple[str, str]  # singular and plural, with {n} for the count

REPEATED_IDS: Final[Deed] = ("{n} repeated trade id dropped", "{n} repeated trade ids dropped")
TWIN_TICKS: Final[Deed] = (
    "{n} trade equals another in time, price and quantity: kept, for want of ids (two trades may be equal)",
    "{n} trades equal another in time, price and quantity: kept, for want of ids (two trades may be equal)",
)
REPEATED_BARS: Final[Deed] = ("{n} repeated bar dropped", "{n} repeated bars dropped")
SHARED_BARS: Final[Deed] = ("{n} bar that two files have is kept once", "{n} bars that two files have are kept once")
SHARED_TICKS: Final[Deed] = (
    "{n} trade that two files have is kept once",
    "{n} trades that two files have are kept once",
)
CHANGED_BARS: Final[Deed] = (
    "{n} bar was given twice with different values: the last one in the file is kept",
    "{n} bars were given twice with different values: the last one in the file is kept",
)
UNSORTED: Final[Deed] = (
    "{n} row was older than the row before it: sorted",
    "{n} rows were older than the row before: sorted",
)
EMPTY_BARS: Final[Deed] = (
    "{n} bar without any price (empty or zero) dropped",
    "{n} bars without any price (empty or zero) dropped",
)
EMPTY_TICKS: Final[Deed] = (
    "{n} row without price and quantity dropped",
    "{n} rows without price and quantity dropped",
)
EMPTY_PRICES: Final[Deed] = ("{n} empty price: no bar there", "{n} empty prices: no bars there")
EMPTY_VOLUMES: Final[Deed] = ("{n} empty volume: unknown there", "{n} empty volumes: unknown there")
REPEATED_HEADERS: Final[Deed] = ("{n} repeated header skipped", "{n} repeated headers skipped")
REMARKS: Final[Deed] = ("{n} line without cells of a row skipped", "{n} lines without cells of a row skipped")
OTHER_MESSAGES: Final[Deed] = (
    "{n} message without a price skipped",
    "{n} messages without a price skipped",
)
UNFINISHED: Final[Deed] = (
    "{n} message of a bar that is not finished yet skipped",
    "{n} messages of bars that are not finished yet skipped",
)
OUTSIDE: Final[Deed] = (
    "{n} bar opens or closes outside of its low and high: kept as it is",
    "{n} bars open or close outside of their low and high: kept as they are",
)


class Notes:
    """Sentences in the order they were first said, and counts of deeds."""

    def __init__(self) -> None:
        self._said: dict[str, None] = {}
        self._done: Counter[Deed] = Counter()

    def say(self, *sentences: str) -> None:
        """Remember sentences, each once."""
        self._said.update(dict.fromkeys(sentences))

    def count(self, deed: Deed, times: int | np.integer[Any]) -> None:
        """Add to the count of a deed; nothing happens for none."""
        if times:
            self._done[deed] += int(times)

    def sentences(self) -> tuple[str, ...]:
        """Everything, in words."""
        counted = (deed[times != 1].format(n=f"{times:,}") for deed, times in self._done.items())
        return (*self._said, *counted)
