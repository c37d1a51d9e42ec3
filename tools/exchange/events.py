"""What happens on the market of a tape, in the texts it was recorded in. Times are int64 UTC nanoseconds."""

from typing import ClassVar, Literal

import msgspec

Kind = Literal["trades", "quotes", "books", "marks"]
Level = tuple[str, str]
"""Price and quantity of a level of a book; quantity 0 takes it away."""


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One aggregate trade as the venue tells it.

    ``time_ns`` is when it traded (T), ``event_ns`` when the venue wrote the message (E),
    ``receive_ns`` when the recording machine got it.
    """

    kind: ClassVar[Kind] = "trades"

    symbol: str
    id: int
    price_text: str
    quantity_text: str
    first_id: int
    last_id: int
    time_ns: int
    event_ns: int
    receive_ns: int
    buyer_is_maker: bool


class Quote(msgspec.Struct, frozen=True, gc=False):
    """The best bid and offer after the change of the book that bears the number ``id``."""

    kind: ClassVar[Kind] = "quotes"

    symbol: str
    id: int
    bid: Level
    ask: Level
    time_ns: int
    event_ns: int


class BookChange(msgspec.Struct, frozen=True, gc=False):
    """Levels of a book that changed, with what now waits there, and the ten best of each side after it.

    ``first_id`` and ``id`` are the numbers of the first and last change in it, ``previous_id`` is the ``id`` of the
    `BookChange` of the symbol before, ``count`` counts these, one by one.
    """

    kind: ClassVar[Kind] = "books"

    symbol: str
    id: int
    first_id: int
    previous_id: int
    count: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    time_ns: int
    event_ns: int
    best_bids: tuple[Level, ...] = ()
    best_asks: tuple[Level, ...] = ()


class Mark(msgspec.Struct, frozen=True, gc=False):
    """What a perpetual is marked at, and the funding expected at ``next_funding_ns``; ``id`` counts them."""

    kind: ClassVar[Kind] = "marks"

    symbol: str
    id: int
    mark: str
    index: str
    funding_rate: str
    next_funding_ns: int
    interval_ns: int
    time_ns: int
    event_ns: int


Event = Trade | Quote | BookChange | Mark
