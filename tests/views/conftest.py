"""What tests of whole pages run on."""

from collections.abc import Iterator

import pytest
import streamlit as st

from alphastream.kernel_groups import GROUPS
from runtime.compile_ahead import shared
from views.shared import rights
from views.shared.system import get_settings, get_system


@pytest.fixture(scope="session", autouse=True)
def _kernels() -> None:
    """Pages find their kernels compiled, also where these tests are the first to need them."""
    shared().start()
    assert shared().wait(*GROUPS, timeout_s=600)


@pytest.fixture(autouse=True)
def _on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are opened from this machine: a page under test has no browser that could say so."""
    monkeypatch.setattr(rights, "_obstacle", lambda: None)


@pytest.fixture(scope="module")
def replaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One system for the pages of this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHASTREAM_FEED", "replay")
        patch.setenv("ALPHASTREAM_DATA_DIR", str(tmp_path_factory.mktemp("var")))
        patch.setenv("ALPHASTREAM_MAX_UPLOAD_MB", "1")
        st.cache_resource.clear()
        yield
        get_system().stop()
        st.cache_resource.clear()
    get_settings.clear()
