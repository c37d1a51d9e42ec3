"""A number with its name, and how amounts, sides and lengths of time are written."""

import math
from dataclasses import dataclass
from typing import Final

import pandas as pd

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


def duration(length_ns: float) -> str:
    """A length of time in at most seven characters."""
    seconds = length_ns / 1e9
    unit, size = time_unit(length_ns)
    return f"{seconds / size:.1f} {unit}"


def time_unit(length_ns: float) -> tuple[str, float]:
    """Unit in which a length of time is two or more, and its seconds."""
    for unit, size in (("y", 365.25 * 86_400.0), ("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if length_ns / 1e9 >= 2 * size:
            return unit, size
    return "s", 1.0


def utc(time_ns: int) -> pd.Timestamp:
    """A time as a table shows it."""
    return pd.Timestamp(time_ns, unit="ns", tz="UTC")
