"""How many ticks a history holds of a time, more or less, without reading them."""

from typing import Final, NamedTuple

from alphastream.history import reading
from alphastream.history.hot import HotSnapshot
from alphastream.history.layout import DAY_NS, day_of, first_ns_of
from alphastream.history.places import Found, Place

LOOKED_AT: Final = 3
"""Files of an instrument that are asked how many ticks they hold; of the others the size tells."""


class Amount(NamedTuple):
    """Ticks in files, and ticks that are in none yet."""

    in_files: int
    hot: int

    def __add__(self, other: object) -> "Amount":
        """Add ticks of two instruments."""
        if not isinstance(other, Amount):
            return NotImplemented
        return Amount(self.in_files + other.in_files, self.hot + other.hot)

    @property
    def ticks(self) -> int:
        """All of them."""
        return self.in_files + self.hot


def amount(place: Place, instrument: str, start_ns: int, end_ns: int, hot: HotSnapshot | None = None) -> Amount:
    """Estimate how many ticks with start_ns <= time < end_ns are held, by the sizes of files.

    A day of which the time is a part counts by that share.
    """
    parts: list[tuple[Found, float]] = []
    first, last = day_of(max(start_ns, 0)), day_of(max(end_ns - 1, 0))
    for day in reading.days(place, "ticks", instrument):
        if first <= day <= last:
            begin_ns = first_ns_of(day)
            within_ns = min(end_ns, begin_ns + DAY_NS) - max(start_ns, begin_ns)
            parts += [(each, within_ns / DAY_NS) for each in reading.files(place, "ticks", instrument, day, hot)]
    looked = parts[:: max(1, -(-len(parts) // LOOKED_AT))]
    size = sum(each.size for each, _ in looked)
    rows = sum(reading.summary(place, each).rows for each, _ in looked)
    in_files = sum(each.size * share for each, share in parts) * rows / size if size else 0.0
    return Amount(round(in_files), hot.about(instrument, start_ns, end_ns) if hot is not None else 0)
