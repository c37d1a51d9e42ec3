"""Files that a field names again after they were taken."""

from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile

from views.shared import uploads


def test_a_file_that_was_taken_before_is_not_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {"field": [DeletedFile("an id")], uploads.FIELD: 3}
    monkeypatch.setattr(st, "session_state", state)
    uploads._take("field")
    assert state[uploads.FIELD] == 3
