"""Numbers for trades that have none.

What Bybit says of a trade: its id is a text (a UUID of linear contracts), and ``seq``, the "cross sequence", ascends
and has holes. All fills of one taker order have the same ``seq``, and they may fill several messages, as one holds
1,024 trades at most. So ``seq`` alone is not unique, and a place within a message is not either.

What is made of it: ``seq`` times 4,096 plus the place among the trades of that ``seq``, in the order of the venue. It
ascends, it is the same on two connections and after a restart, because nothing but what the venue sends goes into it,
and it stays below 2**53 for years, so that a browser can hold it. REST gives ``seq`` and the same text ids, newest
first, and so the same numbers. The texts of the newest trades are remembered: a trade that comes again, from another
connection or from REST, has the number it had, whatever came between.

What it does not prove: that no trade is missing. Where a connection begins in the middle of one ``seq``, places of that
one begin at its first trade that was seen.

Source: https://bybit-exchange.github.io/docs/v5/websocket/public/trade and /docs/v5/market/recent-trade.
"""

from typing import Final

PLACES: Final = 4_096  # trades of one seq; more have not been heard of
MAX_SEQ: Final = 2**63 // PLACES
FAR: Final = 10**11  # between a seq and the newest one: ten weeks of BTCUSDT in 2026
MOST_KEPT: Final = 4_096  # seqs of an instrument whose trades are remembered: more than REST gives


class TradeIds:
    """Numbers the trades of one instrument.

    A seq that lies far from the newest one is not believed until another one beside it comes: one broken message must
    not make all trades after it old.

    Examples
    --------
    >>> ids = TradeIds()
    >>> [ids.of(*trade) for trade in ((7, "a"), (7, "b"), (9, "c"), (7, "b"))]
    [28672, 28673, 36864, 28673]
    """

    __slots__ = ("_known", "_newest", "_suspect")

    def __init__(self) -> None:
        self._known: dict[int, dict[str, int]] = {}
        self._newest: int | None = None
        self._suspect: int | None = None

    def of(self, seq: int, text: str) -> int:
        """Return the number of a trade; OverflowError or ValueError where there can be none.

        Parameters
        ----------
        seq, text : what the venue says of it.
        """
        if not text:
            raise ValueError(f"a trade of seq {seq} has no id")
        places = self._known.get(seq)
        if places is None:
            if not 0 <= seq < MAX_SEQ:
                raise OverflowError(f"seq {seq} cannot be a number of 63 bits with {PLACES} places")
            self._believe(seq)
            if len(self._known) >= MOST_KEPT:
                for old in sorted(self._known)[: MOST_KEPT // 2]:
                    del self._known[old]
            places = self._known[seq] = {}
        place = places.setdefault(text, len(places))
        if place >= PLACES:
            del places[text]
            raise OverflowError(f"seq {seq} has more than {PLACES} trades")
        return seq * PLACES + place

    def _believe(self, seq: int) -> None:
        if self._newest is None or abs(seq - self._newest) < FAR:
            self._newest = max(seq, self._newest or 0)
        elif self._suspect is not None and 0 < abs(seq - self._suspect) < FAR:
            self._newest, self._suspect = seq, None
        else:
            self._suspect = seq
            raise ValueError(f"seq {seq} is far from the newest one, {self._newest}")

    def knows(self, seq: int) -> bool:
        """Say whether a trade of this seq was seen lately."""
        return seq in self._known
