"""Files without a header as venues and programs publish them, where the cells alone do not tell what is what.

A layout is taken only where every column holds what it should: the same number of columns proves nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

import numpy as np

from alphastream.uploads.bar_order import fits
from alphastream.uploads.columns import BAR_ROLES, Role
from alphastream.uploads.contents import Content, roughness, same_prices


@dataclass(frozen=True, slots=True)
class Published:
    """A known layout: who writes it, and what stands in each column (a role, or a word for what is not read here)."""

    name: str
    words: tuple[str, ...]

    def roles(self) -> dict[Role, int]:
        """Role to the position of its column."""
        found = {word: self.words.index(word) for word in self.words if word in _ROLES}  # the first of two times
        clock = found.pop("date", None)
        return ({} if clock is None else {"time": clock}) | found  # type: ignore[return-value]


_ROLES: Final = {*get_args(Role), "date"}
LAYOUTS: Final = tuple(
    Published(name, tuple(words.split()))
    for name, words in (
        ("Binance futures aggTrades", "id price quantity first_id last_id time buyer_is_maker"),
        ("Binance spot aggTrades", "id price quantity first_id last_id time buyer_is_maker best_match"),
        ("Binance futures trades", "id price quantity quote_quantity time buyer_is_maker"),
        ("Binance spot trades", "id price quantity quote_quantity time buyer_is_maker best_match"),
        (
            "Binance klines",
            "time open high low close volume close_time quote_volume trades buy_volume buy_quote_volume any",
        ),
        ("Binance bookTicker", "id bid bid_quantity ask ask_quantity time event_time"),
        ("Gate trades", "time id price quantity flag"),
        ("HistData ticks", "time bid ask zero"),
        ("Kibot ticks", "date clock price bid ask quantity"),
        ("TrueFX", "symbol time bid ask"),
        ("Kraken's stream of trades", "price quantity time buyer_is_maker letter empty same symbol"),
    )
)
_Test = Callable[[Content], bool]


def _positive(content: Content) -> bool:
    some = content.values[np.isfinite(content.values)]
    return content.is_number and bool(np.mean(some > 0) > 0.5)


def _amount(content: Content) -> bool:
    """Also volumes of ten digits, which look like times."""
    some = content.values[np.isfinite(content.values)]
    return len(some) > 0 and bool((some >= 0).all())


def _id(content: Content) -> bool:
    """Also ids of ten digits."""
    some = content.values[np.isfinite(content.values)]
    return content.whole and len(np.unique(some)) == len(some) and content.kind != "index"


_TESTS: Final[Mapping[str, _Test]] = {
    **dict.fromkeys(("price", "bid", "ask", *BAR_ROLES), _positive),
    **dict.fromkeys(("quantity", "volume", "quote_quantity", "quote_volume"), _amount),
    **dict.fromkeys(("buy_volume", "buy_quote_volume", "bid_quantity", "ask_quantity"), _amount),
    **dict.fromkeys(("time", "close_time", "event_time"), lambda content: content.kind == "time"),
    "date": lambda content: content.kind == "date",
    "clock": lambda content: content.kind == "clock",
    "symbol": lambda content: content.kind == "symbol",
    "id": _id,
    **dict.fromkeys(("first_id", "last_id", "trades"), lambda content: content.whole),
    "flag": lambda content: content.kind == "flag",
    "zero": lambda content: content.kind == "flag" and not np.nansum(np.abs(content.values)),
    "best_match": lambda content: content.kind == "truth",
    "buyer_is_maker": lambda content: content.kind in ("truth", "side"),
    "letter": lambda content: content.kind in ("text", "symbol") and content.distinct <= 2,
    "empty": lambda content: content.kind == "empty",
    "same": lambda content: content.kind in ("text", "symbol") and content.distinct == 1,
    "any": lambda content: True,
}


def published(contents: Sequence[Content]) -> Published | None:
    """The known layout that columns agree with, or None.

    Parameters
    ----------
    contents : what each column holds, in the order of the file.
    """
    for layout in LAYOUTS:
        if len(layout.words) == len(contents) and _agrees(layout, contents):
            return layout
    return None


def _agrees(layout: Published, contents: Sequence[Content]) -> bool:
    if not all(_TESTS[word](content) for word, content in zip(layout.words, contents, strict=True)):
        return False
    values = {word: content.values for word, content in zip(layout.words, contents, strict=True)}
    if "open" in values and not fits([values[role] for role in BAR_ROLES]):
        return False
    if "bid" in values and not (
        same_prices([values["bid"], values["ask"]]) and np.nanmean(values["bid"] <= values["ask"]) > 0.9
    ):
        return False
    if "price" in values and "quantity" in values and "symbol" not in values:  # of one instrument, it is calmer
        return not roughness(values["price"]) > roughness(values["quantity"])
    return True
