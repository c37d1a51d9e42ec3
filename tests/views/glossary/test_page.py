"""The glossary page: every word once, with what is meant."""

import pytest

from tests.views.running import app
from views.shared.glossary import terms

pytestmark = pytest.mark.usefixtures("replaying")


def test_every_word_has_a_heading_and_a_meaning() -> None:
    test = app("views/glossary/page.py")
    assert not test.exception
    text = str(test.markdown[-1].value)
    for term in terms():
        assert text.count(f"###### {term.name}\n\n{term.meaning[0].upper()}{term.meaning[1:]}.") == 1
