"""A POST to an address that was checked: what is refused, and that every wait ends."""

import socket
import threading
from contextlib import suppress
from ipaddress import ip_address

import pytest

from runtime.outbound import AddressRefused, NotDelivered, check_url, checked, is_public, post, retry_after_s
from tests.runtime.webhook_server import TOKEN, serving


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "239.1.1.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0",
     "fc00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::",
     "64:ff9b::7f00:1", "64:ff9b::a00:1", "2001:0:7f00:1::"],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(AddressRefused, match="ALPHASTREAM_WEBHOOK_PRIVATE"):
        checked("name.example", 443, False, lambda host, port: ["93.184.215.14", address])
    assert checked("name.example", 443, True, lambda host, port: [address]) == [address]


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::6810:1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:7f00:1]"]
)
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    with pytest.raises((AddressRefused, NotDelivered)):  # a resolver may not know an old spelling at all
        post(f"https://{host}:9/", b"{}", {}, timeout_s=0.5)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/", "needs https"),
        ("ftp://example.com/", "needs https"),
        ("file:///etc/passwd", "needs https"),
        ("example.com", "no scheme"),
        ("https://", "no host"),
        ("https://user:secret@example.com/", "user or a password"),
        ("https://example.com:99999/", "taken apart"),
        ("https://example.com:0/", "port"),
        ("https://example.com/\r\nHost: other", "characters"),
        ("https://exämple.com/", "ASCII"),
        ("https://[::1/", "taken apart"),
    ],
)
def test_addresses_that_cannot_be(url: str, said: str) -> None:
    with pytest.raises(AddressRefused, match=said) as caught:
        check_url(url, allow_private=False)
    assert "secret" not in str(caught.value)


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name is looked up once; what it would answer later does not matter."""
    asked: list[str] = []

    def changing(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["203.0.113.1"]

    with serving() as server:
        url = f"http://hooks.example:{server.port}/{TOKEN}?thread=1"
        answer = post(url, b"{}", {}, timeout_s=5, allow_private=True, resolve=changing)
        assert answer.status == 200
        path, headers, _ = server.seen[0]
    assert asked == ["hooks.example"]
    assert path == f"/{TOKEN}?thread=1"
    assert headers["Host"] == f"hooks.example:{server.port}"


def test_redirects_are_answers() -> None:
    with serving((307, {"Location": "http://127.0.0.1:1/"}, b"")) as server:
        assert post(server.url(), b"{}", {}, timeout_s=5, allow_private=True).status == 307
        assert len(server.seen) == 1


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\xff garbage\r\n\r\n"])
def test_a_peer_that_drips_or_talks_nonsense_is_bounded(head: bytes) -> None:
    """Each byte comes before the socket's own timeout: without a deadline this lasts for thousands of bytes."""
    stop, sent = threading.Event(), 0
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            nonlocal sent
            peer, _ = listener.accept()
            with peer, suppress(OSError):
                peer.sendall(head)
                while not stop.wait(0.005):
                    peer.sendall(b"x")
                    sent += 1

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with suppress(NotDelivered):  # an answer whose status has come is one, however long its body drips
            post(url, b"{}", {}, timeout_s=0.3, allow_private=True)
        stop.set()
        thread.join()
    assert sent < 1_000


def test_an_unknown_name_is_a_sentence() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(NotDelivered, match="name of the host is not known"):
        post("https://hooks.example/", b"{}", {}, timeout_s=1, resolve=unknown)


def test_tls_to_a_peer_without_it_is_a_sentence() -> None:
    with serving() as server, pytest.raises(NotDelivered, match=r"certificate|encryption|reached|no answer"):
        post(server.url().replace("http://", "https://"), b"{}", {}, timeout_s=1, allow_private=True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("2", 2.0), ("0.5", 0.5), ("-3", 0.0), ("nan", 0.0), ("soon", None),
     ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0), ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0)],
)  # fmt: skip
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, 1_700_000_000.0) == seconds
