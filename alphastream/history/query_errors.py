"""What a database says of a query that it refuses, in its own words but for advice that nobody here can follow."""

import re
from typing import Final

from alphastream.errors import ParameterError

_PLACE: Final = re.compile(r"\n*^LINE (\d+): (.*)\n( *)(\^+)[ \t]*$", re.MULTILINE)
_KIND: Final = re.compile(r"^([A-Za-z ]+) Error: ")
# What follows names settings and statements that are locked here.
_ADVICE: Final = re.compile(
    r"\n+(Possible solutions:|Database is launched in|Please try installing|\n?Or set ).*", re.DOTALL
)


class QueryError(ParameterError):
    """A query that cannot be run.

    Parameters
    ----------
    message : what is wrong, in DuckDB's words.
    kind : DuckDB's name of it, such as "Parser" or "Binder"; "" for what this program refuses itself.
    line, column : where in the query, both from 1; None where that is not known.
    excerpt : the query's line and below it marks that point into it; "" where the place is not known.
    """

    def __init__(
        self, message: str, kind: str = "", line: int | None = None, column: int | None = None, excerpt: str = ""
    ) -> None:
        where = f" (line {line}, column {column})" if column is not None else f" (line {line})" if line else ""
        super().__init__(f"this query cannot be run: {message}{where}")
        self.message, self.kind, self.line, self.column, self.excerpt = message, kind, line, column, excerpt

    @classmethod
    def of(cls, words: str) -> "QueryError":
        r"""Read what DuckDB says.

        Examples
        --------
        >>> error = QueryError.of("Binder Error: column b is not here\n\nLINE 2: b\n        ^\n")
        >>> error.kind, error.message, error.line, error.column, error.excerpt
        ('Binder', 'column b is not here', 2, 1, 'b\n^')
        """
        kind = _KIND.match(words)
        line = column = None
        excerpt = ""
        place = _PLACE.search(words)
        if place is not None:
            line, before = int(place[1]), len(f"LINE {place[1]}: ")
            is_whole = not place[2].startswith("...")  # of a long line only what stands around the place is shown
            column = len(place[3]) - before + 1 if is_whole else None
            excerpt = f"{place[2]}\n{place[3][before:]}{place[4]}"
            words = words[: place.start()] + words[place.end() :]
        words = _ADVICE.sub("", words[kind.end() :] if kind else words)
        return cls(" ".join(words.split()), kind[1] if kind else "", line, column, excerpt)
