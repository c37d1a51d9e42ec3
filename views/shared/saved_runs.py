"""Runs that visitors keep: in the data folder where they may change it, else in their session."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, cast

import msgspec
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from alphastream.backtest.saved_run import Control, SavedRun, named
from alphastream.errors import ParameterError
from runtime.saved_runs import RunFolder
from views.shared.rights import may_change, why_not
from views.shared.system import get_system

OWN: Final = "saved_runs"
"""Key of the runs of this session."""
MOST_OWN: Final = 20
FOLDER: Final = "runs"
NOT_SHARED: Final = "It stays in this browser's session only: download it to keep it."
TABS: Final = ("backtest_tab", "benchmark")
"""Controls that say what is looked at, not what is run."""


@st.cache_resource(show_spinner=False)
def _folder(path: str) -> RunFolder:
    return RunFolder(Path(path))


def run_folder() -> RunFolder:
    """The folder of kept runs of this app."""
    return _folder(str(get_system().settings.data_dir / FOLDER))


def own_runs() -> tuple[SavedRun, ...]:
    """Runs of this session."""
    return cast(tuple[SavedRun, ...], st.session_state.get(OWN, ()))


def kept_runs() -> tuple[SavedRun, ...]:
    """All that this visitor sees, those kept last first. Raises StorageError."""
    return tuple(sorted((*own_runs(), *run_folder().runs()), key=lambda run: -run.saved_ns))


def is_own(run: SavedRun) -> bool:
    """Whether a run is in this session only."""
    return any(run.id == each.id for each in own_runs())


def keep(run: SavedRun) -> str:
    """Keep a run where this visitor may; where that is, in a sentence. Raises ParameterError, StorageError."""
    taken = [each.name for each in kept_runs() if each.id != run.id]
    if run.name in taken:
        raise ParameterError(f"there is a run called {run.name!r} already: give it another name")
    if may_change():
        run_folder().keep(run)
        return "It is in the data folder, for everybody who uses this app."
    keep_own(run)
    return NOT_SHARED


def keep_own(run: SavedRun) -> None:
    """Keep a run in this session. Raises ParameterError where there are too many."""
    others = tuple(each for each in own_runs() if each.id != run.id)
    if len(others) >= MOST_OWN:
        raise ParameterError(f"this session has {MOST_OWN} runs, the most there may be: delete one first")
    _set(OWN, (run, *others))


def rename(run: SavedRun, name: str) -> None:
    """Give a run another name. Raises ParameterError, StorageError."""
    new = named(name)
    if new in [each.name for each in kept_runs() if each.id != run.id]:
        raise ParameterError(f"there is a run called {new!r} already: give it another name")
    if is_own(run):
        keep_own(msgspec.structs.replace(run, name=new))
    else:
        _require_right()
        run_folder().rename(run.id, new)


def delete(run: SavedRun) -> None:
    """Remove a run for good. Raises StorageError."""
    if is_own(run):
        _set(OWN, tuple(each for each in own_runs() if each.id != run.id))
    else:
        _require_right()
        run_folder().delete(run.id)


def may_alter(run: SavedRun) -> bool:
    """Whether this visitor may rename and delete a run."""
    return is_own(run) or may_change()


def _require_right() -> None:
    if words := why_not():
        raise ParameterError(words.rstrip("."))


def new_id() -> str:
    """An id that no other run has."""
    return os.urandom(8).hex()


def now_ns() -> int:
    """The time that a run is kept at."""
    return time.time_ns()


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """The name, with a number behind it where there is one of it already."""
    used, number, name = set(taken), 2, wanted
    while name in used:
        name, number = f"{wanted} ({number})", number + 1
    return name


def with_free_name(run: SavedRun, taken: Iterable[str]) -> SavedRun:
    """The run under a name that is free."""
    return msgspec.structs.replace(run, name=free_name(run.name, taken))


def controls_now() -> dict[str, Control]:
    """Values of the controls of this page that stand in its address, those at their defaults included."""
    values = {key: st.session_state[key] for key in _bound() if key not in TABS}
    return {key: _plain(value) for key, value in values.items() if _is_plain(value)}


def _bound() -> list[str]:
    """Keys of controls of this page that stand in its address, or would if they were not at their defaults."""
    context = get_script_run_ctx()
    if context is None:
        return []
    with context.session_state.query_params() as params:
        return [str(key) for key in st.session_state if params.is_bound(str(key))]


def take_controls(run: SavedRun) -> None:
    """Set what the session holds of a run's controls as it was when the run was kept; to be followed by ``address``.

    An address does not set a control back to its default where the session has another value, and the session is not
    a place where a file may write what it likes: only a value that is there is replaced, by one of its own kind.
    """
    for key, value in run.controls.items():
        held = st.session_state.get(key)
        if held is not None and _is_plain(held) and isinstance(value, type(held)):
            st.session_state[key] = value


def address(run: SavedRun) -> dict[str, str | list[str]]:
    """The controls of a run as they stand in an address, those at their defaults included.

    Without those that this page has as well: Streamlit refuses to write them, and takes them over by itself.
    """
    found: dict[str, str | list[str]] = {}
    here = set(_bound())
    for key, value in run.controls.items():
        if key in here:
            continue
        if isinstance(value, list):
            found[key] = value
        elif isinstance(value, bool):
            found[key] = "true" if value else "false"
        elif value is not None:
            found[key] = f"{value:.12g}" if isinstance(value, float) else str(value)
    return found


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(each, str) for each in value)
    return value is None or isinstance(value, str | int | float | bool)


def _plain(value: object) -> Control:
    return [str(each) for each in value] if isinstance(value, list | tuple) else cast(Control, value)


def _set(key: str, value: object) -> None:
    st.session_state[key] = value
