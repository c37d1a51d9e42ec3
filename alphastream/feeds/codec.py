"""What every venue's codec offers, and the values it speaks in. No sockets and no clock in here."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, NewType, Protocol

import msgspec

from alphastream.events import Tick
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns

if TYPE_CHECKING:
    from alphastream.feeds.klines import KlineCodec
    from alphastream.feeds.market import MarketCodec

Completeness = Literal["contiguous", "unknown"]
"""What the ids of a venue's trades prove: "contiguous" ones that none is missing, others nothing."""

WireSymbol = NewType("WireSymbol", str)
"""A symbol alone, as a venue reads and writes it: what a codec may send, where a full name would be refused."""


class Request(msgspec.Struct, frozen=True):
    """A REST request to send with GET.

    Parameters
    ----------
    url : complete address.
    weight : what the venue counts for it, to be held against ``Codec.weight_per_minute``.
    """

    url: str
    weight: int


class Instrument(msgspec.Struct, frozen=True):
    """Trading rules of one instrument.

    Parameters
    ----------
    symbol : the venue's own spelling.
    tick_size : smallest step of a price, in quote units; 0 where the venue gives none.
    step_size : smallest step of a quantity, in base units; 0 where the venue gives none.
    price_decimals : digits after the point of a price that is a multiple of ``tick_size``.
    min_notional : smallest order, in quote units; 0 where the venue gives none.
    status : the venue's word; "TRADING" means that trades are to be expected.
    has_sessions : it trades in sessions, so silence is no sign of trouble.
    base, quote : what is traded and what it is paid in, in capitals, BTC and not XBT; empty where the venue does not
        say.
    kind : "perpetual" pays funding; "" where the venue does not say.
    contract_size : units of base that a quantity of one on the wire stands for; ticks are in units of base.
    """

    symbol: WireSymbol
    tick_size: float
    step_size: float
    price_decimals: int
    min_notional: float
    status: str
    has_sessions: bool = False
    base: str = ""
    quote: str = ""
    kind: Literal["spot", "perpetual", "future", ""] = ""
    contract_size: float = 1.0


class Keepalive(msgspec.Struct, frozen=True):
    """A text message that a venue wants to hear now and then.

    Parameters
    ----------
    payload : the message.
    every_s : how often.
    """

    payload: bytes
    every_s: float


REFUSED_PLACE_S: Final = 3_600.0
"""Between attempts where the venue refuses the place this computer is in, in case it is at another one by then."""


class RetryAdvice(msgspec.Struct, frozen=True):
    """What to do after a refusal.

    Parameters
    ----------
    action : "retry" with the usual backoff, "wait" for ``wait_s`` because the venue is only busy, "banned" for
        ``wait_s`` because it turned this address away, or "stop": trying again
        does not help, before ``REFUSED_PLACE_S`` at least.
    wait_s : seconds the venue asks for; 0 with "retry" and "stop".
    reason : one sentence for a person.
    """

    action: Literal["retry", "wait", "banned", "stop"]
    wait_s: float
    reason: str


class Codec(Protocol):
    """Bytes of one venue to ticks, and requests to bytes and addresses.

    ``rejected`` counts, by kind, the messages that were no trades and should not have come. A codec keeps it, what
    ``endings`` needs, and what listings have told; so two feeds take two codecs (``fresh``).

    Attributes
    ----------
    completeness : what the ids of its trades prove.
    keepalive : what an open connection must send; None where pings of the protocol are enough.
    pages_forward : past trades are asked for by time, so a gap is closed from its old end.
    usual : symbols that trade often, at least two: what is recorded where nobody names any.
    max_streams, weight_per_minute : instruments on one connection, and what REST allows.
    history_s, page_limit, page_weight : how far back REST trades are worth asking for, how many come in one answer, and
        what that answer weighs.
    market : quotes, books and funding; None where it has none.
    klines : closed bars; None where it gives none.
    """

    name: str
    title: str
    completeness: Completeness
    keepalive: Keepalive | None
    pages_forward: bool
    usual: tuple[str, ...]
    max_streams: int
    weight_per_minute: int
    history_s: int
    page_limit: int
    page_weight: int
    rejected: dict[str, int]

    @property
    def market(self) -> "MarketCodec | None":
        """The codec of quotes, books and funding, with the same addresses and counters of its own."""

    @property
    def klines(self) -> "KlineCodec | None":
        """The codec of closed bars, with the same addresses; None where the venue gives none."""

    @property
    def endings(self) -> int:
        """How often a message has said that the connection it came by should be replaced.

        The venue will end it, or names a trade that did not come.
        """

    def fresh(self, ws_url: str | None = None, rest_url: str | None = None) -> "Codec":
        """Return a codec with its own counters and, where given, other addresses."""

    def spelt(self, symbol: str) -> str:
        """Return a symbol as the venue spells it, from what a person typed; "BTCUSDT" and "btc-usdt" everywhere."""

    def stream_url(self, instruments: Sequence[InstrumentId]) -> str:
        """Return the address of one connection that carries the trades of all instruments."""

    def opening(self, instruments: Sequence[InstrumentId]) -> tuple[bytes, ...]:
        """Return the frames to send once the connection is open; none where its address says it all."""

    def subscribe(self, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        """Return the frame that adds instruments to an open connection."""

    def unsubscribe(self, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        """Return the frame that takes instruments off an open connection."""

    def parse(self, frame: bytes, receive_ns: int = 0) -> list[Tick]:
        """Return the trades in a frame; anything else is counted in ``rejected`` and never raises."""

    def parse_columns(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> dict[str, TickColumns]:
        """Return the trades of many frames as columns of each instrument, in the order of arrival.

        A trade of before the connection, told when it began, has ``receive_ns`` 0: nobody saw it arrive.

        Parameters
        ----------
        receive_ns : when each frame arrived, UTC ns.
        """

    def past_trades(self, instrument: InstrumentId, from_id: int, limit: int, after_ns: int) -> Request | None:
        """Return the request for up to ``limit`` trades, from ``from_id`` upwards; None where the venue has none.

        Parameters
        ----------
        after_ns : a time at or before that of trade ``from_id``, UTC ns; 0 where none is known.
        """

    def listing(self) -> tuple[Request, ...]:
        """Return the requests for the lists of instruments."""

    def server_time(self) -> Request:
        """Return the request for the venue's clock."""

    def parse_past_trades(self, instrument: InstrumentId, body: bytes) -> list[Tick]:
        """Return the trades of an answer, oldest first; ``receive_ns`` is 0. Raises FeedError."""

    def parse_listing(self, body: bytes) -> dict[str, Instrument]:
        """Return the rules of what one of the lists holds, by full name. Raises FeedError."""

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock in UTC ns. Raises FeedError."""

    def advise(self, status: int, headers: Mapping[str, str]) -> RetryAdvice:
        """Say what a refusal with this HTTP status asks for."""
