"""Bars before those of a tape: fetched from the venue, or a recording that is repeated. They never enter the tape.

A *head* is what one instrument's bars of one length begin with; the bars of the tape follow it without a gap and
without a double. What the tape holds before the head's end is left out, so that no trade counts twice.
"""

from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from alphastream.bars import Bars, empty_bars
from alphastream.tape.columns import TickColumns
from alphastream.tape.columns import empty as no_ticks
from alphastream.tape.repetition import Repetition

HeadSource = Literal["klines", "trades", "repeated"]


@dataclass(frozen=True, slots=True)
class Seam:
    """Where the tape begins to know everything about bars of some length.

    Parameters
    ----------
    until_ns : start of the first bar whose trades are all on the tape; 0 where the tape has no trade.
    first_id, first_ns : its first trade; what was traded before is not on the tape, or not without a hole.
    """

    until_ns: int = 0
    first_id: int = 0
    first_ns: int = 0


@dataclass(frozen=True, slots=True)
class Need:
    """What somebody wants before the tape.

    Parameters
    ----------
    from_ns : start of the oldest bar that is worth having.
    least_ns : start of the oldest bar that is needed until every estimate is defined.
    seam : where the tape takes over.
    """

    from_ns: int
    least_ns: int
    seam: Seam


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Bars that come before those of the tape.

    Parameters
    ----------
    source : "klines" are the venue's own bars, "trades" were made of trades that were fetched, "repeated" is a
        recording played again and again.
    from_ns, until_ns : the stretch that is covered, multiples of the bars' length.
    bars : closed, all inside the stretch.
    ticks, before_id : of "trades", what was fetched: all ids below that of the tape's first trade.
    """

    source: HeadSource
    from_ns: int
    until_ns: int
    bars: Bars = field(default_factory=empty_bars)
    ticks: TickColumns = field(default_factory=no_ticks)
    before_id: int = 0


@dataclass(frozen=True, slots=True)
class HeadProgress:
    """How the fetching of a head is.

    Parameters
    ----------
    done, total : answers that came, of those it takes; both 0 where nothing is asked for.
    trouble : why it cannot be had or takes longer, in words; "" where nothing is wrong.
    """

    done: int = 0
    total: int = 0
    trouble: str = ""

    @property
    def is_fetching(self) -> bool:
        """Whether something is still to come."""
        return self.done < self.total


class Heads(Protocol):
    """Where heads come from."""

    def ask(self, symbol: str, interval_ns: int, need: Need) -> Head | None:
        """What is there now; what is missing is fetched while somebody goes on asking."""

    def progress(self, symbol: str, interval_ns: int) -> HeadProgress:
        """How far the fetching is."""

    def repetition(self, symbol: str) -> Repetition | None:
        """How a recording repeats itself; None for trades that happen."""


@dataclass(frozen=True, slots=True)
class PairHead:
    """What the rows of a pair begin with.

    Parameters
    ----------
    source : of the legs' heads; None where there is none.
    until_ns : rows that end up to here rest on a head.
    progress : of both legs together.
    repetition : of a recording that is played again and again.
    """

    source: HeadSource | None = None
    until_ns: int = 0
    progress: HeadProgress = HeadProgress()
    repetition: Repetition | None = None


NO_HEAD: Final = PairHead()


def joined(first: HeadProgress, second: HeadProgress) -> HeadProgress:
    """The progress of two legs as one."""
    trouble = "; ".join(dict.fromkeys(filter(None, (first.trouble, second.trouble))))
    return HeadProgress(first.done + second.done, first.total + second.total, trouble)
