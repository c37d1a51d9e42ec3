"""Where moments become integers, and the only file of the room that reads a clock.

Inside, time is int64 UTC nanoseconds that arrive with the data. At the edge it is a tz-aware ``datetime``. What must
know the present (the realtime dispatcher, the token bucket) takes a clock as an argument, whose default is from here.
"""

import operator
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from alphastream.errors import ParameterError

Moment: TypeAlias = datetime
Span: TypeAlias = timedelta
Clock: TypeAlias = Callable[[], int]
"""A function that returns nanoseconds."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INT64: Final = 2**63

utc_now_ns: Final[Clock] = time.time_ns
monotonic_ns: Final[Clock] = time.monotonic_ns

_STARTED: Final = datetime.now(tz=UTC)
_STARTED_NS: Final = monotonic_ns()


def to_ns(when: datetime | int) -> int:
    """UTC nanoseconds of a moment; an integer is taken for nanoseconds already.

    Parameters
    ----------
    when : tz-aware datetime, or UTC nanoseconds since 1970.

    Raises
    ------
    ParameterError : the datetime has no time zone, or it is no moment that int64 nanoseconds can hold (1677 to 2262).
    """
    if isinstance(when, datetime):
        if when.utcoffset() is None:
            raise ParameterError(f"{when} has no time zone: say which one it means, for example tzinfo=timezone.utc")
        whole = span_ns(when - _EPOCH)
    else:
        try:
            whole = operator.index(when)
        except TypeError:
            raise ParameterError(
                f"{when!r} is no moment: pass a tz-aware datetime or integer UTC nanoseconds"
            ) from None
    if not -_INT64 <= whole < _INT64:
        raise ParameterError(
            f"{when} does not fit int64 nanoseconds: moments must lie between 1677-09-21 and 2262-04-11"
        )
    return whole


def from_ns(when_ns: int) -> datetime:
    """UTC datetime of a moment, cut to whole microseconds: a datetime has no finer ones."""
    return _EPOCH + timedelta(microseconds=when_ns // 1000)


def span_ns(span: timedelta | int) -> int:
    """Nanoseconds of a duration; an integer is taken for nanoseconds already."""
    if isinstance(span, timedelta):
        return (span.days * 86_400 + span.seconds) * 10**9 + span.microseconds * 1000
    return operator.index(span)


def local_now() -> datetime:
    """The present in the time zone of this machine, tz-aware: for people to read."""
    return datetime.now().astimezone()


def utc_now(monotonic: bool = False) -> datetime:
    """The present, in UTC.

    Parameters
    ----------
    monotonic : count on from the time at import, so that changes of the system's clock do not show.
    """
    if monotonic:
        return _STARTED + timedelta(microseconds=(monotonic_ns() - _STARTED_NS) // 1000)
    return datetime.now(tz=UTC)
