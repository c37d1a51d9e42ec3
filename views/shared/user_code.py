"""What pages say of a user's own files: which are broken, which have changed, and where one failed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.registry import load_entry_points, place_of, registered_as
from runtime.user_folder import current
from views.shared.escaping import in_markdown

log = logging.getLogger(__name__)


def user_code_notices() -> None:
    """Name files that are not loaded, each with line and reason, and offer to load what has changed."""
    folder = current()
    if folder is None:
        return
    for trouble in (*folder.troubles, *load_entry_points()):
        st.warning(in_markdown(f"{trouble}."), icon=":material/code_off:", title="A file of your own is not loaded")
    changed = folder.changed()
    if changed:
        row = st.container(horizontal=True, vertical_alignment="center")
        names = in_markdown(", ".join(changed))
        row.info(f"Changed since it was loaded: {names}.", icon=":material/sync:", title="Files of your own")
        row.button("Load again", icon=":material/refresh:", key="user_code_load", on_click=folder.load)


@contextmanager
def told_in_words(made: object) -> Iterator[None]:
    """Turn whatever a registered class raises into a sentence with file and line; other defects stay what they are.

    Parameters
    ----------
    made : an object of the class, or the class.

    Raises
    ------
    ParameterError : it failed.
    """
    try:
        yield
    except AlphaStreamError:
        raise
    except Exception as error:
        known = registered_as(made)
        if known is None:
            raise
        log.exception("code of others failed: class=%s", known.name)
        file, line = (None, None) if known.file is None else place_of(error, known.file.parent)
        where = "" if file is None else f" in {file.name}, line {line}"
        raise ParameterError(f"{known.name} failed{where} ({type(error).__name__}: {error})") from error
