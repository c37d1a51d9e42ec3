"""Columns that grow block by block."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Growing:
    """A column that grows in place: blocks that are joined at the end would be there twice."""

    def __init__(self) -> None:
        self._values: NDArray[Any] | None = None
        self._count = 0

    def add(self, values: NDArray[Any]) -> None:
        """Append the next rows."""
        end = self._count + len(values)
        if self._values is None:
            self._values = np.empty(end, values.dtype)
        elif end > len(self._values):
            self._values.resize(max(end, len(self._values) * 9 // 8), refcheck=False)  # fills with zeros
        self._values[self._count : end] = values
        self._count = end

    def whole(self) -> NDArray[Any]:
        """All rows; nothing is added after this."""
        assert self._values is not None
        self._values.resize(self._count, refcheck=False)
        return self._values
