"""Work that takes its time: a bar that grows, and a way out."""

import io
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, BinaryIO, Final, TypeVar

import streamlit as st

from views.shared.escaping import in_markdown

Value = TypeVar("Value")

Progress = Callable[[int, int], None]
"""Called with what is done and what there is."""

PATIENCE_S: Final = 0.3
LEAST_S: Final = 1.0  # of work, before the time left is guessed from it
LONG_S: Final = 100.0  # from here on minutes are said
STEP_S: Final = 0.1


class Cancelled(BaseException):
    """Raised in a working thread once nobody wants its result; no error that anybody on the way should handle."""


class Watched(io.RawIOBase):
    """A seekable stream that knows how much of it was read, and can be told to end.

    Parameters
    ----------
    size : bytes.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = max(size, 1)
        self._furthest = 0
        self._cancelled = False

    @property
    def share(self) -> float:
        """How much was read so far, 0 to 1."""
        return min(self._furthest / self._size, 1.0)

    def cancel(self) -> None:
        """Make the next read raise ``Cancelled``."""
        self._cancelled = True

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """As the stream does."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """As the stream does."""
        return self._stream.tell()

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """As the stream does, noting how far it got."""
        if self._cancelled:
            raise Cancelled
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        self._furthest = max(self._furthest, self._stream.tell())
        return len(content)


class Told:
    """How far work is that runs in another thread, and whether anybody still wants it.

    Parameters
    ----------
    words : what is done.
    unit : of what ``tell`` counts; "" shows the share alone.
    """

    def __init__(self, words: str, unit: str) -> None:
        self._words, self._unit = words, unit
        self._done, self._total = 0, 0
        self._began_s = time.monotonic()
        self._cancelled = False

    def tell(self, done: int, total: int) -> None:
        """Take down how far it is; raises ``Cancelled`` once nobody wants the result."""
        if self._cancelled:
            raise Cancelled
        self._done, self._total = done, total

    def cancel(self) -> None:
        """Let the work end when it tells the next time."""
        self._cancelled = True

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return min(self._done / self._total, 1.0) if self._total else 0.0

    @property
    def text(self) -> str:
        """What is done, how much of it, and how long the rest may take, should it go on as it did."""
        spent_s = time.monotonic() - self._began_s
        if not self._done:
            return f"{self._words}, {spent_s:.0f} s"
        how_far = f"{self._done:,} of {self._total:,} {self._unit}" if self._unit else f"{self.share:.0%}"
        counted = f"{self._words}: {how_far}"
        return f"{counted}, {left_text(spent_s, self.share)}" if spent_s > LEAST_S else counted


def left_text(spent_s: float, share: float) -> str:
    """How long the rest may take where the begin took so long: ``about 12 s left``.

    >>> left_text(6.0, 0.25), left_text(90.0, 0.25), left_text(9.0, 0.99)
    ('about 18 s left', 'about 4 min left', 'about 1 s left')
    """
    left_s = spent_s * (1.0 - share) / share
    return f"about {max(1, round(left_s))} s left" if left_s < LONG_S else f"about {left_s / 60:.0f} min left"


def computing(
    words: str,
    unit: str,
    work: Callable[[Progress], Value],
    *,
    key: str,
    on_cancel: Callable[..., None] | None = None,
    args: tuple[Any, ...] = (),
) -> Value:
    """Let ``work`` compute in a thread of its own, with a bar, the time left and a Cancel button where it takes longer
    than a moment. A click, on this button or on any other, ends this run of the page, and the work when it tells next.

    It draws a place that comes and goes: call it within a container that each run of the page draws. Else the browser
    takes what stands below for something new, empties it first, and a page that is short for that moment scrolls to
    its top.

    Parameters
    ----------
    work : is given what to tell; it knows neither page nor session.
    on_cancel, args : called at a click on Cancel, before the page runs again.
    """
    told, place = Told(words, unit), st.empty()
    pool = ThreadPoolExecutor(1, thread_name_prefix="alphastream-work")
    try:
        result = pool.submit(work, told.tell)
        if not _finished(result, PATIENCE_S):
            with place.container():
                bar = st.progress(0.0, in_markdown(told.text))
                st.button("Cancel", icon=":material/close:", key=f"stop-{key}", on_click=on_cancel, args=args)
            while not _finished(result, STEP_S):
                bar.progress(told.share, in_markdown(told.text))
    finally:  # a click ends this run at the line above
        told.cancel()
        pool.shutdown(wait=False)
        place.empty()
    return result.result()


def reading(name: str, stream: BinaryIO, size: int, key: str, work: Callable[[BinaryIO], Value]) -> Value | None:
    """Let ``work`` read a stream, with a bar and a Cancel button where it takes longer than a moment.

    Returns
    -------
    What ``work`` gives, or None after a person cancelled it; then a button offers to try again.
    """
    flag = f"cancelled-{key}"
    if st.session_state.get(flag):
        st.info(f"{in_markdown(name)} was not read to its end.", icon=":material/close:", title="Cancelled")
        st.button("Read it", key=f"again-{key}", on_click=st.session_state.pop, args=(flag,))
        return None
    watched = Watched(stream, size)
    place, words = st.empty(), f"Reading {in_markdown(name)}"
    with ThreadPoolExecutor(1, thread_name_prefix="alphastream-read") as pool:
        result = pool.submit(work, io.BufferedReader(watched, 2**20))
        try:
            if not _finished(result, PATIENCE_S):
                with place.container():
                    bar = st.progress(0.0, words)
                    st.button("Cancel", icon=":material/close:", key=f"stop-{key}", on_click=_set, args=(flag,))
                began_s = time.monotonic()
                while not _finished(result, STEP_S):
                    share, spent_s = watched.share, time.monotonic() - began_s
                    left = f", {left_text(spent_s, share)}" if share and spent_s > LEAST_S else ""
                    bar.progress(share, f"{words}: {share:.0%}{left}")
        finally:  # a click ends this run at the line above
            watched.cancel()
            place.empty()
    return result.result()


def _finished(result: Future[Value], timeout_s: float) -> bool:
    return bool(wait((result,), timeout_s).done)


def _set(flag: str) -> None:
    st.session_state[flag] = True
