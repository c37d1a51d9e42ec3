"""How alerts and rules are put into words."""

import math
from datetime import UTC, datetime

from alphastream.alerts.measures import measure_of
from alphastream.core.units import SECOND
from alphastream.graph import interval_name
from alphastream.pairs import MODELS, PairSpec


def measure_name(measure: str, spec: PairSpec | None = None) -> str:
    """A measure in words, with the symbols of a pair where there is one."""
    legs = {"y": "y", "x": "x"} if spec is None else {"y": spec.y, "x": spec.x}
    return measure_of(measure).label.format(**legs)


def pair_name(spec: PairSpec) -> str:
    """For example ``ETHUSDT on BTCUSDT (1s bars, OLS 100, log prices)``."""
    prices = "log prices" if spec.price == "log" else "prices"
    return (
        f"{spec.y} on {spec.x} ({interval_name(spec.interval_ns)} bars, {MODELS[spec.model]} {spec.window}, {prices})"
    )


def number(value: float) -> str:
    """Five digits, a true minus sign, ∞."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.5g}".replace("-", "−", 1) if value < 0 else f"{value:.5g}"


def clock(time_ns: int) -> str:
    """Time of day, UTC."""
    return datetime.fromtimestamp(time_ns // SECOND, UTC).strftime("%H:%M:%S UTC")


def iso(time_ns: int) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(time_ns // SECOND, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns % SECOND // 10**6:03d}Z"


def unit_text(measure: str) -> str:
    unit = measure_of(measure).unit
    return f" {unit}" if unit else ""
