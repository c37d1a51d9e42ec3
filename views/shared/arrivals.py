"""Files on their way here: refused before they arrive where there is no room for them."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from alphastream.errors import UploadError
from views.shared.file_budget import FileBudget

logger = logging.getLogger(__name__)

_UPLOAD: Final = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+/?")


class UploadLimit:
    """Middleware that answers 413 to a file for which the budget has no room.

    Streamlit shows a page its files once all of them are here, and holds them until then without a bound of its own.

    Parameters
    ----------
    budget : of all files.
    owner : of a session's files.
    """

    def __init__(self, app: ASGIApp, budget: Callable[[], FileBudget], owner: Callable[[str], str]) -> None:
        self._app = app
        self._budget = budget
        self._owner = owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse the file that it brings."""
        found = _UPLOAD.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        size = Headers(scope=scope).get("content-length", "")
        if not size.isdecimal():
            await PlainTextResponse("the size of the file is needed", 411)(scope, receive, send)
            return
        with ExitStack() as stack:
            try:
                stack.enter_context(self._budget().arriving(self._owner(found[1]), "file", int(size)))
            except UploadError as error:
                reason = str(error)
                logger.warning("upload refused reason=%r", reason)  # the browser shows the status alone
                await PlainTextResponse(reason, 413)(scope, receive, send)
                return
            await self._app(scope, receive, send)


def waiting(owner: Callable[[str], str]) -> Iterator[tuple[str, bytes]]:
    """Owner and bytes of files that Streamlit holds, since no page has taken them yet."""
    manager = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    if isinstance(manager, MemoryUploadedFileManager):
        for session, files in list(manager.file_storage.items()):
            for file in list(files.values()):
                yield owner(session), file.data
