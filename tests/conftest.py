"""What holds for all tests."""

import pytest
from hypothesis import settings

settings.register_profile("shared machine", deadline=None)  # no test asserts on seconds
settings.load_profile("shared machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests come last: from its first use to the end of the run, playwright keeps an event loop running in
    the main thread, and there nothing else can run one.

    Side by side, with ``-n 2 --dist loadgroup --no-loadscope-reorder``, a file stays with one worker, and all browser
    tests with one: two browsers and their servers starve each other.
    """
    items.sort(key=_needs_browser)
    if config.getoption("dist", "no") == "loadgroup":
        for item in items:
            item.add_marker(pytest.mark.xdist_group("browser" if _needs_browser(item) else item.nodeid.split("::")[0]))


def _needs_browser(item: pytest.Item) -> bool:
    return "browser" in item.path.parts
