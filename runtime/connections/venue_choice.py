"""Which of several venues to take: the first that serves this computer. Pure: connects to nothing, time is given."""

from collections.abc import Sequence
from typing import Final

from alphastream.feeds.feed import Health
from alphastream.instruments import InstrumentId

PATIENCE_S: Final = (10.0, 120.0)
"""How long a venue may be without a trade before the next is tried: at first, and at most. Longer each round."""


class VenueChoice:
    """Goes from venue to venue until one brings trades, then stays there.

    A venue that refuses this place, or bans this address, is left at once; one that does not answer, or sends nothing,
    after a while. In later rounds all are left after a while: to be asked again and again makes a ban longer.

    Parameters
    ----------
    candidates : instruments to ask for, in the order of trying, at least one of them and each at one venue.
    """

    def __init__(self, candidates: Sequence[tuple[InstrumentId, ...]]) -> None:
        self._candidates = tuple(candidates)
        self._at, self._tries = 0, 0
        self._since_s: float | None = None
        self._refused: dict[str, str] = {}
        self._is_settled = False

    @property
    def symbols(self) -> tuple[InstrumentId, ...]:
        """The instruments to ask for now."""
        return self._candidates[self._at]

    @property
    def venue(self) -> str:
        """Their venue."""
        return self.symbols[0].venue

    @property
    def is_settled(self) -> bool:
        """Whether trades have come from ``venue``."""
        return self._is_settled

    @property
    def why(self) -> str:
        """What came of the venues that were tried before this one, a sentence for people; "" where it is the first."""
        return "; ".join(reason for venue, reason in self._refused.items() if venue != self.venue)

    def looked(self, health: Health, now_s: float) -> bool:
        """Take note of how the feed of ``symbols`` is; whether it is time for the next, which they are from then on.

        Parameters
        ----------
        now_s : a clock that never goes back.
        """
        if health.ticks:
            self._is_settled = True
        is_blocked = health.state == "blocked"
        lists_nothing = is_blocked and health.next_attempt_ns is None and not self._refused
        if (
            self._is_settled or len(self._candidates) == 1 or lists_nothing
        ):  # there another setting helps, not another venue
            return False
        self._since_s = now_s if self._since_s is None else self._since_s
        patience_s = min(PATIENCE_S[0] * 2.0 ** (self._tries // len(self._candidates)), PATIENCE_S[1])
        at_once = is_blocked and self.venue not in self._refused
        if not at_once and now_s - self._since_s <= patience_s:
            return False
        self.failed(health.reason if is_blocked else f"{health.feed}: no trade came ({health.reason})")
        return True

    def failed(self, reason: str) -> None:
        """Give ``venue`` up, for now, and go to the next."""
        self._refused[self.venue] = reason
        self._tries += 1
        self._at = (self._at + 1) % len(self._candidates)
        self._since_s = None
