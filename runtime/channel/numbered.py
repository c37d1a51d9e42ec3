"""What all topics of the live channel have in common: a name, a number for each message, one frame at a time."""

import secrets
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import orjson

Shown = TypeVar("Shown")


class Numbered(ABC, Generic[Shown]):
    """One figure or table: compares each frame with the one before and tells the difference.

    Safe to use from any thread.

    Parameters
    ----------
    source : gives the frame as it is now.
    """

    def __init__(self, name: str, source: Callable[[], Shown], now_s: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.source = source
        self.touched_s = now_s()
        self._now_s = now_s
        self._lock = threading.RLock()
        self._salt = secrets.token_hex(4)  # a browser that outlived the server gets a new base
        self._figures = 0
        self._seq = 0
        self._frame: Shown | None = None

    @property
    def figure(self) -> str:
        """Id of the figure that the latest message was about."""
        return f"{self._salt}-{self._figures}"

    @property
    def seq(self) -> int:
        """Number of the latest message."""
        return self._seq

    def advance(self) -> bytes | None:
        """The next message; None where there is nothing to tell."""
        with self._lock:
            frame = self.source()
            try:
                return self._told(frame)
            except Exception:
                self._frame = None  # half told: the next call begins a new figure
                raise

    @abstractmethod
    def snapshot(self) -> bytes:
        """Everything, as of the latest message."""

    @abstractmethod
    def window(self, figure: object, seq: object = None) -> bytes:
        """What a receiver lacks that holds a figure and has seen a message of it."""

    @abstractmethod
    def _told(self, frame: Shown) -> bytes | None:
        """The message that tells a frame; None where it is told already."""

    def _message(self, content: Mapping[str, Any], status: str, stamps: Mapping[str, float] | None) -> bytes:
        head = {"topic": self.name, "figure": self.figure, "seq": self._seq, "sent": round(time.time() * 1e3, 1)}
        message = {**head, **content, "status": status, **({} if stamps is None else {"stamps": stamps})}
        return orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY)
