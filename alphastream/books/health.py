"""How quotes, books and mark prices of a venue, and the store of their samples, are at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

MarketState = Literal["connecting", "live", "stalled", "blocked", "stopped"]


@dataclass(frozen=True, slots=True)
class InstrumentMarketHealth:
    """How one instrument is.

    Parameters
    ----------
    in_sequence, reason : of its book; the reason is empty where it is.
    resyncs : how often its book was made right again after a loss.
    updates : of its book, applied.
    quote_ns, book_ns, mark_ns : when the newest of each arrived, UTC ns; 0 for never.
    """

    in_sequence: bool
    reason: str
    resyncs: int
    updates: int
    quote_ns: int
    book_ns: int
    mark_ns: int


@dataclass(frozen=True, slots=True)
class MarketHealth:
    """How the quotes, books and mark prices of a venue are.

    Parameters
    ----------
    venue : its title.
    state, reason, since_ns : what the feed does, why in one sentence, and since when, UTC ns.
    completeness : what proves that no update of a book was missed.
    instruments : by full name.
    rejected : messages that were none of it and should not have come, by kind.
    connections, reconnects : open now, and opened after the first of each.
    rest_weight_minute : what the venue counts for what was asked in the last minute.
    """

    venue: str
    state: MarketState
    reason: str
    since_ns: int
    completeness: Literal["sequence", "checksum", "unknown"]
    instruments: Mapping[str, InstrumentMarketHealth]
    rejected: Mapping[str, int]
    connections: int
    reconnects: int
    rest_weight_minute: int


@dataclass(frozen=True, slots=True)
class MarketStoreHealth:
    """How the store of sampled books, quotes and mark prices is doing.

    Parameters
    ----------
    pending, written, lost : samples not durable yet, made durable, and given up.
    damaged : samples in blocks that were not what was written.
    last_error : why the newest write failed; None while writing works.
    notices : what has happened to the file, the newest last.
    sealed : samples moved to the history.
    sealing_error : why old samples stay in the file, None while they are moved.
    """

    pending: int
    written: int
    lost: int
    damaged: int
    last_error: str | None
    notices: tuple[str, ...]
    sealed: int = 0
    sealing_error: str | None = None
