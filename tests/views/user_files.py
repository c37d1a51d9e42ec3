"""A folder of a user's files under pages of a test."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime import user_folder
from runtime.user_folder import UserFolder
from tests.views.running import ROOT

EXAMPLE = (ROOT / "examples" / "user_strategy.py").read_text(encoding="utf-8")


@contextmanager
def user_files(folder: Path, **files: str) -> Iterator[UserFolder]:
    """A folder with these files, loaded as that of the process while the context lasts."""
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_folder, "_current", None)
        opened = user_folder.open_user_folder(folder)
        try:
            yield opened
        finally:
            shutil.rmtree(folder)
            opened.load()
