"""What an address shows that no page has: what was asked for, pages with a name like it, the way to the start."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import streamlit as st

from views.shared.escaping import in_markdown

MAX_SHOWN: Final = 60


def asked_page(url: str | None, base: str) -> str:
    """The name that an address asks for, below where the application lives; "" for its root.

    >>> asked_page("http://127.0.0.1:8501/desk/no%20such?y=1", "/desk/"), asked_page(None, "/")
    ('no such', '')
    """
    path = unquote(urlsplit(url or "").path)
    return path.removeprefix(base.rstrip("/")).strip("/")


def near_names(asked: str, names: Mapping[str, str]) -> list[str]:
    """Addresses of pages whose address or title is like what was asked for, the nearest first.

    >>> near_names("scaner", {"scanner": "Scanner", "risk": "Risk"}), near_names("xyz", {"risk": "Risk"})
    (['scanner'], [])
    """
    words = {text.lower(): path for path, title in names.items() for text in (path, title)}
    found = get_close_matches(asked.lower(), words, 3, 0.65)
    found += [word for word in words if len(asked) >= 3 and (asked.lower() in word or word in asked.lower())]
    return list(dict.fromkeys(words[word] for word in found if word))


def unknown_page(asked: str, pages: Sequence[Any], start: Any) -> None:
    """Say that there is no such page, and offer others.

    Parameters
    ----------
    pages : all that there are, as Streamlit has them.
    start : the first one.
    """
    st.title("No such page", anchor=False)
    shown = asked if len(asked) <= MAX_SHOWN else f"{asked[:MAX_SHOWN]}…"
    st.markdown(f"There is no page **{in_markdown(shown)}** here: the address may be mistyped or of another version.")
    by_path = {page.url_path: page for page in pages if page.url_path}
    near = near_names(asked, {path: page.title for path, page in by_path.items()})
    if near:
        st.markdown("Did you mean")
        for path in near:
            st.page_link(by_path[path])
    st.page_link(start, label="Go to the start page", icon=":material/home:")
