"""Recorded quotes of one asset at two venues; see tests/data/README.md."""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from alphastream.arbitrage import TopLevels, levels_of_quotes

FILE: Final = Path(__file__).parent.parent / "data" / "arbitrage" / "btcusdt_20240808_quotes.npz"
FUTURES, SPOT = "binance-usdm:BTCUSDT", "binance-spot:BTCUSDT"


@cache
def recorded_quotes() -> dict[str, TopLevels]:
    """Quotes of the futures and of the spot. Binance stamps no quote of spot: its venue times are 0."""
    found = {}
    with np.load(FILE) as file:
        for name, part in ((FUTURES, "usdm"), (SPOT, "spot")):
            columns = {key.removeprefix(f"{part}_"): file[key].cumsum() for key in file.files if key.startswith(part)}
            found[name] = levels_of_quotes(
                columns["time_ms"] * 10**6,
                columns["receive_us"] * 1_000,
                columns["bid"] / 100.0,
                columns["bid_quantity"] / 1e5,
                columns["ask"] / 100.0,
                columns["ask_quantity"] / 1e5,
            )
    return found


def rows_of(quotes: TopLevels, wanted: slice) -> TopLevels:
    """Some of the rows."""
    return TopLevels(*(getattr(quotes, name)[wanted] for name in TopLevels.__annotations__))
