"""What the pages would say of some rows: each verdict by the functions that the pages call."""

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from alphastream.bars import PairRows
from alphastream.cointegration import cointegration, newest_tested
from alphastream.diagnosis import Finding, diagnose
from alphastream.graph import Node
from alphastream.pairs import PairSpec, series_of, source_columns
from alphastream.scan import scan_pairs

LEVEL: Final = 0.05
SPEC: Final = PairSpec("Y", "X")  # as the pages start: OLS over 100 bars of one second, log prices

Answers = Mapping[str, bool | None]
"""Name of a verdict to what it says: True that something holds the legs together, None where it is refused."""

CARD: Final = "card"
SCANNER: Final = "scanner"
ALONE: Final = ("variance ratio", "Shin", "trace, free", "trace, restricted", "max-eigen", "Phillips-Ouliaris rejects")
"""What tests of the Tests panel would say alone."""
SAYS: Final = (
    "MacKinnon",
    "p-line",
    "EG y on x",
    "EG x on y",
    "Johansen",
    "Phillips-Ouliaris",
    "half-life",
    "ADF y",
    "ADF x",
)
"""What the card says beside its verdict, the chart, and the panel in its own words."""


def _below(pvalue: float | None) -> bool | None:
    return None if pvalue is None or math.isnan(pvalue) else pvalue < LEVEL


def card(rows: PairRows) -> bool | None:
    """The verdict of the card, of Trade readiness and of alerts on the p-value."""
    return _below(cointegration(rows, SPEC.price).pvalue)


def answers(rows: PairRows) -> Answers:
    """The verdicts of cards, chart and Tests panel on the same rows, in the panel's own words."""
    test = cointegration(rows, SPEC.price)
    found = {CARD: _below(test.pvalue), "MacKinnon": _below(test.mackinnon_pvalue), "p-line": _line(rows)}
    return found | _panel(rows)


def scanner(rows: PairRows) -> Answers:
    """The p-value that q-values are made of, of two legs without a price where one did not trade."""
    legs = {SPEC.y: (rows.y, rows.y_trades), SPEC.x: (rows.x, rows.x_trades)}
    panel = pd.DataFrame({name: np.where(trades != 0, price, np.nan) for name, (price, trades) in legs.items()})
    table = scan_pairs(panel, threads=1)
    return {SCANNER: _below(float(table["pvalue_rescaled"].iloc[0]))}


def _line(rows: PairRows) -> bool | None:
    """The newest value of the line of p-values under the chart."""
    series = series_of(SPEC)["pvalue"]
    assert isinstance(series.of, Node)
    both = np.flatnonzero(rows.both_traded)[-SPEC.tested_rows :]
    newest = rows.take(slice(int(both[0]), int(both[-1]) + 1))
    columns = source_columns(newest, SPEC.price)
    outputs, _ = series.of.estimator.run(*(columns[leg.column] for leg in series.of.inputs))
    return _below(float(getattr(outputs, series.column)[-1]))


def _rejects(finding: Finding) -> bool:
    if finding.pvalue is not None:
        return finding.pvalue < LEVEL
    assert finding.statistic is not None
    assert finding.critical is not None
    return finding.statistic > finding.critical


def _says(words: str) -> Callable[[Finding], bool]:
    return lambda finding: words in finding.verdict


_RESIDUAL: Final = "residual of y on x"
_PANEL: Final[dict[str, tuple[str, str, Callable[[Finding], bool]]]] = {
    "EG y on x": ("Engle-Granger", "y on x", _says("Cointegrated")),
    "EG x on y": ("Engle-Granger", "x on y", _says("Cointegrated")),
    "Johansen": ("Johansen trace, free constant", "y and x", _says("as Engle-Granger finds")),
    "Phillips-Ouliaris": ("Phillips-Perron (Phillips-Ouliaris)", _RESIDUAL, _says("as Engle-Granger finds")),
    "half-life": ("Half-life", _RESIDUAL, _says("Half of a deviation")),
    "ADF y": ("Augmented Dickey-Fuller", "y", _says("Looks stationary")),
    "ADF x": ("Augmented Dickey-Fuller", "x", _says("Looks stationary")),
    "variance ratio": ("Variance ratio", _RESIDUAL, _says("taken back")),
    "Shin": ("KPSS (Shin)", "residual of y on x, its leads and lags", lambda finding: not _rejects(finding)),
    "trace, free": ("Johansen trace, free constant", "y and x", _rejects),
    "trace, restricted": ("Johansen trace, restricted constant", "y and x", _rejects),
    "max-eigen": ("Johansen max-eigen", "y and x", _rejects),
    "Phillips-Ouliaris rejects": ("Phillips-Perron (Phillips-Ouliaris)", _RESIDUAL, _rejects),
}


def _panel(rows: PairRows) -> dict[str, bool | None]:
    """The Tests panel: what each finding says in its own words."""
    columns, tested = source_columns(rows, SPEC.price), newest_tested(rows.y_trades, rows.x_trades)
    findings = {
        (finding.test, finding.subject): finding for finding in diagnose(columns["y"][tested], columns["x"][tested])
    }
    found: dict[str, bool | None] = {}
    for name, (test, subject, says) in _PANEL.items():
        finding = findings[test, subject]
        found[name] = None if finding.refusal is not None else says(finding)
    return found
