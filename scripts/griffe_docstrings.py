"""The documentation's parser reads our docstrings through ``scripts/docstrings.py``. Loaded by mkdocs.yml."""

from typing import Any

import griffe

from scripts.docstrings import for_parser


class Docstrings(griffe.Extension):  # type: ignore[misc]  # griffe is there where the documentation is built
    """Rewrites every docstring of a package once it is loaded."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Called by the parser."""
        _rewrite(pkg)


def _rewrite(found: Any) -> None:
    if found.docstring is not None:
        is_called = not found.is_class or _is_called(found)
        found.docstring.value = for_parser(found.docstring.value, is_called=is_called)
    for member in found.members.values():
        if not member.is_alias:
            _rewrite(member)


def _is_called(found: Any) -> bool:
    """Whether a class has a signature that the parser knows."""
    made = any(str(each.value).startswith("dataclass") for each in found.decorators)
    return made or "__init__" in found.members
