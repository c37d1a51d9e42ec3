"""REST requests to a venue: each bounded in time and size, each failure one sentence."""

import http.client
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final, TypeVar
from urllib.parse import urlsplit

from alphastream.errors import FeedError
from runtime.http import Connection, connection_to, deadline, in_words, target_of

log = logging.getLogger(__name__)

MAX_BODY: Final = 64 * 2**20  # bytes; exchangeInfo of a whole venue takes a few million
NETWORK_ERRORS: Final = (OSError, http.client.HTTPException, ValueError, IndexError)
_T = TypeVar("_T")


class RefusedError(FeedError):
    """The venue answered with an HTTP status that is no success."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        excerpt = f": {body[:200].decode('utf-8', 'replace')}" if body else ""
        super().__init__(f"HTTP {status}{excerpt}")
        self.status = status
        self.headers = dict(headers)


class RestClient:
    """GET requests, one at a time, each bounded in time and size.

    Parameters
    ----------
    timeout_s : for one answer, from connecting to its last byte.
    """

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._timeout_s = timeout_s
        self._connection: Connection | None = None
        self._aborted = False

    def get(self, url: str) -> bytes:
        """Return the body of a successful answer.

        Raises
        ------
        RefusedError
            The status is not 200.
        FeedError
            No complete answer in time, or a body beyond ``MAX_BODY``.
        """
        late = threading.Event()
        with network_errors(url, late):
            parts = urlsplit(url)
            self._connection = connection = connection_to(url, self._timeout_s)
            if self._aborted:
                connection.abort()

            def expire() -> None:
                late.set()
                connection.abort()

            with deadline(self._timeout_s, expire):
                answer = connection.exchange("GET", target_of(parts), max_body=MAX_BODY + 1)
        if answer.status != 200:
            raise RefusedError(answer.status, answer.headers, answer.body)
        if late.is_set() or len(answer.body) > MAX_BODY:
            raise FeedError(f"{parts.hostname} sent no complete answer within {self._timeout_s:g} s")
        return answer.body

    def abort(self) -> None:
        """Make a waiting ``get`` and all later ones fail at once, from any thread."""
        self._aborted = True
        if self._connection is not None:
            self._connection.abort()


def in_thread(work: Callable[[], _T]) -> "Future[_T]":
    """Do something on a daemon thread of its own, which does not keep the process alive as a pool's threads would.

    Parameters
    ----------
    work : what to do. A defect of it is logged and becomes a FeedError.
    """
    future: Future[_T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except FeedError as error:
            future.set_exception(error)
        except Exception as error:  # the thread ends here
            log.exception("a request ended by a defect")
            future.set_exception(FeedError(f"a defect ({type(error).__name__}: {error}): the log has more"))

    threading.Thread(target=run, name="ingest-request", daemon=True).start()
    return future


@contextmanager
def network_errors(url: str, late: threading.Event) -> Iterator[None]:
    """Turn what a network can do to a client into FeedError, with a sentence; ``late`` is set when time was up."""
    host = url.partition("://")[2].partition("/")[0] or "an address without a host"
    try:
        yield
    except TimeoutError as error:
        raise FeedError(f"{host} did not answer in time") from error
    except NETWORK_ERRORS as error:
        if isinstance(error, socket.gaierror) and not late.is_set():
            raise FeedError(f"{host} cannot be found: {in_words(error)}") from error
        why = "it did not answer in time" if late.is_set() else in_words(error)
        raise FeedError(f"{host} cannot be reached: {why}") from error
