"""The head of every page: its title, what it answers in one sentence, and an explanation that opens over the page."""

import streamlit as st

from alphastream.errors import ParameterError
from views.shared.glossary import linked
from views.shared.heads import HEADS
from views.shared.links import place_notice


def page_head(name: str) -> None:
    """Begin a page. One line where there is room; what it opens takes no height.

    Parameters
    ----------
    name : of the page, in ``HEADS``; its title.

    Raises
    ------
    ParameterError
        The page has no head yet.
    """
    head = HEADS.get(name)
    if head is None:
        raise ParameterError(f"the page {name!r} has no head: add it to views/shared/heads.py")
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="page_head")
    row.title(name, anchor=False, width="content")
    with row.popover("Explain", icon=":material/help:", type="tertiary", key="page_explain"):
        st.markdown(f"**What is shown.** {linked(head.shown)}")
        st.markdown(f"**How to read it.** {linked(head.reading)}")
        st.markdown(f"**What it does not say.** {linked(head.limits)}")
        st.caption("Words that are underlined open the glossary.")
    row.markdown(head.sentence, width="content")
    place_notice()
