"""What a page says while kernels it needs are being compiled, and how it waits for them."""

from typing import Final

import streamlit as st

from alphastream.kernel_groups import GROUPS
from runtime.compile_ahead import Compilation, CompileProgress, shared
from views.shared.notices import Notice

PAIR_MODELS: Final = tuple(name for name, group in GROUPS.items() if group.room == "estimators")
"""The groups that a page of a pair shows."""

LOOK_AGAIN_S: Final = 1.0
LOAD_S: Final = 3.0  # what is on disk is loaded in a second or two: not worth a sentence


def progress_text(progress: CompileProgress | None) -> str:
    """Groups done, of how many, and the time left: ``5 of 15, about 20 s``; empty where nobody knows yet."""
    if progress is None:
        return ""
    left_s = max(5, 5 * round(progress.left_s / 5))
    left = f"{left_s} s" if left_s < 100 else f"{round(left_s / 60)} min"
    return f"{progress.done} of {progress.total}, about {left}"


def compiling_text(progress: CompileProgress | None) -> str:
    """The sentence of every page that waits for kernels."""
    if progress is None:
        return "Models are being loaded."
    return f"Models are being compiled: {progress_text(progress)}. That happens once for each version."


def compiling_notices(compilation: Compilation, *groups: str) -> list[Notice]:
    """The sentence while one of the groups is not there, else nothing."""
    if compilation.is_ready(*groups) or compilation.progress is None:
        return []
    return [Notice("info", "Not yet", compiling_text(compilation.progress), "hourglass_empty")]


def kernels_ready(*groups: str) -> bool:
    """Whether a page may call these kernels. If not, it shows the sentence, and runs again once they are there."""
    compilation = shared()
    if compilation.is_ready(*groups):
        return True
    if compilation.progress is None and compilation.wait(*groups, timeout_s=LOAD_S):
        return True
    st.fragment(_wait, run_every=LOOK_AGAIN_S, key="compiling")(groups)
    return False


def _wait(groups: tuple[str, ...]) -> None:
    if shared().is_ready(*groups):
        st.rerun()
    progress = shared().progress
    st.info(compiling_text(progress), icon=":material/hourglass_empty:", title="Not yet")
    if progress is not None:
        st.progress(progress.done / progress.total)
