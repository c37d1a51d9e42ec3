"""The one place where Streamlit keeps the running system: one for the process, whatever the number of sessions."""

import streamlit as st

import config
from system import System, configure_logging


@st.cache_resource(show_spinner=False)
def get_settings() -> config.Settings:
    """The settings of this process, read once."""
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
