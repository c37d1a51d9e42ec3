"""Who may see the metrics: programs on this machine that mean this machine."""

import pytest

from runtime.monitoring.access import is_local, is_loopback


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", [None, "localhost:8501", "127.0.0.1:8501", "127.0.0.1", "[::1]:8501", "::1"])
def test_this_machine_may(peer: str, host: str | None) -> None:
    assert is_local(peer, host, ["Host", "User-Agent", "Accept"])


@pytest.mark.parametrize("peer", [None, "", "192.168.1.7", "8.8.8.8", "::ffff:8.8.8.8", "fe80::1", "testclient"])
def test_others_may_not(peer: str | None) -> None:
    assert not is_local(peer, "127.0.0.1:8501", [])


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "via", "X-Real-IP", "CF-Connecting-IP"])
def test_a_proxy_here_that_asks_for_others_may_not(header: str) -> None:
    assert not is_local("127.0.0.1", "127.0.0.1:8501", ["Host", header])


@pytest.mark.parametrize(
    "host", ["rebound.example:8501", "rebound.example", "0.0.0.0:8501", "", "[::", "127.0.0.1.example"]
)
def test_a_page_elsewhere_that_names_this_machine_anew_may_not(host: str) -> None:
    assert not is_local("127.0.0.1", host, ["Host"])


def test_only_loopback_is_this_machine() -> None:
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("localhost.example")
