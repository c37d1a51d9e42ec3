"""Figures as a topic sends them, and a receiver that puts the messages together again."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from runtime.channel.topics import Frame, Topic

ROWS = 60
UPDATE_BYTES = 1_000
DECIMALS = {"price": 2, "z": 2}


class Clock:
    """Seconds that a test moves by hand."""

    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


class Stage:
    """A topic whose frame and clock a test moves."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.clock = Clock()
        self.asked = 0
        self.topic = Topic("pair", self._source, self.clock)

    def _source(self) -> Frame:
        self.asked += 1
        return self.frame

    def show(self, frame: Frame) -> dict[str, Any] | None:
        """The message that the next frame makes."""
        self.frame = frame
        message = self.topic.advance()
        return None if message is None else read(message)

    def told(self, frame: Frame) -> dict[str, Any]:
        message = self.show(frame)
        assert message is not None
        return message


class Receiver:
    """What the browser does, in Python: an independent reading of the protocol."""

    def __init__(self) -> None:
        self.figure: str | None = None
        self.seq = -1
        self.first = 0
        self.columns: dict[str, list[Any]] = {}
        self.cards: dict[str, dict[str, str]] = {}
        self.status = ""

    def take(self, raw: bytes) -> bool:
        """Apply a message; False where something before it is missing."""
        message = json.loads(raw)
        same, seq = message["figure"] == self.figure, message["seq"]
        if "base" in message:
            base = message["base"]
            self.figure, self.first, self.columns = message["figure"], base["from_row"], base["columns"]
        elif same and seq <= self.seq:
            return True
        elif not same or self.seq < message.get("after", seq - 1) or not self._replace(message.get("delta")):
            self.figure = None
            return False
        if "cards" in message:
            self.cards = {card["id"]: card for card in message["cards"]}
        for change in message.get("patch", []):
            self.cards[change["id"]] |= change
        self.seq, self.status = seq, message["status"]
        return True

    def _replace(self, delta: dict[str, Any] | None) -> bool:
        if delta is None:
            return True
        keep, drop = delta["from_row"] - self.first, delta["first_row"] - self.first
        if keep > len(self.columns["time"]):
            return False
        undefined = [None] * delta["rows"]
        fresh = {name: delta["columns"].get(name, undefined) for name in self.columns}
        self.columns = {name: (held[:keep] + fresh[name])[drop:] for name, held in self.columns.items()}
        self.first += drop
        return True

    def assert_shows(self, frame: Frame) -> None:
        decimals = frame.template()["layout"]["meta"]["decimals"]
        for name, values in frame.columns.items():
            expected = values if name == "time" else np.round(values, decimals[name] + 2)
            held = np.array(self.columns[name], dtype=np.float64)
            np.testing.assert_array_equal(held, expected.astype(np.float64), err_msg=name)
        assert list(self.cards.values()) == list(frame.cards)
        assert self.status == frame.status


def read(message: bytes) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(message)
    return content


def frame_of(
    values: list[float],
    cards: list[dict[str, str]] | None = None,
    *,
    first: int = 0,
    look: str = "look",
    status: str = "",
    stamps: Mapping[str, float] | None = None,
) -> Frame:
    """Rows of a second each, ``first`` the number of the first; z is undefined in the first three."""
    index = np.arange(first, first + len(values))
    z = np.where(index < 3, np.nan, np.array(values))
    columns = {"time": index * 1_000, "price": np.array(values, dtype=np.float64), "z": z}
    return Frame(look, columns, lambda: {"layout": {"meta": {"decimals": DECIMALS}}}, cards or [], status, stamps)


def card(name: str, value: str, sub: str = "of 3") -> dict[str, str]:
    return {"id": name, "label": name, "value": value, "sub": sub}
