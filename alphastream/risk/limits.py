"""Limits on what is held, and in which words they are told to be passed."""

import math
from dataclasses import dataclass, fields
from typing import Final

from alphastream.errors import ParameterError
from alphastream.risk.report import RiskReport

_WORDS: Final = {
    "gross": "gross exposure",
    "net": "net exposure",
    "value_at_risk": "value at risk",
    "drawdown": "drawdown",
    "margin_use": "share of the equity that must stay as margin",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be. None: no limit.

    Parameters
    ----------
    gross, net : of all together, quote units; the net one of either sign.
    value_at_risk : the larger of the two of a report, quote units.
    drawdown : of one account, quote units.
    margin_use : of one account, share of its equity.
    """

    gross: float | None = None
    net: float | None = None
    value_at_risk: float | None = None
    drawdown: float | None = None
    margin_use: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None and not (math.isfinite(value) and value > 0.0):
                raise ParameterError(f"the limit of {_WORDS[item.name]} is {value!r}: give a number above 0, or none")


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that is passed.

    Parameters
    ----------
    limit : name of the field of ``Limits``.
    account : whose; "" for all together.
    """

    limit: str
    account: str
    value: float
    level: float

    @property
    def key(self) -> tuple[str, str]:
        """Tells breaches apart."""
        return self.limit, self.account

    @property
    def sentence(self) -> str:
        """What is passed, in words."""
        shape = ".1%" if self.limit == "margin_use" else ",.2f"
        whose = f" of {self.account}" if self.account else ""
        return f"{_WORDS[self.limit].capitalize()}{whose} is {self.value:{shape}}, the limit is {self.level:{shape}}."


def breaches(report: RiskReport, limits: Limits) -> tuple[Breach, ...]:
    """Return the limits that a report passes; what is not known passes none."""
    total = report.total
    risks = [each.value_at_risk for each in (report.historical, report.scaled) if math.isfinite(each.value_at_risk)]
    found = [
        ("gross", "", total.gross),
        ("net", "", abs(total.net)),
        ("value_at_risk", "", max(risks, default=math.nan)),
        *(("drawdown", each.name, each.drawdown) for each in report.accounts),
        *(("margin_use", each.name, each.margin_use) for each in report.accounts),
    ]
    passed = []
    for limit, account, value in found:
        level = getattr(limits, limit)
        if level is not None and value > level:
            passed.append(Breach(limit, account, value, level))
    return tuple(passed)
