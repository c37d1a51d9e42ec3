"""What trading is assumed to cost, as people set it, on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from alphastream.arbitrage import Assumptions, default_taker_bps
from alphastream.core.validation import require_number
from runtime.kept_choices import KeptChoices

FILE: Final = "arbitrage.json"


def fee_key(venue: str, *, is_perpetual: bool) -> str:
    """Name what has one fee, such as ``okx perpetual``."""
    return f"{venue} {'perpetual' if is_perpetual else 'spot'}"


@dataclass(frozen=True, slots=True)
class Costs:
    """What buying at one venue and selling at another is assumed to cost.

    Parameters
    ----------
    taker_bps : fees by ``fee_key`` that differ from the published ones.
    after : what is done after both orders are filled.
    funding_bps : of a perpetual in 8 hours where its venue has not said, bps.
    half_spread_bps : of quotes that are made of trades, where a venue's quotes are not read.
    """

    taker_bps: Mapping[str, float] = field(default_factory=dict)
    after: Assumptions = field(default_factory=Assumptions)
    funding_bps: float = 1.0
    half_spread_bps: float = 1.0

    def __post_init__(self) -> None:
        for name, fee in self.taker_bps.items():
            require_number(f"taker fee of {name}", fee, minimum=-100.0)
        require_number("funding_bps", self.funding_bps, minimum=-1e4)
        require_number("half_spread_bps", self.half_spread_bps, minimum=0.0)

    def fee_bps(self, venue: str, *, is_perpetual: bool) -> float:
        """Return the taker fee of a venue, bps."""
        published = default_taker_bps(venue, is_perpetual=is_perpetual)
        return self.taker_bps.get(fee_key(venue, is_perpetual=is_perpetual), published)


def costs_file(folder: Path) -> KeptChoices[Costs]:
    """Return the file that keeps them in a folder."""
    return KeptChoices(folder / FILE, Costs(), "the published costs are used", "the costs hold until this app ends")
