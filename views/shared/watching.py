"""Pairs that are watched, as they stand in an address: short, and read by people.

``pairs=ETHUSDT~BTCUSDT+SOLUSDT~BTCUSDT`` in an address is ``ETHUSDT~BTCUSDT SOLUSDT~BTCUSDT``; people may write ``/``
for ``~`` and commas or lines for spaces.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import combinations
from typing import Any, Final
from urllib.parse import urlencode

import streamlit as st

from alphastream.errors import AlphaStreamError
from views.shared.fill_cost import FILL_COST
from views.shared.instruments import asked, label, legs
from views.shared.pair_view import PairView

PAIRS: Final = "pairs"
"""Key of the pairs in the address of the watchlist."""
NO_PAIRS: Final = "none"
"""What stands there where the last pair was taken off the list."""
HELD: Final = "watched_pairs"
"""Key of the session's list: its pairs as text."""
MAX_PAIRS: Final = 60
PAGE: Final = "watchlist"

Pair = tuple[str, str]


def pair_text(pair: Pair, venue: str) -> str:
    """A pair as it stands in an address.

    >>> pair_text(("binance-usdm:ETHUSDT", "binance-usdm:BTCUSDT"), "binance-usdm")
    'ETHUSDT~BTCUSDT'
    """
    return "~".join(label(leg, venue) for leg in pair)


def pairs_text(pairs: Iterable[Pair], venue: str) -> str:
    """Pairs as they stand in an address.

    >>> pairs_text([("ETH", "BTC"), ("SOL", "BTC")], "")
    'ETH~BTC SOL~BTC'
    """
    return " ".join(pair_text(pair, venue) for pair in pairs)


def read_pairs(text: str, venue: str, known: Collection[str] = ()) -> tuple[list[Pair], list[str]]:
    """Pairs that somebody writes, each once, and a sentence for each that is none.

    Examples
    --------
    >>> read_pairs("eth/btc, sol~btc eth~btc", "")
    ([('ETH', 'BTC'), ('SOL', 'BTC')], [])
    >>> read_pairs("eth~eth", "")[1]
    ['eth~eth has one symbol twice: a pair needs two different ones']
    """
    pairs: dict[Pair, None] = {}
    problems: list[str] = []
    for written in filter(None, re.split(r"[\s,;+]+", text)):
        try:
            pair = _read_pair(written, venue, known)
        except AlphaStreamError as error:
            problems.append(str(error))
            continue
        if pair[0] == pair[1]:
            problems.append(f"{written} has one symbol twice: a pair needs two different ones")
        else:
            pairs[pair] = None
    if len(pairs) > MAX_PAIRS:
        problems.append(f"{len(pairs)} pairs are more than the {MAX_PAIRS} that one list shows: the rest is left out")
    return list(pairs)[:MAX_PAIRS], problems


def _read_pair(written: str, venue: str, known: Collection[str]) -> Pair:
    y, mark, x = written.partition("~")
    if mark and y and x and "~" not in x:
        return asked(y, venue), asked(x, venue)
    return legs(written, venue, known)


def all_pairs(symbols: Sequence[str]) -> list[Pair]:
    """Every two of some symbols, the later one as the dependent leg.

    >>> all_pairs(["BTC", "ETH", "SOL"])
    [('ETH', 'BTC'), ('SOL', 'BTC'), ('SOL', 'ETH')]
    """
    return sorted(((y, x) for x, y in combinations(symbols, 2)), key=lambda pair: symbols.index(pair[0]))


def how(view: PairView) -> dict[str, Any]:
    """Values of the controls, by their keys, that compute any pair as a view does."""
    return {key: value for key, value in view.values().items() if key not in {"y", "x"}} | {FILL_COST: view.fill_cost}


def watch_link(view: PairView, venue: str = "") -> str:
    """The address of a watchlist of one pair, below that of the application.

    >>> from alphastream.pairs import PairSpec
    >>> watch_link(PairView(PairSpec("ETH", "BTC"))).partition("&")[0]
    '/watchlist?pairs=ETH~BTC'
    """
    query = {PAIRS: pair_text((view.spec.y, view.spec.x), venue), **view.query(venue)}
    return f"/{PAGE}?{urlencode({key: text for key, text in query.items() if key in {PAIRS, *how(view)}})}"


def watched(view: PairView, venue: str) -> dict[str, Any]:
    """What the session holds when a view's pair has joined its watchlist, by key, for "Watch this".

    The whole list is then computed as the view is.
    """
    held = str(st.session_state.get(HELD) or "")
    pairs, _ = read_pairs(f"{held} {pair_text((view.spec.y, view.spec.x), venue)}", venue)
    return {HELD: pairs_text(pairs, venue), **how(view)}
