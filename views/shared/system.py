"""The one place where Streamlit keeps what there is once for the process: settings, system, sessions, files."""

import streamlit as st

import config
from runtime.startup import configure_logging
from runtime.user_folder import open_user_folder
from system import System
from views.shared.arrivals import waiting
from views.shared.file_budget import FileBudget
from views.shared.kept_files import Shelf
from views.shared.sessions import Sessions
from views.shared.turns import Turns


def load_user_code() -> None:
    """Load the user folder where that has not been done: at the start, or after Streamlit has forgotten all modules."""
    open_user_folder(config.user_folder())


@st.cache_resource(show_spinner=False)
def get_settings() -> config.Settings:
    """The settings of this process, read once, after the files of the user folder: a venue may be in one of them."""
    load_user_code()
    return config.load()


def _is_running(system: System) -> bool:
    return not system.stopped


@st.cache_resource(show_spinner=False, validate=_is_running, on_release=lambda system: system.stop())
def get_system() -> System:
    """The system of this process, started on the first call."""
    settings = get_settings()
    configure_logging(settings.log_level)
    system = System(settings)
    system.start()
    return system


def shown_venue(system: System) -> str:
    """The venue whose symbols pages print bare."""
    return system.pipeline.venue if system.pipeline is not None else system.settings.venue


@st.cache_resource(show_spinner=False)
def get_shelf() -> Shelf:
    """Files that visitors brought."""
    return Shelf()


@st.cache_resource(show_spinner=False)
def get_sessions() -> Sessions:
    """Sessions that were seen."""
    return Sessions()


@st.cache_resource(show_spinner=False)
def get_file_budget() -> FileBudget:
    """Memory that files of all visitors may take."""
    return FileBudget(
        waiting=lambda: waiting(get_sessions().owner), drop_one=lambda: get_shelf().drop_one(get_sessions().visitors())
    )


@st.cache_resource(show_spinner=False)
def get_turns() -> Turns:
    """Whose query runs, and whose waits."""
    return Turns()
