"""The glossary page: the words that pages use, each with an address of its own."""

from pathlib import Path

import streamlit as st

from views.shared.glossary import Term, terms
from views.shared.page_head import page_head


def page() -> None:
    """All words, in the order of their letters."""
    page_head("Glossary")
    # In one piece, with the styles of the page: a browser that was sent to a word looks for it once, and what comes
    # later or changes heights would move it away.
    style = (Path(__file__).resolve().parents[1] / "shared" / "page.css").read_text(encoding="utf-8")
    words = sorted(terms(), key=lambda term: term.name.lower())
    entries = "\n\n".join(map(_entry, words))
    st.markdown(f"<style>{style}</style>\n\n{entries}", width=900, unsafe_allow_html=True)


def _entry(term: Term) -> str:
    """A heading, from which Streamlit makes the anchor, and what is meant."""
    others = f" Also: {', '.join(term.others)}." if term.others else ""
    return f"###### {term.name}\n\n{term.meaning[0].upper()}{term.meaning[1:]}.{others}"


page()
