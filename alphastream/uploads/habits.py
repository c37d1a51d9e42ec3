"""What vendors are known to mean: ends of bars, sides of makers, prices in billionths."""

from dataclasses import replace
from typing import Final

import numpy as np

from alphastream.uploads.columns import ASK_BARS, BAR_ROLES, BID_BARS, Proposal
from alphastream.uploads.finding import ends_only
from alphastream.uploads.sampled import Sampled
from alphastream.uploads.words import fold

_BILLION: Final = 1e9
_VENDOR: Final = frozenset({"rtype", "publisherid", "instrumentid"})
_MATCHES: Final = frozenset({"tradeid", "side", "size", "price", "time"})  # Coinbase's trades
_MATCHES_MORE: Final = frozenset(
    {"productid", "type", "makerorderid", "takerorderid", "sequence", "exchange", "bid", "ask"}
)
_METATRADER: Final = frozenset({"date", "time", "bid", "ask", "last", "volume", "flags"})
_MAKERS_SIDE: Final = "makerside"
_MATCH_MESSAGE: Final = frozenset({"productid", "makerorderid", "takerorderid"})  # KuCoin's have a symbol instead
_PRICE_ROLES: Final = frozenset({"price", "bid", "ask", *BAR_ROLES, *BID_BARS, *ASK_BARS})


def is_end(proposal: Proposal) -> bool:
    """Whether the only time there is tells when a bar ends."""
    time = proposal.roles.get("time")
    return proposal.kind == "bars" and ends_only(time.column if time else None)


def with_habits(sampled: Sampled, proposal: Proposal, notes: list[str], questions: list[str]) -> Proposal:
    """The proposal with what its vendor means, said in ``notes``, or asked in ``questions``."""
    if is_end(proposal):
        proposal = replace(proposal, time_is_end=True)
        notes.append(f"{proposal.roles['time'].column!r} tells when a bar ends")
    names = {fold(column) for column in sampled.columns}
    coinbase = names >= _MATCHES and (names <= _MATCHES | _MATCHES_MORE or names >= _MATCH_MESSAGE)
    side = proposal.roles.get("buyer_is_maker")
    if side is not None and (coinbase or fold(side.column) == _MAKERS_SIDE):
        proposal = replace(proposal, side_is_makers=True)
        whose = "(Coinbase)" if coinbase else f"({side.column!r})"
        notes.append(f"the side is the resting order's {whose}: the taker's is the other one")
    if names >= _METATRADER and proposal.roles.keys() >= {"bid", "ask"}:
        proposal = replace(proposal, sides_stay=True)
        notes.append("an empty bid or ask is the one before it (MetaTrader)")
    prices = [match.column for role, match in proposal.roles.items() if role in _PRICE_ROLES]
    huge = [column for column in prices if _fixed_point(sampled, column)]
    if huge and len(huge) == len(prices):
        if len(names & _VENDOR) >= 2:
            notes.append("prices are whole billionths (Databento): multiplied by 1e-9")
            return replace(proposal, price_scale=1e-9)
        seen = next(cell for cell in sampled.cells[huge[0]] if cell)
        questions.append(
            f"column {huge[0]!r} holds whole numbers such as {seen}: if these are prices in fixed point, "
            "divide them first"
        )
    return proposal


def _fixed_point(sampled: Sampled, column: str) -> bool:
    content = sampled.contents[column]
    known = content.values[np.isfinite(content.values)]
    return content.whole and len(known) > 0 and bool(np.median(known) >= _BILLION)
