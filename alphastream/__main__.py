"""`python -m alphastream` compiles every kernel and keeps the machine code on disk; names of rooms: only theirs."""

import os
import sys

from alphastream import backtest, estimators, portfolio, scan

ROOMS = {
    "estimators": estimators.warm_up,
    "scan": scan.warm_up,
    "portfolio": portfolio.warm_up,
    "backtest": backtest.warm_up,
}

if __name__ == "__main__":
    chosen = sys.argv[1:] or list(ROOMS)
    if unknown := [name for name in chosen if name not in ROOMS]:
        raise SystemExit(f"no room {', '.join(unknown)}: choose of {', '.join(ROOMS)}")
    if hasattr(os, "nice"):
        os.nice(10)  # whoever waits for a page comes first
    for name in chosen:
        ROOMS[name]()
