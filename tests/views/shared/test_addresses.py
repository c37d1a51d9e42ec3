"""Where addresses of before lead."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from views.shared.addresses import Addresses


def asked(root: str, address: str, method: str = "GET", accept: str = "text/html") -> tuple[int, str]:
    """Status and address of the answer; 200 from the application behind."""
    sent: list[MutableMapping[str, Any]] = []

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    path, _, query = address.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"accept", accept.encode())],
    }
    asyncio.run(Addresses(behind, root)(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return int(sent[0]["status"]), headers.get("location", "")


@pytest.mark.parametrize(
    ("root", "address", "target"),
    [
        ("/", "/?y=A&x=%5Bb%5D", "/live?y=A&x=%5Bb%5D"),
        ("/", "/start", "/"),
        ("/", "/live/", "/live"),
        ("/", "/a/b?c=1", "/a-b?c=1"),
        ("/", "/a b", "/a-b"),
        ("/", "//elsewhere", "/elsewhere"),
        ("/desk/", "/desk/?y=A", "/desk/live?y=A"),
        ("/desk/", "/desk/start", "/desk/"),
    ],
)
def test_old_addresses_lead_on(root: str, address: str, target: str) -> None:
    assert asked(root, address) == (307, target)


@pytest.mark.parametrize("address", ["/", "/live?y=A", "/_stcore/host/x", "/static/js/a", "/auth/login", "/nosuchpage"])
def test_others_stay(address: str) -> None:
    assert asked("/", address) == (200, "")


def test_only_pages_lead_on() -> None:
    assert asked("/", "/?y=A", method="PUT") == (200, "")
    assert asked("/", "/a/b", accept="*/*") == (200, "")  # a file, not a page
