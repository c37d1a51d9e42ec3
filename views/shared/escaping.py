"""Text of others, as text: symbols, names of columns and files, cells, errors, what an address says.

Markdown, charts, spreadsheets and file systems each give some characters a meaning; here they lose it.
"""

import re
from typing import Any, Final

import pandas as pd

from alphastream.reports.escaping import in_chart as in_chart  # defined once, and offered here too

_JOINER: Final = "\u2060"  # of no width; what stands on either side is no longer one word
_MARKS: Final = re.compile(r"([\\`*_\[\]<>{}$~|&!])")
_OPENING: Final = re.compile(r"^(\d*)(?=(?:#{1,6}|[+-]|(?<=\d)[.)])(?:\s|$)|-[\s-]*$)")
# Replaced in the parsed text, where no backslash is left: icons, emoji, addresses.
_SHORTCODE: Final = re.compile(
    r":(?!\d\d:)(?=[\w+-]+:)|:(?=material[_/])|:(?=//)|(?<=\bwww)(?=\.)|(?=@)", re.IGNORECASE
)
_DIRECTIVE: Final = re.compile(r":(?=[A-Za-z:])")
_WIDE: Final = tuple(map(chr, (0xFF1D, 0xFF0B, 0xFF0D, 0xFF20)))  # = + - @ of full width, read as the narrow ones
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", *_WIDE)
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?%?|[+-]?(inf|nan)", re.IGNORECASE)


def in_markdown(text: object) -> str:
    r"""Text that Streamlit shows as it stands, on one line, also in labels and titles.

    >>> print(in_markdown("![p](http:host) $x$ *b*"))
    \!\[p\](http\:host) \$x\$ \*b\*
    """
    line = _SHORTCODE.sub(lambda found: found.group() + _JOINER, " ".join(str(text).split()))
    line = _OPENING.sub(r"\1\\", _MARKS.sub(r"\\\1", line))
    return _DIRECTIVE.sub(r"\\:", line)


def in_cell(text: str) -> str:
    """Text that a spreadsheet takes as text: an apostrophe before what it would take as a formula. Numbers stay.

    >>> in_cell("=1+1"), in_cell("-1.5"), in_cell("BTCUSDT")
    ("'=1+1", '-1.5', 'BTCUSDT')
    """
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def in_cells(table: pd.DataFrame) -> pd.DataFrame:
    """A table with ``in_cell`` of its texts and of its header.

    >>> in_cells(pd.DataFrame({"=symbol": ["=1+1", "BTCUSDT"], "net": [-1.5, 2.0]})).to_csv(index=False).split()
    ["'=symbol,net", "'=1+1,-1.5", 'BTCUSDT,2.0']
    """
    texts = table.select_dtypes(["object", "string", "category"])
    changed = table.assign(**{str(name): _texts_in_cells(column) for name, column in texts.items()})
    return changed.rename(columns=lambda name: in_cell(str(name)))


def _texts_in_cells(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Each text is looked at once."""
    texts = {value: in_cell(value) for value in column.unique() if isinstance(value, str)}
    changed = {value: text for value, text in texts.items() if text != value}
    return column.astype("object").replace(changed) if changed else column


def in_file_name(text: str) -> str:
    """Text in the name of a file: letters, digits, ``.``, ``_``, ``-`` and ``()``.

    >>> in_file_name("BTC/USDT:USDT-1s-bars.csv")
    'BTC-USDT-USDT-1s-bars.csv'
    """
    return re.sub(r"[^\w.()-]+", "-", text).lstrip(".-") or "file"
