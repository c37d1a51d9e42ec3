"""A small application around the live figure: a moving pair and its channel. The tests run a copy of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from runtime.channel.topics import Frame
from tests.browser.moving_pair import STEP_S, Market, live
from views.component import live_figure, publish_assets, way_of
from views.shared import channel


def _source(market: Market, still: bool) -> Callable[[], Frame]:
    if not still:
        return market.frame
    frame = market.frame()
    return lambda: frame


def _figure() -> None:
    hub, market = live()
    still = "still" in st.query_params
    live_figure(hub.topic(("pair", still), _source(market, still)), ticket=hub.ticket(), key="pair")


def page() -> None:
    """Reports of the browser run the fragment; only without the channel does time run it as well."""
    pace = STEP_S if way_of("pair") == "page" else None
    st.fragment(_figure, run_every=pace, key="panel")()


def pages() -> None:
    """Two pages with the same figure."""
    st.set_page_config(layout="wide")
    st.navigation([st.Page(page, title="First", default=True), st.Page(page, title="Second", url_path="second")]).run()


async def serve(socket: WebSocket) -> None:
    """The channel's door is tested elsewhere."""
    await live()[0].serve(socket)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Stop with the server."""
    yield
    hub, market = live()
    market.stopping.set()
    hub.stop()


if __name__ == "__main__":
    pages()
else:
    publish_assets(Path(__file__).parent / "static")
    app = st.App(__file__, routes=[WebSocketRoute(channel.path(), serve)], lifespan=lifespan)
