"""What pages say of a user's own files: which are broken, which have changed, and where one failed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from alphastream.errors import AlphaStreamError, ParameterError
from alphastream.registry import KINDS, load_entry_points, place_of, registered, registered_as
from runtime.user_folder import current
from views.shared.escaping import in_markdown
from views.shared.rights import change_button

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
        if change_button("Load again", place=row, icon=":material/refresh:", key="user_code_load"):
            folder.load()
            st.rerun()


@contextmanager
def told_in_words(made: object) -> Iterator[None]:
    """Turn whatever a registered class raises into a sentence with file and line; other defects stay what they are.

    Parameters
    ----------
    made : what is run: named where no line of a file of others can be.

    Raises
    ------
    ParameterError : it failed.
    """
    try:
        yield
    except AlphaStreamError:
        raise
    except Exception as error:
        who = _blamed(error, made)
        if not who:
            raise
        log.exception("code of others failed: %s", who)
        raise ParameterError(f"{who} ({type(error).__name__}: {error})") from error


def _blamed(error: Exception, made: object) -> str:
    """The file of a registered class in which an error came up, with its line, else ``made``; "" for neither."""
    for known in (each for kind in KINDS for each in registered(kind)):
        if known.file is not None:
            file, line = place_of(error, known.file.parent)
            if file is not None:
                return f"line {line} of {file.name} failed"
    entry = registered_as(made)
    return "" if entry is None else f"{entry.name} failed"
