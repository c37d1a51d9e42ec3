"""Runs made by hand: any number of symbols, with fills, funding and an end."""

import numpy as np

from alphastream.backtest import RunResult
from alphastream.trading import Ended, Fill, FundingPayment

DAY = 86_400 * 10**9
BEGIN = 1_704_067_200 * 10**9  # 2024-01-01


def made(
    rows: int, symbols: tuple[str, ...] = ("A", "B", "C"), *, interval_ns: int = DAY, seed: int = 4, every: int = 5
) -> RunResult:
    """Random walks that are bought and sold at random; the books follow from the fills."""
    rng = np.random.default_rng(seed)
    n = len(symbols)
    time_ns = BEGIN + np.arange(1, rows + 1, dtype=np.int64) * interval_ns
    marks = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (rows, n)), axis=0))
    positions, cash = np.zeros((rows, n)), np.full(rows, 1e5)
    fills, funding = [], []
    for number, row in enumerate(range(1, rows, every) if every < rows else ()):
        leg = number % n
        held = positions[row, leg]
        quantity = -held if held else float(rng.choice([-50.0, 50.0]))
        trade = float(marks[row, leg])
        price = trade + 0.01 * np.sign(quantity)
        trip = number // (2 * n) * n + leg + 1
        spread = quantity * (price - trade)
        fills.append(
            Fill(int(time_ns[row]), symbols[leg], quantity, price, trade, 0.5, spread, 0.0, number + 1, round_trip=trip)
        )
        positions[row:, leg] += quantity
        cash[row:] -= quantity * price + 0.5
        if number % 7 == 3:
            funding.append(FundingPayment(int(time_ns[row]), symbols[leg], -0.75, round_trip=trip))
            cash[row:] -= 0.75
    equity = cash + (positions * marks).sum(axis=1)
    return RunResult(
        "by hand",
        symbols,
        interval_ns,
        1e5,
        time_ns,
        marks,
        positions,
        cash,
        equity,
        (),
        tuple(fills),
        tuple(funding),
        {},
    )


def still(rows: int) -> RunResult:
    """A run that never traded."""
    return made(rows, every=rows + 1) if rows > 1 else _without_fills(rows)


def _without_fills(rows: int) -> RunResult:
    one = made(2, every=3)
    cut = slice(0, rows)
    return RunResult(
        "short",
        one.symbols,
        DAY,
        1e5,
        one.time_ns[cut],
        one.marks[cut],
        np.zeros((rows, 3)),
        np.full(rows, 1e5),
        np.full(rows, 1e5),
        (),
        (),
        (),
        {},
    )


def ruined() -> RunResult:
    """Bought on credit, and the price fell to nothing: more was lost than there was."""
    rows = 60
    time_ns = BEGIN + np.arange(1, rows + 1, dtype=np.int64) * DAY
    marks = np.linspace(100.0, 1.0, rows)[:, None]
    positions = np.where(np.arange(rows) >= 5, 2_000.0, 0.0)[:, None]
    price = float(marks[5, 0])
    cash = np.where(np.arange(rows) >= 5, 1e5 - 2_000.0 * price, 1e5)
    fill = Fill(int(time_ns[5]), "A", 2_000.0, price, price, 0.0, 0.0, 0.0, 1, round_trip=1)
    equity = np.maximum(cash + positions[:, 0] * marks[:, 0], 0.0)
    end = int(time_ns[int(np.flatnonzero(equity <= 0.0)[0])])
    return RunResult(
        "ruined",
        ("A",),
        DAY,
        1e5,
        time_ns,
        marks,
        positions,
        cash,
        equity,
        (),
        (fill,),
        (),
        {},
        Ended(end, 0.0, 0.0),
    )
