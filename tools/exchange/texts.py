"""Times and numbers as venues write them."""

from datetime import UTC, datetime

import msgspec


def iso(time_ns: int) -> str:
    """Write a time to the microsecond.

    >>> iso(1_696_613_755_440_295_999)
    '2023-10-06T17:35:55.440295Z'
    """
    seconds, rest = divmod(time_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000:06d}Z"


def number(text: str) -> msgspec.Raw:
    """Write a decimal as a JSON number, without the zeros at its end.

    >>> bytes(number("61800.30")), bytes(number("100")), bytes(number("0.000"))
    (b'61800.3', b'100', b'0')
    """
    plain = text.rstrip("0").rstrip(".") if "." in text else text
    return msgspec.Raw(plain.encode())
