"""Where a venue's stamps lie on the clock of this computer, and how far that may be off."""

from dataclasses import dataclass
from typing import Literal, Self

from alphastream.arbitrage.levels import Levels
from alphastream.core.types import Ints
from alphastream.core.validation import require_integer
from alphastream.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where a venue's stamps lie on one clock, that of this computer.

    Parameters
    ----------
    stamp : which of a quote's two times is read: the one the venue gave it, or that of its arrival here.
    shift_ns : to be added to it; what results is when the quote began to hold.
    error_ns : that time is off by this at most, to either side.
    delay_ns : a quote is here at most this long after that time, so all quotes are known up to now less this.
    """

    stamp: Literal["venue", "arrival"]
    shift_ns: int
    error_ns: int
    delay_ns: int

    def __post_init__(self) -> None:
        require_integer("error_ns", self.error_ns, 0)
        require_integer("delay_ns", self.delay_ns, 0)

    @classmethod
    def of_venue_clock(cls, offset_ns: int, error_ns: int, slowest_ns: int) -> Self:
        """Read the venue's own stamps.

        Parameters
        ----------
        offset_ns : the venue's clock less this computer's.
        error_ns : of the offset: half the round trip of the question that told it, and the grain of the stamps.
        slowest_ns : a quote is on its way this long at most.
        """
        return cls("venue", -offset_ns, error_ns, slowest_ns + error_ns)

    @classmethod
    def of_arrival(cls, fastest_ns: int, slowest_ns: int) -> Self:
        """Read the times of arrival, where a venue stamps no quotes or its clock is not known.

        Parameters
        ----------
        fastest_ns, slowest_ns : bounds of how long a quote is on its way.

        Raises
        ------
        ParameterError : they are not 0 ≤ fastest ≤ slowest.
        """
        if not 0 <= fastest_ns <= slowest_ns:
            raise ParameterError(f"a way of {fastest_ns} to {slowest_ns} ns: needs 0 ≤ fastest ≤ slowest")
        middle = (fastest_ns + slowest_ns) // 2
        return cls("arrival", -middle, slowest_ns - middle, middle)

    def times_of(self, quotes: Levels) -> Ints:
        """Return when each quote began to hold, UTC ns on this computer's clock."""
        return (quotes.time_ns if self.stamp == "venue" else quotes.receive_ns) + self.shift_ns
