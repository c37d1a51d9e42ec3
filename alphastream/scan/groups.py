"""Groups of symbols: brought as a table of two columns, or cut from the tree of symbols that move together."""

import csv
import io
from collections.abc import Iterable
from difflib import get_close_matches

from alphastream.errors import UploadError
from alphastream.scan.clusters import Clusters

_HEADINGS = {"symbol", "ticker", "name", "instrument", "asset", "code"}


def read_groups(name: str, data: bytes, symbols: Iterable[str]) -> dict[str, str]:
    """Group of each symbol, from a table of two columns with or without a heading.

    Columns are parted by a comma, a semicolon or a tab. Symbols that are not asked for are passed over; letters may be
    large or small.

    Parameters
    ----------
    name : of the file, for messages.
    symbols : that groups are wanted of.

    Raises
    ------
    UploadError
        With the line that has no symbol and group, or gives a symbol a second one; or where no symbol is known.

    Examples
    --------
    >>> read_groups("g.csv", b"symbol,sector\\nKO,Drinks\\nPEP,Drinks\\n", ["KO", "PEP", "XOM"])
    {'KO': 'Drinks', 'PEP': 'Drinks'}
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UploadError("not text in UTF-8: save it as CSV in UTF-8", file=name) from error
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    separator = max(",;\t", key=first.count)
    known = {symbol.upper(): symbol for symbol in symbols}
    groups: dict[str, str] = {}
    unknown: list[str] = []
    for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=separator), 1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) < 2 or not cells[0] or not cells[1]:
            words = separator.join(row)[:60]
            raise UploadError(f"{words!r} has no symbol and group: write such as KO,Drinks", file=name, line=number)
        symbol, group = cells[:2]
        if not groups and not unknown and symbol.lower() in _HEADINGS and symbol.upper() not in known:
            continue
        found = known.get(symbol.upper())
        if found is None:
            unknown.append(symbol)
        elif groups.setdefault(found, group) != group:
            words = f"{symbol} is in {groups[found]} and in {group}: give each symbol one group"
            raise UploadError(words, file=name, line=number)
    if not groups:
        close = get_close_matches(unknown[0].upper(), known, n=1) if unknown else []
        hint = f"did you mean {known[close[0]]}?" if close else f"the data have {', '.join([*known.values()][:5])}"
        raise UploadError(f"none of its {len(unknown):,} symbols is in the data: {hint}", file=name)
    return groups


def cluster_groups(tree: Clusters, count: int) -> dict[str, str]:
    """Cut a tree of symbols into so many groups, numbered along its leaves.

    Parameters
    ----------
    count : of groups, at least 1; fewer come out where joins are equally far apart.
    """
    from scipy.cluster.hierarchy import fcluster  # slow to import

    marks = dict(zip(tree.symbols, fcluster(tree.linkage, count, criterion="maxclust").tolist(), strict=True))
    numbers: dict[int, int] = {}
    for symbol in tree.order:
        numbers.setdefault(marks[symbol], len(numbers) + 1)
    return {symbol: f"Cluster {numbers[marks[symbol]]}" for symbol in tree.order}
