"""What of a pair's figure is shown, and how. Each choice stands in the address under the words the control shows.

No Streamlit, no clock, no network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Panel = Literal["price", "ratio", "spread", "zscore", "hedge", "stationarity", "volume"]
CandleLeg = Literal["", "y", "x"]

HEIGHTS: Final[Mapping[Panel, int]] = {
    "price": 210,
    "ratio": 120,
    "spread": 120,
    "zscore": 160,
    "hedge": 100,
    "stationarity": 110,
    "volume": 80,
}
"""Pixels of each panel, from the topmost on."""

CHOICES: Final[Mapping[str, Panel]] = {
    "Prices": "price",
    "Spread": "spread",
    "z-score": "zscore",
    "Hedge ratio": "hedge",
    "Test": "stationarity",
    "Volumes": "volume",
}
"""Panels that can be hidden, by the words of the control."""

NO_RATIO, OWN_PANEL, FOR_SPREAD = "Off", "In a panel of its own", "In place of the spread"
RATIOS: Final = (NO_RATIO, OWN_PANEL, FOR_SPREAD)
AS_TRADED, FROM_100 = "As traded", "From 100"
SCALES: Final = (AS_TRADED, FROM_100)
CANDLES: Final[Mapping[str, CandleLeg]] = {"Off": "", "Of y": "y", "Of x": "x"}


@dataclass(frozen=True, slots=True)
class ChartOptions:
    """What a figure of a pair shows.

    Parameters
    ----------
    panels : those shown, in the order of ``HEIGHTS``; at least one.
    from_100 : both legs begin at 100 instead of at their prices.
    since_ns : the bar at or after which that is, UTC ns; None: at the first bar shown.
    candles : the leg that is drawn as candles; "" where both are lines.
    zone : IANA name of the time zone of the time axis.
    """

    panels: tuple[Panel, ...] = ("price", "spread", "zscore", "hedge", "stationarity", "volume")
    from_100: bool = False
    since_ns: int | None = None
    candles: CandleLeg = ""
    zone: str = "UTC"


def panels_of(chosen: list[str], ratio: str) -> tuple[Panel, ...]:
    """The panels of a choice; prices where nothing else would be shown."""
    shown = {CHOICES[name] for name in chosen if name in CHOICES}
    if ratio in (OWN_PANEL, FOR_SPREAD):
        shown.add("ratio")
    if ratio == FOR_SPREAD:
        shown.discard("spread")
    return tuple(panel for panel in HEIGHTS if panel in shown) or ("price",)
