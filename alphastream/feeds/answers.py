"""Answers of a REST interface: what they hold, and what a refusal asks for, in words."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from alphastream.errors import FeedError
from alphastream.feeds.codec import RetryAdvice
from alphastream.feeds.rejects import PROBLEMS

_T = TypeVar("_T")


def decode(title: str, decoder: "msgspec.json.Decoder[_T]", body: bytes, what: str) -> _T:
    """Return what an answer holds.

    Parameters
    ----------
    title : the venue, for the error.
    what : the request, as the venue calls it, for the error.

    Raises
    ------
    FeedError : it is no such answer.
    """
    try:
        return decoder.decode(body)
    except PROBLEMS as error:
        raise FeedError(f"{title} answered {what} with {seen(body)!r}: {error}") from error


def seen(body: bytes) -> str:
    """Return the beginning of an answer, for an error."""
    return body[:120].decode("utf-8", "replace")


def decimals(step: str) -> int:
    """Return the digits after the point of what is a multiple of a step.

    Examples
    --------
    >>> decimals("0.0100"), decimals("1"), decimals("1e-8"), decimals("10")
    (2, 0, 8, 0)
    """
    plain, _, exponent = step.lower().partition("e")
    digits = len(plain.partition(".")[2].rstrip("0"))
    return max(0, digits - int(exponent or 0))


def advise(title: str, status: int, headers: Mapping[str, str]) -> RetryAdvice:
    """Turn an HTTP refusal into what to do, in words a person understands.

    Parameters
    ----------
    title : the venue, for the sentence.
    status : HTTP status of the answer.
    headers : its headers; ``Retry-After`` counts, in any case, when it is a number of seconds.

    Examples
    --------
    >>> advise("Binance spot", 429, {"Retry-After": "7"}).wait_s
    7.0
    """
    if status == 451:
        return RetryAdvice(
            "stop", 0.0, f"{title} refuses this computer's location (HTTP 451): trying again from here will not help"
        )
    if status == 418:
        wait_s = retry_after_s(headers, 120.0)
        return RetryAdvice(
            "banned", wait_s, f"{title} banned this address for {span(wait_s)} after too many requests (HTTP 418)"
        )
    if status == 429:
        wait_s = retry_after_s(headers, 60.0)
        return RetryAdvice("wait", wait_s, f"{title} asks to wait {span(wait_s)}: too many requests (HTTP 429)")
    if status == 403:
        wait_s = retry_after_s(headers, 300.0)
        return RetryAdvice("banned", wait_s, f"{title}'s firewall turned this address away (HTTP 403)")
    return RetryAdvice("retry", 0.0, f"{title} answered with HTTP {status}")


def retry_after_s(headers: Mapping[str, str], default_s: float) -> float:
    """Return how long a venue asks to wait, three days at most."""
    text = next((value for key, value in headers.items() if key.lower() == "retry-after"), "")
    try:
        wait_s = float(text)
    except ValueError:
        return default_s
    return min(wait_s, 3 * 86_400.0) if wait_s > 0 else default_s  # a ban lasts three days at most


def span(seconds: float) -> str:
    """Return a length of time in words: "7 s", "5 min", "2 h"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3600:.0f} h"
