"""The application. `streamlit run app.py` imports this file for the server and runs it again for every page visit."""

import asyncio
import gc
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from streamlit.navigation.page import StreamlitPage

from alphastream.errors import SettingError
from views.component import publish_assets
from views.shared import channel, watchers
from views.shared.addresses import START, Addresses
from views.shared.arrivals import UploadLimit
from views.shared.clock_controls import display_settings
from views.shared.help_links import link_help_texts
from views.shared.links import telling_ignored
from views.shared.sessions import close_ended, note_session
from views.shared.status_bar import status_bar
from views.shared.system import get_file_budget, get_sessions, get_settings, get_shelf, get_system, load_user_code
from views.shared.visitor import VisitorCookie
from views.shared.workflow import go_on
from views.start.unknown_page import asked_page, unknown_page

ROOT = Path(__file__).resolve().parent
ABOUT = "AlphaStream: statistical arbitrage on live trades, recorded ones and files. Nothing on its pages is advice."
"""With an entry of its own the menu is there, and with it the choice of a light or a dark page."""


def import_parts() -> None:
    """Import what pages are made of before any of them runs.

    With the server: otherwise the first visitor waits for pandas and plotly. And in every visit: after a file has
    changed, Streamlit forgets all modules, and they come back at once.
    """
    for part in sorted((ROOT / "views").glob("*/*.py")):
        if part.stem not in {"page", "__init__"}:  # a page runs where it is imported
            import_module(f"views.{part.parent.name}.{part.stem}")


import_parts()


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


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """The feed runs from the start of the server, not from the first visit, and stops with it."""
    system = get_system()
    gc.collect()
    gc.freeze()  # what was imported stays: no collection looks at it again
    closing = asyncio.create_task(close_ended(get_sessions, lambda present: get_shelf().sweep(present)))
    try:
        yield
    finally:
        closing.cancel()
        with suppress(asyncio.CancelledError):
            await closing
        system.stop()


def unknown_pages(known: Sequence[StreamlitPage]) -> list[StreamlitPage]:
    """A page for an address that no page has; Streamlit's own answer to it is the first page behind a dialog."""
    asked = asked_page(st.context.url, channel.path(""))
    if not asked or "/" in asked or asked in {START, *(page.url_path for page in known)}:
        return []
    show = partial(unknown_page, asked, known, known[0])
    return [st.Page(show, title="No such page", url_path=asked, visibility="hidden")]


def pages() -> None:
    """Which pages exist."""
    st.set_page_config(
        page_title="AlphaStream",
        page_icon=str(ROOT / "views" / "shared" / "icon.svg"),
        layout="wide",
        menu_items={"About": ABOUT},
    )
    load_user_code()
    link_help_texts()
    note_session(get_sessions())
    st.html(ROOT / "views" / "shared" / "page.css")
    if not getattr(st.user, "is_logged_in", True):  # the attribute exists where a login is configured
        st.button("Log in", icon=":material/login:", on_click=st.login)
        return
    display_settings()
    known = [
        st.Page("views/start/page.py", title="Start", url_path="start", icon=":material/home:", default=True),
        st.Page("views/live/page.py", title="Live pair", url_path="live", icon=":material/monitoring:"),
        st.Page("views/watchlist/page.py", title="Watchlist", url_path="watchlist", icon=":material/list_alt:"),
        st.Page(
            "views/microstructure/page.py",
            title="Microstructure",
            url_path="microstructure",
            icon=":material/candlestick_chart:",
        ),
        st.Page("views/scanner/page.py", title="Scanner", url_path="scanner", icon=":material/grid_on:"),
        st.Page("views/portfolio/page.py", title="Portfolio", url_path="portfolio", icon=":material/pie_chart:"),
        st.Page(
            "views/backtest/page.py", title="Backtest", url_path="backtest", icon=":material/replay_circle_filled:"
        ),
        st.Page("views/saved_runs/page.py", title="Runs", url_path="runs", icon=":material/bookmarks:"),
        st.Page("views/paper/page.py", title="Paper", url_path="paper", icon=":material/receipt_long:"),
        st.Page("views/arbitrage/page.py", title="Arbitrage", url_path="arbitrage", icon=":material/compare_arrows:"),
        st.Page("views/risk/page.py", title="Risk", url_path="risk", icon=":material/speed:"),
        st.Page("views/alerts/page.py", title="Alerts", url_path="alerts", icon=":material/notifications:"),
        st.Page("views/history/page.py", title="History", url_path="history", icon=":material/history:"),
        st.Page("views/health/page.py", title="Health", url_path="health", icon=":material/monitor_heart:"),
        st.Page("views/glossary/page.py", title="Glossary", url_path="glossary", icon=":material/menu_book:"),
    ]
    page = st.navigation([*known, *unknown_pages(known)], position="top")
    go_on()
    status_bar()
    with telling_ignored(page.url_path):
        page.run()


if __name__ == "__main__":
    pages()
else:
    try:
        get_settings()
        check_secrets()
    except SettingError as error:
        raise SystemExit(f"AlphaStream does not start: {error}") from None
    publish_assets(ROOT / "static")
    app = st.App(
        __file__,
        routes=[
            WebSocketRoute(channel.path(), channel.live),
            Route(channel.path("healthz"), watchers.healthz),
            Route(channel.path("metrics"), watchers.metrics),
            Route(channel.path("risk.json"), watchers.risk),
        ],
        middleware=[
            Middleware(VisitorCookie),
            Middleware(Addresses, root=channel.path("")),
            Middleware(UploadLimit, budget=get_file_budget, owner=lambda session: get_sessions().owner(session)),
        ],
        lifespan=lifespan,
    )
