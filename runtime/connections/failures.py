"""What the end of a connection means: the state of the feed, a reason, and how long to wait."""

from dataclasses import dataclass
from typing import Final

from alphastream.errors import FeedError
from alphastream.feeds.codec import REFUSED_PLACE_S, Codec
from alphastream.feeds.feed import FeedState
from runtime.connections.rest import RefusedError

SESSION_STALL_S: Final = 600.0  # without a message where all instruments trade in sessions


class StalledError(FeedError):
    """An open connection carries nothing."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error leads to.

    Parameters
    ----------
    state, reason : of the feed now.
    wait_s : what the venue asks for, 0 where it does not: the usual backoff counts where that is longer.
    refuses_place : the venue refuses the place this computer is in.
    """

    state: FeedState
    reason: str
    wait_s: float = 0.0
    refuses_place: bool = False


def failure_of(error: FeedError, codec: Codec) -> Failure:
    """Say what the end of a connection means."""
    if isinstance(error, StalledError):
        return Failure("stalled", str(error))
    if not isinstance(error, RefusedError):
        return Failure("connecting", str(error))
    advice = codec.advise(error.status, error.headers)
    if advice.action == "stop":  # an address can change its place: a tunnel, a new provider
        reason = f"{advice.reason}; it is asked again in an hour, in case this is another place then"
        return Failure("blocked", reason, REFUSED_PLACE_S, refuses_place=True)
    return Failure("blocked" if advice.action == "banned" else "connecting", advice.reason, advice.wait_s)
