"""What the visitor of the risk page chooses: limits, how risk is measured, a file of positions."""

from typing import Final

import msgspec
import streamlit as st

from alphastream.errors import AlphaStreamError, StorageError
from alphastream.risk import Limits
from runtime.risk.monitor import RiskMonitor
from runtime.risk.watched import INTERVALS_S, Watched
from views.shared.escaping import in_markdown
from views.shared.metrics import UNKNOWN
from views.shared.rights import change_button, change_submit_button

LEVELS: Final = (0.90, 0.95, 0.975, 0.99)
HORIZONS: Final = (1, 5, 15, 60)
MOST_BYTES: Final = 2**20
MESSAGE: Final = "risk_message"
_LIMITS: Final = {
    "gross": "Gross exposure, quote units",
    "net": "Net exposure, quote units",
    "value_at_risk": "Value at risk, quote units",
    "drawdown": "Drawdown of one account, quote units",
    "margin_use": "Margin in use of one account, 0 to 1",
}


def watch(monitor: RiskMonitor, watched: Watched, done: str) -> None:
    """Watch that from now on, and say so, or why not."""
    try:
        monitor.watch(watched)
    except StorageError as error:
        st.session_state[MESSAGE] = f"{done} It could not be kept: {error}."
    except AlphaStreamError as error:
        st.error(in_markdown(error), icon=":material/error:", title="Nothing was changed")
        return
    else:
        st.session_state[MESSAGE] = done
    st.rerun()


def limits_form(monitor: RiskMonitor, hooks: tuple[str, ...]) -> None:
    """Limits and how risk is measured; kept for the next start."""
    watched = monitor.watched
    with st.form("risk_limits", border=True):
        st.markdown("**Limits.** Empty: no limit. One that is passed is told on every open page, and to webhooks.")
        left, right = st.columns(2)
        found = {}
        for at, (name, label) in enumerate(_LIMITS.items()):
            found[name] = (left, right)[at % 2].number_input(
                label, min_value=0.0, value=getattr(watched.limits, name), placeholder=UNKNOWN, key=f"risk_{name}"
            )
        channels = right.multiselect(
            "Send to webhooks",
            hooks,
            [each for each in watched.channels if each in hooks],
            key="risk_channels",
            placeholder="none" if hooks else "none is named in the secrets",
        )
        st.markdown("**How it is measured.** From moves of closed bars, of a day at most.")
        bars, level, horizon = st.columns(3)
        interval_s = bars.selectbox("Bars of, s", INTERVALS_S, INTERVALS_S.index(watched.interval_s), key="risk_bars")
        confidence = level.selectbox(
            "Confidence", LEVELS, LEVELS.index(watched.level) if watched.level in LEVELS else 1, key="risk_level"
        )
        kept = horizon.selectbox(
            "Kept for, bars",
            HORIZONS,
            HORIZONS.index(watched.horizon_bars) if watched.horizon_bars in HORIZONS else 0,
            key="risk_horizon",
        )
        if not change_submit_button("Keep these", icon=":material/save:", key="risk_keep"):
            return
    try:
        limits = Limits(**found)
    except AlphaStreamError as error:
        st.error(in_markdown(error), icon=":material/error:", title="Nothing was changed")
        return
    changed = msgspec.structs.replace(
        watched,
        limits=limits,
        channels=tuple(channels),
        interval_s=interval_s,
        level=confidence,
        horizon_bars=kept,
    )
    watch(monitor, changed, "The limits hold from now on.")


def positions_box(monitor: RiskMonitor) -> None:
    """A file of positions that are watched beside the paper runs."""
    watched = monitor.watched
    st.caption(
        "CSV with the columns symbol and quantity, negative where short; price (paid) and pair where known. A symbol "
        "without a venue is one of the venue shown. Everybody who opens this page sees it."
    )
    file = st.file_uploader("Positions", type="csv", key="risk_file", max_upload_size=1)
    if file is not None and change_button("Watch these positions", icon=":material/visibility:", key="risk_watch"):
        content = file.getvalue()
        if len(content) > MOST_BYTES:
            st.error("The file has more than 1 MB: sum positions up by symbol first.", title="Nothing was changed")
            return
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            words = f"The file is no UTF-8 text at byte {error.start}: save it as CSV in UTF-8."
            st.error(words, icon=":material/error:", title="Nothing was changed")
            return
        watch(monitor, msgspec.structs.replace(watched, positions=text), "These positions are watched from now on.")
    if watched.positions and change_button("Watch them no more", icon=":material/visibility_off:", key="risk_drop"):
        watch(monitor, msgspec.structs.replace(watched, positions=""), "No file of positions is watched.")
