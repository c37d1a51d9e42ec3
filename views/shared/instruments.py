"""Names of instruments between people and the tape: a page reads and prints ``ETHUSDT`` where it is of the venue shown,
and the full ``binance-spot:ETHUSDT`` where it is not.

A venue of "" stands for rows without one, as those of a file: their names are read and printed as they are. No
Streamlit.
"""

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from itertools import accumulate

from alphastream.errors import ParameterError
from alphastream.feeds import FEEDS
from alphastream.instruments import InstrumentId, bare, split

_PREFIX = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*)\s*:(.*)", re.DOTALL)


def asked(text: str, venue: str) -> str:
    """The name that somebody means who writes this: a bare symbol is of ``venue``. "" where nothing is written.

    Raises
    ------
    ParameterError
        The venue in it is not known, or nothing can be called like that.

    Examples
    --------
    >>> str(asked(" ethusdt ", "binance-usdm")), str(asked("Binance-Spot:ethusdt", "binance-usdm")), asked("ko", "")
    ('binance-usdm:ETHUSDT', 'binance-spot:ETHUSDT', 'KO')
    """
    found = _PREFIX.fullmatch(text)
    if not venue or not text.strip():
        return text.strip() if split(text.strip())[0] else _spelt(text, "")
    if found is None:
        return InstrumentId(venue, _spelt(text, venue))
    of = found[1].lower()
    if of not in FEEDS and of != venue:
        known = sorted({*FEEDS, venue})
        close = get_close_matches(of, known, n=1) or known
        raise ParameterError(f"venue {found[1]!r} is not known: did you mean {' or '.join(close)}?")
    return InstrumentId(of, _spelt(found[2], of))


def as_shown(text: str, venue: str) -> str:
    """What somebody writes, as ``label`` prints what it means; unchanged where it means nothing.

    >>> as_shown("binance-usdm:ethusdt", "binance-usdm"), as_shown("nowhere:KO", "binance-usdm"), as_shown("ko", "")
    ('ETHUSDT', 'nowhere:KO', 'ko')
    """
    try:
        return label(asked(text, venue), venue) if venue else text
    except ParameterError:
        return text


def legs(text: str, venue: str, known: Collection[str] = ()) -> tuple[str, str]:
    """The two names of a pair that is written as ``y/x``; a symbol may hold a ``/`` of its own.

    It is parted where both legs are among the ``known`` names, else where they hold as many ``/`` as each other.

    Raises
    ------
    ParameterError
        It is no pair, or could be several.

    Examples
    --------
    >>> legs("ethusdt/binance-spot:btcusdt", ""), legs("ETH/USD/BTC/USD", "")
    (('ETHUSDT', 'binance-spot:btcusdt'), ('ETH/USD', 'BTC/USD'))
    """
    parts = text.split("/")
    before = list(accumulate(parts, lambda left, right: f"{left}/{right}"))[:-1]
    ways = [(y, text[len(y) + 1 :]) for y in before]
    ways = [
        (y, x)
        for y, x in ways
        if y.strip() and x.strip() and not _names_inside(y, venue) and not _names_inside(x, venue)
    ]
    read = [(asked(y, venue), asked(x, venue)) for y, x in ways]
    chosen = [pair for pair in read if pair[0] in known and pair[1] in known]
    # As they are written: a venue that spells symbols without a / takes any that is inside.
    alike = [len(ways) == 1 or y.count("/") == x.count("/") for y, x in ways]
    chosen = chosen or [pair for pair, is_alike in zip(read, alike, strict=True) if is_alike]
    if len(chosen) != 1:
        raise ParameterError(f"{text} is not a pair: write it as y/x, for example ETHUSDT/BTCUSDT")
    return chosen[0]


def label(name: str, venue: str) -> str:
    """How a name is printed by itself.

    >>> label("binance-usdm:ETHUSDT", "binance-usdm"), label("binance-spot:ETHUSDT", "binance-usdm"), label("KO", "")
    ('ETHUSDT', 'binance-spot:ETHUSDT', 'KO')
    """
    return bare(name, venue) if venue else str(name)


def labels(names: Iterable[str], venue: str) -> dict[str, str]:
    """How names are printed side by side: bare where all are of the venue, else all of them in full.

    >>> labels(["binance-usdm:ETHUSDT", "binance-usdm:BTCUSDT"], "binance-usdm")
    {'binance-usdm:ETHUSDT': 'ETHUSDT', 'binance-usdm:BTCUSDT': 'BTCUSDT'}
    >>> labels(["binance-usdm:ETHUSDT", "binance-spot:ETHUSDT"], "binance-usdm")["binance-usdm:ETHUSDT"]
    'binance-usdm:ETHUSDT'
    """
    names = list(names)
    others = any(bare(name) != name and label(name, venue) == name for name in names)
    return {name: name if others else label(name, venue) for name in names}


def _spelt(symbol: str, venue: str) -> str:
    """A symbol as its venue spells it; one of a file stands in capitals."""
    return FEEDS[venue].spelt(symbol.strip()) if venue in FEEDS else symbol.strip().upper()


def _names_inside(leg: str, venue: str) -> bool:
    """Whether a venue stands behind a ``/``: then it is not one name but two."""
    return any(f"/{known}:" in leg.replace(" ", "").lower() for known in {*FEEDS, venue} - {""})
