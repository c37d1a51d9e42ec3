"""One POST to an address that was checked first: the only way the application reaches hosts that users name.

A name is resolved once, every address it stands for is checked, and the connection goes to a checked address: a name
that changes its answer in between gains nothing. Redirects are not followed. Every wait and every answer is bounded.
"""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import SplitResult, urlsplit

from alphastream.errors import AlphaStreamError
from runtime.http import PORTS, Answer, Connection, deadline, target_of

MAX_BODY: Final = 4_096  # bytes of an answer that are read
SCHEMES: Final = ("https", "http")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]


class AddressRefused(AlphaStreamError):
    """An address that must not be talked to. Trying again would not help."""


class NotDelivered(AlphaStreamError):
    """Nothing answered in time. Trying again may help."""


def resolve(host: str, port: int) -> list[str]:
    """Every address that the system knows for a name; it also understands 2130706433, 0x7f.1 and 0177.0.0.1."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def check_url(url: str, allow_private: bool) -> SplitResult:
    """Take an address apart.

    Raises
    ------
    AddressRefused
        No https (http only where private addresses are allowed), no host, a bad port, a user or password, or
        characters that an address does not have.
    """
    if not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefused("the address has characters that no address has: write it in ASCII, without spaces")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressRefused("the address cannot be taken apart: check its host and port") from error
    if parts.scheme not in (SCHEMES if allow_private else ("https",)):
        raise AddressRefused(f"the address begins with {parts.scheme or 'no scheme'}: needs https")
    if not host or port == 0:
        raise AddressRefused("the address has no host or no port that can be used")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("the address has a user or a password in it: put a token into its path instead")
    return parts


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet. IPv4 inside IPv6 counts as what it reaches."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.sixtofour is not None or address.teredo is not None:  # tunnels to anywhere, used by nobody now
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def checked(host: str, port: int, allow_private: bool, resolve: Resolve = resolve) -> list[str]:
    """Return the addresses of a host. One that is not public refuses them all.

    Raises
    ------
    AddressRefused, NotDelivered
    """
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise NotDelivered(f"the name of the host is not known ({type(error).__name__})") from error
    for text in addresses:
        if not allow_private and not is_public(ipaddress.ip_address(text)):
            raise AddressRefused(
                "the host stands for a private or reserved address: set ALPHASTREAM_WEBHOOK_PRIVATE=true if it is yours"
            )
    if not addresses:
        raise NotDelivered("the name of the host has no address")
    return list(dict.fromkeys(addresses))


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_s: float,
    allow_private: bool = False,
    resolve: Resolve = resolve,
) -> Answer:
    """Send a body and return what came back, whatever its status.

    Parameters
    ----------
    timeout_s : for all of it, up to the answer's last byte; a name that is looked up may take longer.
    allow_private : whether http and addresses that are not public may be used.

    Raises
    ------
    AddressRefused, NotDelivered
        Neither says anything of the address but its host.
    """
    parts = check_url(url, allow_private)
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    addresses = checked(host, port, allow_private, resolve)
    connection = Connection(host, port, tls=parts.scheme == "https", timeout_s=timeout_s, addresses=addresses)
    try:
        with deadline(timeout_s, connection.abort):
            return connection.exchange("POST", target_of(parts), body, headers, max_body=MAX_BODY)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotDelivered(_reason(error, connection.aborted, timeout_s)) from error


def retry_after_s(header: str | None, now_s: float) -> float | None:
    """Seconds that a Retry-After header asks for, given as seconds or as a date; None where it says nothing."""
    if header is None:
        return None
    with suppress(ValueError):
        return max(0.0, min(float(header), 86_400.0))
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(header).timestamp() - now_s)
    return None


def _reason(error: Exception, aborted: bool, timeout_s: float) -> str:
    """Say what happened without the address, which may be a secret."""
    if aborted or isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    if isinstance(error, ssl.SSLError):
        return f"the host's certificate or encryption is not accepted ({error.reason or type(error).__name__})"
    if isinstance(error, OSError):
        return f"the host cannot be reached ({error.strerror or type(error).__name__})"
    return f"the host does not speak HTTP ({type(error).__name__})"
