"""What a form knows of a class's fields."""

from dataclasses import dataclass, field
from typing import Literal

import pytest

from alphastream.errors import ParameterError
from alphastream.registry import Symbol, parameter, parameters_of


@dataclass(frozen=True)
class Pulse:
    """An example.

    Parameters
    ----------
    symbol : what is traded.
    fast, slow : bars of both averages;
        the second line counts, too.
    """

    symbol: Symbol
    others: tuple[Symbol, ...] = ()
    fast: int = parameter(12, unit="bars", minimum=1, maximum=500)
    slow: int = field(default=26, metadata={"help": "Said here.", "min": 2, "step": 2})
    side: Literal["both", "long"] = "both"
    stop: float | None = None
    held: list[int] = field(default_factory=list)
    made: int = field(init=False, default=0)


def test_fields_become_parameters() -> None:
    symbol, others, fast, slow, side, stop, held = parameters_of(Pulse)
    assert (symbol.kind, symbol.is_instrument, symbol.is_required, symbol.help) == (str, True, True, "What is traded.")
    assert others.is_instrument
    assert (fast.label, fast.minimum, fast.maximum) == ("Fast, bars", 1, 500)
    assert fast.help == "Bars of both averages; the second line counts, too."
    assert (slow.help, slow.minimum, slow.step, slow.default) == ("Said here.", 2, 2, 26)
    assert side.choices == ("both", "long")
    assert (stop.kind, stop.is_optional, stop.default) == (float, True, None)
    assert held.default == []


def test_what_contradicts_itself() -> None:
    @dataclass(frozen=True)
    class Wrong:
        window: int = parameter(1, minimum=2)

    with pytest.raises(ParameterError, match=r"Wrong\.window begins with 1, outside of its range from 2 to None"):
        parameters_of(Wrong)

    @dataclass(frozen=True)
    class Unlisted:
        side: str = field(default="up", metadata={"choices": ("long", "short")})

    with pytest.raises(ParameterError, match=r"Unlisted\.side begins with 'up', which is none of its choices"):
        parameters_of(Unlisted)
