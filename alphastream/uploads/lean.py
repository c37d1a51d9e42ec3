"""Bars without a header in the files of QuantConnect's LEAN, whose equities have prices in ten-thousandths."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from alphastream.uploads.columns import BAR_ROLES, Proposal
from alphastream.uploads.contents import Content


def scaled(proposal: Proposal, cells: Mapping[str, Sequence[str]], contents: Mapping[str, Content]) -> Proposal:
    """The proposal with prices in ten-thousandths divided, and asked about where they may be such.

    Parameters
    ----------
    cells, contents : column to its sample cells, and to what they are.
    """
    if "open" not in proposal.roles or "time" not in proposal.roles:
        return proposal
    column = {role: match.column for role, match in proposal.roles.items()}
    fixed = ten_thousandths(cells[column["time"]], [contents[column[role]] for role in BAR_ROLES])
    if fixed is None:
        seen = cells[column["close"]][0]
        problem = f"no header, and the cells do not tell whether prices such as {seen} are ten-thousandths (LEAN)"
        return replace(proposal, problem=f"{problem}: write prices in their unit, and a first line with names")
    if not fixed:
        return proposal
    note = "prices are ten-thousandths (QuantConnect's LEAN): divided by 10,000"
    return replace(proposal, price_scale=1e-4, notes=(*proposal.notes, note))


def ten_thousandths(times: Sequence[str], prices: Sequence[Content]) -> bool | None:
    """Whether prices are ten-thousandths, as QuantConnect's LEAN writes those of equities; None where it is open.

    Parameters
    ----------
    times : cells of the time; LEAN writes 20240802 00:00 for daily and hourly bars.
    prices : open, high, low and close. Equities trade in cents, so that all of them are whole hundreds; whole numbers
        that are not may be either.
    """
    if not times or not all(re.fullmatch(r"\d{8} \d{2}:\d{2}", cell) for cell in times):
        return False
    if not all(price.whole for price in prices):
        return False
    some = np.concatenate([price.values[np.isfinite(price.values)] for price in prices])
    return True if not np.any(some % 100) else None
