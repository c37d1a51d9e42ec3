"""Our docstrings as the documentation's parser reads them: `name : text` on one line becomes a name and its text.

Elsewhere in numpydoc a type stands behind the colon. Ours are in the signature, so the text begins there.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

_ITEM: Final = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*) : (.+)")
_NAMES: Final = re.compile(r"[\w*]+(?:, [\w*]+)*")
_LISTS: Final = {"Parameters", "Attributes", "Raises", "Returns", "Yields"}


def for_parser(text: str, *, is_called: bool) -> str:
    """A docstring rewritten.

    Parameters
    ----------
    is_called : whether the parameters are those of a signature; False for structs and named tuples, whose fields they
        are.

    Examples
    --------
    >>> print(for_parser("Cut.\\n\\nParameters\\n----------\\nrows : how many.\\n\\nSource: a book.", is_called=True))
    Cut.
    <BLANKLINE>
    Parameters
    ----------
    rows
        how many.
    <BLANKLINE>
    Notes
    -----
    Source: a book.
    """
    lines: list[str] = []
    for title, body in _sections(text):
        if title == "Parameters" and not is_called:
            title = "Attributes"
        shown = "Result" if title in {"Returns", "Yields"} else title  # the parser wants a type there, too
        if title:
            lines += [shown, "-" * len(shown)]
        if title in _LISTS:
            lines += _bullets(body) if shown == "Result" else _items(body)
        elif title == "Examples":
            lines += body
        else:
            lines += _fenced(body)
    return "\n".join(lines)


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Titles with the lines below them; "" before the first."""
    lines = text.split("\n")
    starts = [at for at in range(len(lines) - 1) if lines[at] and re.fullmatch("-{3,}", lines[at + 1])]
    yield "", lines[: starts[0] if starts else len(lines)]
    for start, end in pairwise([*starts, len(lines)]):
        yield lines[start], lines[start + 2 : end]


def _items(body: list[str]) -> list[str]:
    found: list[str] = []
    for at, line in enumerate(body):
        if item := _ITEM.fullmatch(line):
            found += [item[1], f"    {item[2]}"]
        elif line and not line.startswith(" ") and not _NAMES.fullmatch(line):
            return [*found, "Notes", "-----", *_fenced(body[at:])]
        else:
            found.append(line)
    return found


def _bullets(body: list[str]) -> list[str]:
    if not any(_ITEM.fullmatch(line) for line in body):
        return _fenced(body)
    return [f"- `{item[1]}`: {item[2]}" if (item := _ITEM.fullmatch(line)) else line for line in body]


def _fenced(body: list[str]) -> list[str]:
    """Text as Markdown: examples between fences, the two colons before a block of text as one."""
    found: list[str] = []
    inside = False
    for line in body:
        if line.startswith(">>>") and not inside:
            found.append("```pycon")
            inside = True
        elif not line and inside:
            found.append("```")
            inside = False
        found.append(line[:-1] if line.endswith("::") else line)
    return [*found, "```"] if inside else found
