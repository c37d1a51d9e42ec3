"""What is held at the prices of now, by whom, where and of what, and what it may lose."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.core.types import Floats
from alphastream.instruments import split
from alphastream.risk.correlation import CorrelationBreak, correlation_break
from alphastream.risk.holdings import Account, Holding
from alphastream.risk.scenarios import TailRisk, ewma_scaled, historical

FACTOR_BARS: Final = 30
"""Returns that the common factor needs."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is held of one group, in quote units at the prices of now.

    Parameters
    ----------
    net, gross : sum of notionals, and of their amounts.
    pnl : profit since the prices paid; NaN where one of them is not known.
    """

    name: str
    net: float
    gross: float
    pnl: float


@dataclass(frozen=True, slots=True)
class RiskReport:
    """Everything that is held, at one moment. Quote units, taken as one currency: USDT and USD count alike.

    Parameters
    ----------
    time_ns : of the prices, UTC ns.
    exposures : by "account", "pair", "venue", "instrument" and "asset", each the largest first.
    factor : notional times beta to the mean return of all instruments held: what moves when the whole market moves by
        100 %; NaN where there are too few returns.
    historical, scaled : risk of all together; see ``scenarios``.
    accounts : with drawdown and margin.
    breaks : correlation of the two legs of each pair lately and before.
    unpriced : instruments that are held and have no price: they count nowhere.
    """

    time_ns: int
    holdings: tuple[Holding, ...]
    exposures: Mapping[str, tuple[Exposure, ...]]
    factor: float
    historical: TailRisk
    scaled: TailRisk
    accounts: tuple[Account, ...]
    breaks: Mapping[str, CorrelationBreak]
    unpriced: tuple[str, ...]

    @property
    def total(self) -> Exposure:
        """All of it."""
        groups = self.exposures["account"]
        return Exposure("all", *(math.fsum(values) for values in _columns(groups)))


def measure(
    holdings: Sequence[Holding],
    accounts: Sequence[Account],
    marks: Mapping[str, float],
    returns: Mapping[str, Floats],
    time_ns: int,
    *,
    assets: Callable[[str], str] = lambda name: split(name)[1],
    level: float = 0.99,
    horizon_bars: int = 1,
    recent: int = 60,
) -> RiskReport:
    """Measure what is held.

    Parameters
    ----------
    marks : last price of each instrument, quote units.
    returns : of each instrument, shape (T,) of the same bars for all, oldest first; NaN where one did not trade.
    assets : base asset of an instrument.
    level, horizon_bars : of the value at risk.
    recent : newest bars that correlations are compared of.
    """
    unpriced = tuple(sorted({each.instrument for each in holdings if not marks.get(each.instrument, 0.0) > 0.0}))
    held = [each for each in holdings if each.instrument not in unpriced and each.units]
    groups: dict[str, Callable[[Holding], str]] = {
        "account": lambda each: each.account,
        "pair": lambda each: each.pair,
        "venue": lambda each: split(each.instrument)[0],
        "instrument": lambda each: each.instrument,
        "asset": lambda each: assets(each.instrument),
    }
    by_instrument = {each.name: each.net for each in _grouped(held, marks, groups["instrument"])}
    names = [name for name in by_instrument if name in returns]
    notional = np.array([by_instrument[name] for name in names])
    lacks = sorted(by_instrument.keys() - returns.keys())
    matrix = np.column_stack([returns[name] for name in names]) if names else np.empty((0, 0))
    tails = [way(matrix, notional, level, horizon_bars) for way in (historical, ewma_scaled)]
    if lacks or not names:
        why = f"no returns of {', '.join(lacks)} yet" if lacks else "nothing is held"
        tails = [TailRisk(math.nan, math.nan, level, horizon_bars, 0, why)] * 2
    return RiskReport(
        time_ns,
        tuple(held),
        {name: _grouped(held, marks, key) for name, key in groups.items()},
        _factor(matrix, notional) if not lacks else math.nan,
        tails[0],
        tails[1],
        tuple(accounts),
        {
            pair: correlation_break(returns[y], returns[x], recent)
            for pair, (y, x) in _pairs(held).items()
            if y in returns and x in returns
        },
        unpriced,
    )


def _grouped(
    held: Iterable[Holding], marks: Mapping[str, float], key: Callable[[Holding], str]
) -> tuple[Exposure, ...]:
    parts: dict[str, list[tuple[float, float, float]]] = {}
    for each in held:
        notional = each.units * marks[each.instrument]
        row = notional, abs(notional), each.units * (marks[each.instrument] - each.price)
        parts.setdefault(key(each), []).append(row)
    found = [Exposure(name, *(math.fsum(column) for column in zip(*rows, strict=True))) for name, rows in parts.items()]
    return tuple(sorted(found, key=lambda each: (-each.gross, each.name)))


def _columns(groups: Iterable[Exposure]) -> tuple[list[float], list[float], list[float]]:
    rows = list(groups)
    return [row.net for row in rows], [row.gross for row in rows], [row.pnl for row in rows]


def _pairs(held: Iterable[Holding]) -> dict[str, tuple[str, str]]:
    legs: dict[str, list[str]] = {}
    for each in held:
        if each.pair and each.instrument not in legs.setdefault(each.pair, []):
            legs[each.pair].append(each.instrument)
    return {pair: (names[0], names[1]) for pair, names in legs.items() if len(names) == 2}


def _factor(returns: Floats, notional: Floats) -> float:
    """Sum of notional times beta to the mean of all returns."""
    known = np.isfinite(returns).all(axis=1) if returns.size else np.zeros(0, dtype=bool)
    if known.sum() < FACTOR_BARS:
        return math.nan
    moves = returns[known] - returns[known].mean(axis=0)
    market = moves.mean(axis=1)
    variance = float(market @ market)
    return float((market @ moves) @ notional / variance) if variance > 0.0 else math.nan
