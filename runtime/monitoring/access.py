"""Who may see figures of the process: programs on this machine, others only where that was asked for."""

import ipaddress
from collections.abc import Iterable
from typing import Final

FORWARDED: Final = frozenset(
    ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "cf-connecting-ip")
)
"""Headers by which a proxy says that it asks for somebody else, in small letters."""


def is_local(peer: str | None, host_header: str | None, header_names: Iterable[str]) -> bool:
    """Whether a request comes from this machine, and was meant for it.

    A proxy on this machine asks from here for people elsewhere, so a request that says it was forwarded is none of
    ours; nor is one for a host by another name than this machine's, which a web page can make a browser send here.

    Parameters
    ----------
    peer : address of the other end; None where there is none.
    host_header : what the request calls this server.
    header_names : of the request.
    """
    if peer is None or not is_loopback(peer) or not FORWARDED.isdisjoint(name.lower() for name in header_names):
        return False
    return host_header is None or is_loopback(_without_port(host_header))


def is_loopback(host: str) -> bool:
    """Whether an address, or the name localhost, is this machine's own."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host
