"""Messages that should not have come: counted by kind, logged once a kind."""

import logging
from typing import Final

log = logging.getLogger(__name__)

PROBLEMS: Final = (ValueError, RecursionError)  # all that msgspec raises on bytes from outside


class Rejects(dict[str, int]):
    """How many messages of which kind were rejected.

    The kinds of all codecs: "not_json", "foreign" (nothing that was asked for), "wrong_type" (a field is missing, or no
    number), "absurd" (numbers or names that cannot be), "error_reply" (the venue refuses something).

    Parameters
    ----------
    feed : name of the venue, for the log.

    Examples
    --------
    >>> rejects = Rejects("okx")
    >>> rejects.add("not_json", b"<html>")
    >>> rejects
    {'not_json': 1}
    """

    def __init__(self, feed: str) -> None:
        super().__init__()
        self._feed = feed

    def add(self, kind: str, seen: object) -> None:
        """Count one, and log what was seen where it is the first of its kind."""
        count = self.get(kind, 0)
        self[kind] = count + 1
        if count == 0:
            text = seen.decode("utf-8", "replace") if isinstance(seen, bytes) else str(seen)
            log.warning("feed=%s rejected=%s seen=%r: further ones are only counted", self._feed, kind, text[:200])
