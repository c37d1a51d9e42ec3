"""The words that pages use, from docs/glossary.md, and links to them for help texts. No Streamlit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from alphastream.errors import ParameterError

FILE: Final = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"
SECTION: Final = "## On the pages"
PAGE: Final = "glossary"
"""Address of the page, beside that of any other page: an application may live below a path of its server."""
# What no link may be put into: a link, and what stands as it is.
_KEPT: Final = re.compile(r"(\[[^\]]*\]\([^)]*\)|`[^`]*`)")


@dataclass(frozen=True, slots=True)
class Term:
    """A word, others for the same, what is meant, and its anchor on the page."""

    name: str
    others: tuple[str, ...]
    meaning: str

    @property
    def anchor(self) -> str:
        """Of the word on the page: letters, digits and dashes."""
        return anchor_of(self.name)


def anchor_of(name: str) -> str:
    """The anchor that Streamlit makes of a heading.

    >>> anchor_of("Sharpe (Lo)"), anchor_of("half-life"), anchor_of("Kyle's lambda"), anchor_of("MacKinnon")
    ('sharpe-lo', 'half-life', 'kyles-lambda', 'mac-kinnon')
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name.replace("'", ""))
    return re.sub(r"[^a-z0-9]+", "-", apart.lower()).strip("-")


@cache
def terms() -> tuple[Term, ...]:
    """All words of pages, by name."""
    _, _, section = FILE.read_text(encoding="utf-8").partition(f"{SECTION}\n")
    lines = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("|")]
    found = []
    for line in lines[2:]:  # below the table's head
        words, meaning, _ = (cell.strip() for cell in line.strip("|").split("|"))
        name, *others = words.split(" / ")
        found.append(Term(name, tuple(others), meaning))
    return tuple(found)


@cache
def _by_word() -> Mapping[str, Term]:
    """Terms by every spelling that a text may have, in small letters."""
    return {word.lower(): term for term in terms() for word in (term.name, *term.others)}


def glossary(word: str, shown: str = "") -> str:
    """A link in Markdown to a word on the glossary page.

    Parameters
    ----------
    word : one that the glossary has.
    shown : what the link says; the word itself where nothing is given.

    Raises
    ------
    ParameterError
        The glossary does not have it.
    """
    term = _by_word().get(word.lower())
    if term is None:
        near = get_close_matches(word.lower(), _by_word(), 3)
        hint = f": {', '.join(near)}?" if near else f": add it to {FILE.name}"
        raise ParameterError(f"{word!r} is not in the glossary{hint}")
    return f"[{shown or word}]({PAGE}#{term.anchor})"


@cache
def _pattern() -> re.Pattern[str]:
    """Any word of the glossary, the longest first, in one or more pieces."""
    words = sorted(_by_word(), key=lambda word: (-len(word), word))
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, words))})((?:e?s)?)(?![\w-])", re.IGNORECASE)


@lru_cache(4_096)
def linked(text: str) -> str:
    """A text in Markdown with a link at the first place of each word that the glossary has.

    >>> linked("Bars of a window; a longer window is calmer.")
    '[Bars](glossary#bar) of a [window](glossary#window); a longer window is calmer.'
    """
    seen: set[str] = set()

    def link(found: re.Match[str]) -> str:
        term = _by_word()[found.group(1).lower()]
        if term.anchor in seen:
            return found.group()
        seen.add(term.anchor)
        return glossary(found.group(1), found.group())

    parts = _KEPT.split(text)
    for part in parts[1::2]:
        seen |= set(re.findall(rf"\]\({PAGE}#([^)]+)\)", part))
    return "".join(part if at % 2 else _pattern().sub(link, part) for at, part in enumerate(parts))
