"""A file for which there is no room is refused before its bytes are taken."""

import asyncio
from types import SimpleNamespace

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from views.shared.arrivals import UploadLimit, waiting
from views.shared.file_budget import FileBudget

FREE = 3_000


def sent(
    size: str | None, method: str = "PUT", path: str = "/base/_stcore/upload_file/session/file"
) -> tuple[int, str]:
    """Status and text of what a browser gets; the app behind answers 204, and no second file while it works."""
    budget = FileBudget(free=lambda: FREE)
    answers: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if method == "PUT" and path.startswith("/base/"):
            assert [*budget._arriving.values()] == [("who session", int(size or 0))]
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        raise AssertionError  # not a byte of a refused file is read

    async def send(message: Message) -> None:
        answers.append(message)

    headers = [] if size is None else [(b"content-length", size.encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(UploadLimit(app, lambda: budget, lambda session: f"who {session}")(scope, receive, send))
    assert not budget._arriving
    return answers[0]["status"], answers[1]["body"].decode()


def test_a_file_arrives_where_there_is_room() -> None:
    assert sent("900") == (204, "")


def test_one_too_many_is_refused() -> None:
    status, text = sent("1100")
    assert status == 413
    assert "1.1 kB of memory, and 1000 bytes are the most that one visitor" in text


@pytest.mark.parametrize("size", [None, "-1", "many"])
def test_a_file_without_a_size_is_refused(size: str | None) -> None:
    assert sent(size)[0] == 411


def test_other_requests_pass() -> None:
    assert sent("9999", "DELETE")[0] == 204
    assert sent("9999", path="/live")[0] == 204


def test_files_that_no_page_has_taken_are_counted_to_their_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(waiting(str.upper)) == []
    manager = MemoryUploadedFileManager("/")
    manager.add_file("session", UploadedFileRec("1", "a.csv", "text/csv", b"abc"))
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(uploaded_file_mgr=manager))
    assert list(waiting(str.upper)) == [("SESSION", b"abc")]
