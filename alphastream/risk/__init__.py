"""Risk of what is held: exposure, value at risk and expected shortfall, correlation breaks, margin, limits."""

from alphastream.risk.correlation import CorrelationBreak, correlation_break
from alphastream.risk.holdings import Account, AveragePrices, Holding, closed, doubled, read_positions
from alphastream.risk.limits import Breach, Limits, breaches
from alphastream.risk.report import Exposure, RiskReport, measure
from alphastream.risk.scenarios import TailRisk, ewma_scaled, historical, tail_risk

__all__ = [
    "Account",
    "AveragePrices",
    "Breach",
    "CorrelationBreak",
    "Exposure",
    "Holding",
    "Limits",
    "RiskReport",
    "TailRisk",
    "breaches",
    "closed",
    "correlation_break",
    "doubled",
    "ewma_scaled",
    "historical",
    "measure",
    "read_positions",
    "tail_risk",
]
