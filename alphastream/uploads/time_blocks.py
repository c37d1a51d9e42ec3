"""Rows of a column of times while it is read: numbers, and every different text once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Ints
from alphastream.uploads.cells import CellError


@dataclass(slots=True)
class TimeBlock:
    """Rows of a column, shape (T,).

    Parameters
    ----------
    values : UTC of epochs; wall clocks; times of day alone where ``codes`` number the dates.
    zones : the number of their zone, or one a row.
    units : of epochs.
    beside : the number of the zone that a column beside gives, or one a row.
    wrong : what is no zone in that column.
    """

    values: Ints
    zones: int | NDArray[np.int32] = 0
    codes: NDArray[np.int32] | None = None
    units: tuple[str, ...] = ()
    beside: int | NDArray[np.int32] = 0
    wrong: CellError | None = None


class Texts:
    """Different cells by number: as they are read, as they were written first, and in which row."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.cells: list[str] = []
        self.rows: list[int] = []

    def add(self, texts: Any, cells: Any, start: int) -> NDArray[np.int32]:
        """Numbers of texts, shape (T,); ``cells`` as they were written, from row ``start`` on."""
        encoded = texts.dictionary_encode()
        indices = np.asarray(encoded.indices)
        first = np.empty(len(encoded.dictionary), dtype=np.int64)
        first[indices[::-1]] = np.arange(len(indices))[::-1]  # the last one written stays
        numbers = np.empty(len(first), dtype=np.int32)
        for at, text in enumerate(encoded.dictionary.to_pylist()):
            numbers[at] = self.codes.setdefault(text, len(self.codes))
            if numbers[at] == len(self.cells):
                self.cells.append(cells[int(first[at])].as_py())
                self.rows.append(start + int(first[at]))
        codes: NDArray[np.int32] = numbers[indices]
        return codes
