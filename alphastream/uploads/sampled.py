"""Named columns with a few rows of cells: what their names and their cells speak of, together."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from alphastream.uploads.cells import UNDEFINED_PRICE, Decimal
from alphastream.uploads.columns import Rows
from alphastream.uploads.contents import Content, content_of
from alphastream.uploads.words import Field, fields_of


class Sampled:
    """Columns by name.

    Parameters
    ----------
    columns : names, all different.
    rows : sample rows; cells that are missing at the end of a row are empty.
    decimals : column to its decimal mark; a point where it is not named.
    """

    def __init__(self, columns: Sequence[str], rows: Rows, decimals: Mapping[str, Decimal] | None = None) -> None:
        self.columns = tuple(columns)
        self.cells = {
            name: ["" if cell == UNDEFINED_PRICE else cell for cell in _column(rows, at)]
            for at, name in enumerate(columns)
        }
        marks = decimals or {}
        self.contents: dict[str, Content] = {
            name: content_of(cells, marks.get(name, ".")) for name, cells in self.cells.items()
        }
        self.fields = {name: self._fields(name) for name in columns}

    @cached_property
    def letters(self) -> bool:
        """Whether single letters are names of fields: only where half of the names are single letters."""
        return sum(len(name.strip()) == 1 for name in self.columns) * 2 >= len(self.columns)

    def filled(self, column: str) -> list[str]:
        """The cells of a column that hold something."""
        return [cell for cell in self.cells[column] if cell]

    def kind(self, column: str) -> str:
        """What the cells of a column are."""
        return self.contents[column].kind

    def named(self, field: Field, among: Collection[str]) -> list[str]:
        """Columns whose names speak of a field, the best name first, then in the order of the file.

        Of two letters the small one is meant: l is the low, and L the last trade's id (Binance).
        """
        wanted = set(among)
        found = [name for name in self.columns if field in self.fields[name] and name in wanted]
        return sorted(found, key=lambda name: (self.fields[name][field], _is_capital(name)))

    def numbers(self, field: Field, among: Collection[str]) -> list[str]:
        """The same, of columns of numbers; of texts where there is none, so that a bad cell can be named."""
        named = self.named(field, among)
        return [name for name in named if self.is_number(name)] or [
            name for name in named if self.kind(name) in ("text", "list", "symbol")
        ]

    def is_number(self, column: str) -> bool:
        """Whether most filled cells are numbers, whatever they count."""
        content = self.contents[column]
        return content.is_number or bool(np.count_nonzero(~np.isnan(content.values)) * 2 > len(content.values) > 0)

    def twins(self, field: Field, columns: Sequence[str]) -> list[str]:
        """Columns that are named equally well as the first one, and hold something else."""
        first = columns[0]
        return [
            name
            for name in columns[1:]
            if self.fields[name][field] == self.fields[first][field]
            and self.cells[name] != self.cells[first]
            and not (_is_capital(name) and first == name.lower())
        ]

    def unique_rows(self, *columns: str) -> bool:
        """Whether no two rows have the same cells in some columns."""
        rows = list(zip(*(self.cells[name] for name in columns), strict=True))
        return len(set(rows)) == len(rows)

    def changes(self, column: str) -> int:
        """How often a cell differs from the one above it."""
        return sum(first != second for first, second in pairwise(self.cells[column]))

    def _fields(self, name: str) -> dict[Field, int]:
        short = len(name.strip()) == 1 and name.strip().isascii() and name.strip().isalpha()
        return {} if short and not self.letters else fields_of(name)


def _column(rows: Rows, at: int) -> list[str]:
    return [row[at].strip() if len(row) > at else "" for row in rows]


def _is_capital(name: str) -> bool:
    return len(name) == 1 and name.isupper()
