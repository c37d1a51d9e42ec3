"""The one place where Streamlit keeps the running system: one for the process, whatever the number of sessions."""

import tomllib
from pathlib import Path

import streamlit as st

import config
from alphastream.errors import SettingError
from system import System, configure_logging


@st.cache_resource(show_spinner=False)
def get_settings() -> config.Settings:
    """The settings of this process, read once."""
    return config.load()


def check_secrets() -> None:
    """Refuse a file of secrets that cannot be read: Streamlit would serve everybody as if no login were set up in it.

    Raises
    ------
    SettingError
        Naming the file and the place in it, never what stands there.
    """
    for name in st.get_option("secrets.files"):
        try:
            tomllib.loads(Path(name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except UnicodeDecodeError as error:
            raise SettingError(f"{name} is not UTF-8 at byte {error.start}: save it as UTF-8 text") from None
        except tomllib.TOMLDecodeError as error:
            raise SettingError(f"{name} is not TOML ({error}): mend it, or no login set up there holds") from None
        except OSError as error:
            raise SettingError(f"{name} cannot be read ({error.strerror}): make it readable or remove it") from None


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
