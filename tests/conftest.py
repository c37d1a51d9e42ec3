"""What holds for all tests."""

from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

settings.register_profile("shared machine", deadline=None)  # no test asserts on seconds
settings.load_profile("shared machine")

BROWSER = "tests/browser/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come first: they take longest, and only one worker may have them."""
    items.sort(key=lambda item: not item.nodeid.startswith(BROWSER))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``-n 2 --dist loadfile --no-loadscope-reorder`` a file stays with one worker, and all browser tests with
    one, at the beginning: two browsers and their servers starve each other.

    Groups of ``--dist loadgroup`` would say the same, but pytest-xdist 3.8 writes them where pytest 9.2 does not look.
    """
    if config.getoption("dist") != "loadfile":
        return None
    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = _worker_group
    return scheduler


def _worker_group(nodeid: str) -> str:
    return BROWSER if nodeid.startswith(BROWSER) else nodeid.split("::", 1)[0]
