"""Runs whose books are kept by plain addition: what the room computes from the fills has to agree with the cash."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SYMBOLS = ("ETHUSDT", "BTCUSDT")
HOUR_NS = 3_600 * 10**9


@dataclass(frozen=True, slots=True)
class Fill:
    """Has the fields that the room reads, and no others."""

    time_ns: int
    symbol: str
    quantity: float
    trade_price: float
    price: float
    fee: float
    spread_cost: float
    impact_cost: float
    round_trip: int


@dataclass(frozen=True, slots=True)
class Payment:
    amount: float
    round_trip: int


def fill(time_ns: int, symbol: str, quantity: float, trade_price: float, round_trip: int, cost: float = 0.0) -> Fill:
    """A fill that pays ``cost`` (a fraction) in half spread, half as much in impact, and a tenth in fees."""
    spread, impact = abs(quantity) * trade_price * cost, abs(quantity) * trade_price * cost / 2.0
    price = trade_price * (1.0 + np.sign(quantity) * cost * 1.5)
    return Fill(
        time_ns, symbol, quantity, trade_price, price, abs(quantity) * price * cost / 10.0, spread, impact, round_trip
    )


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    capital: float
    time_ns: NDArray[np.int64]
    equity: NDArray[np.float64]
    positions: NDArray[np.float64]
    marks: NDArray[np.float64]
    fills: tuple[Fill, ...]
    funding: tuple[Payment, ...]

    @property
    def last_marks(self) -> dict[str, float]:
        return dict(zip(SYMBOLS, self.marks[-1].tolist(), strict=True))


def run(seed: int, rows: int = 300, capital: float = 10_000.0, close: bool = False) -> Run:
    """Random trades of two symbols, in parts, with costs and funding; flat at the end if ``close``."""
    rng = np.random.default_rng(seed)
    marks = np.array([2_000.0, 50_000.0]) * np.exp(np.cumsum(rng.normal(0, 0.004, (rows, 2)), axis=0))
    marks[0, 1] = np.nan  # has not traded yet
    cash, held, round_trip = capital, np.zeros(2), 0
    equity, positions = np.empty(rows), np.empty((rows, 2))
    fills: list[Fill] = []
    funding: list[Payment] = []
    for t in range(rows):
        change = np.zeros(2)
        if close and t == rows - 1:
            change = -held
        elif not held.any() and t > 0 and rng.random() < 0.2:
            round_trip += 1
            change = rng.choice([-1.0, 1.0]) * np.array([0.3, -0.012]) * rng.random(2)
            change[rng.integers(2)] *= rng.random() < 0.8  # now and then a leg is not filled
        elif held.any() and rng.random() < 0.3:
            change = -held * rng.choice([1.0, 0.5, -0.1], 2)
        for leg in np.flatnonzero(change):
            done = fill(
                t * HOUR_NS + int(leg) * 7, SYMBOLS[leg], change[leg], marks[t, leg], round_trip, rng.random() * 1e-3
            )
            fills.append(done)
            cash -= done.quantity * done.price + done.fee
        held = held + change
        if held.any() and t % 8 == 0:
            paid = float(-held[0] * marks[t, 0] * 1e-4)
            cash += paid
            funding.append(Payment(paid, round_trip))
        positions[t] = held
        equity[t] = cash + sum(held[leg] * marks[t, leg] for leg in np.flatnonzero(held))
    times = np.arange(rows, dtype=np.int64) * HOUR_NS
    return Run(capital, times, equity, positions, marks, tuple(fills), tuple(funding))
