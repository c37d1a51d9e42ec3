"""What holds for all tests."""

import pytest
from hypothesis import settings

settings.register_profile("shared machine", deadline=None)  # no test asserts on seconds
settings.load_profile("shared machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: from its first use to the end of the run, playwright keeps an event loop running in
    the main thread, and there nothing else can run one."""
    items.sort(key=lambda item: "browser" in item.path.parts)
