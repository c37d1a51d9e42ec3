"""Times as text, "2023-10-06T17:35:55.440295Z", to integer nanoseconds: exact, and quick for many of one second."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from alphastream.core.types import Ints
from alphastream.core.units import SECOND

_TO_THE_SECOND: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
MAX_KEPT: Final = 4_096
_USUAL: Final = "0000-00-00T00:00:00.000000Z"
_SIGNS: Final = np.frombuffer(_USUAL.encode(), dtype=np.uint8)
_IS_DIGIT: Final = np.equal(_SIGNS, ord("0"))
_TO_NS: Final = 10 ** np.arange(8, 2, -1)
_LATEST_S: Final = 2**63 // SECOND - 1
_FEW: Final = 48  # fewer are read faster one by one
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Seconds(dict[str, int]):
    """UTC ns by the text of a time up to its seconds; the trades of a burst share a few of them."""

    def __missing__(self, text: str) -> int:
        if not _TO_THE_SECOND.fullmatch(text):
            raise ValueError(f"{text!r} is no time: needs one such as 2023-10-06T17:35:55.440295Z")
        since = datetime.fromisoformat(text + "+00:00") - _EPOCH
        if len(self) >= MAX_KEPT:
            self.clear()
        found = self[text] = (since.days * 86_400 + since.seconds) * SECOND
        return found


_SECONDS: Final = _Seconds()


def iso_ns(text: str) -> int:
    """Return a time in UTC ns.

    Parameters
    ----------
    text : with seconds, up to nine digits after their point, and a Z at its end.

    Raises
    ------
    ValueError : it is none.

    Examples
    --------
    >>> iso_ns("2014-11-07T08:19:27.028459Z"), iso_ns("2014-11-07T08:19:27Z")
    (1415348367028459000, 1415348367000000000)
    """
    whole_ns = _SECONDS[text[:19]]
    fraction = text[19:]
    if fraction == "Z":
        return whole_ns
    digits = fraction[1:-1]
    if len(fraction) == 8 and fraction[0] == "." and fraction[7] == "Z" and digits.isascii() and digits.isdigit():
        return whole_ns + int(digits) * 1_000  # as venues write them
    if fraction[0:1] != "." or fraction[-1:] != "Z" or not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise ValueError(f"{text!r} is no time: needs one such as 2023-10-06T17:35:55.440295Z")
    return whole_ns + int(digits.ljust(9, "0"))


def iso_times(texts: Sequence[str]) -> Ints:
    """Return many times in UTC ns; quick where all have microseconds, as venues write them.

    Raises
    ------
    ValueError, OverflowError : one is no time, or of a year that int64 ns cannot hold.
    """
    usual = _usual_times(texts) if len(texts) >= _FEW else None
    return np.array([iso_ns(text) for text in texts], dtype=np.int64) if usual is None else usual


def _usual_times(texts: Sequence[str]) -> Ints | None:
    """Return times that are all written to the microsecond; None where one is not, or may be no time at all."""
    if set(map(len, texts)) != {len(_USUAL)}:
        return None
    written = "".join(texts).encode("ascii", "replace")
    signs = np.frombuffer(written, dtype=np.uint8).reshape(len(texts), len(_USUAL))
    are_right = np.where(_IS_DIGIT, (signs >= ord("0")) & (signs <= ord("9")), signs == _SIGNS)
    if not are_right.all():
        return None
    try:
        seconds = np.frombuffer(written, dtype=f"S{len(_USUAL)}").astype("S19").astype("datetime64[s]").astype(np.int64)
    except ValueError:  # no such day, or no such hour
        return None
    if not ((seconds >= 0) & (seconds < _LATEST_S)).all():
        return None
    return np.asarray(seconds * SECOND + (signs[:, 20:26].astype(np.int64) - ord("0")) @ _TO_NS)
