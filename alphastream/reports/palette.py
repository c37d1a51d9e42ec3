"""Colours of all charts, for light pages and dark ones."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final

_DASHES: Final = ("solid", "6px,2px", "dot")


Scale = Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of the Okabe-Ito set, told apart by people who do not see red and green alike.

    Source: M. Okabe and K. Ito, Color Universal Design (2008). Lines keep a contrast of 3:1 or more with the page.
    """

    y_leg: str
    x_leg: str
    y_fill: str
    x_fill: str
    spread: str
    half_life: str
    neutral: str
    surface: str

    def line(self, number: int) -> tuple[str, str]:
        """Colour and dash of the line of a symbol: five colours, and what repeats one has another dash."""
        colours = (self.y_leg, self.x_leg, self.spread, self.half_life, self.neutral)
        return colours[number % 5], _DASHES[number // 5 % 3]


LIGHT: Final = Palette(
    y_leg="#0072B2",
    x_leg="#D55E00",
    y_fill="rgba(0,114,178,0.22)",
    x_fill="rgba(213,94,0,0.22)",
    spread="#00805D",
    half_life="#9C4F7E",
    neutral="#4D4D4D",
    surface="rgba(255,255,255,0.92)",
)
DARK: Final = Palette(
    y_leg="#56B4E9",
    x_leg="#E69F00",
    y_fill="rgba(86,180,233,0.22)",
    x_fill="rgba(230,159,0,0.22)",
    spread="#00B386",
    half_life="#CC79A7",
    neutral="#C4C4C4",
    surface="rgba(14,17,23,0.92)",
)
ON_DARK: Final = dict(zip(astuple(LIGHT), astuple(DARK), strict=True))
"""What each colour of a light page is on a dark one."""
GREY: Final = "#888888"
_DIVERGING: Final = ((0.0, "#B35806"), (0.25, "#F1A340"), (0.5, "#E6E6E6"), (0.75, "#67A9CF"), (1.0, "#08519C"))
_DIVERGING_ON_DARK: Final = ((0.0, "#F1A340"), (0.25, "#8F5B1D"), (0.5, "#262B35"), (0.75, "#2E6A99"), (1.0, "#7CC0EC"))


def palette(dark: bool) -> Palette:
    """The colours of a page."""
    return DARK if dark else LIGHT


def diverging(dark: bool) -> Scale:
    """Orange to blue over what is next to the page, so that nothing shows as nothing.

    Told apart without red and green, and by lightness from the middle on either side.
    """
    return _DIVERGING_ON_DARK if dark else _DIVERGING
