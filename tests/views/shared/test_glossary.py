"""The glossary of pages: links that lead somewhere, and texts that link."""

import re

import pytest

from alphastream.errors import ParameterError
from views.shared.glossary import anchor_of, glossary, linked, terms
from views.shared.heads import HEADS


def test_each_word_is_there_once_and_has_an_anchor_of_its_own() -> None:
    anchors = [term.anchor for term in terms()]
    assert len(set(anchors)) == len(anchors) > 60
    assert {"half-life", "z-score", "closed-bar", "sharpe-lo"} <= set(anchors)
    assert all(term.meaning and "|" not in term.meaning for term in terms())


def test_a_word_that_is_not_there_is_refused_with_near_ones() -> None:
    assert glossary("half-life") == "[half-life](glossary#half-life)"
    assert glossary("taker", "takes") == "[takes](glossary#taker)"
    with pytest.raises(ParameterError, match="half-life"):
        glossary("halflife")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two z-scores.", "Two [z-scores](glossary#z-score)."),
        ("A closed bar, then a bar.", "A [closed bar](glossary#closed-bar), then a [bar](glossary#bar)."),
        ("`bar` and [bar](x)", "`bar` and [bar](x)"),
        ("barrier, crossbar, bar-code", "barrier, crossbar, bar-code"),
        ("[leg](glossary#leg) and leg", "[leg](glossary#leg) and leg"),
    ],
)
def test_words_of_the_glossary_become_links_once(text: str, expected: str) -> None:
    assert linked(text) == expected
    assert linked(expected) == expected


def test_every_head_is_whole_and_its_links_have_anchors() -> None:
    anchors = {term.anchor for term in terms()}
    for name, head in HEADS.items():
        for text in (head.sentence, head.shown, head.reading, head.limits):
            assert text[-1] in ".?", name
            assert set(re.findall(r"\(glossary#([^)]+)\)", linked(text))) <= anchors
        assert len(head.sentence) <= 110, name
    assert anchor_of("Value at risk") in anchors
