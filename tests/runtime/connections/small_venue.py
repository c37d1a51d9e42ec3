"""A venue in this process that keeps books and sends them, with faults, and a codec of what it says."""

import queue
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec

from alphastream.errors import FeedError, ParameterError
from alphastream.feeds.binance.codec import BinanceCodec
from alphastream.feeds.binance.endpoints import BINANCE_USDM
from alphastream.feeds.codec import Codec, Keepalive, Request
from alphastream.feeds.market import (
    BookUpdate,
    FundingPayment,
    MarketCodec,
    MarketEvent,
    MarkPrice,
    Quote,
    Route,
)
from alphastream.instruments import InstrumentId
from tests.books.streams import Numbered, Venue

Kind = Literal["quotes", "books", "marks"]
SECOND = 1_000_000_000


def encode(event: MarketEvent) -> bytes:
    """Write an event as the venue does; JSON has no NaN, so what is not known is left out."""
    values = {key: value for key, value in msgspec.structs.asdict(event).items() if value == value}
    return msgspec.json.encode({type(event).__name__: values | {"instrument": str(event.instrument)}})


def decode(frame: bytes) -> Any:
    """Read one."""
    ((name, value),) = msgspec.json.decode(frame).items()
    value |= {"mark": value.get("mark", float("nan"))} if name == "MarkPrice" else {}
    kind: Any = {"BookUpdate": BookUpdate, "Quote": Quote, "MarkPrice": MarkPrice}[name]
    return msgspec.convert(value, kind, dec_hook=lambda _, text: InstrumentId.parse(text))


