"""An RSI and MACD pulse on one instrument, sized by its average true range: ``python -m examples.rsi_macd_pulse``.

Its CSV has bars of a second that were made of the bundled recording, six minutes of real trades: enough to see every
part at work, and far too few to say anything about the rule.
"""

from pathlib import Path

import numpy as np

from alphastream.core.types import Floats
from alphastream.indicators import MACD, RSI
from alphastream.strategies import AtrRisk, PulseStrategy
from alphastream.study import Data, Study
from alphastream.trading import BrokerRules, Fees

BARS = Path(__file__).resolve().parent.parent / "data" / "bars_btcusdt_1s_20240808.csv"
RULES = BrokerRules(fill="next_open", fees=Fees(taker_bps=1.0))


def pulse(rsi: Floats, histogram: Floats, calm: float = 10.0) -> Floats:
    """With the trend of MACD, the more strongly the further RSI is from where it has run too far."""
    long = np.clip((70.0 - rsi) / calm, 0.0, 1.0)
    short = np.clip((rsi - 30.0) / calm, 0.0, 1.0)
    return np.where(histogram > 0.0, long, -short)


def add_pulse(study: Study, data: Data) -> PulseStrategy:
    """The strategy: what it reads, its strength, and how large it trades."""
    rsi = study.add_indicator(RSI(window=14), data["close"])
    macd = study.add_indicator(MACD(fast=12, slow=26, signal=9), data["close"])
    strength = study.add_indicator(pulse, rsi, macd["histogram"], look_back=1)
    return study.add_strat(strength, AtrRisk(share=0.001, ranges=10.0), name="rsi and macd", rebalance=False)


def main() -> None:
    """Run it, sweep the window of RSI, and choose it by walking forward."""
    study = Study(RULES)
    add_pulse(study, data := study.add_data(BARS, symbol="BTCUSDT"))
    summary = study.run().summary()
    print(f"{summary.rows:.0f} bars, {summary.fills:.0f} fills, {summary.profit:+.2f} of {summary.capital:,.0f}")

    rsi = study.add_indicator(RSI(window=14), data["close"])  # the same again
    grid = study.sweep({rsi: {"window": [7, 14, 21]}})
    print(grid[["RSI.window", "profit", "fills", "deflated_sharpe", "trials"]].to_string(index=False))

    walk = study.walk_forward({rsi: {"window": [7, 14, 21]}}, train_rows=120, test_rows=60)
    print(walk.folds[["test_start", "RSI.window", "stayed_out", "test_profit"]].to_string(index=False))


if __name__ == "__main__":
    main()
