"""What a file looks like: its form, its columns and what they seem to mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from alphastream.uploads.cells import GROUPED, Decimal, decimal_of
from alphastream.uploads.columns import Kind, Match, Proposal, Role, Shape
from alphastream.uploads.forms import Table
from alphastream.uploads.headerless import propose_bare
from alphastream.uploads.proposals import propose
from alphastream.uploads.symbols import symbol_in

PREVIEW_ROWS: Final = 20


@dataclass(frozen=True, slots=True)
class Layout:
    """What one file looks like.

    Parameters
    ----------
    file : its name, with the archive's in front for a member.
    header_line : 1-based line of the header, None where there is none.
    first_line : 1-based line where the rows begin.
    columns : names, made up ("column 1") where there is no header.
    decimals : column to its decimal mark.
    proposal : what the columns seem to mean.
    symbol : what header or file name say, for a file of one symbol; None where neither says anything.
    preview : the first 20 rows as text.
    """

    file: str
    header_line: int | None
    first_line: int
    columns: tuple[str, ...]
    decimals: Mapping[str, Decimal]
    proposal: Proposal
    symbol: str | None
    preview: pd.DataFrame

    @property
    def kind(self) -> Kind:
        """Ticks or bars."""
        return self.proposal.kind

    @property
    def shape(self) -> Shape:
        """Long (a symbol column), wide (columns a symbol) or single (one symbol)."""
        return self.proposal.shape

    @property
    def roles(self) -> Mapping[Role, Match]:
        """Which column plays which role, and how sure that is."""
        return self.proposal.roles

    @property
    def series(self) -> Mapping[str, Mapping[Role, str]]:
        """Symbol to role to column, of a wide file."""
        return self.proposal.series

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know before the file is read."""
        return self.proposal.notes

    @property
    def problem(self) -> str | None:
        """Why the file cannot be read as it is, or None."""
        return self.proposal.problem


def layout_of(table: Table) -> Layout:
    """Judge the columns of a table by their names and its first rows."""
    decimals = _decimals(table)
    symbol = table.symbol or symbol_in(table.part.file)
    if table.bare:
        proposal = propose_bare(table.columns, table.rows, decimals, symbol)
    else:
        proposal = propose(table.columns, table.rows, decimals, symbol)
    if any(
        decimals[column] == "." and len(row) > at and GROUPED.fullmatch(row[at].strip())
        for row in table.rows
        for at, column in enumerate(table.columns)
    ):
        proposal = replace(proposal, notes=(*proposal.notes, "commas in numbers read as thousands separators"))
    return Layout(
        table.part.file,
        table.header_line,
        table.first_line,
        table.columns,
        decimals,
        proposal,
        symbol,
        _preview(table.columns, table.rows),
    )


def _decimals(table: Table) -> dict[str, Decimal]:
    """The decimal mark of each column, by its own cells, then by those of all columns."""
    cells = {
        column: [row[at].strip() for row in table.rows if len(row) > at] for at, column in enumerate(table.columns)
    }
    own = {column: decimal_of(some) for column, some in cells.items()}
    seen = {mark for mark in own.values() if mark is not None}
    rest: Decimal = seen.pop() if len(seen) == 1 else table.likely_decimal
    return {column: mark or rest for column, mark in own.items()}


def _preview(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> pd.DataFrame:
    filled = [[*row, *[""] * len(columns)][: len(columns)] for row in rows[:PREVIEW_ROWS]]
    return pd.DataFrame(filled, columns=list(columns), dtype="str")
