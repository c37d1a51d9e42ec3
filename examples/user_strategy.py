"""A strategy of your own: copy this file into the folder user/, and it stands on the Backtest and Paper pages.

It goes with a spread that breaks out, instead of betting on its return: in when z is beyond the entry, out when z has
come back to the exit. Change what you like; docs/own-code.md says what each part is for.

Run as a script it does the same on the bundled recording: ``python -m examples.user_strategy``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from alphastream.errors import ParameterError
from alphastream.graph import Series
from alphastream.pairs import PairSpec, series_of
from alphastream.registry import parameter, register
from alphastream.strategies import Decision, PairColumns, Table, pair_table
from alphastream.trading import Account, Target


@register("strategies")
@dataclass(frozen=True)
class SpreadBreakout:
    """Goes with a spread that leaves its band, until it has come back."""

    version = "1"  # say another one when you change what it does: paper runs tell which one wrote them

    pair: PairSpec
    breakout: float = parameter(2.5, help="|z| at which it goes with the spread.", minimum=0.1, maximum=10.0, step=0.25)
    back: float = parameter(1.0, help="|z| at which it leaves again.", minimum=0.0, maximum=10.0, step=0.25)
    notional: float = parameter(10_000.0, help="Value of y at the entry.", unit="quote currency", minimum=1.0)
    side: Literal["both", "long", "short"] = parameter("both", help="Which breakouts it goes with.")

    def __post_init__(self) -> None:
        if self.back >= self.breakout:
            raise ParameterError(f"back {self.back:g} is not inside the breakout {self.breakout:g}: lower it")

    @property
    def name(self) -> str:
        """What pages and files call it."""
        return f"breakout {self.pair.y}/{self.pair.x}"

    @property
    def pairs(self) -> tuple[PairSpec, ...]:
        """Pairs that it reads."""
        return (self.pair,)

    @property
    def symbols(self) -> tuple[str, ...]:
        """What it trades, in the order of its quantities."""
        return self.pair.y, self.pair.x

    def series(self, spec: PairSpec) -> Mapping[str, Series]:
        """Series that it looks at; what several ask for is computed once."""
        known = series_of(spec)
        return {"zscore": known["zscore"], "hedge_ratio": known["hedge_ratio"]}

    def table(self, found: Sequence[PairColumns], state: Any) -> tuple[Table, Any]:
        """Rows to decide on: those of the pair."""
        return pair_table(found[0]), None

    def direction_at(self, row: Any) -> int:
        """Nothing that a run which begins later would have to join."""
        return 0

    def decide(self, row: Any, account: Account) -> Decision:
        """In on a breakout, out when z is back. Whatever it remembers is in the account."""
        if math.isnan(row.zscore):
            return None
        if account.direction:
            if row.zscore * account.direction > self.back:
                return None
            return Target((0.0, 0.0), 0, "back in the band")
        direction = 1 if row.zscore >= self.breakout else -1 if row.zscore <= -self.breakout else 0
        if not direction or direction == {"long": -1, "short": 1}.get(self.side):
            return None
        y, x = row.marks
        units = direction * self.notional / y
        ratio = row.hedge_ratio * (y / x) if self.pair.price == "log" else row.hedge_ratio
        return Target((units, -ratio * units), direction, "breakout up" if direction > 0 else "breakout down")


def main() -> None:
    """Run it over the bundled recording, and print what it came to."""
    from alphastream.backtest import TickMarket, backtest
    from alphastream.tape.recordings import read_tape

    market = TickMarket(read_tape("data/tape_usdm_20240808.parquet").columns())
    x, y = market.symbols[:2]
    result = backtest(market, SpreadBreakout(PairSpec(y, x, 10**9, "ols", 60), breakout=2.0))
    print(f"{result.name}: {len(result):,} bars, {len(result.fills)} fills, {result.equity[-1] - result.capital:+.2f}")


if __name__ == "__main__":
    main()
