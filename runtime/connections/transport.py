"""The seam between this machine and a venue's stream: WebSocket messages, with every wait bounded.

Nothing here knows what a trade is. ``picows_client`` reads in C, ``websocket_client`` in Python wherever that runs.
"""

from typing import Final, Protocol

MAX_MESSAGE: Final = 32 * 2**20  # bytes; a trade takes 250, a whole book of Coinbase more than four million
SEND_TIMEOUT_S: Final = 1.0


class Transport(Protocol):
    """One connection that carries messages. All methods but ``abort`` belong to one thread."""

    title: str
    """What reads the stream, for people: the library and its version."""

    def open(self, url: str) -> None:
        """Connect. Raises RefusedError with the HTTP status of a refusal, FeedError where nothing answers in time."""

    def recv(self, timeout_s: float) -> bytes | None:
        """Return the next message; None after ``timeout_s`` or earlier, 0 takes only what was already read.

        Raises FeedError when the connection is lost. Pings are answered on the way.
        """

    def recv_many(self, timeout_s: float) -> tuple[list[bytes], list[int]]:
        """Return all messages that have come, after a wait for the first, and when each was read, UTC ns.

        Both lists are empty after ``timeout_s`` or earlier; they hold no more than a few reads of a socket give, or one
        message. Raises FeedError when the connection is lost, once all that came before was returned.
        """

    def send(self, payload: bytes) -> None:
        """Send a text message. Raises FeedError."""

    def abort(self) -> None:
        """Make the other methods fail at once, from any thread, whatever the peer does."""

    def close(self) -> None:
        """Give the connection up, without waiting for the peer."""


def close_reason(payload: bytes) -> str:
    """Say in words what the payload of a close frame says.

    Examples
    --------
    >>> close_reason((1008).to_bytes(2, "big") + b"too many requests")
    'the venue closed the connection (code 1008): too many requests'
    >>> close_reason(b"")
    'the venue closed the connection (code none)'
    """
    code = str(int.from_bytes(payload[:2], "big")) if len(payload) >= 2 else "none"
    why = payload[2:].decode("utf-8", "replace")
    return f"the venue closed the connection (code {code}){': ' if why else ''}{why}"
