"""Where Bybit answers, and what tells one of its categories from another."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import msgspec

from alphastream.errors import ParameterError
from alphastream.feeds.codec import Keepalive, WireSymbol
from alphastream.instruments import InstrumentId

KEEPALIVE: Final = Keepalive(b'{"op":"ping"}', 20.0)
REST_PATH: Final = "/v5/market"
_TOPICS: Final = 10  # that a subscription to spot pairs may name


@dataclass(frozen=True, slots=True)
class Category:
    """One category of Bybit's.

    Parameters
    ----------
    name : key in the registry of feeds.
    title : for people.
    category : in requests and in the path of the stream.
    recent_trades : how many of the newest trades REST gives.
    ws_url, rest_url : scheme and host.
    """

    name: str
    title: str
    category: Literal["linear", "spot"]
    recent_trades: int
    ws_url: str = "wss://stream.bybit.com"
    rest_url: str = "https://api.bybit.com"

    @property
    def ws_path(self) -> str:
        """Path of the stream."""
        return f"/v5/public/{self.category}"

    def moved(self, ws_url: str | None, rest_url: str | None) -> "Category":
        """Return the same at other hosts; addresses may bear Bybit's own paths."""
        moved = self
        if ws_url is not None:
            moved = replace(moved, ws_url=ws_url.rstrip("/").removesuffix(self.ws_path))
        if rest_url is not None:
            moved = replace(moved, rest_url=rest_url.rstrip("/").removesuffix(REST_PATH))
        return moved


LINEAR: Final = Category("bybit-linear", "Bybit linear", "linear", 1_000)
SPOT: Final = Category("bybit-spot", "Bybit spot", "spot", 60)


def wire_symbol(category: Category, instrument: InstrumentId) -> WireSymbol:
    """Return how an instrument is called in what goes to the venue; ParameterError where it is not carried here."""
    if instrument.venue != category.name:
        raise ParameterError(f"{instrument} is not of {category.title}: needs a name such as {category.name}:BTCUSDT")
    symbol = instrument.symbol
    if category.category == "linear" and re.fullmatch(r"[A-Z0-9]+USD([HMUZ]\d\d)?", symbol):
        base = re.sub(r"USD([HMUZ]\d\d)?$", "", symbol)
        raise ParameterError(
            f"{symbol} is an inverse contract: one is 1 USD, so how many {base} were traded changes with the price, "
            f"and gains are paid in {base}. Nothing here counts so: take {base}USDT"
        )
    if not symbol.replace("-", "").isalnum() or symbol.startswith("-"):
        raise ParameterError(f"{symbol!r} cannot be a symbol: needs letters and digits, such as BTCUSDT")
    return WireSymbol(symbol)


def frames(action: Literal["subscribe", "unsubscribe"], topics: Sequence[str], request_id: int) -> tuple[bytes, ...]:
    """Return the messages that ask for topics, or for no more of them."""
    return tuple(
        msgspec.json.encode({"req_id": f"{request_id}.{start}", "op": action, "args": topics[start : start + _TOPICS]})
        for start in range(0, len(topics), _TOPICS)
    )
