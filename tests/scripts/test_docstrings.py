"""Docstrings as the documentation's parser takes them."""

from textwrap import dedent

from scripts.docstrings import for_parser

OURS = dedent("""\
    Move rows, as text::

        a, b

    >>> 1 + 1
    2

    Parameters
    ----------
    rows : (T,), oldest first; none
        may be missing.
    low, high : where to cut.

    What follows belongs to no parameter.

    Returns
    -------
    moved : (T,).
    count : how many.

    Raises
    ------
    ParameterError : no rows.
    """)


def test_names_and_texts_stand_on_lines_of_their_own() -> None:
    text = for_parser(OURS, is_called=True)
    assert "rows\n    (T,), oldest first; none\n    may be missing.\nlow, high\n    where to cut.\n" in text
    assert "ParameterError\n    no rows.\n" in text
    assert "- `moved`: (T,).\n- `count`: how many.\n" in text


def test_a_paragraph_after_parameters_is_no_parameter() -> None:
    assert "\nNotes\n-----\nWhat follows belongs to no parameter.\n" in for_parser(OURS, is_called=True)


def test_fields_of_what_is_not_called_are_attributes() -> None:
    text = for_parser(OURS, is_called=False)
    assert "Attributes\n----------\nrows\n" in text
    assert "Parameters" not in text


def test_text_is_markdown() -> None:
    text = for_parser(OURS, is_called=True)
    assert text.startswith("Move rows, as text:\n\n    a, b\n\n```pycon\n>>> 1 + 1\n2\n```\n")


def test_a_summary_alone_stays_as_it_is() -> None:
    assert for_parser("Say it.", is_called=True) == "Say it."
