"""What all forms have in common: named columns of text, and the line a row stands on."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, Protocol

from alphastream.errors import UploadError
from alphastream.uploads.cells import Decimal
from alphastream.uploads.containers import Part
from alphastream.uploads.notes import Notes

SAMPLE_ROWS: Final = 100
SAMPLE_CELLS: Final = 200_000  # keys that differ from line to line make a sample of many empty cells
MAX_COLUMNS: Final = 10_000  # open, high, low, close and volume of 2,000 symbols

Batch = dict[str, Any]
Unit = Literal["line", "row"]


def refuse_many_columns(file: str, count: int, line: int | None) -> None:
    """Refuse what has more columns than are read."""
    if count > MAX_COLUMNS:
        raise UploadError(
            f"{count:,} columns, at most {MAX_COLUMNS:,} are read: write the symbols below each other, or in several "
            "files",
            file=file,
            line=line,
        )


class Table(Protocol):
    """One file as columns of text cells."""

    @property
    def part(self) -> Part:
        """Where the bytes come from."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names, all different; made up ("column 1") where the file has none."""

    @property
    def rows(self) -> Sequence[Sequence[str]]:
        """The first rows (at most ``SAMPLE_ROWS``), as many cells each as there are columns or fewer."""

    @property
    def bare(self) -> bool:
        """Whether the names are made up, because the file has none."""

    @property
    def unit(self) -> Unit:
        """What ``first_line`` and ``line_of`` count: lines of text, or rows of a file without lines."""

    @property
    def header_line(self) -> int | None:
        """1-based line of the header; None where no line names the columns."""

    @property
    def first_line(self) -> int:
        """1-based line where the rows begin."""

    @property
    def symbol(self) -> str | None:
        """The symbol a header speaks of for all columns; None where it does not."""

    @property
    def likely_decimal(self) -> Decimal:
        """The decimal mark that the form suggests, for columns whose cells do not tell."""

    def batches(self, columns: Sequence[str], notes: Notes) -> Iterator[Batch]:
        """Some columns of all rows, a few megabytes at a time, as Arrow string arrays by column name.

        Lines that are no rows are skipped and counted in ``notes``.

        Raises
        ------
        UploadError
            A line cannot be read: it is named.
        """

    def line_of(self, row: int) -> int:
        """The 1-based line of a 0-based row, as an editor would count; its 1-based number in a file without lines."""
