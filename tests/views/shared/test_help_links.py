"""Every help text of every page links to the words that the glossary has, and every link has its word."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from tests.views.running import app
from tests.views.test_pages import PAGES
from views.shared.glossary import linked, terms
from views.shared.help_links import link_help_texts

pytestmark = pytest.mark.usefixtures("replaying")


def helps(test: AppTest) -> Iterator[str]:
    """Help texts of all elements of a page, and of the columns of its tables."""
    waiting: list[Any] = [test._tree]
    while waiting:
        node = waiting.pop()
        waiting += getattr(node, "children", {}).values()
        proto = getattr(node, "proto", None)
        if proto is None:
            continue
        if isinstance(text := getattr(proto, "help", ""), str) and text:
            yield text
        if isinstance(columns := getattr(proto, "columns", ""), str) and columns:
            yield from (each["help"] for each in json.loads(columns).values() if each.get("help"))


def test_help_texts_of_all_pages_link_to_words_that_are_there() -> None:
    anchors = {term.anchor for term in terms()}
    found = 0
    for name, query in PAGES:
        test = app(f"views/{name}/page.py", **query)
        assert not test.exception
        for text in helps(test):
            assert linked(text) == text, (name, text)
            links = re.findall(r"\]\(glossary#([^)]+)\)", text)
            assert set(links) <= anchors, (name, text)
            found += len(links)
    assert found > 200


def test_columns_of_a_table_link_too() -> None:
    test = app("views/scanner/page.py")
    assert any("glossary#half-life" in text for text in helps(test))


def test_it_is_done_once() -> None:
    link_help_texts()
    before: Any = DeltaGenerator._enqueue
    link_help_texts()
    assert DeltaGenerator._enqueue is before
