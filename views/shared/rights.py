"""Who may change what all visitors share: rules, paper runs, limits, followed symbols. Looking is for everybody."""

from typing import Any, Final

import streamlit as st

from runtime.monitoring.access import is_local
from views.shared.escaping import in_markdown
from views.shared.system import get_settings

OPEN: Final = "You see and compute everything; files, backtests and scans are your own."
REASONS: Final = {
    "elsewhere": "You come from another machine and are not logged in, so what all visitors share stays as it is.",
    "logged_in": "Only who is logged in may change what all visitors share.",
    "nobody": "This app lets nobody change what all visitors share.",
}


def may_change() -> bool:
    """Whether this visitor may change what all visitors share, as the setting ``who_may_change`` says."""
    return _obstacle() is None


def why_not() -> str:
    """Why ``may_change`` says no, and who can alter that, in two sentences; "" where it says yes."""
    obstacle = _obstacle()
    return "" if obstacle is None else f"{REASONS[obstacle]} Who runs the app sets ALPHASTREAM_WHO_MAY_CHANGE."


def read_only_notice() -> None:
    """Say above controls that they are switched off, and why; nothing where they are not."""
    if words := why_not():
        st.info(in_markdown(f"{words} {OPEN}"), icon=":material/lock:", title="You can look, not change")


def change_button(label: str, *, place: Any = st, disabled: bool = False, **more: Any) -> bool:
    """A button that changes what all visitors share; whether it was pressed by somebody who may.

    A browser may send a press of a button that is switched off, so both are asked.

    Parameters
    ----------
    place : the container it stands in.
    more : as ``st.button`` takes them; a callback would run before anything here is asked, so there is none.
    """
    words = why_not()
    if words:
        more["help"] = in_markdown(words)
    pressed = place.button(label, disabled=disabled or bool(words), **more)
    return bool(pressed) and not disabled and not words


def change_submit_button(label: str, **more: Any) -> bool:
    """The same for the button of a form."""
    words = why_not()
    if words:
        more["help"] = in_markdown(words)
    return bool(st.form_submit_button(label, disabled=bool(words), **more)) and not words


def _obstacle() -> str | None:
    """The key of REASONS that holds; None for nothing."""
    setting = get_settings().who_may_change
    user: Any = st.user
    is_known = bool(user.get("is_logged_in"))
    if setting == "everybody":
        return None
    if setting == "nobody":
        return "nobody"
    if is_known:
        return None
    if setting == "logged_in":
        return "logged_in"
    return None if _is_here() else "elsewhere"


def _is_here() -> bool:
    """Whether the browser runs on this machine.

    A session whose browser has just gone has no headers any more: it is taken for one from elsewhere, for it may have
    sent a click before it went.
    """
    headers = st.context.headers
    if not len(headers):
        return False
    peer = st.context.ip_address or "127.0.0.1"  # Streamlit says None for this machine's own
    return is_local(peer, headers.get("host"), headers)
