"""Addresses of sinks: read, and told to people without the credentials in them."""

import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from alphastream.errors import ParameterError

_CREDENTIALS: Final = re.compile(r"(?<=//)(?:(?!://).)*@", re.DOTALL)  # up to the last @: a password may hold any sign
_NO_PORT: Final = re.compile(r"(?<=//)([^/@,:\s\[]*):(?!\d{1,5}(?:[/,?#\s]|$))[^,\s]*")  # a password without its host
_QUERY: Final = re.compile(r"\?[^,\s]*")
ENCODED: Final = (
    "a port is a number up to 65535, and in a user or a password @ : / ? # % , and spaces are percent-encoded, such as "
    "%40 for @"
)


class Place(NamedTuple):
    """One server of an address."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None
    path: str


def without_credentials(address: str) -> str:
    """Return an address, of one server or several, as it may be shown and logged.

    Examples
    --------
    >>> without_credentials("nats://me:secret@one:4222,nats://token@two:4222")
    'nats://one:4222,nats://two:4222'
    """
    shown = _QUERY.sub("", _NO_PORT.sub(r"\1", _CREDENTIALS.sub("", address)))
    return ",".join(part.strip() for part in shown.split(","))


def places(address: str, default_port: int) -> list[Place]:
    """Read an address of one server, or of several separated by commas; what follows the first may be a host alone.

    Raises
    ------
    ParameterError : a part of it is no address.

    Examples
    --------
    >>> [(place.host, place.port) for place in places("nats://one,two:4223", 4222)]
    [('one', 4222), ('two', 4223)]
    """
    parts = [part.strip() for part in address.split(",") if part.strip()]
    found: list[Place] = []
    for part in parts:
        text = part if "://" in part or not found else f"{found[0].scheme}://{part}"
        try:
            url = urlsplit(text)
            place = Place(
                url.scheme,
                url.hostname or "",
                url.port or default_port,
                unquote(url.username) if url.username is not None else None,
                unquote(url.password) if url.password is not None else None,
                url.path.strip("/"),
            )
        except ValueError:
            # Where a sign is not encoded any part of the address may be one of a password: what is wrong is not quoted.
            raise ParameterError(f"{without_credentials(address)!r} is no address: {ENCODED}") from None
        if not place.scheme or not place.host or (found and place.scheme != found[0].scheme):
            raise ParameterError(f"{without_credentials(address)!r}: needs an address such as nats://127.0.0.1:4222")
        found.append(place)
    if not found:
        raise ParameterError("an empty address: needs one such as nats://127.0.0.1:4222")
    return found


def token(name: str) -> str:
    """Return a name as one part of a subject: percent-encoded, dots as well.

    Examples
    --------
    >>> token("binance-usdm@10.0.0.1"), token("BRK.B/USD")
    ('binance-usdm%4010%2E0%2E0%2E1', 'BRK%2EB%2FUSD')
    """
    return quote(name, safe="").replace(".", "%2E").replace("~", "%7E")


def name_of(part: str) -> str:
    """Return the name whose ``token`` this is."""
    return unquote(part)
