"""A number with its name, and how amounts and sides are written on every page. No Streamlit."""

import math
import unicodedata
from dataclasses import dataclass
from typing import Final

UNKNOWN: Final = "–"
SIDES: Final = {1: "▲ long", -1: "▼ short", 0: "– flat"}


@dataclass(frozen=True, slots=True)
class Metric:
    """A number above the charts.

    Parameters
    ----------
    sub : a smaller line below the value; may be empty.
    help : what it means and when not to trust it; may be empty.
    """

    label: str
    value: str
    sub: str = ""
    help: str = ""


def money(amount: float, *, signed: bool = False) -> str:
    """An amount of the quote currency in at most eight characters."""
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(amount) >= size:
            return f"{amount / size:{'+' if signed else ''}.2f} {unit}"
    return f"{amount:{'+' if signed else ''}.2f}" if math.isfinite(amount) else UNKNOWN


def plain(name: str) -> str:
    """A venue's name without signs that many fonts lack: "USDⓈ-M" as "USDS-M"."""
    return unicodedata.normalize("NFKC", name)
