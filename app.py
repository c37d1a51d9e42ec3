"""The application. `streamlit run app.py` imports this file for the server and runs it again for every page visit."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

import streamlit as st
from starlette.routing import WebSocketRoute

import config
from alphastream.errors import SettingError
from views import channel
from views.live_figure import publish_assets
from views.system import get_system

ROOT = Path(__file__).resolve().parent

# What pages import is imported with the server: otherwise the first visitor waits for pandas and plotly.
for room in (
    "alert_form",
    "alert_tables",
    "backtest_charts",
    "backtest_controls",
    "backtest_tables",
    "backtest_trials",
    "controls",
    "exports",
    "findings",
    "paper_charts",
    "paper_controls",
    "paper_tables",
    "portfolio_charts",
    "portfolio_controls",
    "portfolio_tables",
    "report",
    "scan_charts",
    "uploads",
):
    import_module(f"views.{room}")


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """The feed runs from the start of the server, not from the first visit, and stops with it."""
    system = get_system()
    gc.collect()
    gc.freeze()  # what was imported stays: no collection looks at it again
    try:
        yield
    finally:
        system.stop()


def pages() -> None:
    """Which pages exist."""
    st.set_page_config(page_title="AlphaStream", page_icon=str(ROOT / "views" / "icon.svg"), layout="wide")
    st.html(ROOT / "views" / "page.css")
    if not getattr(st.user, "is_logged_in", True):  # the attribute exists where a login is configured
        st.button("Log in", icon=":material/login:", on_click=st.login)
        return
    st.navigation(
        [
            st.Page("views/live.py", title="Live pair", icon=":material/monitoring:", default=True),
            st.Page("views/scanner.py", title="Scanner", icon=":material/grid_on:"),
            st.Page("views/portfolio.py", title="Portfolio", icon=":material/pie_chart:"),
            st.Page("views/backtest.py", title="Backtest", icon=":material/replay_circle_filled:"),
            st.Page("views/paper.py", title="Paper", icon=":material/receipt_long:"),
            st.Page("views/alerts.py", title="Alerts", icon=":material/notifications:"),
            st.Page("views/history.py", title="History", icon=":material/history:"),
        ],
        position="top",
    ).run()


if __name__ == "__main__":
    pages()
else:
    try:
        config.load()
    except SettingError as error:
        raise SystemExit(f"AlphaStream does not start: {error}") from None
    publish_assets(ROOT / "static")
    app = st.App(__file__, routes=[WebSocketRoute(channel.path(), channel.live)], lifespan=lifespan)
