"""Sentences on what an address asks for and does not get. No Streamlit."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

MAX_NAMED: Final = 9


def not_a_number(key: str, text: str, shown: str) -> str:
    """Text where a number is needed.

    >>> not_a_number("window", "wide", "100")
    'The address asks for window=wide, which is no number: 100 is shown.'
    """
    return f"The address asks for {key}={text}, which is no number: {shown} is shown."


def not_within(key: str, text: str, label: str, low: float | None, high: float | None, shown: str) -> str:
    """A number out of its range; None where that has no end.

    >>> not_within("window", "9000", "Window (bars)", 20, 500, "100")
    'The address asks for window=9000; Window (bars) goes from 20 to 500: 100 is shown.'
    """
    ends = f"goes from {low:,.10g} to {high:,.10g}" if low is not None and high is not None else ""
    ends = ends or (f"begins at {low:,.10g}" if low is not None else f"ends at {high:,.10g}")
    return f"The address asks for {key}={text}; {label} {ends}: {shown} is shown."


def not_among(key: str, text: str, label: str, offered: Sequence[str], shown: str) -> str:
    """A choice that is not offered.

    >>> not_among("model", "Hubre", "Model", ["OLS", "Huber"], "OLS")
    'The address asks for model=Hubre; Model is one of OLS, Huber, did you mean Huber? OLS is shown.'
    """
    close = get_close_matches(text.casefold(), [each.casefold() for each in offered], 1, 0.75)
    near = next((each for each in offered if close and each.casefold() == close[0]), "")
    if len(offered) <= MAX_NAMED:
        words = f"{label} is one of {', '.join(offered)}" if offered else f"{label} offers nothing"
    else:
        words = f"{label} does not offer that among its {len(offered):,} choices"
    end = f", did you mean {near}? {shown} is shown." if near else f": {shown} is shown."
    return f"The address asks for {key}={text}; {words}{end}"


def not_known(key: str, text: str, meant: str) -> str:
    """A key that is nearly one of the page.

    >>> not_known("widnow", "60", "window")
    'The address says widnow=60, which nothing on this page is called: did you mean window? It is not used.'
    """
    return f"The address says {key}={text}, which nothing on this page is called: did you mean {meant}? It is not used."