class SmallMarket(Numbered):
    """The codec of books. ``sends`` says that snapshots come by the connection, ``quotes`` that quotes do."""

    name, title = "binance-usdm", "a small venue"
    keepalive: Keepalive | None = Keepalive(b"hello", 0.2)

    def __init__(self, rest_url: str, *, sends: bool, has_quotes: bool, depth: int) -> None:
        self._rest_url, self._sends, self._has_quotes = rest_url, sends, has_quotes
        self.depth = depth
        self.has_funding = not sends
        self.rejected: dict[str, int] = {}
        self.endings = 0

    def routes(self, instruments: Sequence[InstrumentId]) -> tuple[Route, ...]:
        if any(name.venue != self.name for name in instruments):
            raise ParameterError(f"{instruments} are not all of {self.title}")
        names = ",".join(instruments)
        kinds: list[frozenset[Kind]] = [frozenset({"books", "quotes"} if self._has_quotes else {"books"})]
        kinds += [frozenset({"marks"})] if self.has_funding else []
        return tuple(Route(f"{'+'.join(sorted(each))}/{names}", (b"hello",), each) for each in kinds)

    def parse(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> list[MarketEvent]:
        found: list[MarketEvent] = []
        for frame in frames:
            if frame == b"bye":
                self.endings += 1
            elif not frame.startswith(b"{"):
                self.rejected["not_json"] = self.rejected.get("not_json", 0) + 1
            else:
                found.append(decode(frame))
        return found

    def quote_stream(self, frame: bytes) -> bytes | None:
        return frame.partition(b',"bid":')[0] if frame.startswith(b'{"Quote":') else None

    def snapshot(self, instrument: InstrumentId) -> Request | None:
        return None if self._sends else Request(f"{self._rest_url}/book?name={instrument}", 20)

    def parse_snapshot(self, instrument: InstrumentId, body: bytes, receive_ns: int) -> BookUpdate:
        update: BookUpdate = decode(body)
        return update

    def mark_request(self, instrument: InstrumentId) -> Request | None:
        return Request(f"{self._rest_url}/rate?name={instrument}", 1)

    def parse_marks(self, body: bytes, receive_ns: int) -> list[MarkPrice]:
        return [decode(body)]

    def past_funding(self, instrument: InstrumentId, from_ns: int, until_ns: int) -> Request | None:
        return Request(f"{self._rest_url}/funding?name={instrument}", 1)

    def parse_past_funding(self, instrument: InstrumentId, body: bytes) -> list[FundingPayment]:
        return [FundingPayment(instrument, time_ns, rate) for time_ns, rate in msgspec.json.decode(body)]


class SmallCodec(BinanceCodec):
    """The codec of trades, whose market is the small one; ``made`` counts codecs of it."""

    def __init__(self, rest_url: str, **options: Any) -> None:
        super().__init__(BINANCE_USDM)
        self._rest_url, self._options = rest_url, options

    @property
    def market(self) -> MarketCodec:
        return SmallMarket(self._rest_url, **self._options)

    def fresh(self, ws_url: str | None = None, rest_url: str | None = None) -> Codec:
        return SmallCodec(self._rest_url, **self._options)


class SmallVenue:
    """Keeps a book of each name and sends every change to the connections that ask for it.

    Attributes
    ----------
    skips, doubles, mutes : names whose next update is not sent, is sent twice, and whose updates are not sent at all.
    opened : addresses of connections, counted.
    asked : whole books asked for, by name.
    refusal : an error that opening raises.
    """

    def __init__(
        self, names: Sequence[InstrumentId], *, sends: bool = False, has_quotes: bool = True, depth: int = 0
    ) -> None:
        self.lock = threading.RLock()
        self.books = {name: Venue(seed, name) for seed, name in enumerate(names)}
        self.options = {"sends": sends, "has_quotes": has_quotes, "depth": depth}
        self.skips: set[str] = set()
        self.doubles: set[str] = set()
        self.mutes: set[tuple[str, Kind]] = set()
        self.opened: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.funding: list[tuple[int, float]] = []
        self.refusal: FeedError | None = None
        self.no_snapshots: set[str] = set()
        self.connections: list[SmallTransport] = []
        self.said: Counter[bytes] = Counter()

    def transport(self, timeout_s: float) -> "SmallTransport":
        return SmallTransport(self)

    def tick(self) -> None:
        """Change every book once and tell."""
        with self.lock:
            for name, book in self.books.items():
                update = book.update()
                times = 0 if name in self.skips else 2 if name in self.doubles else 1
                self.skips.discard(name)
                self.doubles.discard(name)
                for _ in range(times):
                    self.send(name, "books", encode(update))
                bids, asks = book.best(1)
                if bids and asks:
                    quote = Quote(name, *bids[0], *asks[0], book.time_ns, book.time_ns + 5, update.last)
                    self.send(name, "quotes", encode(quote))
                mark = MarkPrice(name, 60_000.0, book.time_ns, book.time_ns + 5, index=60_001.0)
                self.send(name, "marks", encode(mark))

    def send(self, name: str, kind: Kind, frame: bytes) -> None:
        for connection in self.connections:
            kinds, _, names = connection.url.partition("/")
            if kind in kinds.split("+") and name in names.split(",") and (name, kind) not in self.mutes:
                connection.frames.put((frame, self.books[InstrumentId.parse(name)].time_ns + 5))

    def cut(self, url_part: str = "") -> None:
        """End connections."""
        with self.lock:
            for connection in list(self.connections):
                if url_part in connection.url:
                    connection.abort()

    def snapshot(self, name: str) -> bytes:
        book = self.books[InstrumentId.parse(name)]
        return encode(book.snapshot(self.options["depth"] or 10**9))


class SmallTransport:
    """A Transport to the small venue."""

    title = "a script"

    def __init__(self, venue: SmallVenue) -> None:
        self._venue = venue
        self._aborted = threading.Event()
        self.url = ""
        self.frames: queue.Queue[tuple[bytes, int]] = queue.Queue()

    def open(self, url: str) -> None:
        if self._venue.refusal is not None:
            raise self._venue.refusal
        with self._venue.lock:
            self.url = url
            self._venue.opened[url] += 1
            self._venue.connections.append(self)
            if self._venue.options["sends"]:
                for name in url.partition("/")[2].split(","):
                    self.frames.put((self._venue.snapshot(name), self._venue.books[InstrumentId.parse(name)].time_ns))

    def recv(self, timeout_s: float) -> bytes | None:
        raise NotImplementedError

    def recv_many(self, timeout_s: float) -> tuple[list[bytes], list[int]]:
        if self._aborted.is_set():
            raise FeedError("the connection was lost")
        try:
            frame, at_ns = self.frames.get(timeout=min(timeout_s, 0.05))
        except queue.Empty:
            return [], []
        return [frame], [at_ns]

    def send(self, payload: bytes) -> None:
        self._venue.said[payload] += 1

    def abort(self) -> None:
        self._aborted.set()

    def close(self) -> None:
        with self._venue.lock:
            if self in self._venue.connections:
                self._venue.connections.remove(self)


@contextmanager
def served(venue: SmallVenue) -> Iterator[SmallCodec]:
    """Answer REST of the venue on loopback; gives the codec that asks there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            name = parse_qs(parts.query)["name"][0]
            status, body = 200, b""
            with venue.lock:
                if parts.path == "/funding":
                    body = msgspec.json.encode(venue.funding)
                elif parts.path == "/rate":
                    at_ns = venue.books[InstrumentId.parse(name)].time_ns
                    rate = MarkPrice(InstrumentId.parse(name), float("nan"), at_ns, at_ns, funding_rate=1e-4)
                    body = encode(rate)
                elif name in venue.no_snapshots:
                    status = 500
                else:
                    venue.asked[name] += 1
                    body = venue.snapshot(name)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield SmallCodec(f"http://127.0.0.1:{server.server_address[1]}", **venue.options)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
