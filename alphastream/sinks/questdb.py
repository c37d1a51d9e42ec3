"""Trades as rows of QuestDB, by its InfluxDB line protocol over HTTP.

Written by QuestDB's documentation and tested against what it says, not against a server.
"""

import base64
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from alphastream.errors import BusError
from alphastream.sinks.addresses import places, without_credentials
from alphastream.sinks.batches import Batch

_TIMEOUT_S: Final = 20.0
_MAKE: Final = (
    "CREATE TABLE IF NOT EXISTS ticks(venue SYMBOL, symbol SYMBOL, id LONG, price DOUBLE, quantity DOUBLE, "
    "buyer_is_maker BOOLEAN, receive_ns LONG, time TIMESTAMP_NS) TIMESTAMP(time) PARTITION BY DAY WAL "
    "DEDUP UPSERT KEYS(time, venue, symbol, id)"
)
_ESCAPED: Final = {" ": "\\ ", ",": "\\,", "=": "\\=", "\\": "\\\\"}


class QuestTable:
    """The table ``ticks``, made where it is not there; rows of one time, venue, symbol and id are one row.

    Parameters
    ----------
    address : questdb://USER:PASSWORD@HOST:PORT, or without the user where the server asks for none.
    """

    def __init__(self, address: str) -> None:
        (place, *_) = places(address, 9000)
        self.name = without_credentials(address)
        self._url = f"http://{place.host}:{place.port}"
        self._headers: dict[str, str] = {}
        if place.user is not None:
            secret = base64.b64encode(f"{place.user}:{place.password or ''}".encode()).decode()
            self._headers["Authorization"] = f"Basic {secret}"
        self._is_made = False

    def write(self, batches: list[Batch]) -> None:
        """Keep the trades of these batches; see Table. A request is kept whole or not at all."""
        if not self._is_made:
            self._ask(f"/exec?{urllib.parse.urlencode({'query': _MAKE})}", None)
            self._is_made = True
        self._ask("/write?precision=n", b"".join(lines(batch) for batch in batches))

    def close(self) -> None:
        """Nothing is held."""

    def _ask(self, path: str, body: bytes | None) -> None:
        request = urllib.request.Request(self._url + path, data=body, headers=self._headers)
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(500).decode(errors="replace")
            raise BusError(f"{self.name} answers {error.code}: {said}") from error
        except OSError as error:
            raise BusError(f"{self.name} cannot be reached: {error}") from error


def lines(batch: Batch) -> bytes:
    """Trades as lines of the protocol: table, tags, fields, time in ns."""
    ticks = batch.ticks
    venue, symbol = (_escaped(name) for name in (batch.source, batch.instrument.symbol))
    parts: list[Any] = [
        f"ticks,venue={venue},symbol={symbol} id=",
        pc.cast(pa.array(ticks.id), pa.string()),
        "i,price=",
        pc.cast(pa.array(ticks.price), pa.string()),
        ",quantity=",
        pc.cast(pa.array(ticks.quantity), pa.string()),
        ",buyer_is_maker=",
        pc.if_else(pa.array(ticks.buyer_is_maker), "t", "f"),
        ",receive_ns=",
        pc.cast(pa.array(ticks.receive_ns), pa.string()),
        "i ",
        pc.cast(pa.array(ticks.time_ns), pa.string()),
        "\n",
    ]
    joined = pc.binary_join_element_wise(*parts, "")
    return "".join(joined.to_pylist()).encode()


def _escaped(name: str) -> str:
    return "".join(_ESCAPED.get(sign, sign) for sign in name)
