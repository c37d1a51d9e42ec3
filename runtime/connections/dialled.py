"""What transports have in common: a connection dialled as every other here, within a time, that can be given up."""

import threading
from abc import ABC, abstractmethod

from runtime.connections.rest import network_errors
from runtime.http import Connection, connection_to, deadline


class DialledTransport(ABC):
    """The ends of a Transport: how its connection is opened, aborted and closed.

    Parameters
    ----------
    timeout_s : for connecting, all steps together.
    """

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._timeout_s = timeout_s
        self._connection: Connection | None = None
        self._aborted = threading.Event()

    def open(self, url: str) -> None:
        """Connect; see Transport."""
        with network_errors(url, self._aborted):
            self._connection = connection = connection_to(url, self._timeout_s)
            if self._aborted.is_set():
                connection.abort()
            with deadline(self._timeout_s, self.abort):
                self._begin(url, connection)

    @abstractmethod
    def _begin(self, url: str, connection: Connection) -> None:
        """Reach the peer and shake hands with it."""

    def abort(self) -> None:
        """Make the other methods fail at once; see Transport. A socket that is shut down wakes who waits for it."""
        self._aborted.set()
        if self._connection is not None:
            self._connection.abort()

    def close(self) -> None:
        """Give the connection up; see Transport."""
        self.abort()
        if self._connection is not None:
            self._connection.close()
