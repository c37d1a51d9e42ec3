"""Work that takes its time: a bar that grows, and a way out."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import BinaryIO, Final, TypeVar

import streamlit as st

from views.shared.escaping import in_markdown

Value = TypeVar("Value")

Progress = Callable[[int, int], None]
"""Called with what is done and what there is."""

PATIENCE_S: Final = 0.3
STEP_S: Final = 0.1


class Cancelled(Exception):
    """Raised in the reading thread once nobody wants its result."""


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


@contextmanager
def growing_bar(words: str, unit: str) -> Iterator[Progress]:
    """A spinner with a bar below it that grows with the calls of what it gives; both are gone at the end."""
    place = st.empty()

    def progress(done: int, total: int) -> None:
        place.progress(done / total, f"{done:,} of {total:,} {unit}")

    with st.spinner(words, show_time=True):
        try:
            yield progress
        finally:
            place.empty()


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
                while not _finished(result, STEP_S):
                    bar.progress(watched.share, f"{words}: {watched.share:.0%}")
        finally:  # a click ends this run at the line above
            watched.cancel()
            place.empty()
    return result.result()


def _finished(result: Future[Value], timeout_s: float) -> bool:
    return bool(wait((result,), timeout_s).done)


def _set(flag: str) -> None:
    st.session_state[flag] = True
