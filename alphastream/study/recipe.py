"""A study as a class with parameters: what a file in ``user/`` registers, and pages make a form of."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from alphastream.graph import Series
from alphastream.strategies import Decision, PulseStrategy, Table
from alphastream.trading import Account


class Recipe:
    """Base of a frozen dataclass whose ``build`` makes a strategy of a study from its fields.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from alphastream.indicators import RSI
    >>> from alphastream.strategies import EquityShare
    >>> from alphastream.study import Study, instruments
    >>> @dataclass(frozen=True)
    ... class LowIsLong(Recipe):
    ...     symbol: str = "BTCUSDT"
    ...     window: int = 14
    ...
    ...     def build(self):
    ...         study, data = Study(), instruments(self.symbol, every="1m")
    ...         rsi = study.add_indicator(RSI(self.window), data["close"])
    ...         pulse = study.add_indicator(lambda rsi: np.clip((50.0 - rsi) / 20.0, -1.0, 1.0), rsi, look_back=1)
    ...         return study.add_strat(pulse, EquityShare(0.5), name=f"low is long {self.symbol}")
    >>> LowIsLong(window=7).name
    'low is long BTCUSDT'
    """

    def build(self) -> PulseStrategy:
        """The strategy, as ``Study.add_strat`` returns it. Equal fields must make equal strategies."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """That of the strategy."""
        return _built(self).name

    @property
    def pairs(self) -> tuple[Any, ...]:
        """The bars it decides on."""
        return _built(self).pairs

    @property
    def symbols(self) -> tuple[str, ...]:
        """What it trades."""
        return _built(self).symbols

    def series(self, spec: Any) -> Mapping[str, Series]:
        """What it reads."""
        return _built(self).series(spec)

    def table(self, found: Sequence[Any], state: Any) -> tuple[Table, Any]:
        """Rows to decide on."""
        return _built(self).table(found, state)

    def direction_at(self, row: Any) -> int:
        """There is none."""
        return _built(self).direction_at(row)

    def decide(self, row: Any, account: Account) -> Decision:
        """Positions of the value that its allocation says."""
        return _built(self).decide(row, account)


@lru_cache(maxsize=256)
def _built(recipe: Recipe) -> PulseStrategy:
    return recipe.build()
